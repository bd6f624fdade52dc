// checkIceServers() against servers in memory and on loopback.
import { afterEach, expect, jest, test } from '@jest/globals';
import { startStunResponder } from '../../../js/dev/stun-responder.js';
import { checkIceServers, PosternError } from '../../../js/index.js';
import { rejection } from '../client/support.js';
import { cleanUp, cleanUpWith, fixture, tlsServer } from '../transports/helpers.js';
import { CREDENTIALS, RELAYED, ScriptedServer, stream } from '../turn/scripted-server.js';

jest.setTimeout(30_000);
afterEach(cleanUp);

const URL = 'turn:198.51.100.1';
const FIRST_RELAY = 49_152;
const SERVER = {
  urls: URL,
  username: CREDENTIALS.username,
  credential: CREDENTIALS.password,
};
/** Short enough to wait for, where something is lost on purpose. */
const SOON_MS = 400;

/** @param {ScriptedServer} server @param {import('../../../js/check/check-ice-servers.js').CheckOptions} [options] */
async function checkAt(server, options) {
  const rows = await checkIceServers([SERVER], { transport: server.transport, ...options });
  expect(rows).toHaveLength(1);
  // All relays were given back.
  expect(server.allocations.size).toBe(0);
  return rows[0];
}

/** A server whose first relay hears itself. @param {ConstructorParameters<typeof ScriptedServer>[0]} [medium] */
function loopingServer(medium) {
  const server = new ScriptedServer(medium);
  server.peer(RELAYED, FIRST_RELAY, { echoes: true });
  return server;
}

async function startResponder() {
  const responder = await startStunResponder();
  cleanUpWith(() => responder.close());
  return `127.0.0.1:${responder.udpPort}`;
}

test.each([
  ['datagrams', undefined],
  ['a stream', stream(7)],
])('a relay that hears itself is proven, over %s', async (_, medium) => {
  const row = await checkAt(loopingServer(medium), { echoes: 3 });
  expect(row).toEqual({
    url: URL,
    transport: 'udp',
    ok: true,
    serverAddress: expect.objectContaining({ address: '198.51.100.1', port: 3478 }),
    localAddress: expect.objectContaining({ address: '192.0.2.1' }),
    mappedAddress: expect.objectContaining({ address: '192.0.2.1' }),
    relayedAddress: { address: RELAYED, port: FIRST_RELAY, family: 'IPv4' },
    software: 'scripted',
    dataPath: 'proven',
    via: 'self',
    roundTripMs: expect.any(Number),
    echoes: { sent: 3, received: 3 },
    phases: {
      dns: expect.any(Number),
      connect: expect.any(Number),
      challenge: expect.any(Number),
      allocate: expect.any(Number),
      permission: expect.any(Number),
      firstByte: expect.any(Number),
    },
  });
});

test('an echo that is lost is left out, and said', async () => {
  const server = loopingServer();
  let count = 0;
  server.script = ({ method }) => {
    if (method !== 'Send') return undefined;
    count += 1;
    return count === 2 ? 'silence' : undefined;
  };
  const row = await checkAt(server, { echoes: 4, timeoutMs: SOON_MS });
  expect(row).toMatchObject({ ok: true, dataPath: 'proven', echoes: { sent: 4, received: 3 } });
  expect(row.hint).toMatch(/^1 of 4 were lost/);
});

test('data that comes back changed is no proof', async () => {
  const server = new ScriptedServer();
  server.script = (request, connection) => {
    const { data } = request.attributes;
    if (request.method !== 'Send' || data === undefined || !connection.allocation) return undefined;
    const changed = Uint8Array.from(data, (byte) => byte ^ 1);
    server.indicate(
      'Data',
      { xorPeerAddress: { address: RELAYED, port: FIRST_RELAY }, data: changed },
      connection.allocation,
    );
    return 'silence';
  };
  const row = await checkAt(server, { timeoutMs: SOON_MS });
  expect(row).toMatchObject({ ok: false, dataPath: 'lost', code: 'ERR_STUN_TIMEOUT' });
  expect(row.echoes).toEqual({ sent: 2, received: 0 });
  expect(row.roundTripMs).toBeNull();
  expect(row.hint).toMatch(/relay ports/);
});

test('a server that lets no relay reach itself: a second relay takes its place', async () => {
  const server = new ScriptedServer();
  server.script = (request, connection) => {
    const { data, xorPeerAddress: to } = request.attributes;
    if (request.method !== 'Send' || to === undefined || data === undefined) return undefined;
    // Between two relays, but not from one to itself.
    const from = connection.allocation?.relayed[0];
    const other = [...server.allocations].find(({ relayed }) => relayed[0].port === to.port);
    if (from !== undefined && other !== undefined && other.connection !== connection) {
      server.indicate('Data', { xorPeerAddress: from, data }, other);
    }
    return 'silence';
  };
  const row = await checkAt(server, { echoes: 2, timeoutMs: 2 * SOON_MS });
  expect(row).toMatchObject({ ok: true, dataPath: 'proven', via: 'second-relay' });
  expect(row.relayedAddress?.port).toBe(FIRST_RELAY);
});

test('a server that forbids its own addresses is told from one that fails', async () => {
  const server = new ScriptedServer();
  server.script = ({ method }) =>
    method === 'CreatePermission' ? { code: 403, signed: true } : undefined;
  const row = await checkAt(server);
  expect(row).toMatchObject({ ok: true, dataPath: 'refused' });
  expect(row).not.toHaveProperty('code');
  expect(row.phases).not.toHaveProperty('firstByte');
  expect(row.hint).toMatch(/no fault/);
  // Another relay was tried.
  expect(server.requests.filter(({ method }) => method === 'Refresh')).toHaveLength(2);
});

test('another refusal of the permission is a failure, with what is known', async () => {
  const server = new ScriptedServer();
  server.script = ({ method }) =>
    method === 'CreatePermission' ? { code: 508, signed: true } : undefined;
  const row = await checkAt(server);
  expect(row).toMatchObject({
    ok: false,
    code: 'ERR_STUN_RESPONSE',
    errorCode: 508,
    relayedAddress: { address: RELAYED },
  });
});

test('refused credentials whose time ran out', async () => {
  const server = new ScriptedServer();
  const rows = await checkIceServers(
    [{ urls: URL, username: '1000000000:alice', credential: 'hunter2' }],
    { transport: server.transport },
  );
  expect(rows).toEqual([expect.objectContaining({ ok: false, code: 'ERR_STUN_UNAUTHENTICATED' })]);
  expect(rows[0].hint).toMatch(/TURN REST one whose time ran out \d+ d ago/);
  expect(JSON.stringify(rows)).not.toContain('hunter2');
});

test('an error of the server', async () => {
  const server = new ScriptedServer();
  server.script = ({ method, attributes }) =>
    method === 'Allocate' && attributes.nonce ? { code: 486, signed: true } : undefined;
  const row = await checkAt(server);
  expect(row).toMatchObject({ ok: false, code: 'ERR_STUN_RESPONSE', errorCode: 486 });
  expect(row.hint).toMatch(/as many allocations/);
});

const DONE = { dns: expect.any(Number), connect: expect.any(Number) };

test.each([
  ['refuses', { code: 486, signed: true }, 5000],
  ['is silent', /** @type {const} */ ('silence'), SOON_MS],
])('a server that %s: the steps that were done before', async (_, reply, timeoutMs) => {
  const server = new ScriptedServer();
  server.script = () => reply;
  const [row] = await checkIceServers('turn:198.51.100.1?transport=udp', {
    transport: server.transport,
    timeoutMs,
  });
  expect(row).toMatchObject({ ok: false, attempts: [{ phases: DONE }] });
  expect(row.phases).toEqual(DONE);
});

test('a server that cannot be reached: the name was found, and no more', async () => {
  const transport = async () => {
    throw new PosternError('ERR_TRANSPORT_CONNECT');
  };
  const [row] = await checkIceServers('turn:198.51.100.1?transport=tcp', { transport });
  expect(row).toMatchObject({ ok: false, code: 'ERR_TRANSPORT_CONNECT' });
  expect(row.phases).toEqual({ dns: expect.any(Number) });
});

test('a stun: server on loopback, several times', async () => {
  const address = await startResponder();
  const rows = await checkIceServers(`stun:${address}`, { echoes: 3 });
  expect(rows).toEqual([
    {
      url: `stun:${address}`,
      transport: 'udp',
      ok: true,
      serverAddress: expect.objectContaining({ address: '127.0.0.1' }),
      localAddress: expect.objectContaining({ address: '127.0.0.1' }),
      mappedAddress: expect.objectContaining({ address: '127.0.0.1' }),
      software: 'postern',
      roundTripMs: expect.any(Number),
      echoes: { sent: 3, received: 3 },
      phases: {
        dns: expect.any(Number),
        connect: expect.any(Number),
        request: expect.any(Number),
      },
    },
  ]);
});

test('credentials of an RTCIceServer go to its relays only', async () => {
  const address = await startResponder();
  const [stun] = await checkIceServers([
    { urls: `stun:${address}`, username: 'alice', credential: 'hunter2' },
  ]);
  expect(stun).toMatchObject({ ok: true });
});

test('a server of STUN only, rows in order, and a URL that is wrong', async () => {
  const address = await startResponder();
  const rows = await checkIceServers(
    [`stun:${address}`, `turn:${address}`, `stun:${address}?transport=udp`],
    { timeoutMs: SOON_MS },
  );
  expect(rows.map(({ transport, ok, code }) => [transport, ok, code])).toEqual([
    ['udp', true, undefined],
    ['udp', false, 'ERR_STUN_TIMEOUT'],
    ['tcp', false, 'ERR_STUN_TIMEOUT'],
    ['', false, 'ERR_INVALID_URI'],
  ]);
  expect(rows[1].hint).toMatch(/answers STUN but not TURN/);
});

test('an expired certificate', async () => {
  const { target } = await tlsServer('expired');
  const [row] = await checkIceServers(`turns:127.0.0.1:${target.port}`, {
    tls: { ca: fixture('ca') },
  });
  expect(row).toMatchObject({
    ok: false,
    transport: 'tls',
    code: 'ERR_TRANSPORT_TLS',
    systemCode: 'CERT_HAS_EXPIRED',
    phase: 'tls',
  });
  expect(row.hint).toMatch(/certificate has expired/);
});

test('no more rows at once than were allowed', async () => {
  let underWay = 0;
  let most = 0;
  const transport = async () => {
    underWay += 1;
    most = Math.max(most, underWay);
    await new Promise(setImmediate);
    underWay -= 1;
    throw new Error('no transport today');
  };
  const servers = Array.from({ length: 9 }, (_, i) => `stun:198.51.100.${i + 1}`);
  const failure = await rejection(checkIceServers(servers, { transport, concurrency: 3 }));
  // An error of the caller's own transport is no fault of a server.
  expect(failure.message).toBe('no transport today');
  expect(most).toBe(3);
});

test('an abort ends all, with its reason, and gives relays back', async () => {
  const server = loopingServer();
  const controller = new AbortController();
  const reason = new Error('enough');
  server.script = ({ method }) => {
    if (method === 'Send') controller.abort(reason);
    return undefined;
  };
  const call = checkIceServers([SERVER], {
    transport: server.transport,
    signal: controller.signal,
  });
  expect(await rejection(call)).toBe(reason);
  expect(server.allocations.size).toBe(0);
});

test.each([
  ['servers', [undefined], 'iceServers'],
  ['options', ['stun:a', null], 'options'],
  ['timeoutMs', ['stun:a', { timeoutMs: 0 }], 'options.timeoutMs'],
  ['echoes', ['stun:a', { echoes: 101 }], 'options.echoes'],
  ['concurrency', ['stun:a', { concurrency: 0 }], 'options.concurrency'],
  ['family', ['stun:a', { family: 5 }], 'options.family'],
  ['signal', ['stun:a', { signal: {} }], 'options.signal'],
])('arguments: %s', async (_, args, argument) => {
  const call = /** @type {any} */ (checkIceServers)(...args);
  expect(await rejection(call)).toMatchObject({ code: 'ERR_INVALID_ARGUMENT', argument });
});
