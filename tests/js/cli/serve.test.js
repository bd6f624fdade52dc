// postern serve: a server that clients use, from its options to its end.
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer, request } from 'node:http';
import { createServer as createTcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, describe, expect, jest, test } from '@jest/globals';
import { createAccessToken, createCredentials } from '../../../js/credentials/index.js';
import { allocate, getMappedAddress } from '../../../js/index.js';
import { cleanUp, cleanUpWith, freeUdpPort, udpServer } from '../transports/helpers.js';
import { startServe } from './serve-support.js';
import { runCommand } from './support.js';

jest.setTimeout(30_000);
afterEach(cleanUp);
const folder = mkdtempSync(join(tmpdir(), 'postern-serve-'));
afterAll(() => rmSync(folder, { recursive: true }));

const LISTEN = ['--listen', 'udp://127.0.0.1:0'];
const ALICE = [...LISTEN, '--user', 'alice:hunter2'];
const PEERS = ['--allow', '127.0.0.0/8'];
const tls = (/** @type {string} */ name) =>
  fileURLToPath(new URL(`../../fixtures/tls/${name}.pem`, import.meta.url));

/** @param {string} name @param {string | object} content */
function file(name, content) {
  const path = join(folder, name);
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}

/** @param {string[]} args @param {Parameters<typeof startServe>[1]} [world] */
async function started(args, world) {
  const serving = startServe(args, world);
  cleanUpWith(async () => {
    serving.signal('SIGINT');
    serving.signal('SIGINT');
    await serving.ended;
  });
  return {
    ...serving,
    first: world?.isJson === false ? undefined : await serving.when('listening'),
  };
}

/** @param {any} server @param {object} [options] */
async function relayOf(server, options) {
  const relay = await allocate(server, options);
  cleanUpWith(() => relay.close());
  return relay;
}

/** @param {any} first @param {string} username @param {string} credential */
const as = (first, username, credential) => ({ urls: first.urls, username, credential });

/** Whether data goes from one relay to another. @param {any} from @param {any} to */
async function carries(from, to) {
  const text = new Promise((resolve) => {
    to.onmessage = (/** @type {Uint8Array} */ data) => resolve(Buffer.from(data).toString());
  });
  await to.permit(from.relayedAddress);
  await from.permit(to.relayedAddress);
  from.send(Buffer.from('over two relays'), to.relayedAddress);
  return text;
}

describe('without arguments', () => {
  test('a server for development: a user made for this run, loopback, and peers there', async () => {
    const { first, when } = await started(LISTEN);
    expect(first).toMatchObject({ isDevelopment: true, addresses: [expect.any(String)] });
    const { iceServer } = /** @type {any} */ (first);
    expect(iceServer.username).toBe('dev');
    expect(iceServer.credential).toMatch(/^[\w-]{22}$/);
    const relay = await relayOf(iceServer);
    const other = await relayOf(iceServer);
    expect(await carries(relay, other)).toBe('over two relays');
    expect(await when('allocation')).toMatchObject({
      username: 'dev',
      client: `127.0.0.1:${relay.localAddress.port}`,
      protocol: 'udp',
      transport: 'udp',
      relayed: [`127.0.0.1:${relay.relayedAddress.port}`],
      lifetimeSeconds: 600,
    });
  });

  test('its password is another one in each run, and the words say how it is used', async () => {
    const texts = [];
    for (let i = 0; i < 2; i++) {
      const { told } = await started(LISTEN, { isJson: false });
      texts.push(await told('--peer echo\n'));
    }
    const [one, two] = texts.map((text) => /"credential":"([^"]+)"/.exec(text)?.[1]);
    expect(one).not.toBe(two);
    expect(texts[0]).toMatch(/^A server for development: on loopback/);
    const [, line] = /^ICE server {2,}(.*)$/m.exec(texts[0]) ?? [];
    await relayOf(JSON.parse(line ?? ''));
    const words = /^try {2,}npx postern (.*)$/m.exec(texts[0])?.[1]?.replaceAll("'", '') ?? '';
    const tried = await runCommand(words.split(' '));
    expect(tried).toMatchObject({ exitCode: 0, stderr: '' });
    expect(tried.stdout).toMatch(/5 of 5 came back/);
  });

  test.each([
    [
      'a place that is not loopback',
      ['--listen', 'udp://127.0.0.1:0', '--listen', 'udp://0.0.0.0:0'],
    ],
    ['all addresses of IPv6', ['--listen', 'tcp://[::]:0']],
  ])('no user is made for %s', async (_, args) => {
    const { exitCode, stdout, stderr } = await runCommand(['serve', ...args]);
    expect({ exitCode, stdout }).toEqual({ exitCode: 64, stdout: '' });
    expect(stderr).toMatch(/Who may use it\? Name --user/);
  });
});

describe('who may use it', () => {
  test.each([
    ['--user', [...LISTEN, '--user', 'alice:hun:ter2', '--user', 'bob:b'], {}],
    [
      '--users-file',
      [...LISTEN, '--users-file', file('users', '# ours\n\nalice:hun:ter2\r\nbob:b\n')],
      {},
    ],
    ['the environment', LISTEN, { POSTERN_USERNAME: 'alice', POSTERN_PASSWORD: 'hun:ter2' }],
  ])('%s', async (_, args, env) => {
    const { first } = await started(args, { env });
    expect(first?.iceServer).toEqual({
      urls: first?.urls,
      username: 'USER',
      credential: 'PASSWORD',
    });
    expect(first?.isDevelopment).toBe(false);
    await relayOf(as(first, 'alice', 'hun:ter2'));
    await expect(allocate(as(first, 'alice', 'wrong'))).rejects.toMatchObject({
      code: 'ERR_STUN_UNAUTHENTICATED',
    });
  });

  test.each([
    ['--secret-file', [...LISTEN, '--secret-file', file('secrets', 'new\nold\n')], {}],
    ['POSTERN_SECRET', LISTEN, { POSTERN_SECRET: 'old' }],
  ])('time-limited credentials of %s', async (_, args, env) => {
    const { first } = await started(args, { env });
    const { username, credential } = await createCredentials({
      secret: 'old',
      userId: 'u',
      ttlSeconds: 60,
    });
    await relayOf(as(first, username, credential));
  });

  test('peers that are not public need --allow, and --deny wins', async () => {
    const closed = await started(ALICE);
    const relay = await relayOf(as(closed.first, 'alice', 'hunter2'));
    await expect(relay.permit({ address: '127.0.0.1', port: 9 })).rejects.toMatchObject({
      errorCode: 403,
    });
    const open = await started([...ALICE, '--allow', '127.0.0.0/8', '--deny', '127.0.0.2']);
    const other = await relayOf(as(open.first, 'alice', 'hunter2'));
    await other.permit({ address: '127.0.0.1', port: 9 });
    await expect(other.permit({ address: '127.0.0.2', port: 9 })).rejects.toMatchObject({
      errorCode: 403,
    });
  });

  test('--stun-only needs nobody, and relays for nobody', async () => {
    const { first } = await started([...LISTEN, '--stun-only']);
    expect(first?.urls[0]).toMatch(/^stun:127\.0\.0\.1:\d+$/);
    expect(first?.iceServer).toEqual({ urls: first?.urls });
    expect((await getMappedAddress(first?.urls[0])).address).toBe('127.0.0.1');
    const url = first?.urls[0].replace('stun:', 'turn:');
    await expect(allocate({ urls: url, username: 'a', credential: 'b' })).rejects.toThrow();
  });
});

describe('where it is', () => {
  test('several protocols, realm, ports and an external address', async () => {
    const { first } = await started([
      ...ALICE,
      ...[
        '--listen',
        'tcp://127.0.0.1:0',
        '--listen',
        'ws://127.0.0.1:0',
        '--realm',
        'example.org',
      ],
      ...[
        '--ports',
        '50100-50163',
        '--relay-address',
        '127.0.0.1',
        '--external',
        '127.0.0.1=192.0.2.7',
      ],
    ]);
    expect(first?.addresses.map((/** @type {string} */ one) => one.split(':')[0])).toEqual([
      'udp',
      'tcp',
      'ws',
    ]);
    // The gateway of the addresses is the translator's.
    expect(first?.urls).toEqual([
      expect.stringMatching(/^turn:192\.0\.2\.7:\d+\?transport=udp$/),
      expect.stringMatching(/^turn:192\.0\.2\.7:\d+\?transport=tcp$/),
      expect.stringMatching(/^ws:\/\/192\.0\.2\.7:\d+\/$/),
    ]);
    // What RTCPeerConnection takes has no WebSocket.
    expect(first?.iceServer.urls).toEqual(first?.urls.slice(0, 2));
    const [port] = first?.addresses[1].match(/\d+$/) ?? [];
    const relay = await relayOf({
      urls: `turn:127.0.0.1:${port}?transport=tcp`,
      username: 'alice',
      credential: 'hunter2',
    });
    expect(relay.relayedAddress.address).toBe('192.0.2.7');
    expect(relay.relayedAddress.port).toBeGreaterThanOrEqual(50_100);
    expect(relay.relayedAddress.port).toBeLessThanOrEqual(50_163);
  });

  test('TLS, with certificate and key from files', async () => {
    const { first } = await started([
      ...['--listen', 'tls://127.0.0.1:0', '--user', 'alice:hunter2'],
      ...['--cert', tls('good'), '--key', tls('server-key')],
    ]);
    const ca = readFileSync(tls('ca'));
    const relay = await relayOf(as(first, 'alice', 'hunter2'), {
      tls: { ca, servername: 'localhost' },
    });
    expect(relay.transport).toBe('tls');
  });

  test('a port that is taken: 2, with a hint', async () => {
    const taken = createTcpServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    cleanUpWith(() => taken.close());
    const { port } = /** @type {import('node:net').AddressInfo} */ (taken.address());
    const args = ['serve', ...ALICE, '--listen', `tcp://127.0.0.1:${port}`];
    const { exitCode, stderr } = await runCommand(args);
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(
      /can't listen at tcp:\/\/127\.0\.0\.1:\d+\. Another program uses the port\./,
    );
  });
});

describe('--metrics', () => {
  /** @param {string} url @param {string} path */
  const get = async (url, path) => {
    const response = await fetch(new URL(path, url));
    return {
      status: response.status,
      text: await response.text(),
      type: response.headers.get('content-type'),
    };
  };

  test('numbers, health, and readiness until it is told to end', async () => {
    const { first, signal, ended, when } = await started([
      ...ALICE,
      '--metrics',
      '0',
      '--drain',
      '60',
    ]);
    const url = first?.metrics;
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/metrics$/);
    const relay = await relayOf(as(first, 'alice', 'hunter2'));
    const metrics = await get(url, '/metrics');
    expect(metrics.type).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(metrics.text).toMatch(/^postern_server_allocations 1$/m);
    expect(await get(url, '/readyz')).toMatchObject({ status: 200, text: 'ready\n' });
    signal('SIGTERM');
    await when('drain');
    expect(await get(url, '/readyz')).toMatchObject({ status: 503 });
    expect(await get(url, '/healthz')).toMatchObject({ status: 200, text: 'ok\n' });
    await relay.close();
    expect(await ended).toMatchObject({ exitCode: 0, stderr: '' });
    await expect(fetch(url)).rejects.toThrow();
  });

  test('a page whose name leads here reads nothing, unless the address was named; GET only', async () => {
    /** @param {string} url @param {object} options */
    const ask = async (url, options) => {
      const [response] = await once(request(url, options).end(), 'response');
      response.resume();
      return response.statusCode;
    };
    const headers = { host: 'attacker.example' };
    const { first } = await started([...ALICE, '--metrics', '0']);
    expect(await ask(first?.metrics, { headers })).toBe(403);
    expect(await ask(first?.metrics, { method: 'POST' })).toBe(405);
    expect(await ask(`${first?.metrics}/more`, {})).toBe(404);
    const named = await started([...ALICE, '--metrics', '127.0.0.1:0']);
    expect(await ask(named.first?.metrics, { headers })).toBe(200);
  });

  test.each(['127.0.0.1:0', '[::1]:0', '0.0.0.0:0'])('at %s', async (place) => {
    const { first } = await started([...ALICE, '--metrics', place]);
    const port = new URL(first?.metrics).port;
    const host = place.startsWith('[') ? '[::1]' : '127.0.0.1';
    expect(await get(`http://${host}:${port}`, '/healthz')).toMatchObject({ status: 200 });
  });

  test('a port that is taken: 2, and the server is closed again', async () => {
    const taken = createHttpServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    cleanUpWith(() => taken.close());
    const { port } = /** @type {import('node:net').AddressInfo} */ (taken.address());
    const own = await freeUdpPort();
    const { exitCode, stdout, stderr } = await runCommand([
      ...['serve', '--listen', `udp://127.0.0.1:${own}`, '--user', 'alice:hunter2'],
      ...['--metrics', `${port}`],
    ]);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toMatch(/listener for metrics can't listen on 127\.0\.0\.1.*EADDRINUSE/);
    await udpServer('127.0.0.1', own);
  });
});

describe('the end', () => {
  test("SIGINT: at once, 130; the allocation is told of, and the signals are nobody's any more", async () => {
    const { first, signal, ended, entries, listening } = await started([...ALICE, ...PEERS]);
    const relay = await relayOf(as(first, 'alice', 'hunter2'));
    await relay.permit({ address: '127.0.0.1', port: 9 });
    signal('SIGINT');
    expect(await ended).toMatchObject({ exitCode: 130, stderr: '' });
    expect(entries.map(({ event }) => event)).toEqual([
      'listening',
      'allocation',
      'drain',
      'end',
      'closed',
    ]);
    const { time, event, ...end } = /** @type {any} */ (entries.at(-2));
    expect(end).toEqual({
      id: entries[1].id,
      username: 'alice',
      client: entries[1].client,
      protocol: 'udp',
      transport: 'udp',
      relayed: entries[1].relayed,
      durationMs: expect.any(Number),
      sentMessages: 0,
      sentBytes: 0,
      receivedMessages: 0,
      receivedBytes: 0,
    });
    expect(time).toMatch(/^\d{4}-\d\d-\d\dT/);
    expect(listening()).toEqual([]);
  });

  test('SIGTERM waits for allocations, and refuses new ones', async () => {
    const { first, signal, ended, when } = await started([...ALICE, ...PEERS, '--drain', '600']);
    const relay = await relayOf(as(first, 'alice', 'hunter2'));
    signal('SIGTERM');
    expect(await when('drain')).toMatchObject({ signal: 'SIGTERM', seconds: 600, allocations: 1 });
    await expect(allocate(as(first, 'alice', 'hunter2'))).rejects.toMatchObject({ errorCode: 508 });
    await relay.permit({ address: '127.0.0.1', port: 9 });
    await relay.close();
    expect(await ended).toMatchObject({ exitCode: 0 });
  });

  test.each(/** @type {const} */ (['SIGTERM', 'SIGINT']))(
    'a second %s does not wait',
    async (name) => {
      const { first, signal, ended, when } = await started([...ALICE, '--drain', '600']);
      await relayOf(as(first, 'alice', 'hunter2'));
      signal(name);
      await when('drain');
      signal(name);
      expect(await ended).toMatchObject({ exitCode: name === 'SIGINT' ? 130 : 0 });
      expect(await when('end')).toMatchObject({ username: 'alice' });
    },
  );

  test('--quiet: no lines about allocations', async () => {
    const { first, signal, ended, entries } = await started([...ALICE, '--quiet']);
    const relay = await relayOf(as(first, 'alice', 'hunter2'));
    await relay.close();
    signal('SIGTERM');
    expect((await ended).exitCode).toBe(0);
    expect(entries.map(({ event }) => event)).toEqual(['listening', 'drain', 'closed']);
  });

  test('the words of the lines', async () => {
    const serving = await started(ALICE, { isJson: false });
    const text = await serving.told('clients take');
    const [, url] = /clients take +(\S+)/.exec(text) ?? [];
    const relay = await relayOf({ urls: url, username: 'alice', credential: 'hunter2' });
    await relay.close();
    serving.signal('SIGTERM');
    const { stdout } = await serving.ended;
    expect(stdout).toMatch(
      /^\S+Z allocation: alice, 127\.0\.0\.1:\d+ over udp, relayed 127\.0\.0\.1:\d+ \(udp\)$/m,
    );
    expect(stdout).toMatch(
      /^\S+Z end: alice, .* s, 0 messages to peers \(0 bytes\), 0 from peers \(0 bytes\)$/m,
    );
    expect(stdout).not.toContain('hunter2');
  });
});

describe('SIGHUP', () => {
  test.each([
    ['reads again', false, ['SIGHUP', 'SIGTERM']],
    ['ends what runs in a terminal that is gone', true, ['SIGTERM']],
  ])('%s', async (_, isTerminal, expected) => {
    const { told, listening } = await started(ALICE, { isJson: false, isTerminal });
    await told('ICE server');
    expect(listening().sort()).toEqual(expected);
  });

  test('users are added, changed and removed; allocations stay', async () => {
    const users = file('live-users', 'alice:one\nbob:two\n');
    const { first, signal, when, entries } = await started([...LISTEN, '--users-file', users]);
    const relay = await relayOf(as(first, 'alice', 'one'));
    file('live-users', 'bob:three\ncarol:four\n');
    signal('SIGHUP');
    expect(await when('reload')).toMatchObject({ usersSet: 2, usersRemoved: 1, restart: [] });
    await relayOf(as(first, 'bob', 'three'));
    await relayOf(as(first, 'carol', 'four'));
    for (const [name, password] of [
      ['alice', 'one'],
      ['bob', 'two'],
    ]) {
      await expect(allocate(as(first, name, password))).rejects.toMatchObject({
        code: 'ERR_STUN_UNAUTHENTICATED',
      });
    }
    expect((await when('allocation')).relayed).toEqual([`127.0.0.1:${relay.relayedAddress.port}`]);
    expect(entries.filter(({ event }) => event === 'end')).toEqual([]);
    signal('SIGHUP');
    expect(await when('reload', 1)).toMatchObject({ usersSet: 0, usersRemoved: 0 });
  });

  test('secrets', async () => {
    const secrets = file('live-secrets', 'old\n');
    const { first, signal, when, complained } = await started([
      ...LISTEN,
      ...['--secret-file', secrets],
    ]);
    const make = async (/** @type {string} */ secret) => {
      const { username, credential } = await createCredentials({
        secret,
        userId: 'u',
        ttlSeconds: 60,
      });
      return as(first, username, credential);
    };
    await expect(allocate(await make('new'))).rejects.toMatchObject({
      code: 'ERR_STUN_UNAUTHENTICATED',
    });
    file('live-secrets', 'new\nold\n');
    signal('SIGHUP');
    expect(await when('reload')).toMatchObject({ replaced: ['secret'], restart: [] });
    await relayOf(await make('new'));
    await relayOf(await make('old'));
    file('live-secrets', 'a\nb\nc\nd\ne\n');
    signal('SIGHUP');
    expect(await complained('nothing was changed')).toMatch(/--secret-file must be/);
    await relayOf(await make('new'));
  });

  test('keys of access tokens', async () => {
    const keyOf = (/** @type {number} */ byte) => Buffer.alloc(32, byte);
    /** @param {number} byte @param {string} [serverName] */
    const config = (byte, serverName) => ({
      listen: 'udp://127.0.0.1:0',
      tokens: {
        ...(serverName && { serverName }),
        keys: [{ kid: `k${byte}`, key: keyOf(byte).toString('base64') }],
      },
    });
    const path = file('tokens.json', config(1));
    const { first, signal, when } = await started(['--config', path]);
    /** @param {number} byte */
    const withToken = async (byte) => {
      const made = await createAccessToken({
        kid: `k${byte}`,
        key: keyOf(byte),
        serverName: 'postern',
      });
      return allocate(first?.urls[0], { credentials: made });
    };
    await (await withToken(1)).close();
    file('tokens.json', config(2));
    signal('SIGHUP');
    expect(await when('reload')).toMatchObject({ replaced: ['tokens'], restart: [] });
    await (await withToken(2)).close();
    await expect(withToken(1)).rejects.toThrow();
    file('tokens.json', config(2, 'other'));
    signal('SIGHUP');
    expect(await when('reload', 1)).toMatchObject({ replaced: [], restart: ['tokens'] });
  });

  test('the certificate', async () => {
    const cert = file('live.pem', readFileSync(tls('wrong-name'), 'utf8'));
    const key = file('live.key', readFileSync(tls('server-key'), 'utf8'));
    chmodSync(key, 0o600);
    const args = [
      '--listen',
      'tls://127.0.0.1:0',
      '--user',
      'alice:hunter2',
      '--cert',
      cert,
      '--key',
      key,
    ];
    const { first, signal, when } = await started(args);
    const port = Number(/:(\d+)\?/.exec(first?.urls[0])?.[1]);
    const subject = async () => {
      const socket = connectTls({ host: '127.0.0.1', port, rejectUnauthorized: false });
      await once(socket, 'secureConnect');
      const { fingerprint256 } = socket.getPeerCertificate();
      socket.destroy();
      return fingerprint256;
    };
    const before = await subject();
    file('live.pem', readFileSync(tls('good'), 'utf8'));
    signal('SIGHUP');
    expect(await when('reload')).toMatchObject({ replaced: ['tls'], restart: [] });
    const after = await subject();
    expect(after).not.toBe(before);
    await relayOf(as(first, 'alice', 'hunter2'), {
      tls: { ca: readFileSync(tls('ca')), servername: 'localhost' },
    });
  });

  test('what is wrong changes nothing, and is said; what needs a restart is named', async () => {
    const config = { listen: 'udp://127.0.0.1:0', credentials: { alice: 'one' } };
    const path = file('live.json', config);
    const { first, signal, when, complained } = await started(['--config', path]);
    file('live.json', { ...config, credentials: { alice: 'two' }, relm: 'x' });
    signal('SIGHUP');
    expect(await complained('nothing was changed')).toMatch(/live\.json: relm is no key.*realm\?/);
    file('live.json', {
      ...config,
      credentials: { alice: 'one', bob: 'two' },
      realm: 'x',
      secret: 's',
    });
    signal('SIGHUP');
    expect(await when('reload')).toMatchObject({ usersSet: 1, restart: ['realm', 'secret'] });
    await relayOf(as(first, 'alice', 'one'));
    await relayOf(as(first, 'bob', 'two'));
  });
});
