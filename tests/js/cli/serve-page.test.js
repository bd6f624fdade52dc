// postern serve --page: all that the page is served, over real sockets.
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { createServer as createNetServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, jest, test } from '@jest/globals';
import { WebSocket } from 'ws';
import { verifyCredentials } from '../../../js/credentials/index.js';
import { CLOSE } from '../../../js/gateway/close-codes.js';
import { runNetworkTest } from '../../../js/network-test/index.js';
import { cleanUp, cleanUpWith, fixture } from '../transports/helpers.js';
import { startServe } from './serve-support.js';
import { runCommand } from './support.js';

jest.setTimeout(60_000);
afterEach(cleanUp);
const folder = mkdtempSync(join(tmpdir(), 'postern-serve-page-'));
afterAll(() => rmSync(folder, { recursive: true }));

const LISTEN = ['--listen', 'udp://127.0.0.1:0', '--listen', 'tcp://127.0.0.1:0'];

/** @param {string} name @param {unknown} content */
function file(name, content) {
  const path = join(folder, name);
  writeFileSync(path, JSON.stringify(content));
  return path;
}

/** @param {string[]} args */
async function started(args) {
  const serve = startServe(args);
  cleanUpWith(async () => {
    serve.signal('SIGTERM');
    serve.signal('SIGTERM');
    await serve.ended;
  });
  const first = await serve.when('listening');
  return { ...serve, first, page: new URL(first.page) };
}

/**
 * Without what fetch() adds and hides.
 *
 * @param {URL} page
 * @param {string} path
 * @param {{ method?: string, host?: string, headers?: Record<string, string>, ca?: Buffer, body?: string }} [options]
 */
async function get(page, path, { method = 'GET', host, headers = {}, ca, body } = {}) {
  const send = page.protocol === 'https:' ? httpsRequest : httpRequest;
  const request = send({
    host: '127.0.0.1',
    port: page.port,
    servername: 'localhost',
    ca,
    path,
    method,
    headers: { Host: host ?? page.host, ...headers },
  });
  request.end(body);
  const [response] = await once(request, 'response');
  let text = '';
  for await (const chunk of response) text += chunk;
  return { status: response.statusCode, headers: response.headers, text };
}

/** How an upgrade goes. @param {URL} page @param {string} path @param {{ protocols?: string[], origin?: string, host?: string }} [options] */
async function upgrade(page, path, { protocols = ['postern.echo'], origin, host } = {}) {
  const socket = new WebSocket(`ws://127.0.0.1:${page.port}${path}`, protocols, {
    origin,
    headers: { Host: host ?? page.host },
  });
  cleanUpWith(() => socket.terminate());
  const outcome = new Promise((/** @type {(value: number) => void} */ resolve) => {
    socket.once('open', () => resolve(101));
    socket.once('unexpected-response', (_, { statusCode = 0 }) => resolve(statusCode));
  });
  socket.on('error', () => {});
  return { socket, status: await outcome };
}

describe('over HTTP', () => {
  test('the page and its files, with a strict policy', async () => {
    const { page } = await started([...LISTEN, '--page', '0']);
    expect(page.href).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/$/);
    const { status, headers, text } = await get(page, '/');
    expect(status).toBe(200);
    expect(headers['content-type']).toMatch(/^text\/html/);
    expect(headers['content-security-policy']).toMatch(/default-src 'none'/);
    const files = Array.from(text.matchAll(/(?:src|href)="\.\/([^"]+)"/g), ([, name]) => name);
    expect(files.length).toBeGreaterThan(1);
    for (const name of files) {
      const { status: code, headers: one } = await get(page, `/${name}`);
      expect([name, code]).toEqual([name, 200]);
      expect(one['x-content-type-options']).toBe('nosniff');
    }
  });

  test('the plan: fresh credentials, and all that is there', async () => {
    const { page, first } = await started([...LISTEN, '--page', '0']);
    const { status, headers, text } = await get(page, '/plan.json');
    expect(status).toBe(200);
    expect(headers['cache-control']).toBe('no-store');
    const { plan, expiresAt } = JSON.parse(text);
    expect(Date.parse(expiresAt)).toBeGreaterThan(Date.now());
    const [, turn] = plan.iceServers;
    expect(turn.urls).toEqual([...first.urls, `ws://${page.host}/turn/main`]);
    expect(turn.username).toMatch(/^\d+:page$/);
    expect(plan).toMatchObject({
      signalling: [`ws://${page.host}/signal`],
      https: [`http://${page.host}/ping`],
      mirror: `http://${page.host}/mirror`,
      reflector: `http://${page.host}/reflector`,
    });
    // Under the other name of loopback, each URL is of that.
    const local = `localhost:${page.port}`;
    const { plan: other } = JSON.parse((await get(page, '/plan.json', { host: local })).text);
    expect(other.https).toEqual([`http://${local}/ping`]);
  });

  test.each([
    ['GET', '/ping', 204],
    ['HEAD', '/ping', 204],
    ['POST', '/ping', 405],
    ['GET', '/nothing', 404],
    ['GET', '/../package.json', 404],
    ['GET', '/%2e%2e/package.json', 404],
    ['POST', '/plan.json', 405],
    ['GET', '/mirror', 405],
  ])('%s %s: %i', async (method, path, expected) => {
    const { page } = await started([...LISTEN, '--page', '0']);
    const headers = path === '/mirror' ? { Origin: page.origin } : {};
    expect((await get(page, path, { method, headers })).status).toBe(expected);
  });

  test('a name that was made to lead here gets nothing', async () => {
    const { page } = await started([...LISTEN, '--page', '0']);
    for (const path of ['/', '/plan.json', '/ping', '/mirror', '/reflector']) {
      const { status, text } = await get(page, path, { host: `evil.example.org:${page.port}` });
      expect([path, status]).toEqual([path, 403]);
      expect(text).not.toContain('credential');
    }
  });

  test('another page gets no plan, no mirror and no gateway', async () => {
    const { page } = await started([...LISTEN, '--page', '0']);
    const origin = 'https://evil.example.org';
    const headers = { Origin: origin, 'Sec-Fetch-Site': 'cross-site' };
    expect((await get(page, '/plan.json', { headers })).status).toBe(403);
    expect((await get(page, '/mirror', { method: 'POST', headers, body: '{}' })).status).toBe(403);
    expect((await upgrade(page, '/turn/main', { protocols: ['turn'], origin })).status).toBe(403);
    expect((await upgrade(page, '/signal', { origin })).status).toBe(403);
  });
});

describe('the echo', () => {
  test('says back what it is told, as text and as bytes', async () => {
    const { page } = await started([...LISTEN, '--page', '0']);
    const { socket, status } = await upgrade(page, '/signal', { origin: page.origin });
    expect([status, socket.protocol]).toEqual([101, 'postern.echo']);
    for (const said of ['a text', Buffer.from([0, 255])]) {
      socket.send(said);
      const [data, isBinary] = await once(socket, 'message');
      expect(isBinary).toBe(typeof said !== 'string');
      expect(data).toEqual(Buffer.from(said));
    }
  });

  test.each([
    [
      'a message that is too long',
      1009,
      (/** @type {WebSocket} */ one) => one.send('x'.repeat(1025)),
    ],
    [
      'too many messages',
      1008,
      (/** @type {WebSocket} */ one) => {
        for (let i = 0; i < 60; i += 1) one.send('x');
      },
    ],
  ])('%s ends it', async (_, code, misbehave) => {
    const { page } = await started([...LISTEN, '--page', '0']);
    const { socket } = await upgrade(page, '/signal');
    misbehave(socket);
    expect((await once(socket, 'close'))[0]).toBe(code);
  });

  test('so many of one host, and no more', async () => {
    const { page } = await started([...LISTEN, '--page', '0']);
    const all = await Promise.all(Array.from({ length: 17 }, () => upgrade(page, '/signal')));
    expect(all.filter(({ status }) => status === 101)).toHaveLength(16);
    expect(all.filter(({ status }) => status === 503)).toHaveLength(1);
  });

  test('other paths and names', async () => {
    const { page } = await started([...LISTEN, '--page', '0']);
    expect((await upgrade(page, '/nothing')).status).toBe(404);
    // Browsers tell pages nothing of an upgrade that was refused, but why a WebSocket was closed.
    const { socket } = await upgrade(page, '/turn/other', {
      protocols: ['turn'],
      origin: page.origin,
    });
    expect((await once(socket, 'close'))[0]).toBe(CLOSE.denied);
    expect((await upgrade(page, '/signal', { host: 'evil.example.org' })).status).toBe(403);
  });
});

test('what /plan.json says works: postern check of it, over each transport, the gateway too', async () => {
  const { page } = await started([...LISTEN, '--page', '0']);
  const { text } = await get(page, '/plan.json');
  const { exitCode, stdout } = await runCommand(['check', '-', '--quick', '--json'], {
    stdin: text,
  });
  const { measurements } = JSON.parse(stdout);
  const servers = measurements.filter((/** @type {any} */ one) => one.kind === 'reachability');
  const works = servers.map((/** @type {any} */ one) => [one.service, one.transport, one.status]);
  expect(works.sort()).toEqual([
    ['stun', 'udp', 'ok'],
    ['turn', 'tcp', 'ok'],
    ['turn', 'udp', 'ok'],
    ['turn', 'ws', 'ok'],
  ]);
  for (const kind of ['signalling', 'https', 'port-map', 'inspection']) {
    expect(measurements.find((/** @type {any} */ one) => one.kind === kind)).toMatchObject({
      status: 'ok',
    });
  }
  expect(exitCode).toBe(0);
  expect(stdout).not.toContain(JSON.parse(text).plan.iceServers[1].credential);
});

test('without a value it is at port 8080 of loopback, or says that this is taken', async () => {
  const other = createNetServer();
  const isFree = await new Promise((resolve) => {
    other.once('error', () => resolve(false));
    other.listen(8080, '127.0.0.1', () => resolve(true));
  });
  cleanUpWith(() => new Promise((resolve) => other.close(resolve)));
  const { exitCode, stderr } = await runCommand(['serve', ...LISTEN, '--page', '--json']);
  expect(exitCode).toBe(2);
  expect(stderr).toMatch(/page can't listen on 127\.0\.0\.1, port 8080 \(EADDRINUSE\)/);
  expect(typeof isFree).toBe('boolean');
});

test('relays only: a server of STUN alone has a page without TURN', async () => {
  const { page } = await started(['--listen', 'udp://127.0.0.1:0', '--stun-only', '--page', '0']);
  const { plan } = JSON.parse((await get(page, '/plan.json')).text);
  expect(plan.iceServers).toEqual([{ urls: [expect.stringMatching(/^stun:127\.0\.0\.1:\d+$/)] }]);
  expect(
    (await upgrade(page, '/turn/main', { protocols: ['turn'], origin: page.origin })).status,
  ).toBe(404);
});

describe('from a file', () => {
  const server = { listen: 'udp://127.0.0.1:0', policy: { allow: ['127.0.0.0/8'] } };

  test('behind a proxy that does TLS: the origin is the public one', async () => {
    const path = file('proxy.json', {
      ...server,
      secret: 'north by north-west',
      page: { port: 0, origins: ['https://test.example.org'], trustProxy: 1 },
    });
    const { first } = await started(['--config', path]);
    expect(first.page).toBe('https://test.example.org/');
    const { status, text } = await get(new URL(`http://${first.pageAddress}`), '/plan.json', {
      host: 'test.example.org',
    });
    expect(status).toBe(200);
    const { plan } = JSON.parse(text);
    expect(plan).toMatchObject({
      signalling: ['wss://test.example.org/signal'],
      origin: 'https://test.example.org',
    });
    expect(plan.iceServers[1].urls).toContain('wss://test.example.org/turn/main');
    // Nothing was said of these.
    expect(plan.mirror ?? plan.reflector).toBeUndefined();
  });

  test('with TLS of its own, and mirror and reflector', async () => {
    const path = file('tls.json', {
      ...server,
      secret: ['newer than the other', 'north by north-west'],
      tls: { cert: fixture('good').toString(), key: fixture('server-key').toString() },
      page: {
        port: 0,
        origins: ['https://localhost'],
        mirror: { addresses: ['127.0.0.1'] },
        reflector: { addresses: ['127.0.0.1'] },
      },
    });
    const { first } = await started(['--config', path]);
    const place = new URL(`https://${first.pageAddress}`);
    const { text } = await get(place, '/plan.json', { host: 'localhost', ca: fixture('ca') });
    const { plan } = JSON.parse(text);
    expect(plan).toMatchObject({
      https: ['https://localhost/ping'],
      mirror: 'https://localhost/mirror',
      reflector: 'https://localhost/reflector',
    });
    const { username, credential } = plan.iceServers[1];
    const { valid } = await verifyCredentials({
      username,
      credential,
      secrets: 'newer than the other',
    });
    expect(valid).toBe(true);
  });

  test.each([
    [
      { page: { port: 0, address: '0.0.0.0' } },
      /page\.origins must be given to listen on 0\.0\.0\.0/,
    ],
    [{ page: { port: 0, origins: [] } }, /page\.origins must be a list/],
    [
      { page: { port: 0, origins: ['http://test.example.org'] } },
      /page\.origins\[0\] must be an origin of https/,
    ],
    [
      { page: { port: 0, origins: ['https://test.example.org'] } },
      /page\.origins must be .* with tls/,
    ],
    [{ page: { port: 0, trustProxy: true } }, /page\.trustProxy must be/],
    [{ page: { prt: 0 } }, /page\.prt is no key.*page\.port/],
    [{ page: { port: 0, mirror: { addresses: [] } } }, /page\.mirror\.addresses must be/],
    [{ listen: [], gateway: { port: 0 }, page: { port: 0 } }, /page needs a server/],
  ])('%j is refused', async (more, sentence) => {
    const path = file('wrong.json', { ...server, secret: 'north by north-west', ...more });
    const { exitCode, stderr } = await runCommand(['serve', '--config', path]);
    expect(stderr).toMatch(sentence);
    expect(exitCode).toBe(64);
    expect(stderr).not.toContain('north by');
  });

  test.each([
    [['--page', 'nowhere'], /--page takes PORT/],
    [['--page', '99999'], /--page takes PORT/],
    [['--page', '192.0.2.1:80'], /page\.origins must be given/],
  ])('%j is refused', async (args, sentence) => {
    const { exitCode, stderr } = await runCommand(['serve', ...LISTEN, ...args]);
    expect(stderr).toMatch(sentence);
    expect(exitCode).toBe(64);
  });

  test('SIGHUP: pages get credentials of the secret that is new', async () => {
    const content = {
      ...server,
      secret: 'north by north-west',
      page: { port: 0, origins: ['http://localhost:1'] },
    };
    const path = file('live.json', content);
    const { signal, when } = await started(['--config', path]);
    file('live.json', { ...content, secret: 'south by south-east' });
    signal('SIGHUP');
    expect(await when('reload')).toMatchObject({ replaced: ['secret'], restart: [] });
    file('live.json', { ...content, page: { port: 0 } });
    signal('SIGHUP');
    expect((await when('reload', 1)).restart).toContain('page');
  });
});

test('a new secret reaches the plan, and the server takes what it is made of', async () => {
  const secretFile = join(folder, 'secret');
  writeFileSync(secretFile, 'north by north-west\n');
  const args = [...LISTEN, '--allow', '127.0.0.0/8', '--secret-file', secretFile, '--page', '0'];
  const { page, signal, when } = await started(args);
  const planOf = async () => JSON.parse((await get(page, '/plan.json')).text).plan;
  const works = async () => {
    const { iceServers } = await planOf();
    const report = await runNetworkTest({ iceServers, natServer: false, quality: false });
    return report.measurements.filter(
      ({ kind, status }) => kind === 'reachability' && status === 'ok',
    ).length;
  };
  expect(await works()).toBe(3);
  writeFileSync(secretFile, 'south by south-east\n');
  signal('SIGHUP');
  await when('reload');
  expect(await works()).toBe(3);
});

test('it ends with the rest: nothing is left open', async () => {
  const { page, signal, ended, first } = await started([...LISTEN, '--page', '0']);
  const { socket } = await upgrade(page, '/signal');
  signal('SIGINT');
  await once(socket, 'close');
  expect((await ended).exitCode).toBe(130);
  await expect(get(page, '/ping')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  expect(first.urls).toHaveLength(2);
  expect(readFileSync(join(folder, 'secret'), 'utf8')).toContain('south');
});
