import { once } from 'node:events';
import { Socket } from 'node:net';
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { openTcp } from '../../../js/transports/tcp.js';
import {
  cleanUp,
  closed,
  drained,
  openSockets,
  received,
  settled,
  tcpServer,
  text,
  tracked,
} from './helpers.js';

afterEach(cleanUp);
afterEach(() => void jest.useRealTimers());

const hello = Buffer.from('hello');
const reason = new Error('enough');

/** @param {import('node:net').Socket} socket */
const echo = (socket) => socket.pipe(socket);

/** A server, a transport to it, and the server's end of that. */
async function connection() {
  const { server, target } = await tcpServer(() => {});
  const accepted = once(server, 'connection');
  const transport = tracked(await openTcp(target));
  const [socket] = /** @type {[import('node:net').Socket]} */ (await accepted);
  return { transport, socket, target };
}

test.each([
  ['127.0.0.1', 'IPv4'],
  ['::1', 'IPv6'],
])('TCP to %s', async (host, family) => {
  const { target } = await tcpServer(echo, host);
  const transport = tracked(await openTcp(target, { localAddress: host }));
  expect(transport).toMatchObject({
    kind: 'tcp',
    reliable: true,
    remoteAddress: { ...target, family },
    localAddress: { address: host, family, port: expect.any(Number) },
  });
  const answer = received(transport);
  expect(transport.send(hello)).toBe(true);
  const { bytes, source } = await answer;
  expect(Buffer.isBuffer(bytes)).toBe(true);
  expect(text(bytes)).toBe('hello');
  expect(source).toBeUndefined();
});

test('uses the local port that is asked for', async () => {
  const { server, target } = await tcpServer(() => {});
  const { server: probe, target: free } = await tcpServer(() => {});
  await new Promise((resolve) => probe.close(resolve));
  const accepted = once(server, 'connection');
  const options = { localAddress: '127.0.0.1', localPort: free.port };
  const transport = tracked(await openTcp(target, options));
  expect(transport.localAddress.port).toBe(free.port);
  const [socket] = await accepted;
  expect(socket.remotePort).toBe(free.port);
});

describe('reading', () => {
  test('waits for onbytes: nothing that comes before is lost', async () => {
    const { transport, socket } = await connection();
    await new Promise((resolve) => socket.write('early', resolve));
    await settled();
    expect(text((await received(transport)).bytes)).toBe('early');
  });

  test('stops without onbytes, and goes on with it', async () => {
    const { transport, socket } = await connection();
    const first = received(transport);
    socket.write('one');
    expect(text((await first).bytes)).toBe('one');
    transport.onbytes = undefined;
    await new Promise((resolve) => socket.write('two', resolve));
    await settled();
    expect(text((await received(transport)).bytes)).toBe('two');
  });

  test('changes handlers without handing bytes to both', async () => {
    const { transport, socket } = await connection();
    const old = jest.fn();
    transport.onbytes = old;
    const next = received(transport);
    socket.write('x');
    expect(text((await next).bytes)).toBe('x');
    expect(old).not.toHaveBeenCalled();
  });
});

describe('writing', () => {
  test('asks to wait when the other side does not read, and tells when to go on', async () => {
    const { transport, socket } = await connection();
    socket.pause();
    const chunk = Buffer.alloc(256 * 1024);
    const drain = drained(transport);
    while (transport.send(chunk));
    socket.resume();
    await drain;
    expect(transport.send(hello)).toBe(true);
  });

  test('does not wait for more to send', async () => {
    const setNoDelay = jest.spyOn(Socket.prototype, 'setNoDelay');
    await connection();
    expect(setNoDelay).toHaveBeenCalledWith(true);
    setNoDelay.mockRestore();
  });
});

describe('the end', () => {
  test('by the server is no error', async () => {
    const { transport, socket } = await connection();
    transport.onbytes = () => {};
    const end = closed(transport);
    socket.end();
    expect(await end).toBeUndefined();
    expect(transport.send(hello)).toBe(false);
  });

  test('by a reset is one', async () => {
    const { transport, socket } = await connection();
    transport.onbytes = () => {};
    const end = closed(transport);
    socket.resetAndDestroy();
    const error = await end;
    expect(error).toMatchObject({ code: 'ERR_TRANSPORT_CLOSED', cause: { code: 'ECONNRESET' } });
    transport.close();
    expect(await closed(transport)).toBe(error);
  });

  test('by close() is told once, and reaches the server as an end', async () => {
    const { transport, socket } = await connection();
    const end = once(socket, 'end');
    const onclose = jest.fn();
    transport.onclose = onclose;
    transport.send(hello);
    const data = once(socket, 'data');
    transport.close();
    transport.close();
    await transport[Symbol.asyncDispose]();
    expect(onclose.mock.calls).toEqual([[undefined]]);
    expect(text((await data)[0])).toBe('hello');
    await end;
    expect(await closed(transport)).toBeUndefined();
  });

  test('by close() does not wait for a server that does not read', async () => {
    const { transport, socket } = await connection();
    socket.pause();
    while (transport.send(Buffer.alloc(256 * 1024)));
    await transport[Symbol.asyncDispose]();
  });

  test('by end() comes behind all that was sent, and hears the other side out', async () => {
    const { transport, socket } = await connection();
    socket.pause();
    let sent = 0;
    do sent += 256 * 1024;
    while (transport.send(Buffer.alloc(256 * 1024)));
    const answer = received(transport);
    const end = closed(transport);
    transport.end();
    transport.end();
    expect(transport.send(hello)).toBe(false);
    let read = 0;
    socket.on('data', ({ length }) => {
      read += length;
    });
    socket.once('data', () => socket.write('bye'));
    socket.resume();
    expect(text((await answer).bytes)).toBe('bye');
    expect(await end).toBeUndefined();
    expect(read).toBe(sent);
  });

  test('by a reset after end() is no error', async () => {
    const { transport, socket } = await connection();
    transport.onbytes = () => {};
    socket.on('end', () => socket.resetAndDestroy());
    const end = closed(transport);
    transport.end();
    expect(await end).toBeUndefined();
  });

  test('by close() after end() does not wait', async () => {
    const { transport, socket } = await connection();
    socket.pause();
    while (transport.send(Buffer.alloc(256 * 1024)));
    transport.end();
    await transport[Symbol.asyncDispose]();
  });

  test('by close() lets no more bytes through', async () => {
    const { transport, socket } = await connection();
    const onbytes = jest.fn();
    transport.onbytes = onbytes;
    await new Promise((resolve) => socket.write('late', resolve));
    transport.close();
    transport.onbytes = onbytes;
    expect(transport.send(hello)).toBe(false);
    await transport[Symbol.asyncDispose]();
    expect(onbytes).not.toHaveBeenCalled();
  });

  test.each([false, true])(
    'by close() in onbytes is immediate, with more bytes at hand (set again: %p)',
    async (again) => {
      const { transport, socket } = await connection();
      for (const chunk of ['one', 'two', 'three']) {
        await new Promise((resolve) => socket.write(chunk, resolve));
        await settled();
      }
      const onbytes = jest.fn(() => {
        transport.close();
        if (again) transport.onbytes = onbytes;
      });
      transport.onbytes = onbytes;
      await closed(transport);
      expect(onbytes).toHaveBeenCalledTimes(1);
    },
  );

  test('leaves no socket behind', async () => {
    const { server, target } = await tcpServer((socket) => socket.resume());
    const before = await openSockets();
    const transports = await Promise.all(Array.from({ length: 10 }, () => openTcp(target)));
    for (const transport of transports) await transport[Symbol.asyncDispose]();
    while ((await new Promise((resolve) => server.getConnections((_, n) => resolve(n)))) !== 0) {
      await new Promise(setImmediate);
    }
    expect(await openSockets()).toEqual(before);
  });
});

describe('opening fails', () => {
  test('when nothing listens', async () => {
    const { server, target } = await tcpServer(() => {});
    await new Promise((resolve) => server.close(resolve));
    const before = await openSockets();
    const error = await openTcp(target).catch((e) => e);
    expect(error).toMatchObject({
      name: 'PosternError',
      code: 'ERR_TRANSPORT_CONNECT',
      phase: 'connect',
      hint: expect.stringContaining('nothing listens'),
      cause: { code: 'ECONNREFUSED' },
    });
    expect(error.message).toBe(
      `No TCP connection to 127.0.0.1:${target.port} could be made (ECONNREFUSED).`,
    );
    expect(await openSockets()).toEqual(before);
  });

  test('without the local address', async () => {
    const { target } = await tcpServer(() => {});
    await expect(openTcp(target, { localAddress: '192.0.2.1' })).rejects.toMatchObject({
      code: 'ERR_TRANSPORT_CONNECT',
      cause: { code: 'EADDRNOTAVAIL' },
    });
  });

  test('when nobody answers in time', async () => {
    const { target } = await tcpServer(() => {});
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] });
    const opening = openTcp(target, { timeoutMs: 500 });
    jest.advanceTimersByTime(500);
    await expect(opening).rejects.toMatchObject({
      code: 'ERR_TRANSPORT_CONNECT',
      cause: { message: 'Nothing happened within 500 ms.' },
    });
    expect(jest.getTimerCount()).toBe(0);
  });

  test('for wrong arguments', async () => {
    await expect(openTcp({ address: 'localhost', port: 1 })).rejects.toMatchObject({
      argument: 'target.address',
    });
  });
});

describe('an abort', () => {
  test('beforehand opens nothing', async () => {
    const { target } = await tcpServer(() => {});
    const before = await openSockets();
    const opening = openTcp(target, { signal: AbortSignal.abort(reason) });
    await expect(opening).rejects.toBe(reason);
    expect(await openSockets()).toEqual(before);
  });

  test('while connecting closes the socket at once', async () => {
    const { server, target } = await tcpServer(() => {});
    await new Promise((resolve) => server.close(resolve));
    const before = await openSockets();
    const controller = new AbortController();
    const opening = openTcp(target, { signal: controller.signal });
    controller.abort(reason);
    await expect(opening).rejects.toBe(reason);
    expect(await openSockets()).toEqual(before);
  });

  test('after opening changes nothing', async () => {
    const { target } = await tcpServer(echo);
    const controller = new AbortController();
    const transport = tracked(await openTcp(target, { signal: controller.signal }));
    controller.abort(reason);
    const answer = received(transport);
    transport.send(hello);
    expect(text((await answer).bytes)).toBe('hello');
  });
});

test('unref() and ref() decide whether the process waits for it', async () => {
  const { transport } = await connection();
  const before = (await openSockets()).length;
  transport.unref();
  expect(await openSockets()).toHaveLength(before - 1);
  transport.ref();
  expect(await openSockets()).toHaveLength(before);
});
