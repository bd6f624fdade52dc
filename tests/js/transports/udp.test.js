import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { openUdp } from '../../../js/transports/udp.js';
import {
  cleanUp,
  closed,
  drained,
  failed,
  freeUdpPort,
  openSockets,
  received,
  settled,
  text,
  tracked,
  udpServer,
} from './helpers.js';

afterEach(cleanUp);

const hello = Buffer.from('hello');

describe.each([
  ['127.0.0.1', 'IPv4', true],
  ['127.0.0.1', 'IPv4', false],
  ['::1', 'IPv6', true],
  ['::1', 'IPv6', false],
])('UDP to %s (%s, connected: %p)', (host, family, connected) => {
  test('sends and receives whole datagrams, and says where they come from', async () => {
    const { target } = await udpServer(host);
    const transport = tracked(await openUdp(target, { connected }));
    expect(transport).toMatchObject({
      kind: 'udp',
      reliable: false,
      remoteAddress: { ...target, family },
      localAddress: { family, port: expect.any(Number) },
    });
    const answer = received(transport);
    expect(transport.send(hello)).toBe(true);
    const { bytes, source } = await answer;
    expect(Buffer.isBuffer(bytes)).toBe(true);
    expect(text(bytes)).toBe('hello');
    expect(source).toMatchObject({ ...target, family });
  });

  test('uses the local address and port that are asked for', async () => {
    const { socket, target } = await udpServer(host);
    const localPort = await freeUdpPort(host);
    const transport = tracked(await openUdp(target, { connected, localAddress: host, localPort }));
    expect(transport.localAddress).toMatchObject({ address: host, port: localPort, family });
    const message = once(socket, 'message');
    transport.send(hello);
    const [, peer] = await message;
    expect(peer).toMatchObject({ address: host, port: localPort });
  });
});

/** @param {number} port @param {string} message */
async function sendFromStranger(port, message) {
  const stranger = createSocket('udp4');
  const sent = new Promise((resolve) => stranger.send(message, port, '127.0.0.1', resolve));
  await sent;
  const { port: source } = stranger.address();
  stranger.close();
  return source;
}

describe('who may write', () => {
  test('connected: the server only', async () => {
    const { target } = await udpServer();
    const transport = tracked(await openUdp(target, { localAddress: '127.0.0.1' }));
    const first = received(transport);
    await sendFromStranger(transport.localAddress.port, 'boo');
    transport.send(hello);
    expect(text((await first).bytes)).toBe('hello');
  });

  test('unconnected: anybody, and sending anywhere', async () => {
    const { target } = await udpServer();
    const other = await udpServer();
    const options = { connected: false, localAddress: '127.0.0.1' };
    const transport = tracked(await openUdp(target, options));
    const first = received(transport);
    const port = await sendFromStranger(transport.localAddress.port, 'boo');
    expect(await first).toMatchObject({ source: { address: '127.0.0.1', port } });
    const second = received(transport);
    transport.send(hello, other.target);
    expect(await second).toMatchObject({ source: other.target });
  });
});

describe('soft errors', () => {
  test('an ICMP error is told, and ends nothing', async () => {
    const port = await freeUdpPort();
    const transport = tracked(await openUdp({ address: '127.0.0.1', port }));
    const onclose = jest.fn();
    transport.onclose = onclose;
    const error = failed(transport);
    transport.send(hello);
    expect(await error).toMatchObject({
      code: 'ERR_TRANSPORT_CONNECT',
      phase: 'connect',
      hint: expect.stringContaining('nothing listens'),
      cause: { code: 'ECONNREFUSED' },
    });
    await udpServer('127.0.0.1', port);
    const answer = received(transport);
    transport.send(hello);
    expect(text((await answer).bytes)).toBe('hello');
    expect(onclose).not.toHaveBeenCalled();
  });

  test('so is a datagram that does not fit', async () => {
    const { target } = await udpServer();
    const transport = tracked(await openUdp(target));
    const error = failed(transport);
    transport.send(Buffer.alloc(70_000));
    expect(await error).toMatchObject({ cause: { code: 'EMSGSIZE' } });
    const answer = received(transport);
    transport.send(hello);
    expect(text((await answer).bytes)).toBe('hello');
  });

  test('without a listener they are ignored', async () => {
    const { target } = await udpServer();
    const transport = tracked(await openUdp(target));
    transport.send(Buffer.alloc(70_000));
    const answer = received(transport);
    transport.send(hello);
    expect(text((await answer).bytes)).toBe('hello');
  });
});

test('of datagrams that the system refuses, some tell so', async () => {
  const { target } = await udpServer();
  const transport = tracked(await openUdp(target, { connected: false }));
  /** @type {any[]} */
  const errors = [];
  transport.onerror = (error) => errors.push(error);
  // Only sockets that ask for it may send to all.
  const everybody = { address: '255.255.255.255', port: target.port };
  for (let i = 0; i < 40; i++) transport.send(hello, everybody);
  await settled();
  expect(errors.length).toBeGreaterThanOrEqual(3);
  expect(errors.map(({ cause }) => cause.code)).toEqual(errors.map(() => 'EACCES'));
});

test('send() asks to wait while much is on its way', async () => {
  const { target } = await udpServer();
  const transport = tracked(await openUdp(target));
  const drain = drained(transport);
  const results = Array.from({ length: 80 }, () => transport.send(hello));
  expect(results.indexOf(false)).toBe(64);
  expect(results.lastIndexOf(true)).toBe(63);
  await drain;
  expect(transport.send(hello)).toBe(true);
});

describe('opening fails', () => {
  test('without the local address', async () => {
    const { target } = await udpServer();
    const error = await openUdp(target, { localAddress: '192.0.2.1' }).catch((e) => e);
    expect(error).toMatchObject({
      code: 'ERR_TRANSPORT_CONNECT',
      phase: 'connect',
      hint: expect.stringContaining('local address'),
      cause: { code: 'EADDRNOTAVAIL' },
    });
    expect(error.message).toContain(`127.0.0.1:${target.port}`);
  });

  test('when the local port is taken', async () => {
    const { target } = await udpServer();
    const localPort = (await udpServer()).target.port;
    await expect(openUdp(target, { localAddress: '127.0.0.1', localPort })).rejects.toMatchObject({
      code: 'ERR_TRANSPORT_CONNECT',
      hint: expect.stringContaining('taken'),
      cause: { code: 'EADDRINUSE' },
    });
  });

  test.each([
    [{ address: 'localhost', port: 1 }, {}, 'target.address'],
    [{ address: '', port: 1 }, {}, 'target.address'],
    [{ address: '127.0.0.1', port: 0 }, {}, 'target.port'],
    [{ address: '127.0.0.1', port: 65536 }, {}, 'target.port'],
    [{ address: '127.0.0.1', port: 1.5 }, {}, 'target.port'],
    [{ address: '127.0.0.1', port: 1 }, { localAddress: '::1' }, 'options.localAddress'],
    [{ address: '::1', port: 1 }, { localAddress: 'lo' }, 'options.localAddress'],
    [{ address: '::1', port: 1 }, { localPort: -1 }, 'options.localPort'],
  ])('for %j %j: a TypeError', async (target, options, argument) => {
    await expect(openUdp(target, options)).rejects.toMatchObject({
      name: 'TypeError',
      code: 'ERR_INVALID_ARGUMENT',
      argument,
    });
  });
});

describe('an abort', () => {
  const reason = new Error('enough');
  const target = { address: '127.0.0.1', port: 9 };

  test('beforehand opens nothing', async () => {
    const before = await openSockets();
    const opening = openUdp(target, { signal: AbortSignal.abort(reason) });
    await expect(opening).rejects.toBe(reason);
    expect(await openSockets()).toEqual(before);
  });

  test.each([true, false])('while opening closes the socket (connected: %p)', async (connected) => {
    const before = await openSockets();
    const controller = new AbortController();
    const opening = openUdp(target, { signal: controller.signal, connected });
    controller.abort(reason);
    await expect(opening).rejects.toBe(reason);
    expect(await openSockets()).toEqual(before);
  });

  test('after opening changes nothing', async () => {
    const server = await udpServer();
    const controller = new AbortController();
    const remove = jest.spyOn(controller.signal, 'removeEventListener');
    const transport = tracked(await openUdp(server.target, { signal: controller.signal }));
    expect(remove).toHaveBeenCalledTimes(1);
    controller.abort(reason);
    const answer = received(transport);
    transport.send(hello);
    expect(text((await answer).bytes)).toBe('hello');
  });
});

describe('close()', () => {
  test('may be called again, and is told once', async () => {
    const { target } = await udpServer();
    const transport = await openUdp(target);
    const onclose = jest.fn();
    transport.onclose = onclose;
    transport.close();
    transport.close();
    await transport[Symbol.asyncDispose]();
    await transport[Symbol.asyncDispose]();
    expect(onclose.mock.calls).toEqual([[undefined]]);
  });

  test('is told to those who ask late', async () => {
    const { target } = await udpServer();
    const transport = await openUdp(target);
    await transport[Symbol.asyncDispose]();
    expect(await closed(transport)).toBeUndefined();
  });

  test('ends sending and receiving', async () => {
    const { socket, target } = await udpServer('127.0.0.1', 0, false);
    const transport = await openUdp(target);
    const onbytes = jest.fn();
    transport.onbytes = onbytes;
    const message = once(socket, 'message');
    transport.send(hello);
    const [, peer] = await message;
    const sent = new Promise((resolve) => socket.send('late', peer.port, peer.address, resolve));
    transport.close();
    await sent;
    expect(transport.send(hello)).toBe(false);
    await transport[Symbol.asyncDispose]();
    expect(onbytes).not.toHaveBeenCalled();
  });

  test('in onbytes is the end of it, with more datagrams in the queue', async () => {
    const { socket, target } = await udpServer('127.0.0.1', 0, false);
    const transport = await openUdp(target);
    const onbytes = jest.fn(() => transport.close());
    transport.onbytes = onbytes;
    const { port } = transport.localAddress;
    const send = () => new Promise((resolve) => socket.send('x', port, '127.0.0.1', resolve));
    await Promise.all([send(), send(), send()]);
    await closed(transport);
    await settled();
    expect(onbytes).toHaveBeenCalledTimes(1);
  });

  test('leaves no socket behind', async () => {
    const { target } = await udpServer();
    const before = await openSockets();
    const transports = await Promise.all(Array.from({ length: 10 }, () => openUdp(target)));
    expect(await openSockets()).toHaveLength(before.length + 10);
    for (const transport of transports) await transport[Symbol.asyncDispose]();
    expect(await openSockets()).toEqual(before);
  });
});

test('IPv6 leaves the same port of IPv4 to others', async () => {
  const { target } = await udpServer('::1');
  const localPort = (await udpServer('0.0.0.0')).target.port;
  const transport = tracked(await openUdp(target, { localPort }));
  expect(transport.localAddress.port).toBe(localPort);
});

test('unref() and ref() decide whether the process waits for it', async () => {
  const { target } = await udpServer();
  const before = await openSockets();
  const transport = tracked(await openUdp(target));
  expect(await openSockets()).toHaveLength(before.length + 1);
  transport.unref();
  expect(await openSockets()).toEqual(before);
  transport.ref();
  expect(await openSockets()).toHaveLength(before.length + 1);
});
