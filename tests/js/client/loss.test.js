// What a client does when packets are lost. Time is Jest's, so that the 39.5 s of RFC 8489 pass at once and
// to the millisecond.
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { getMappedAddress } from '../../../js/index.js';
import { gate, MAPPED, memoryServer, rejection, SERVER, success } from './support.js';

/** @typedef {import('../../../js/transports/memory.js').Passage} Passage */

beforeEach(() => {
  jest.useFakeTimers({ doNotFake: ['queueMicrotask', 'nextTick', 'setImmediate'] });
});
afterEach(() => {
  expect(jest.getTimerCount()).toBe(0);
  jest.useRealTimers();
});

/** Loses the sends whose numbers, counted both ways, are listed. @param {number[]} lost */
const losing =
  (...lost) =>
  (/** @type {Passage} */ { index, deliver }) => {
    if (!lost.includes(index)) queueMicrotask(deliver);
  };

/** When each request came, in milliseconds from the start. @param {{ reliable?: boolean, network?: any }} [options] */
function clockedServer(options) {
  const start = performance.now();
  /** @type {number[]} */
  const times = [];
  const server = memoryServer((request) => {
    times.push(performance.now() - start);
    return success(request);
  }, options);
  return { ...server, times };
}

/** What came, on a network that drops everything behind the server's eyes. @param {any} [options] */
function silentServer(options) {
  const start = performance.now();
  /** @type {number[]} */
  const times = [];
  const server = memoryServer(() => {
    times.push(performance.now() - start);
    return undefined;
  }, options);
  return { ...server, times };
}

test('nothing lost: one request, and a round trip', async () => {
  const { transport, times } = clockedServer();
  const result = await getMappedAddress(SERVER, { transport });
  expect(result).toMatchObject({ ...MAPPED, requestsSent: 1, roundTripMs: 0 });
  expect(times).toEqual([0]);
});

test('the round trip is the time from the request to its answer', async () => {
  const { transport } = memoryServer((request) => success(request), {
    network: ({ deliver }) => void setTimeout(deliver, 40),
  });
  const result = getMappedAddress(SERVER, { transport });
  await jest.advanceTimersByTimeAsync(80);
  expect(await result).toMatchObject({ requestsSent: 1, roundTripMs: 80 });
});

// The intervals of RFC 8489 section 6.2.1.
const REQUESTS_AT = [0, 500, 1500, 3500, 7500, 15_500, 31_500];

describe('with the first n requests lost, the next is answered', () => {
  test.each([1, 2, 3, 4, 5, 6])('n = %i', async (n) => {
    const { transport, times } = clockedServer({ network: losing(...Array(n).keys()) });
    const result = getMappedAddress(SERVER, { transport });
    await jest.advanceTimersByTimeAsync(REQUESTS_AT[n]);
    // Karn: the answer may be to any of them.
    expect(await result).toMatchObject({ ...MAPPED, requestsSent: n + 1, roundTripMs: null });
    expect(times).toEqual([REQUESTS_AT[n]]);
  });
});

test('with the answers lost, the request comes again as it was', async () => {
  const { transport, requests } = clockedServer({ network: losing(1, 3) });
  const result = getMappedAddress(SERVER, { transport });
  await jest.advanceTimersByTimeAsync(1500);
  expect(await result).toMatchObject({ ...MAPPED, requestsSent: 3, roundTripMs: null });
  expect(requests.map(({ bytes }) => Buffer.from(bytes).toString('hex'))).toEqual(
    Array(3).fill(Buffer.from(requests[0].bytes).toString('hex')),
  );
});

test('all lost: seven requests, and the end after 39.5 s', async () => {
  const { transport, times } = silentServer();
  const promise = rejection(getMappedAddress(SERVER, { transport }));
  await jest.advanceTimersByTimeAsync(39_499);
  expect(times).toEqual(REQUESTS_AT);
  expect(jest.getTimerCount()).toBe(1);
  await jest.advanceTimersByTimeAsync(1);
  expect(await promise).toMatchObject({
    code: 'ERR_STUN_TIMEOUT',
    phase: 'request',
    url: SERVER,
    attempts: [{ transport: 'udp', address: '198.51.100.1', port: 3478, code: 'ERR_STUN_TIMEOUT' }],
  });
  expect(times).toEqual(REQUESTS_AT);
});

test('RTO, Rc and Rm are as asked', async () => {
  const { transport, times } = silentServer();
  const retransmission = { rtoMs: 10, rc: 3, rm: 5 };
  const promise = rejection(getMappedAddress(SERVER, { transport, retransmission }));
  await jest.advanceTimersByTimeAsync(79);
  expect(times).toEqual([0, 10, 30]);
  expect(jest.getTimerCount()).toBe(1);
  await jest.advanceTimersByTimeAsync(1);
  expect(await promise).toMatchObject({ code: 'ERR_STUN_TIMEOUT' });
});

test('a fraction of a millisecond counts', async () => {
  const { transport, times } = silentServer();
  const retransmission = { rtoMs: 1.5, rc: 2, rm: 1 };
  const promise = rejection(getMappedAddress(SERVER, { transport, retransmission }));
  await jest.advanceTimersByTimeAsync(10);
  expect(times).toEqual([0, 2]);
  expect(await promise).toMatchObject({ code: 'ERR_STUN_TIMEOUT' });
});

test('on a stream the request goes once, and the end comes after Ti', async () => {
  const { transport, times } = silentServer({ reliable: true });
  const promise = rejection(getMappedAddress(SERVER, { transport }));
  await jest.advanceTimersByTimeAsync(39_499);
  expect(jest.getTimerCount()).toBe(1);
  await jest.advanceTimersByTimeAsync(1);
  expect(await promise).toMatchObject({ code: 'ERR_STUN_TIMEOUT' });
  expect(times).toEqual([0]);
});

test('Ti is as asked', async () => {
  const { transport } = silentServer({ reliable: true });
  const promise = rejection(getMappedAddress(SERVER, { transport, retransmission: { tiMs: 100 } }));
  await jest.advanceTimersByTimeAsync(99);
  expect(jest.getTimerCount()).toBe(1);
  await jest.advanceTimersByTimeAsync(1);
  expect(await promise).toMatchObject({ code: 'ERR_STUN_TIMEOUT' });
});

describe('timeoutMs', () => {
  test('ends a transaction that would go on', async () => {
    const { transport, times } = silentServer();
    const promise = rejection(getMappedAddress(SERVER, { transport, timeoutMs: 2000 }));
    await jest.advanceTimersByTimeAsync(1999);
    expect(times).toEqual([0, 500, 1500]);
    await jest.advanceTimersByTimeAsync(1);
    const error = await promise;
    expect(error).toMatchObject({ code: 'ERR_STUN_TIMEOUT', url: SERVER });
    expect(error.message).toContain('2000 ms');
    expect(error.attempts).toMatchObject([
      { transport: 'udp', address: '198.51.100.1', port: 3478, code: 'ERR_STUN_TIMEOUT' },
    ]);
  });

  test('ends a transport that never opens, and closes it when it does', async () => {
    const { opened, open } = gate();
    const { transport } = memoryServer(() => undefined);
    const options = { transport: () => /** @type {Promise<any>} */ (opened), timeoutMs: 100 };
    const promise = rejection(getMappedAddress(SERVER, options));
    await jest.advanceTimersByTimeAsync(100);
    expect(await promise).toMatchObject({ code: 'ERR_STUN_TIMEOUT' });
    const late = await transport({ address: '198.51.100.1', port: 3478 }, {});
    const close = jest.spyOn(late, 'close');
    open(late);
    await jest.advanceTimersByTimeAsync(0);
    expect(close).toHaveBeenCalledTimes(1);
  });

  test('ends a look-up that never ends', async () => {
    const never = new Promise(() => {});
    const resolver = { lookup: () => never, resolveSrv: () => never };
    const promise = rejection(
      getMappedAddress('stun:stun.example.org', { resolver, timeoutMs: 100 }),
    );
    await jest.advanceTimersByTimeAsync(100);
    expect(await promise).toMatchObject({ code: 'ERR_STUN_TIMEOUT', attempts: [] });
  });

  test('that is not needed leaves nothing behind', async () => {
    const { transport } = clockedServer();
    await getMappedAddress(SERVER, { transport, timeoutMs: 100_000 });
    expect(jest.getTimerCount()).toBe(0);
  });
});
