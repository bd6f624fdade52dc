// postern serve as a process: the signals of the system, and a gateway in the same process.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, expect, jest, test } from '@jest/globals';
import { WebSocket } from 'ws';
import { allocate } from '../../../js/index.js';
import { project } from '../client/child.js';
import { cleanUp, cleanUpWith, freeUdpPort, udpServer } from '../transports/helpers.js';

jest.setTimeout(60_000);
afterEach(cleanUp);
const folder = mkdtempSync(join(tmpdir(), 'postern-serve-process-'));
afterAll(() => rmSync(folder, { recursive: true }));
const CLI = fileURLToPath(new URL('../../../js/cli/cli.js', import.meta.url));

/** @param {string} name @param {string | object} content */
function file(name, content) {
  const path = join(folder, name);
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}

/** @param {string[]} args */
function start(args) {
  const child = spawn(process.execPath, [CLI, 'serve', ...args, '--json'], { cwd: project });
  cleanUpWith(() => void child.kill('SIGKILL'));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  let stderr = '';
  child.stderr.on('data', (text) => {
    stderr += text;
  });
  const ended = once(child, 'close').then(([code, signal]) => ({ code, signal, stderr }));
  /** The next of what it tells, that is of this kind. @param {string} event */
  const next = async (event) => {
    for (;;) {
      const { value, done } = await lines.next();
      if (done) throw new Error(`It has ended: ${stderr}`);
      const entry = JSON.parse(value);
      if (entry.event === event) return entry;
    }
  };
  return { child, ended, next };
}

const ARGS = ['--listen', 'udp://127.0.0.1:0', '--user', 'alice:hunter2'];

/** @param {any} urls @param {string} [credential] */
const asAlice = (urls, credential = 'hunter2') => allocate({ urls, username: 'alice', credential });

test.each(
  /** @type {const} */ ([
    ['SIGINT', 130],
    ['SIGTERM', 0],
  ]),
)('%s: %i, when nothing is to be waited for', async (signal, code) => {
  const { child, ended, next } = start(ARGS);
  await next('listening');
  child.kill(signal);
  expect(await next('drain')).toMatchObject({ signal, allocations: 0 });
  expect(await ended).toEqual({ code, signal: null, stderr: '' });
});

test.each(
  /** @type {const} */ ([
    ['SIGINT', 130],
    ['SIGTERM', 0],
  ]),
)('%s waits for allocations where it is told to; another one ends them', async (signal, code) => {
  const { child, ended, next } = start([...ARGS, '--drain', '600']);
  const { urls } = await next('listening');
  const relay = await asAlice(urls);
  await next('allocation');
  child.kill(signal);
  expect(await next('drain')).toMatchObject({ signal, allocations: 1 });
  await expect(asAlice(urls)).rejects.toMatchObject({ errorCode: 508 });
  child.kill(signal);
  expect(await next('end')).toMatchObject({ username: 'alice' });
  expect(await ended).toEqual({ code, signal: null, stderr: '' });
  await relay.close();
});

test('SIGHUP reads users again', async () => {
  const users = file('users', 'alice:one\n');
  const { child, next } = start(['--listen', 'udp://127.0.0.1:0', '--users-file', users]);
  const { urls } = await next('listening');
  await (await asAlice(urls, 'one')).close();
  file('users', 'alice:two\n');
  child.kill('SIGHUP');
  expect(await next('reload')).toMatchObject({ usersSet: 1, usersRemoved: 0 });
  await (await asAlice(urls, 'two')).close();
});

test('whoever reads no more ends it', async () => {
  const { child, ended, next } = start(ARGS);
  const { urls } = await next('listening');
  child.stdout.destroy();
  const relay = await asAlice(urls);
  expect(await ended).toMatchObject({ signal: null, stderr: '' });
  await relay.close();
});

const ORIGIN = 'https://app.example.org';

/** A page, as far as a server can tell. */
class Page extends WebSocket {
  /** @param {string} url @param {string[]} protocols */
  constructor(url, protocols) {
    super(url, protocols, { origin: ORIGIN });
  }
}

const gatewayTo = (/** @type {number} */ port) => ({
  port: 0,
  upstreams: { main: { url: `turn:127.0.0.1:${port}`, allowPrivate: true } },
  origins: [ORIGIN],
  tickets: false,
  policy: { allow: ['127.0.0.0/8'] },
});

test('a gateway in the same process, in front of the server: data goes through both', async () => {
  const port = await freeUdpPort();
  const config = file('both.json', {
    listen: `udp://127.0.0.1:${port}`,
    credentials: { alice: 'hunter2' },
    policy: { allow: ['127.0.0.0/8'] },
    metrics: { port: 0 },
    gateway: gatewayTo(port),
  });
  const { child, ended, next } = start(['--config', config]);
  const { gateway, metrics } = await next('listening');
  expect(gateway).toMatch(/^ws:\/\/127\.0\.0\.1:\d+\/turn\/$/);
  const peer = await udpServer();
  const server = { urls: `${gateway}main`, username: 'alice', credential: 'hunter2' };
  const relay = await allocate(server, { WebSocket: Page });
  const echo = new Promise((resolve) => {
    relay.onmessage = (data) => resolve(Buffer.from(data).toString());
  });
  relay.send(Buffer.from('there and back'), peer.target);
  expect(await echo).toBe('there and back');
  const text = await (await fetch(metrics)).text();
  expect(text).toMatch(/^postern_server_allocations 1$/m);
  expect(text).toMatch(/^postern_gateway_allocations 1$/m);
  // Each name once: the two are one answer.
  const names = Array.from(text.matchAll(/^# TYPE (\S+)/gm), ([, name]) => name);
  expect(new Set(names).size).toBe(names.length);
  expect(await next('gateway-open')).toMatchObject({ upstream: 'main' });
  child.kill('SIGTERM');
  expect(await next('gateway-end')).toMatchObject({ reason: 'drain' });
  child.kill('SIGTERM');
  expect(await ended).toEqual({ code: 0, signal: null, stderr: '' });
  await relay.close();
});

test('a gateway alone', async () => {
  const config = file('alone.json', { listen: [], gateway: gatewayTo(await freeUdpPort()) });
  const { child, ended, next } = start(['--config', config]);
  const entry = await next('listening');
  expect(entry).toMatchObject({ addresses: [], urls: [] });
  expect(entry.iceServer).toBeUndefined();
  const socket = new Page(`${entry.gateway}main`, ['turn']);
  await once(socket, 'open');
  child.kill('SIGINT');
  await once(socket, 'close');
  expect(await ended).toEqual({ code: 130, signal: null, stderr: '' });
});
