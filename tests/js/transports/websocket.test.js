import { once } from 'node:events';
import { createServer as createHttpsServer } from 'node:https';
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { WebSocket, WebSocketServer } from 'ws';
import {
  HIGH_WATER_MARK_BYTES,
  LOW_WATER_MARK_BYTES,
  openWebSocket,
} from '../../../js/transports/websocket.js';
import {
  cleanUp,
  closed,
  drained,
  fixture,
  openSockets,
  received,
  settled,
  tcpServer,
  text,
  tracked,
} from './helpers.js';

/** @typedef {import('ws').ServerOptions} ServerOptions */

afterEach(() => void jest.useRealTimers());
afterEach(async () => {
  await cleanUp();
  for (const socket of BrowserWebSocket.all.splice(0)) {
    socket.happens('close', { code: 1000, reason: '', wasClean: true });
  }
  await closeServers();
});

const hello = Buffer.from('hello');
const reason = new Error('enough');
/** @type {WebSocketServer[]} */
const servers = [];

async function closeServers() {
  for (const server of servers.splice(0)) {
    for (const client of server.clients) client.terminate();
    const { server: listener } = server.options;
    await new Promise((resolve) => server.close(resolve));
    if (listener) await new Promise((resolve) => listener.close(resolve));
  }
}

/** @param {ServerOptions} [options] @param {string} [host] */
async function webSocketServer(options = {}, host = '127.0.0.1') {
  const server = new WebSocketServer({
    port: 0,
    host,
    handleProtocols: (offered) => offered.has('turn') && 'turn',
    ...options,
  });
  servers.push(server);
  await once(options.server ?? server, 'listening');
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  const name = host.includes(':') ? `[${host}]` : host;
  const target = { address: host, port, url: `ws://${name}:${port}/` };
  return { server, target };
}

/** @param {any} target @param {any} [options] */
const open = async (target, options) =>
  tracked(await openWebSocket(target, { WebSocket, ...options }));

/** A server, a transport to it, and the server's end of that. @param {any} [options] @param {ServerOptions} [serverOptions] */
async function connection(options, serverOptions) {
  const { server, target } = await webSocketServer(serverOptions);
  const accepted = once(server, 'connection');
  const transport = await open(target, options);
  const [socket] = /** @type {[WebSocket]} */ (await accepted);
  return { transport, socket, server, target };
}

/** @param {any} target @param {any} [options] */
const refusal = (target, options) =>
  open(target, options).then(
    () => {
      throw new Error('was opened');
    },
    (error) => error,
  );

/**
 * A WebSocket as browsers have it: the standard and nothing more, on a network of the test's.
 */
class BrowserWebSocket extends EventTarget {
  /** @type {BrowserWebSocket[]} */ static all = [];
  binaryType = 'blob';
  bufferedAmount = 0;
  readyState = 0;
  protocol = '';
  close = jest.fn(() => {
    this.readyState = 2;
  });
  send = jest.fn((/** @type {Uint8Array} */ bytes) => {
    this.bufferedAmount += bytes.length;
  });

  /** @param {string} url @param {string[]} protocols */
  constructor(url, protocols) {
    super();
    this.url = url;
    this.protocols = protocols;
    BrowserWebSocket.all.push(this);
  }

  /** @param {string} type @param {object} [members] */
  happens(type, members = {}) {
    this.dispatchEvent(Object.assign(new Event(type), members));
  }

  opens(protocol = 'turn') {
    this.readyState = 1;
    this.protocol = protocol;
    this.happens('open');
  }
}

const page = { url: 'wss://turn.example.org/path?query', address: 'turn.example.org', port: 443 };

/** A transport on a BrowserWebSocket. @param {any} [options] */
async function inBrowser(options) {
  const opening = openWebSocket(page, { WebSocket: BrowserWebSocket, ...options });
  const socket = /** @type {BrowserWebSocket} */ (BrowserWebSocket.all.at(-1));
  socket.opens();
  return { transport: tracked(await opening), socket };
}

describe('open', () => {
  test.each([
    ['127.0.0.1', 'IPv4'],
    ['::1', 'IPv6'],
  ])('to %s: messages both ways, whole', async (host, family) => {
    const { server, target } = await webSocketServer({}, host);
    server.on('connection', (socket) => socket.on('message', (data) => socket.send(data)));
    const transport = await open(target);
    expect(transport).toMatchObject({
      kind: 'ws',
      reliable: true,
      framed: true,
      remoteAddress: { address: host, port: target.port, family },
      localAddress: { address: '', port: 0, family },
      phases: { connect: expect.any(Number) },
      droppedMessages: 0,
    });
    const answer = received(transport);
    expect(transport.send(hello)).toBe(true);
    const { bytes, source } = await answer;
    expect(bytes).toBeInstanceOf(Uint8Array);
    expect(text(bytes)).toBe('hello');
    expect(source).toBeUndefined();
  });

  test('with the path and the query of the URL', async () => {
    const { server, target } = await webSocketServer();
    const accepted = once(server, 'connection');
    await open({ ...target, url: `${target.url}turn/1?token=x` });
    const [, request] = await accepted;
    expect(request.url).toBe('/turn/1?token=x');
  });

  test('to a name, which stays the address', async () => {
    const { transport, socket } = await inBrowser();
    expect(socket).toMatchObject({ url: page.url, protocols: ['turn'], binaryType: 'arraybuffer' });
    expect(transport.remoteAddress).toEqual({
      address: 'turn.example.org',
      port: 443,
      family: 'IPv4',
    });
  });

  test('with several messages at once, in their order', async () => {
    const { transport, socket } = await connection();
    /** @type {string[]} */
    const texts = [];
    const end = new Promise((resolve) => {
      transport.onbytes = (bytes) => texts.push(text(bytes)) === 3 && resolve(undefined);
    });
    for (const one of ['one', 'two', 'three']) socket.send(Buffer.from(one));
    await end;
    expect(texts).toEqual(['one', 'two', 'three']);
  });

  test('over TLS, trusting whom the class trusts', async () => {
    const https = createHttpsServer({ key: fixture('server-key'), cert: fixture('good') });
    https.listen(0, '127.0.0.1');
    const { target } = await webSocketServer({ server: https, port: undefined, host: undefined });
    const url = `wss://localhost:${target.port}/`;
    class Trusting extends WebSocket {
      /** @param {string} address @param {string[]} protocols */
      constructor(address, protocols) {
        super(address, protocols, { ca: fixture('ca') });
      }
    }
    const transport = await open({ ...target, url }, { WebSocket: Trusting });
    expect(transport.remoteAddress.address).toBe('localhost');
    expect(await refusal({ ...target, url })).toMatchObject({
      code: 'ERR_TRANSPORT_CONNECT',
      hint: expect.stringContaining('options.WebSocket'),
      cause: { code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' },
    });
  });

  test('with the global class when none is given', async () => {
    const had = Object.getOwnPropertyDescriptor(globalThis, 'WebSocket');
    Object.defineProperty(globalThis, 'WebSocket', { value: WebSocket, configurable: true });
    try {
      const { target } = await webSocketServer();
      tracked(await openWebSocket(target));
      Object.defineProperty(globalThis, 'WebSocket', { value: undefined, configurable: true });
      await expect(openWebSocket(target)).rejects.toMatchObject({
        code: 'ERR_TRANSPORT_UNSUPPORTED',
        hint: expect.stringContaining('npm install ws'),
      });
    } finally {
      if (had) Object.defineProperty(globalThis, 'WebSocket', had);
      else Reflect.deleteProperty(globalThis, 'WebSocket');
    }
  });
});

describe('the sub-protocol', () => {
  test("is 'turn'", async () => {
    const { socket } = await connection();
    expect(socket.protocol).toBe('turn');
  });

  test('has to be chosen, also where the platform does without', async () => {
    const { target } = await webSocketServer({ handleProtocols: () => false });
    const hint = expect.stringContaining('sub-protocol');
    expect(await refusal(target)).toMatchObject({ code: 'ERR_TRANSPORT_CONNECT', hint });

    const opening = refusal(page, { WebSocket: BrowserWebSocket });
    const socket = /** @type {BrowserWebSocket} */ (BrowserWebSocket.all.at(-1));
    socket.opens('');
    expect(await opening).toMatchObject({ code: 'ERR_TRANSPORT_CONNECT', hint });
    expect(socket.close).toHaveBeenCalledTimes(1);
  });

  test('can be another, or none', async () => {
    const { target } = await webSocketServer({ handleProtocols: (offered) => [...offered][0] });
    await open(target, { protocols: ['other'] });
    await open(target, { protocols: [] });
  });
});

describe('reading', () => {
  test('nothing that comes before onbytes is lost', async () => {
    const { server, target } = await webSocketServer();
    server.on('connection', (socket) => {
      socket.send(Buffer.from('early'));
      socket.send(Buffer.from('bird'));
    });
    const transport = await open(target);
    await settled();
    /** @type {string[]} */
    const texts = [];
    await new Promise((resolve) => {
      transport.onbytes = (bytes) => texts.push(text(bytes)) === 2 && resolve(undefined);
    });
    expect(texts).toEqual(['early', 'bird']);
  });

  test('but not without end', async () => {
    const { transport, socket } = await inBrowser();
    for (let i = 0; i < 70; i++) socket.happens('message', { data: Uint8Array.of(i).buffer });
    expect(transport.droppedMessages).toBe(6);
    /** @type {number[]} */
    const numbers = [];
    transport.onbytes = ([number]) => numbers.push(number);
    // What comes now stands behind what is held.
    socket.happens('message', { data: Uint8Array.of(99).buffer });
    await settled();
    expect(transport.droppedMessages).toBe(7);
    expect(numbers).toEqual(Array.from({ length: 64 }, (_, i) => i));
    socket.happens('message', { data: Uint8Array.of(100).buffer });
    expect(numbers.at(-1)).toBe(100);
  });

  test('stops when the handler is taken away, and goes on with the next', async () => {
    const { transport, socket } = await inBrowser();
    for (const i of [1, 2, 3]) socket.happens('message', { data: Uint8Array.of(i).buffer });
    /** @type {number[]} */
    const numbers = [];
    transport.onbytes = ([number]) => {
      numbers.push(number);
      transport.onbytes = undefined;
    };
    await settled();
    expect(numbers).toEqual([1]);
    transport.onbytes = ([number]) => numbers.push(number);
    await settled();
    expect(numbers).toEqual([1, 2, 3]);
  });

  test('text is counted and dropped', async () => {
    const { transport, socket } = await connection();
    const next = received(transport);
    socket.send('text');
    socket.send(hello);
    expect(text((await next).bytes)).toBe('hello');
    expect(transport.droppedMessages).toBe(1);
  });
});

describe('writing', () => {
  test('asks to wait when the other side does not read, and tells when to go on', async () => {
    const { transport, socket } = await connection();
    socket.pause();
    const drain = drained(transport);
    const message = Buffer.alloc(64 * 1024);
    while (transport.send(message));
    socket.resume();
    await drain;
    expect(transport.send(hello)).toBe(true);
  });

  test('looks by one timer, and only while over the mark', async () => {
    const { transport, socket } = await inBrowser();
    jest.useFakeTimers();
    const ondrain = jest.fn();
    transport.ondrain = ondrain;
    expect(transport.send(new Uint8Array(HIGH_WATER_MARK_BYTES))).toBe(true);
    expect(jest.getTimerCount()).toBe(0);
    expect(transport.send(hello)).toBe(false);
    expect(transport.send(hello)).toBe(false);
    expect(jest.getTimerCount()).toBe(1);
    socket.bufferedAmount = LOW_WATER_MARK_BYTES + 1;
    jest.advanceTimersByTime(1000);
    expect(ondrain).not.toHaveBeenCalled();
    expect(jest.getTimerCount()).toBe(1);
    socket.bufferedAmount = LOW_WATER_MARK_BYTES;
    jest.advanceTimersByTime(1000);
    expect(ondrain).toHaveBeenCalledTimes(1);
    expect(jest.getTimerCount()).toBe(0);
  });

  test('looks when a message comes, too', async () => {
    const { transport, socket } = await inBrowser();
    jest.useFakeTimers();
    const ondrain = jest.fn();
    transport.ondrain = ondrain;
    transport.send(new Uint8Array(HIGH_WATER_MARK_BYTES + 1));
    socket.bufferedAmount = 0;
    socket.happens('message', { data: new ArrayBuffer(1) });
    expect(ondrain).toHaveBeenCalledTimes(1);
    expect(jest.getTimerCount()).toBe(0);
  });

  test('hands the bytes on without a copy', async () => {
    const { transport, socket } = await inBrowser();
    transport.send(hello);
    expect(socket.send.mock.calls[0]?.[0]).toBe(hello);
  });

  test('while the other side closes it, nothing is taken', async () => {
    const { transport, socket } = await inBrowser();
    socket.readyState = 2;
    expect(transport.send(hello)).toBe(false);
    expect(socket.send).not.toHaveBeenCalled();
  });
});

describe('the end', () => {
  test.each([
    [1000, 'done'],
    [undefined, undefined],
  ])('by the server with %p is no error', async (code, why) => {
    const { transport, socket } = await connection();
    const end = closed(transport);
    socket.close(code, why);
    expect(await end).toBeUndefined();
    expect(transport.send(hello)).toBe(false);
  });

  test.each([
    [1001, '', 'it is going away (1001)'],
    [1008, 'no token', "it was against its policy (1008, 'no token')"],
    [1009, '', 'a message was too long for it (1009)'],
    [1011, 'oh', "it met an unexpected error (1011, 'oh')"],
    [1013, '', 'it is overloaded, try again later (1013)'],
    [4001, 'own', "for a reason of its own (4001, 'own')"],
  ])('by the server with %i is told in words', async (code, why, words) => {
    const { transport, socket } = await connection();
    const end = closed(transport);
    socket.close(code, why);
    const error = await end;
    expect(error).toMatchObject({ name: 'PosternError', code: 'ERR_TRANSPORT_CLOSED' });
    expect(error.message).toBe(
      `The server closed the WebSocket: ${words.replace('it was against', 'a message was against')}.`,
    );
    expect(error.reason).toBe(why || undefined);
  });

  test('by a broken connection is an error, told also to those who ask late', async () => {
    const { transport, socket } = await connection();
    const end = closed(transport);
    socket.terminate();
    const error = await end;
    expect(error).toMatchObject({
      code: 'ERR_TRANSPORT_CLOSED',
      message: 'The WebSocket broke without being closed (1006).',
    });
    transport.close();
    expect(await closed(transport)).toBe(error);
  });

  test('by an error tells its cause', async () => {
    const { transport, socket } = await inBrowser();
    const cause = Object.assign(new Error('reset'), { code: 'ECONNRESET' });
    const end = closed(transport);
    socket.happens('error', { error: cause });
    socket.happens('close', { code: 1006, reason: '', wasClean: false });
    const error = await end;
    expect(error.message).toContain('(1006, ECONNRESET)');
    expect(error.cause).toBe(cause);
  });

  test('by close() is told once, and reaches the server as an end, after all messages', async () => {
    const { transport, socket } = await connection();
    const message = once(socket, 'message');
    const end = once(socket, 'close');
    const onclose = jest.fn();
    transport.onclose = onclose;
    transport.send(hello);
    transport.close();
    transport.close();
    await transport[Symbol.asyncDispose]();
    expect(onclose.mock.calls).toEqual([[undefined]]);
    expect(text((await message)[0])).toBe('hello');
    expect((await end)[0]).toBe(1000);
    expect(transport.send(hello)).toBe(false);
  });

  test('by close() lets no more messages through', async () => {
    const { transport, socket } = await inBrowser();
    const onbytes = jest.fn();
    socket.happens('message', { data: new ArrayBuffer(1) });
    transport.onbytes = onbytes;
    transport.close();
    socket.happens('message', { data: new ArrayBuffer(1) });
    await settled();
    expect(onbytes).not.toHaveBeenCalled();
    socket.happens('close', { code: 1006, reason: '', wasClean: false });
    expect(await closed(transport)).toBeUndefined();
  });

  test('by close() does not wait for ever for a server that does not answer', async () => {
    const { transport, socket } = await connection();
    socket.pause();
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] });
    while (transport.send(Buffer.alloc(64 * 1024)));
    const end = closed(transport);
    transport.close();
    jest.advanceTimersByTime(2000);
    expect(await end).toBeUndefined();
    // ws has one of its own until the socket is gone.
    while (jest.getTimerCount() > 0) await new Promise(setImmediate);
  });

  test('leaves no timer behind, over the mark or not', async () => {
    const { transport, socket } = await inBrowser();
    jest.useFakeTimers();
    transport.send(new Uint8Array(HIGH_WATER_MARK_BYTES + 1));
    expect(jest.getTimerCount()).toBe(1);
    socket.happens('close', { code: 1000, reason: '', wasClean: true });
    expect(jest.getTimerCount()).toBe(0);
  });
});

describe('opening fails', () => {
  test('when nothing listens', async () => {
    const { server, target } = await tcpServer(() => {});
    await new Promise((resolve) => server.close(resolve));
    const before = await openSockets();
    const error = await refusal({ ...target, url: `ws://127.0.0.1:${target.port}/?token=hunter2` });
    expect(error).toMatchObject({
      name: 'PosternError',
      code: 'ERR_TRANSPORT_CONNECT',
      phase: 'connect',
      message: `No WS connection to 127.0.0.1:${target.port} could be made (ECONNREFUSED).`,
      hint: expect.stringContaining('nothing listens'),
      cause: { code: 'ECONNREFUSED' },
    });
    expect(await openSockets()).toEqual(before);
  });

  test('when there is no WebSocket at this path', async () => {
    const { target } = await webSocketServer({ path: '/turn' });
    expect(await refusal(target)).toMatchObject({
      code: 'ERR_TRANSPORT_CONNECT',
      hint: expect.stringContaining('HTTP status 400'),
    });
  });

  test('in browsers, which do not tell why', async () => {
    const opening = refusal(page, { WebSocket: BrowserWebSocket });
    const socket = /** @type {BrowserWebSocket} */ (BrowserWebSocket.all.at(-1));
    // That of Node.js tells of an error while it is closed in an error, too.
    socket.close.mockImplementation(() => socket.happens('error'));
    socket.happens('error');
    socket.happens('close', { code: 1006, reason: '', wasClean: false });
    expect(socket.close).not.toHaveBeenCalled();
    expect(await opening).toMatchObject({
      code: 'ERR_TRANSPORT_CONNECT',
      message: 'No WS connection to turn.example.org:443 could be made.',
      hint: expect.stringContaining('does not tell why'),
    });
  });

  test('when the page may not open it', async () => {
    const cause = new DOMException('insecure', 'SecurityError');
    class Forbidden {
      constructor() {
        throw cause;
      }
    }
    const error = await refusal(page, { WebSocket: Forbidden });
    expect(error).toMatchObject({ code: 'ERR_TRANSPORT_CONNECT' });
    expect(error.cause).toBe(cause);
  });

  test.each([[undefined], [500]])('when nobody answers in time (%p)', async (timeoutMs) => {
    const { server, target } = await tcpServer(() => {});
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] });
    const accepted = once(server, 'connection');
    const opening = refusal({ ...target, url: `ws://127.0.0.1:${target.port}/` }, { timeoutMs });
    const [socket] = await accepted;
    jest.advanceTimersByTime((timeoutMs ?? 39_500) - 1);
    expect(jest.getTimerCount()).toBe(1);
    jest.advanceTimersByTime(1);
    expect(await opening).toMatchObject({
      code: 'ERR_TRANSPORT_CONNECT',
      cause: { message: `Nothing happened within ${timeoutMs ?? 39_500} ms.` },
    });
    expect(jest.getTimerCount()).toBe(0);
    socket.resume();
    await once(socket, 'close');
  });

  test.each([
    [{}, {}, 'target.url'],
    [{ url: 'https://example.org/' }, {}, 'target.url'],
    [{ url: 'ws://example.org/#x' }, {}, 'target.url'],
    [{ url: 'ws://user:hunter2@example.org/' }, {}, 'target.url'],
    [page, { WebSocket: 'ws' }, 'options.WebSocket'],
    [page, { localAddress: '127.0.0.1' }, 'options.localAddress'],
    [page, { localPort: 1 }, 'options.localPort'],
  ])('for %j, %j: a TypeError', async (target, options, argument) => {
    const error = await refusal(target, options);
    expect(error).toMatchObject({ name: 'TypeError', code: 'ERR_INVALID_ARGUMENT', argument });
    expect(error.message).not.toContain('hunter2');
  });
});

describe('an abort', () => {
  test('beforehand opens nothing', async () => {
    const made = BrowserWebSocket.all.length;
    const signal = AbortSignal.abort(reason);
    expect(await refusal(page, { WebSocket: BrowserWebSocket, signal })).toBe(reason);
    expect(BrowserWebSocket.all).toHaveLength(made);
  });

  test('while opening closes the socket at once', async () => {
    const { server, target } = await tcpServer(() => {});
    const controller = new AbortController();
    const accepted = once(server, 'connection');
    const url = `ws://127.0.0.1:${target.port}/`;
    const opening = refusal({ ...target, url }, { signal: controller.signal });
    const [socket] = await accepted;
    controller.abort(reason);
    expect(await opening).toBe(reason);
    socket.resume();
    await once(socket, 'close');
  });

  test('after opening changes nothing', async () => {
    const controller = new AbortController();
    const { transport, socket } = await connection({ signal: controller.signal });
    controller.abort(reason);
    const message = once(socket, 'message');
    transport.send(hello);
    expect(text((await message)[0])).toBe('hello');
  });
});

test('ref() and unref() do what the class offers', async () => {
  const { transport, socket } = await inBrowser();
  transport.ref();
  transport.unref();
  const offered = Object.assign(socket, { ref: jest.fn(), unref: jest.fn() });
  transport.ref();
  expect(offered.ref).toHaveBeenCalledTimes(1);
  transport.unref();
  expect(offered.unref).toHaveBeenCalledTimes(1);
});
