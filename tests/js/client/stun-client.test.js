// A client that stays open.
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { startStunResponder } from '../../../js/dev/stun-responder.js';
import { openStunClient, PosternError, StunClient } from '../../../js/index.js';
import { cleanUp, tracked } from '../transports/helpers.js';
import {
  failure,
  gate,
  MAPPED,
  memoryServer,
  ownSockets,
  PATIENT,
  rejection,
  SERVER,
  scriptedTcpServer,
  scriptedUdpServer,
  success,
  turn,
} from './support.js';

/** @typedef {import('../../../js/codec/index.js').Message} Message */

afterEach(async () => {
  await cleanUp();
  expect(await ownSockets()).toEqual([]);
});

const yes = (/** @type {Message} */ request) => success(request);
const silence = () => undefined;
/** Ours: client::kMaxTransactions. */
const MOST = 4;

/** @param {import('../../../js/stun-options.js').StunOptions} options @param {string} [server] */
const open = async (options, server = SERVER) => tracked(await openStunClient(server, options));

describe('bind()', () => {
  test('again and again, on one socket', async () => {
    const server = await scriptedUdpServer(yes);
    const client = await open(PATIENT, server.uri);
    expect(client).toBeInstanceOf(StunClient);
    expect(client.serverAddress).toEqual({ ...server.target, family: 'IPv4' });
    const results = [];
    for (let i = 0; i < 3; i++) results.push(await client.bind());
    for (const result of results) {
      expect(result).toMatchObject({
        ...MAPPED,
        transport: 'udp',
        localAddress: client.localAddress,
      });
    }
    expect(server.requests).toHaveLength(3);
  });

  test('several at once, answered in the opposite order', async () => {
    /** @type {Uint8Array[]} */
    const answers = [];
    const server = memoryServer((request, { number }) => {
      answers.unshift(success(request, { xorMappedAddress: { ...MAPPED, port: 1000 + number } }));
      return answers.length === MOST ? answers : undefined;
    });
    const client = await open({ transport: server.transport });
    const results = await Promise.all(Array.from({ length: MOST }, () => client.bind()));
    expect(results.map(({ port }) => port)).toEqual([1000, 1001, 1002, 1003]);
  });

  test('more at once than there is room for: ERR_TOO_MANY_TRANSACTIONS, and the others go on', async () => {
    const held = gate();
    const server = await scriptedUdpServer((request, { source }) => {
      held.opened.then(() => server.socket.send(success(request), source.port, source.address));
      return undefined;
    });
    const client = await open(PATIENT, server.uri);
    const settled = Promise.allSettled(Array.from({ length: MOST + 2 }, () => client.bind()));
    held.open();
    const outcomes = await settled;
    expect(outcomes.map(({ status }) => status)).toEqual([
      ...Array(MOST).fill('fulfilled'),
      'rejected',
      'rejected',
    ]);
    const { reason } = /** @type {PromiseRejectedResult} */ (outcomes[MOST]);
    expect(reason).toBeInstanceOf(PosternError);
    expect(reason.code).toBe('ERR_TOO_MANY_TRANSACTIONS');
    expect(reason.message).toContain('wait for one to end');
    expect(await client.bind()).toMatchObject(MAPPED);
  });

  test('an aborted one makes room', async () => {
    const { transport } = memoryServer(silence);
    const client = await open({ transport });
    for (let i = 0; i < 3 * MOST; i++) {
      const controller = new AbortController();
      const promise = rejection(client.bind({ signal: controller.signal }));
      controller.abort(i);
      expect(await promise).toBe(i);
    }
  });

  test('one is aborted, the other goes on', async () => {
    const answers = gate();
    const server = memoryServer((request) => {
      answers.opened.then(() => server.ends[1].send(success(request)));
      return undefined;
    });
    const client = await open({ transport: server.transport });
    const controller = new AbortController();
    const one = rejection(client.bind({ signal: controller.signal }));
    const other = client.bind();
    await turn();
    controller.abort('why');
    expect(await one).toBe('why');
    answers.open();
    expect(await other).toMatchObject(MAPPED);
    await turn();
    expect(client.stats()).toMatchObject({ late: 1, unknownTransaction: 0 });
  });

  test('with a signal that is aborted already sends nothing', async () => {
    const { transport, requests } = memoryServer(yes);
    const client = await open({ transport });
    expect(await rejection(client.bind({ signal: AbortSignal.abort('why') }))).toBe('why');
    await turn();
    expect(requests).toEqual([]);
  });

  test('FINGERPRINT: as the client was opened with, or as asked here', async () => {
    const { transport, requests } = memoryServer(yes);
    const client = await open({ transport, fingerprint: true });
    await client.bind();
    await client.bind({ fingerprint: false });
    const other = await open({ transport });
    await other.bind();
    await other.bind({ fingerprint: true });
    expect(requests.map(({ fingerprint }) => fingerprint)).toEqual([
      'valid',
      'absent',
      'absent',
      'valid',
    ]);
  });

  test('the attributes of RFC 5780', async () => {
    const { transport, requests } = memoryServer(yes);
    const client = await open({ transport });
    await client.bind({ changeIp: true, responsePort: 5000, paddingBytes: 64 });
    const { changeRequest, responsePort, padding } = requests[0].attributes;
    expect({ changeRequest, responsePort }).toEqual({
      changeRequest: { changeIp: true, changePort: false },
      responsePort: 5000,
    });
    expect(padding).toEqual(new Uint8Array(64));
  });

  test('more padding than a request holds: an error, and the client is as good as before', async () => {
    const { transport } = memoryServer(yes);
    const client = await open({ transport });
    expect(await rejection(client.bind({ paddingBytes: 60_000 }))).toMatchObject({
      code: 'ERR_STUN_MESSAGE_TOO_LONG',
    });
    expect(await client.bind()).toMatchObject(MAPPED);
  });

  test('hundreds of clients at once, in one turn: more than the outbox of the core holds', async () => {
    const { transport } = memoryServer((request, { number }) =>
      success(request, {
        xorMappedAddress: { ...MAPPED, port: 1 + number },
        software: 'x'.repeat(500),
      }),
    );
    const clients = await Promise.all(
      Array.from({ length: 300 }, () => openStunClient(SERVER, { transport })),
    );
    const results = await Promise.all(
      clients.flatMap((client) => [client.bind(), client.bind(), client.bind(), client.bind()]),
    );
    expect(new Set(results.map(({ port }) => port)).size).toBe(1200);
    expect(results.every(({ software }) => software === 'x'.repeat(500))).toBe(true);
    await Promise.all(clients.map((client) => client.close()));
  });

  test('a stream that delivers more in one piece than the inbox of the core holds', async () => {
    const { transport } = memoryServer(
      (request) => {
        const stranger = success(
          { method: request.method, transactionId: new Uint8Array(12) },
          { software: 'x'.repeat(500) },
        );
        return Buffer.concat([...Array(200).fill(stranger), success(request)]);
      },
      { reliable: true },
    );
    const client = await open({ transport });
    expect(await client.bind()).toMatchObject(MAPPED);
    expect(client.stats()).toMatchObject({ unknownTransaction: 200 });
  });
});

describe('keepAlive()', () => {
  test.each(['udp', 'tcp'])('sends a Binding indication over %s', async (name) => {
    const { opened, open: onMessage } = gate();
    const server =
      name === 'udp'
        ? await scriptedUdpServer(onIndication)
        : await scriptedTcpServer(onIndication);
    function onIndication(/** @type {Message} */ message) {
      onMessage(message);
      return undefined;
    }
    const client = await open({ transport: /** @type {'udp'} */ (name) }, server.uri);
    client.keepAlive();
    expect(await opened).toMatchObject({
      class: 'indication',
      method: 'Binding',
      fingerprint: 'valid',
    });
  });

  test('beside a transaction', async () => {
    const server = memoryServer((message) =>
      message.class === 'request' ? success(message) : undefined,
    );
    const client = await open({ transport: server.transport });
    client.keepAlive();
    expect(await client.bind()).toMatchObject(MAPPED);
    const classes = server.requests.map((message) => message.class);
    expect(classes.sort()).toEqual(['indication', 'request']);
  });
});

describe('time', () => {
  beforeEach(() => {
    jest.useFakeTimers({ doNotFake: ['queueMicrotask', 'nextTick', 'setImmediate'] });
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  test('one timer for all clients, and none when nothing is under way', async () => {
    const { transport } = memoryServer(silence);
    const clients = [
      await open({ transport }),
      await open({ transport }),
      await open({ transport }),
    ];
    expect(jest.getTimerCount()).toBe(0);
    const outcomes = clients.map((client) => rejection(client.bind()));
    await turn();
    expect(jest.getTimerCount()).toBe(1);
    await jest.advanceTimersByTimeAsync(39_500);
    for (const error of await Promise.all(outcomes)) expect(error.code).toBe('ERR_STUN_TIMEOUT');
    expect(jest.getTimerCount()).toBe(0);
  });

  test('a closed client leaves no timer', async () => {
    const { transport } = memoryServer(silence);
    const client = await open({ transport });
    const promise = rejection(client.bind());
    await turn();
    await client.close();
    await promise;
    await turn();
    expect(jest.getTimerCount()).toBe(0);
  });

  test('a retransmission learns from the round trips before (RFC 8489 section 6.2.1)', async () => {
    let isLossy = false;
    /** @type {number[]} */
    const times = [];
    const { transport } = memoryServer(
      (request) => {
        times.push(performance.now());
        return isLossy ? undefined : success(request);
      },
      { network: ({ deliver }) => void setTimeout(deliver, 1000) },
    );
    const client = await open({ transport });
    for (let i = 0; i < 20; i++) {
      const result = client.bind().catch(() => {});
      await jest.advanceTimersByTimeAsync(10_000);
      await result;
    }
    isLossy = true;
    times.length = 0;
    const promise = rejection(client.bind());
    await jest.advanceTimersByTimeAsync(500_000);
    expect((await promise).code).toBe('ERR_STUN_TIMEOUT');
    // The server is two seconds away: half a second is no reason to send again.
    expect(times[1] - times[0]).toBeGreaterThanOrEqual(2000);
    expect(times).toHaveLength(7);
  });
});

describe('with the responder of js/dev', () => {
  test.each(/** @type {const} */ (['udp', 'tcp']))('over %s', async (transport) => {
    const { udpPort, close } = await startStunResponder();
    const client = await openStunClient(`stun:127.0.0.1:${udpPort}`, { transport, ...PATIENT });
    const results = await Promise.all([client.bind(), client.bind({ fingerprint: true })]);
    const { address, port } = client.localAddress;
    for (const result of results)
      expect(result).toMatchObject({ address, port, software: 'postern' });
    expect(await rejection(client.bind({ changeIp: true }))).toMatchObject({ errorCode: 420 });
    expect(Object.values(client.stats())).toEqual(Array(8).fill(0));
    await client.close();
    await close();
  });
});

test('a server that answers with an error stays the server', async () => {
  const server = memoryServer((request, { number }) =>
    number === 0 ? failure(request, 500) : success(request),
  );
  const client = await open({ transport: server.transport });
  expect(await rejection(client.bind())).toMatchObject({ errorCode: 500 });
  expect(await client.bind()).toMatchObject(MAPPED);
});
