// turnSocket() does what a socket of node:dgram does: one list of behaviours, run for both. Then what only it does.
import { createSocket } from 'node:dgram';
import { lookup as dnsLookup } from 'node:dns';
import { once } from 'node:events';
import { afterEach, describe, expect, test } from '@jest/globals';
import { turnSocket } from '../../../js/index.js';
import { dgramSocket as inBrowser } from '../../../js/platform/browser.js';
import { cleanUp, cleanUpWith, udpServer } from '../transports/helpers.js';
import { RELAYED, ScriptedServer } from './scripted-server.js';
import { loopbackRelay, MAKERS } from './socket-pairs.js';
import { relayAt } from './support.js';

/** @typedef {import('node:dgram').Socket} Socket */

afterEach(cleanUp);

/** Closed at the end, if the test has not. @template {Socket} T @param {T} socket @returns {T} */
function tracked(socket) {
  let isClosed = false;
  socket.once('close', () => {
    isClosed = true;
  });
  cleanUpWith(async () => {
    if (isClosed) return;
    const closed = once(socket, 'close');
    try {
      socket.close();
    } catch {
      // On its way already.
    }
    await closed;
  });
  return socket;
}

/** @param {() => unknown} action @returns {any} what it throws */
function thrown(action) {
  try {
    action();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}

/** @param {(callback: (...args: any[]) => void) => void} call @returns {Promise<any[]>} what its callback is given */
const called = (call) => new Promise((resolve) => call((...args) => resolve(args)));

/** A peer that keeps what it gets, and can be waited for. */
async function listener() {
  const { socket, target } = await udpServer('127.0.0.1', 0, false);
  return {
    port: target.port,
    next: async () => {
      const [bytes, from] = await once(socket, 'message');
      return { text: bytes.toString(), from };
    },
    send: (/** @type {string} */ text, /** @type {number} */ port) =>
      socket.send(text, port, '127.0.0.1'),
  };
}

describe.each(MAKERS)('%s', (_, make) => {
  /** @param {import('../../../js/turn/turn-socket.js').TurnSocketOptions} [options] */
  const made = async (options) => tracked(await make(options));
  const bound = async () => {
    const socket = await made();
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    return socket;
  };

  test('bind() listens, later, and once', async () => {
    const socket = await made();
    const events = [];
    socket.on('listening', () => events.push('event'));
    expect(socket.bind({ port: 0, address: '127.0.0.1' }, () => events.push('callback'))).toBe(
      socket,
    );
    expect(events).toEqual([]);
    await once(socket, 'listening');
    expect(events.sort()).toEqual(['callback', 'event']);
    expect(thrown(() => socket.bind())).toMatchObject({ code: 'ERR_SOCKET_ALREADY_BOUND' });
  });

  test.each([
    ['a port', [0]],
    ['a callback', [() => {}]],
    ['port, address, callback', [0, '127.0.0.1', () => {}]],
    ['nothing', []],
  ])('bind() with %s', async (_name, args) => {
    const socket = await made();
    /** @type {any} */ (socket).bind(...args);
    await once(socket, 'listening');
    expect(socket.address().port).toBeGreaterThan(0);
  });

  test('address() before and after', async () => {
    const socket = await made();
    expect(thrown(() => socket.address())).toMatchObject({ code: 'EBADF', syscall: 'getsockname' });
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    expect(socket.address()).toEqual({
      address: '127.0.0.1',
      family: 'IPv4',
      port: expect.any(Number),
    });
  });

  describe('send()', () => {
    const bytes = Buffer.from('hello');
    test.each([
      ['a Buffer', bytes, 'hello'],
      ['a string', 'grüße', 'grüße'],
      ['a Uint8Array', new Uint8Array([104, 105]), 'hi'],
      ['a DataView', new DataView(Uint8Array.from(bytes).buffer, 1, 3), 'ell'],
      ['a Uint16Array', new Uint16Array([0x6968]), 'hi'],
      ['a list', ['a', bytes, new Uint8Array([33])], 'ahello!'],
      ['an empty list', [], ''],
      ['nothing but zero bytes', '', ''],
    ])('%s', async (_name, message, expected) => {
      const peer = await listener();
      const socket = await bound();
      const arrived = peer.next();
      const result = await called((done) =>
        socket.send(/** @type {any} */ (message), peer.port, '127.0.0.1', done),
      );
      expect(result).toEqual([null, Buffer.byteLength(expected)]);
      const { text, from } = await arrived;
      expect(text).toBe(expected);
      expect(from).toMatchObject(socket.address());
    });

    test.each([
      [
        'offset, length, port, address, callback',
        (/** @type {number} */ p) => [bytes, 1, 3, p, '127.0.0.1'],
        'ell',
      ],
      [
        'a string with offset and length',
        (/** @type {number} */ p) => ['hello', 1, 3, p, '127.0.0.1'],
        'ell',
      ],
      ['offset and length without an address', (/** @type {number} */ p) => [bytes, 0, 2, p], 'he'],
      ['no address', (/** @type {number} */ p) => [bytes, p], 'hello'],
      ['a port that is text', (/** @type {number} */ p) => [bytes, String(p)], 'hello'],
    ])('%s', async (_name, args, expected) => {
      const peer = await listener();
      const socket = await bound();
      const arrived = peer.next();
      const result = await called((done) =>
        /** @type {any} */ (socket).send(...args(peer.port), done),
      );
      expect(result).toEqual([null, expected.length]);
      expect((await arrived).text).toBe(expected);
    });

    test('sendto() takes all arguments', async () => {
      const peer = await listener();
      const socket = /** @type {any} */ (await bound());
      const arrived = peer.next();
      socket.sendto(bytes, 1, 3, peer.port, '127.0.0.1');
      expect((await arrived).text).toBe('ell');
      const refused = { code: 'ERR_INVALID_ARG_TYPE' };
      expect(thrown(() => socket.sendto(bytes, '1', 3, peer.port, '127.0.0.1'))).toMatchObject(
        refused,
      );
      expect(thrown(() => socket.sendto(bytes, 1, 3, peer.port))).toMatchObject(refused);
    });

    test('binds a socket that is not', async () => {
      const peer = await listener();
      const socket = await made();
      const first = peer.next();
      expect(socket.send('1', peer.port, '127.0.0.1')).toBeUndefined();
      expect((await first).text).toBe('1');
      expect(socket.address().port).toBeGreaterThan(0);
    });

    test.each([
      ['no bytes', [5, 4000], 'ERR_INVALID_ARG_TYPE'],
      ['a list with something else', [['a', 5], 4000], 'ERR_INVALID_ARG_TYPE'],
      ['no port', ['a'], 'ERR_SOCKET_BAD_PORT'],
      ['port 0', ['a', 0, '127.0.0.1'], 'ERR_SOCKET_BAD_PORT'],
      ['a port too high', ['a', 65536, '127.0.0.1'], 'ERR_SOCKET_BAD_PORT'],
      ['a port that is a word', ['a', 'x', '127.0.0.1'], 'ERR_SOCKET_BAD_PORT'],
      ['an address that is no text', ['a', 4000, 5], 'ERR_INVALID_ARG_TYPE'],
      ['an offset outside', [bytes, 6, 0, 4000, '127.0.0.1'], 'ERR_BUFFER_OUT_OF_BOUNDS'],
      ['a length outside', [bytes, 1, 5, 4000, '127.0.0.1'], 'ERR_BUFFER_OUT_OF_BOUNDS'],
    ])('throws at %s', async (_name, args, code) => {
      const socket = await bound();
      const error = thrown(() => /** @type {any} */ (socket).send(...args));
      expect(error).toMatchObject({ code });
    });

    test('tells the callback of a datagram that is too long', async () => {
      const socket = await bound();
      const [error] = await called((done) =>
        socket.send(Buffer.alloc(65_508), 4000, '127.0.0.1', done),
      );
      expect(error).toMatchObject({
        code: 'EMSGSIZE',
        syscall: 'send',
        address: '127.0.0.1',
        port: 4000,
        message: 'send EMSGSIZE 127.0.0.1:4000',
        errno: expect.any(Number),
      });
      expect(error.errno).toBeLessThan(0);
    });

    test('an address of the other family', async () => {
      const socket = await bound();
      const [error] = await called((done) => socket.send('a', 4000, '::1', done));
      expect(error).toMatchObject({ code: 'EINVAL', syscall: 'send' });
    });
  });

  describe('names', () => {
    /** @param {Error | null} error */
    const lookupTo = (error) => {
      /** @type {any[]} */
      const asked = [];
      return {
        asked,
        lookup: (
          /** @type {string} */ name,
          /** @type {number} */ family,
          /** @type {any} */ done,
        ) => {
          asked.push([name, family]);
          process.nextTick(done, error, '127.0.0.1', 4);
        },
      };
    };

    test('are looked up by the function that was given, addresses too', async () => {
      const peer = await listener();
      const { asked, lookup } = lookupTo(null);
      const socket = await made({ lookup });
      socket.bind();
      await once(socket, 'listening');
      asked.length = 0; // dgram looks up what it binds to
      const arrived = peer.next();
      socket.send('a', peer.port, 'peer.example.org');
      expect((await arrived).text).toBe('a');
      await called((done) => socket.send('b', peer.port, '127.0.0.1', done));
      await called((done) => socket.send('c', peer.port, done));
      expect(asked).toEqual([
        ['peer.example.org', 4],
        ['127.0.0.1', 4],
        ['127.0.0.1', 4],
      ]);
    });

    test('that are not found: the callback, or the event', async () => {
      const failure = Object.assign(new Error('getaddrinfo'), { code: 'ENOTFOUND' });
      const lookup = (
        /** @type {string} */ name,
        /** @type {number} */ family,
        /** @type {any} */ done,
      ) => (name === '0.0.0.0' ? dnsLookup(name, family, done) : process.nextTick(done, failure));
      const socket = await made({ lookup });
      expect(await called((done) => socket.send('a', 4000, 'x.invalid', done))).toEqual([failure]);
      const event = once(socket, 'error');
      socket.send('a', 4000, 'x.invalid');
      expect(await event).toEqual([failure]);
    });
  });

  test("'message' has a Buffer and who sent it", async () => {
    const peer = await listener();
    const socket = await bound();
    const message = once(socket, 'message');
    peer.send('hi there', socket.address().port);
    const [bytes, info] = await message;
    expect(Buffer.isBuffer(bytes)).toBe(true);
    expect(bytes.toString()).toBe('hi there');
    expect(info).toEqual({ address: '127.0.0.1', family: 'IPv4', port: peer.port, size: 8 });
  });

  describe('connected', () => {
    const connected = async (/** @type {number} */ port) => {
      const socket = await bound();
      socket.connect(port, '127.0.0.1');
      await once(socket, 'connect');
      return socket;
    };

    test('sends without an address, in each form', async () => {
      const peer = await listener();
      const socket = await connected(peer.port);
      expect(socket.remoteAddress()).toEqual({
        address: '127.0.0.1',
        family: 'IPv4',
        port: peer.port,
      });
      const forms = /** @type {[unknown[], string][]} */ ([
        [['one'], 'one'],
        [[Buffer.from('three'), 0, 2], 'th'],
        [[['a', 'b']], 'ab'],
      ]);
      for (const [args, expected] of forms) {
        const arrived = peer.next();
        const result = await called((done) => /** @type {any} */ (socket).send(...args, done));
        expect(result).toEqual([null, expected.length]);
        expect((await arrived).text).toBe(expected);
      }
    });

    test('hears its peer only', async () => {
      const peer = await listener();
      const other = await listener();
      const socket = await connected(peer.port);
      /** @type {string[]} */
      const heard = [];
      socket.on('message', (bytes) => heard.push(bytes.toString()));
      other.send('from another', socket.address().port);
      const message = once(socket, 'message');
      peer.send('from the peer', socket.address().port);
      await message;
      expect(heard).toEqual(['from the peer']);
    });

    test('takes no address, nor another connect(), until disconnect()', async () => {
      const peer = await listener();
      const socket = await connected(peer.port);
      const refused = { code: 'ERR_SOCKET_DGRAM_IS_CONNECTED' };
      expect(thrown(() => socket.connect(peer.port))).toMatchObject(refused);
      const send = /** @type {any} */ (socket).send.bind(socket);
      expect(thrown(() => send('a', 0, 1, peer.port))).toMatchObject(refused);
      socket.disconnect();
      const missing = { code: 'ERR_SOCKET_DGRAM_NOT_CONNECTED' };
      expect(thrown(() => socket.disconnect())).toMatchObject(missing);
      expect(thrown(() => socket.remoteAddress())).toMatchObject(missing);
      const arrived = peer.next();
      socket.send('again', peer.port, '127.0.0.1');
      expect((await arrived).text).toBe('again');
    });

    test('binds by itself, and calls back', async () => {
      const peer = await listener();
      const socket = await made();
      expect(await called((done) => socket.connect(peer.port, done))).toEqual([]);
      expect(socket.remoteAddress().address).toBe('127.0.0.1');
    });

    test.each([
      ['no port', []],
      ['port 0', [0]],
      ['a port too high', [70_000]],
    ])('throws at %s', async (_name, args) => {
      const socket = await bound();
      expect(thrown(() => /** @type {any} */ (socket).connect(...args))).toMatchObject({
        code: 'ERR_SOCKET_BAD_PORT',
      });
    });

    test('to an address of the other family: the callback, or the event', async () => {
      const socket = await bound();
      const [error] = await called((done) => socket.connect(4000, '::1', done));
      expect(error).toMatchObject({ code: 'EINVAL', syscall: 'connect' });
      const event = once(socket, 'error');
      socket.connect(4000, '::1');
      expect((await event)[0]).toMatchObject({ code: 'EINVAL' });
    });
  });

  describe('close()', () => {
    test("emits 'close' once, later, and nothing can be done any more", async () => {
      const socket = await bound();
      let count = 0;
      socket.on('close', () => {
        count += 1;
      });
      expect(socket.close(() => {})).toBe(socket);
      expect(count).toBe(0);
      const notRunning = { code: 'ERR_SOCKET_DGRAM_NOT_RUNNING' };
      expect(thrown(() => socket.close())).toMatchObject(notRunning);
      expect(thrown(() => socket.send('a', 4000, '127.0.0.1'))).toMatchObject(notRunning);
      expect(thrown(() => socket.bind())).toMatchObject(notRunning);
      expect(thrown(() => socket.address())).toMatchObject(notRunning);
      await once(socket, 'close');
      expect(count).toBe(1);
    });

    test('while it is being bound', async () => {
      const socket = await made();
      let count = 0;
      socket.on('listening', () => {
        count += 1;
      });
      socket.bind(0, '127.0.0.1');
      socket.close();
      await once(socket, 'close');
      expect(count).toBe(0);
    });

    test('comes after what waits for the socket to be bound', async () => {
      const socket = await made();
      /** @type {string[]} */
      const events = [];
      socket.on('listening', () => events.push('listening'));
      socket.on('close', () => events.push('close'));
      socket.send('last words', 4000, '127.0.0.1');
      expect(socket.close()).toBe(socket);
      await once(socket, 'close');
      expect(events).toEqual(['listening', 'close']);
    });

    test('of a socket that was never bound', async () => {
      const socket = await made();
      socket.close();
      await once(socket, 'close');
    });

    test('by a signal', async () => {
      const controller = new AbortController();
      const socket = await made({ signal: controller.signal });
      const closed = once(socket, 'close');
      controller.abort();
      await closed;
    });

    test('by a signal that was aborted before', async () => {
      const socket = await made({ signal: AbortSignal.abort() });
      await once(socket, 'close');
    });

    test('Symbol.asyncDispose', async () => {
      const socket = await bound();
      await socket[Symbol.asyncDispose]();
      await socket[Symbol.asyncDispose]();
      expect(thrown(() => socket.address())).toMatchObject({
        code: 'ERR_SOCKET_DGRAM_NOT_RUNNING',
      });
    });
  });

  describe('options of the socket', () => {
    test('are set', async () => {
      const socket = await bound();
      expect(socket.setBroadcast(true)).toBeUndefined();
      expect(socket.setTTL(64)).toBe(64);
      expect(socket.setMulticastTTL(0)).toBe(0);
      expect(socket.setMulticastLoopback(false)).toBe(false);
      expect(socket.ref()).toBe(socket);
      expect(socket.unref()).toBe(socket);
      expect(socket.getSendQueueSize()).toBe(0);
      expect(socket.getSendQueueCount()).toBe(0);
      socket.setSendBufferSize(20_000);
      socket.setRecvBufferSize(20_000);
      expect(socket.getSendBufferSize()).toBeGreaterThanOrEqual(20_000);
      expect(socket.getRecvBufferSize()).toBeGreaterThanOrEqual(20_000);
    });

    test.each([
      ['setTTL', ['64'], { code: 'ERR_INVALID_ARG_TYPE' }],
      ['setTTL', [0], { code: 'EINVAL', syscall: 'setTTL' }],
      ['setTTL', [256], { code: 'EINVAL' }],
      ['setMulticastTTL', ['1'], { code: 'ERR_INVALID_ARG_TYPE' }],
      ['setMulticastTTL', [256], { code: 'EINVAL' }],
      ['setMulticastInterface', [5], { code: 'ERR_INVALID_ARG_TYPE' }],
      ['addMembership', [], { code: 'ERR_MISSING_ARGS' }],
      ['dropMembership', [], { code: 'ERR_MISSING_ARGS' }],
      ['addSourceSpecificMembership', [5, '232.0.0.1'], { code: 'ERR_INVALID_ARG_TYPE' }],
      ['dropSourceSpecificMembership', ['10.0.0.1', 5], { code: 'ERR_INVALID_ARG_TYPE' }],
      ['setSendBufferSize', [-1], { code: 'ERR_SOCKET_BAD_BUFFER_SIZE' }],
      ['setRecvBufferSize', ['5'], { code: 'ERR_SOCKET_BAD_BUFFER_SIZE' }],
    ])('%s(%j)', async (name, args, expected) => {
      const socket = /** @type {any} */ (await bound());
      expect(thrown(() => socket[name](...args))).toMatchObject(expected);
    });

    test.each([
      ['setBroadcast', [true], { code: 'EBADF', syscall: 'setBroadcast' }],
      ['setTTL', [64], { code: 'EBADF', syscall: 'setTTL' }],
      ['setMulticastTTL', [64], { code: 'EBADF' }],
      ['setMulticastLoopback', [true], { code: 'EBADF' }],
      ['getSendBufferSize', [], { code: 'ERR_SOCKET_BUFFER_SIZE' }],
      ['getRecvBufferSize', [], { code: 'ERR_SOCKET_BUFFER_SIZE' }],
      ['setSendBufferSize', [4096], { code: 'ERR_SOCKET_BUFFER_SIZE' }],
    ])('%s(%j) of a socket that is not bound', async (name, args, expected) => {
      const socket = /** @type {any} */ (await made());
      expect(thrown(() => socket[name](...args))).toMatchObject(expected);
    });
  });
});

describe('over a relay', () => {
  test('the methods are those of node:dgram', async () => {
    const real = tracked(createSocket('udp4'));
    const ours = tracked(turnSocket(/** @type {any} */ (await loopbackRelay())));
    const names = Object.getOwnPropertyNames(Object.getPrototypeOf(real)).filter(
      (name) => !name.startsWith('_') && name !== 'constructor',
    );
    expect(names.length).toBeGreaterThan(20);
    expect(names.filter((name) => typeof (/** @type {any} */ (ours)[name]) !== 'function')).toEqual(
      [],
    );
  });

  test('groups cannot be joined', async () => {
    const socket = tracked(turnSocket(/** @type {any} */ (await loopbackRelay())));
    for (const join of [
      () => socket.addMembership('224.0.0.114'),
      () => socket.addSourceSpecificMembership('10.0.0.1', '232.0.0.1'),
    ]) {
      expect(thrown(join)).toMatchObject({ code: 'ENODEV' });
    }
  });

  test('what waits for the way to be free is counted, and its callback waits', async () => {
    const relay = await loopbackRelay();
    /** @type {(value?: any) => void} */
    let drain = () => {};
    relay.ready = new Promise((resolve) => {
      drain = resolve;
    });
    relay.hasRoom = false;
    const socket = tracked(turnSocket(/** @type {any} */ (relay)));
    socket.bind();
    await once(socket, 'listening');
    const sent = called((done) => socket.send('abc', 4000, '127.0.0.1', done));
    expect([socket.getSendQueueSize(), socket.getSendQueueCount()]).toEqual([3, 1]);
    drain();
    expect(await sent).toEqual([null, 3]);
    expect([socket.getSendQueueSize(), socket.getSendQueueCount()]).toEqual([0, 0]);
  });

  test('ref() and unref() are those of the relay', async () => {
    const relay = await loopbackRelay();
    const socket = tracked(turnSocket(/** @type {any} */ (relay)));
    socket.unref();
    expect(relay.isReferenced).toBe(false);
    socket.ref();
    expect(relay.isReferenced).toBe(true);
  });

  test('a relay that breaks ends the socket', async () => {
    const relay = await loopbackRelay();
    const socket = turnSocket(/** @type {any} */ (relay));
    socket.bind();
    await once(socket, 'listening');
    const broken = new Error('gone');
    // Not once(): that rejects at the event that is to come before.
    const closed = new Promise((resolve) => socket.on('close', resolve));
    relay.breakOff({ reason: 'transport', error: broken });
    expect(await once(socket, 'error')).toEqual([broken]);
    await closed;
    expect(thrown(() => socket.address())).toMatchObject({ code: 'ERR_SOCKET_DGRAM_NOT_RUNNING' });
  });

  test('a relay that was closed closes the socket, without an error', async () => {
    const relay = await loopbackRelay();
    const socket = turnSocket(/** @type {any} */ (relay));
    const closed = once(socket, 'close');
    await relay.close();
    await closed;
  });

  test('of IPv6', async () => {
    const socket = tracked(turnSocket(/** @type {any} */ (await loopbackRelay('::1'))));
    socket.bind();
    await once(socket, 'listening');
    expect(/** @type {any} */ (socket).type).toBe('udp6');
    expect(socket.address()).toMatchObject({ address: '::1', family: 'IPv6' });
  });

  test('that is real: data goes both ways', async () => {
    const server = new ScriptedServer();
    server.peer('192.0.2.9', 4000, { echoes: true });
    const socket = turnSocket(await relayAt(server));
    socket.bind(5000);
    await once(socket, 'listening');
    expect(socket.address()).toEqual({ address: RELAYED, family: 'IPv4', port: 49_152 });
    const message = once(socket, 'message');
    expect(await called((done) => socket.send('ping', 4000, '192.0.2.9', done))).toEqual([null, 4]);
    const [bytes, info] = await message;
    expect(bytes.toString()).toBe('ping');
    expect(info).toEqual({ address: '192.0.2.9', family: 'IPv4', port: 4000, size: 4 });
    const [error] = await called((done) => socket.send('a', 4000, '2001:db8::9', done));
    expect(error).toMatchObject({ code: 'EINVAL', cause: { code: 'ERR_TURN_PEER_FAMILY' } });
    await socket[Symbol.asyncDispose]();
    expect(server.allocations.size).toBe(0);
  });

  test.each([
    ['no relay', [undefined], 'relay'],
    ['a socket', [{ send() {} }], 'relay'],
    ['lookup', [{ send() {}, relayedAddress: {} }, { lookup: 'dns' }], 'options.lookup'],
    ['signal', [{ send() {}, relayedAddress: {} }, { signal: 5 }], 'options.signal'],
  ])('arguments: %s', (_, args, argument) => {
    expect(thrown(() => /** @type {any} */ (turnSocket)(...args))).toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
      argument,
    });
  });

  test('a browser has none', () => {
    expect(thrown(() => /** @type {any} */ (inBrowser)())).toMatchObject({
      code: 'ERR_TRANSPORT_UNSUPPORTED',
      hint: expect.stringContaining('onmessage'),
    });
  });
});
