// The control channel: what fails on the way to a reflector, and what a session leaves behind.

import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { openReflector } from '../../../js/measure/reflector/open-reflector.js';
import { startHttpProxy } from '../../support/http-proxy.js';
import { cleanUp, onCleanUp, startReflector } from './support.js';

jest.setTimeout(30_000);
afterEach(cleanUp);

const signal = new AbortController().signal;

/** @param {string} url @param {object} [options] */
async function open(url, options = {}) {
  const session = await openReflector(url, { signal, ...options });
  onCleanUp(() => session.close());
  return session;
}

/** Something else that answers HTTP. @param {number} status @param {string} body */
async function startOther(status, body) {
  const server = createServer((_, response) => response.writeHead(status).end(body));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onCleanUp(() => {
    server.close();
    server.closeAllConnections();
  });
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  return `http://127.0.0.1:${port}/`;
}

test('a session knows its ports, and is forgotten when it is closed', async () => {
  const { reflector, url } = await startReflector();
  const session = await open(url);
  expect(session.peer).toEqual({ address: '127.0.0.1', port: session.ports.udp[0] });
  expect([session.ports.udp.length, session.ports.sip.length]).toEqual([3, 1]);
  expect(session.localAddress).toBe('127.0.0.1');
  expect(reflector.stats().sessions).toBe(1);
  await session.close();
  await session.close();
  expect(reflector.stats().sessions).toBe(0);
  await expect(session.arrivals()).rejects.toMatchObject({
    code: 'ERR_TRANSPORT_CLOSED',
  });
});

test('it goes through a proxy, and probes go past it', async () => {
  const { url } = await startReflector();
  const proxy = await startHttpProxy();
  onCleanUp(() => proxy.close());
  const session = await open(url, { proxy: `http://127.0.0.1:${proxy.port}` });
  const [port] = session.ports.udp;
  const found = await session.probe({ transport: 'udp', port, payloads: ['stun', 'random'] });
  expect(found).toEqual({ stun: { out: true, in: true }, random: { out: true, in: true } });
  expect(proxy.requests.length).toBeGreaterThan(0);
  for (const { authority } of proxy.requests) expect(authority).toBe(new URL(url).host);
});

describe('what is no reflector', () => {
  test('where nothing listens, it is unreachable', async () => {
    const { reflector, url } = await startReflector();
    await cleanUp();
    await expect(open(url)).rejects.toMatchObject({ code: 'ERR_REFLECTOR_UNREACHABLE', url });
    await reflector.close();
  });

  test.each([
    ['a page', 200, '<html>', 'HTTP 200'],
    ['an error', 404, 'no', 'HTTP 404'],
    ['a refusal', 403, '{"refused":"origin"}', 'origin'],
    ['JSON of something else', 200, '{"session":"x"}', 'no-reflector'],
    [
      'one whose answer makes no sense',
      200,
      JSON.stringify({
        session: 'x',
        handle: '00'.repeat(8),
        key: '00'.repeat(32),
        address: 'example.org',
        udp: [1],
        sip: [],
        idleMs: 1000,
      }),
      'no-reflector',
    ],
  ])('%s is refused by its word', async (_name, status, body, reason) => {
    const url = await startOther(status, body);
    await expect(open(`${url}?secret=1`)).rejects.toMatchObject({
      code: 'ERR_REFLECTOR_REFUSED',
      reason,
    });
  });

  test('silence ends with the time that is given', async () => {
    const server = createServer(() => {});
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    onCleanUp(() => {
      server.close();
      server.closeAllConnections();
    });
    const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
    await expect(open(`http://127.0.0.1:${port}/`, { timeoutMs: 200 })).rejects.toMatchObject({
      code: 'ERR_REFLECTOR_UNREACHABLE',
    });
  });
});

test.each([
  ['arrivals', null],
  ['arrivals', { arrived: 'x' }],
  ['arrivals', { arrived: [null] }],
  ['arrivals', { arrived: [{ number: -1 }] }],
  ['up', { flow: 0.5 }],
  ['up', { flow: 0, packets: 1 }],
  ['up', { flow: 0, packets: 1, bytes: 1, duplicates: 0, reordered: 0, bins: [[0, 1]] }],
  [
    'up',
    {
      flow: 0,
      packets: 1,
      bytes: 1,
      duplicates: 0,
      reordered: 0,
      bins: [
        [0, 1, 1],
        [0, 1, 1],
      ],
    },
  ],
])('answers to %s that make no sense end it, with the code (%#)', async (what, body) => {
  const { reflector } = await startReflector();
  let count = 0;
  const server = createServer((request, response) => {
    count += 1;
    // The first is right.
    if (count === 1) reflector.handler(request, response);
    else response.end(JSON.stringify(body));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onCleanUp(() => {
    server.close();
    server.closeAllConnections();
  });
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  const session = await open(`http://127.0.0.1:${port}/`);
  const failure =
    what === 'up'
      ? session.flow({ send: () => true }).up({ kbps: 100, seconds: 0.1 })
      : session.arrivals();
  await expect(failure).rejects.toMatchObject({
    code: 'ERR_REFLECTOR_REFUSED',
    reason: 'no-reflector',
  });
});

test('an abort ends a probe with its reason, and leaves nothing open', async () => {
  const { reflector, url } = await startReflector();
  const controller = new AbortController();
  const session = await openReflector(url, { signal: controller.signal });
  const reason = new Error('enough');
  const blocked = session.probePorts([{ port: 9, looks: ['random'] }]);
  controller.abort(reason);
  await expect(blocked).rejects.toBe(reason);
  // The reflector is told all the same.
  await session.close();
  while (reflector.stats().sessions > 0) await new Promise(setImmediate);
  await expect(openReflector(url, { signal: controller.signal })).rejects.toBe(reason);
  await reflector.close();
});

test('connections that a server has ended in between are made again', async () => {
  const { reflector } = await startReflector();
  /** @type {Set<import('node:net').Socket>} */
  const sockets = new Set();
  const server = createServer(reflector.handler).on('connection', (socket) => sockets.add(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onCleanUp(() => {
    server.close();
    server.closeAllConnections();
  });
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  const session = await open(`http://127.0.0.1:${port}/`);
  for (const socket of sockets) socket.destroy();
  expect((await session.arrivals()).size).toBe(0);
  expect(sockets.size).toBe(2);
});

describe('over TCP', () => {
  /** @param {number} port @param {string | Uint8Array} bytes */
  async function exchange(port, bytes) {
    const socket = connect(port, '127.0.0.1');
    onCleanUp(() => socket.destroy());
    await once(socket, 'connect');
    socket.write(bytes);
    let length = 0;
    socket.on('data', (data) => {
      length += data.length;
    });
    await once(socket, 'close');
    return length;
  }

  test.each([
    ['HTTP', 'GET / HTTP/1.1\r\nhost: x\r\n\r\n'],
    ['SIP of nobody', 'OPTIONS sip:a@b SIP/2.0\r\nContent-Length: 0\r\n\r\n'],
    ['what is too long', `OPTIONS sip:a@b SIP/2.0\r\n${'x'.repeat(5000)}`],
    ['STUN of nobody', Buffer.from(`000100002112a442${'00'.repeat(12)}`, 'hex')],
    ['an empty frame', Buffer.concat([Buffer.alloc(64)])],
  ])('%s ends the connection without an answer', async (_name, bytes) => {
    const { reflector } = await startReflector();
    const port = reflector.addresses[reflector.addresses.length - 1].port;
    expect(await exchange(port, bytes)).toBe(0);
    expect(reflector.stats().answers).toBe(0);
  });

  test('one host has so many connections and no more', async () => {
    const { reflector } = await startReflector({ limits: { connectionsPerHost: 2 } });
    const port = reflector.addresses[reflector.addresses.length - 1].port;
    const sockets = [];
    for (let i = 0; i < 2; i += 1) {
      const socket = connect(port, '127.0.0.1');
      onCleanUp(() => socket.destroy());
      await once(socket, 'connect');
      sockets.push(socket);
    }
    const third = connect(port, '127.0.0.1');
    await once(third, 'close');
    // Where one has gone, there is room.
    sockets[0].destroy();
    await once(sockets[0], 'close');
    let isClosed = false;
    const later = connect(port, '127.0.0.1');
    onCleanUp(() => later.destroy());
    later.on('close', () => {
      isClosed = true;
    });
    await once(later, 'connect');
    sockets[1].destroy();
    await once(sockets[1], 'close');
    expect(isClosed).toBe(false);
  });
});
