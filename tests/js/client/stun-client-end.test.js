// How a client that stays open ends: by close(), by the other side, by the network, by its transport.
import { afterEach, describe, expect, test } from '@jest/globals';
import { decode } from '../../../js/codec/index.js';
import { openStunClient, PosternError } from '../../../js/index.js';
import { cleanUp, freeUdpPort, tracked, udpServer } from '../transports/helpers.js';
import {
  MAPPED,
  memoryServer,
  ownSockets,
  PATIENT,
  rejection,
  SERVER,
  scriptedTcpServer,
  scriptedUdpServer,
  success,
} from './support.js';

/** @typedef {import('../../../js/codec/index.js').Message} Message */

afterEach(async () => {
  await cleanUp();
  expect(await ownSockets()).toEqual([]);
});

const yes = (/** @type {Message} */ request) => success(request);
const silence = () => undefined;

/** @param {import('../../../js/stun-options.js').StunOptions} options @param {string} [server] */
const open = async (options, server = SERVER) => tracked(await openStunClient(server, options));

describe('close()', () => {
  test('is idempotent, and closes the socket', async () => {
    const { uri } = await scriptedUdpServer(yes);
    const client = await openStunClient(uri);
    const first = client.close();
    await Promise.all([first, client.close()]);
    await client.close();
    expect(await client.closed).toEqual({});
    await cleanUp();
    expect(await ownSockets()).toEqual([]);
  });

  test('fails what is under way, with ERR_TRANSPORT_CLOSED', async () => {
    const { transport } = memoryServer(silence);
    const client = await open({ transport });
    const promises = [rejection(client.bind()), rejection(client.bind())];
    await client.close();
    for (const error of await Promise.all(promises)) {
      expect(error).toMatchObject({
        code: 'ERR_TRANSPORT_CLOSED',
        message: 'The client was closed.',
      });
    }
  });

  test('before a request has left: neither is it sent, nor does it hang', async () => {
    const { transport } = memoryServer(yes);
    const client = await open({ transport });
    const promise = rejection(client.bind());
    const closing = client.close();
    expect(await promise).toMatchObject({ code: 'ERR_TRANSPORT_CLOSED' });
    await closing;
  });

  test('nothing can be asked any more', async () => {
    const { transport } = memoryServer(yes);
    const client = await open({ transport });
    await client.close();
    expect(await rejection(client.bind())).toMatchObject({ code: 'ERR_TRANSPORT_CLOSED' });
    expect(() => client.keepAlive()).toThrow(
      expect.objectContaining({ code: 'ERR_TRANSPORT_CLOSED' }),
    );
    expect(client.stats()).toMatchObject({ late: 0 });
  });

  test('is what [Symbol.asyncDispose] does', async () => {
    const { transport } = memoryServer(yes);
    const client = await openStunClient(SERVER, { transport });
    await client[Symbol.asyncDispose]();
    expect(await client.closed).toEqual({});
    expect(await rejection(client.bind())).toMatchObject({ code: 'ERR_TRANSPORT_CLOSED' });
  });
});

describe('the other side', () => {
  test('closes the connection in the middle of a transaction', async () => {
    const { uri } = await scriptedTcpServer((_, { socket }) => void socket.end());
    const client = await open({ transport: 'tcp' }, uri);
    const error = await rejection(client.bind());
    expect(error.code).toBe('ERR_TRANSPORT_CLOSED');
    expect(error.message).toContain('server closed');
    expect(error.cause).toBeUndefined();
    expect(await client.closed).toEqual({});
    expect(await rejection(client.bind())).toMatchObject({ code: 'ERR_TRANSPORT_CLOSED' });
  });

  test('resets the connection: `closed` tells, and never rejects', async () => {
    const { uri } = await scriptedTcpServer((_, { socket }) => void socket.resetAndDestroy());
    const client = await open({ transport: 'tcp' }, uri);
    const reset = { code: 'ERR_TRANSPORT_CLOSED', cause: { code: 'ECONNRESET' } };
    expect(await rejection(client.bind())).toMatchObject({
      code: 'ERR_TRANSPORT_CLOSED',
      cause: reset,
    });
    expect(await client.closed).toMatchObject({ error: reset });
  });

  test('closes when nothing is asked', async () => {
    const server = memoryServer(silence, { reliable: true });
    const client = await open({ transport: server.transport });
    server.ends[1].close();
    expect(await client.closed).toEqual({});
    expect(await rejection(client.bind())).toMatchObject({ code: 'ERR_TRANSPORT_CLOSED' });
  });

  test('answers and closes: the answer counts', async () => {
    const { uri } = await scriptedTcpServer((request, { socket }) => {
      socket.end(success(request));
      return undefined;
    });
    const client = await open({ transport: 'tcp' }, uri);
    expect(await client.bind()).toMatchObject(MAPPED);
    expect(await client.closed).toEqual({});
  });

  test('is not there, and comes back: the client works again, and forgets', async () => {
    const port = await freeUdpPort();
    const client = await open(PATIENT, `stun:127.0.0.1:${port}`);
    expect(await rejection(client.bind())).toMatchObject({ code: 'ERR_TRANSPORT_CONNECT' });

    const { socket } = await udpServer('127.0.0.1', port, false);
    socket.on('message', (bytes, source) => {
      socket.send(success(decode(bytes)), source.port, source.address);
    });
    expect(await client.bind()).toMatchObject({ ...MAPPED, requestsSent: 1 });
    await client.close();
    // An ICMP error of the past is not why it was closed.
    expect(await client.closed).toEqual({});
  });

  test('an error of the network is forgotten once an answer came through', async () => {
    const server = memoryServer((request, { number }) =>
      number === 1 ? success(request) : undefined,
    );
    const client = await open({
      transport: server.transport,
      retransmission: { rtoMs: 1, rc: 1, rm: 1 },
    });
    const [near] = server.ends;
    const unreachable = () =>
      new PosternError('ERR_TRANSPORT_CONNECT', undefined, {
        hint: 'No way leads there.',
        cause: Object.assign(new Error(), { code: 'EHOSTUNREACH' }),
      });

    const first = rejection(client.bind());
    near.onerror?.(unreachable());
    // Soft: it may pass. What it said helps to understand the time-out.
    expect(await first).toMatchObject({
      code: 'ERR_STUN_TIMEOUT',
      hint: 'No way leads there.',
      cause: { code: 'ERR_TRANSPORT_CONNECT' },
    });
    await client.bind();
    const last = await rejection(client.bind());
    expect(last.code).toBe('ERR_STUN_TIMEOUT');
    expect(last.cause).toBeUndefined();
  });

  test('a hard error of the network ends a transaction at once', async () => {
    const server = memoryServer(silence);
    const client = await open({ transport: server.transport });
    const promise = rejection(client.bind());
    const cause = Object.assign(new Error(), { code: 'ECONNREFUSED' });
    const error = new PosternError('ERR_TRANSPORT_CONNECT', 'refused', { cause });
    server.ends[0].onerror?.(error);
    expect(await promise).toMatchObject({ code: 'ERR_TRANSPORT_CONNECT', cause: error });
  });
});

describe('a transport of the caller that', () => {
  test('throws in send(): the call rejects, and the client is closed', async () => {
    const { transport } = memoryServer(yes);
    const broken = async (/** @type {any} */ target, /** @type {any} */ options) => {
      const end = await transport(target, options);
      end.send = () => {
        throw new Error('out of ink');
      };
      return end;
    };
    const client = await open({ transport: broken });
    const error = await rejection(client.bind());
    expect(error).toMatchObject({ code: 'ERR_TRANSPORT_CLOSED', cause: { message: 'out of ink' } });
    expect(await client.closed).toEqual({ error });
  });

  test('fails to open: its error is handed on', async () => {
    const problem = new Error('no ink');
    const transport = () => Promise.reject(problem);
    expect(await rejection(openStunClient(SERVER, { transport }))).toBe(problem);
  });

  test.each([undefined, null, {}, { send() {} }])('is none: %p', async (thing) => {
    const transport = /** @type {any} */ (async () => thing);
    const error = await rejection(openStunClient(SERVER, { transport }));
    expect(error).toBeInstanceOf(TypeError);
    expect(error).toMatchObject({ code: 'ERR_INVALID_ARGUMENT', argument: 'options.transport' });
  });
});
