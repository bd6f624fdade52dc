import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { race } from '../../../js/race.js';
import { gate, rejection } from './support.js';

beforeEach(() => {
  jest.useFakeTimers({ doNotFake: ['queueMicrotask', 'nextTick', 'setImmediate'] });
});
afterEach(() => {
  expect(jest.getTimerCount()).toBe(0);
  jest.useRealTimers();
});

/**
 * Attempts that end when the test says so.
 *
 * @param {string[]} candidates
 * @param {AbortSignal} [signal]
 */
function start(candidates, signal = new AbortController().signal) {
  const began = performance.now();
  /** @type {Record<string, { at: number, resolve(value: string): void, reject(error: unknown): void, signal: AbortSignal }>} */
  const attempts = {};
  /** @type {string[]} */
  const discarded = [];
  const result = race(
    candidates,
    (candidate, inner) =>
      new Promise((/** @type {(value: string) => void} */ resolve, reject) => {
        const at = performance.now() - began;
        attempts[candidate] = { at, resolve, reject, signal: inner };
      }),
    { headStartMs: 250, signal, discard: (late) => discarded.push(late) },
  );
  result.catch(() => {});
  const startedAt = () =>
    Object.fromEntries(Object.entries(attempts).map(([name, { at }]) => [name, at]));
  return { attempts, result, startedAt, discarded };
}

const flush = () => jest.advanceTimersByTimeAsync(0);

test('each has a head start of 250 ms over the next', async () => {
  const { result, startedAt, attempts } = start(['a', 'b', 'c']);
  await jest.advanceTimersByTimeAsync(249);
  expect(startedAt()).toEqual({ a: 0 });
  await jest.advanceTimersByTimeAsync(1);
  expect(startedAt()).toEqual({ a: 0, b: 250 });
  await jest.advanceTimersByTimeAsync(1000);
  expect(startedAt()).toEqual({ a: 0, b: 250, c: 500 });
  attempts.a.resolve('A');
  expect(await result).toEqual({ result: 'A', failures: [] });
});

test('a failure starts the next at once, which has its whole head start', async () => {
  const { result, startedAt, attempts } = start(['a', 'b', 'c', 'd']);
  await jest.advanceTimersByTimeAsync(100);
  attempts.a.reject('no');
  await flush();
  expect(startedAt()).toEqual({ a: 0, b: 100 });
  await jest.advanceTimersByTimeAsync(249);
  expect(startedAt()).toEqual({ a: 0, b: 100 });
  await jest.advanceTimersByTimeAsync(1);
  expect(startedAt()).toEqual({ a: 0, b: 100, c: 350 });
  attempts.b.resolve('B');
  expect(await result).toEqual({ result: 'B', failures: [{ candidate: 'a', error: 'no' }] });
});

test('the winner ends the others', async () => {
  const { result, attempts } = start(['a', 'b', 'c']);
  await jest.advanceTimersByTimeAsync(250);
  attempts.b.resolve('B');
  await result;
  expect(attempts.a.signal.aborted).toBe(true);
  expect(Object.keys(attempts)).toEqual(['a', 'b']);
});

test('who succeeds after the end is handed to discard(), in whatever order', async () => {
  const { result, attempts, discarded } = start(['a', 'b', 'c']);
  await jest.advanceTimersByTimeAsync(500);
  attempts.b.resolve('B');
  attempts.a.resolve('A');
  expect(await result).toMatchObject({ result: 'B' });
  attempts.c.resolve('C');
  await flush();
  expect(discarded).toEqual(['A', 'C']);
});

test('who fails after the end starts nothing', async () => {
  const { result, attempts } = start(['a', 'b', 'c']);
  await jest.advanceTimersByTimeAsync(250);
  attempts.b.resolve('B');
  attempts.a.reject('late');
  expect(await result).toEqual({ result: 'B', failures: [] });
  expect(Object.keys(attempts)).toEqual(['a', 'b']);
});

test('all fail: their errors, in the order in which they came', async () => {
  const { result, attempts } = start(['a', 'b']);
  await jest.advanceTimersByTimeAsync(250);
  attempts.b.reject(2);
  await flush();
  attempts.a.reject(1);
  expect(await result).toEqual({
    failures: [
      { candidate: 'b', error: 2 },
      { candidate: 'a', error: 1 },
    ],
  });
});

describe('a signal', () => {
  test('that is aborted already starts nothing', async () => {
    const { result, attempts } = start(['a'], AbortSignal.abort('why'));
    expect(await rejection(result)).toBe('why');
    expect(attempts).toEqual({});
  });

  test('that aborts ends all at once, with its reason', async () => {
    const controller = new AbortController();
    const { result, attempts, discarded } = start(['a', 'b', 'c'], controller.signal);
    await jest.advanceTimersByTimeAsync(250);
    controller.abort('why');
    expect(await rejection(result)).toBe('why');
    expect(attempts.a.signal.reason).toBe('why');
    expect(attempts.b.signal.reason).toBe('why');
    attempts.a.resolve('A');
    attempts.b.reject('late');
    await flush();
    expect(discarded).toEqual(['A']);
    expect(Object.keys(attempts)).toEqual(['a', 'b']);
  });

  test('that aborts after the end changes nothing', async () => {
    const controller = new AbortController();
    const { result, attempts } = start(['a'], controller.signal);
    attempts.a.resolve('A');
    await flush();
    controller.abort('why');
    expect(await result).toEqual({ result: 'A', failures: [] });
  });
});

describe('candidates that are found late', () => {
  /** @param {string[]} candidates @param {Promise<string[]>[]} late */
  function startWith(candidates, late) {
    /** @type {string[]} */
    const started = [];
    /** @type {Record<string, { resolve(value: string): void, reject(error: unknown): void }>} */
    const attempts = {};
    const result = race(
      candidates,
      (candidate) => {
        started.push(candidate);
        return new Promise((/** @type {(value: string) => void} */ resolve, reject) => {
          attempts[candidate] = { resolve, reject };
        });
      },
      {
        headStartMs: 250,
        signal: new AbortController().signal,
        late,
        compare: (a, b) => a.localeCompare(b),
      },
    );
    return { started, attempts, result };
  }

  test('take their place in the queue', async () => {
    const { started, attempts, result } = startWith(
      ['a', 'd', 'e'],
      [Promise.resolve(['b']), Promise.resolve(['f', 'd'])],
    );
    await jest.advanceTimersByTimeAsync(250 * 5);
    expect(started).toEqual(['a', 'b', 'd', 'd', 'e', 'f']);
    attempts.f.resolve('F');
    expect(await result).toMatchObject({ result: 'F' });
  });

  test('start at once where nobody else waits, and the head start is over', async () => {
    const found = gate();
    const { started, attempts, result } = startWith(
      ['a'],
      [/** @type {Promise<string[]>} */ (found.opened)],
    );
    await jest.advanceTimersByTimeAsync(1000);
    found.open(['b']);
    await flush();
    expect(started).toEqual(['a', 'b']);
    attempts.b.resolve('B');
    await result;
  });

  test('are waited for when all others have failed', async () => {
    const found = gate();
    const { started, attempts, result } = startWith(
      ['a'],
      [/** @type {Promise<string[]>} */ (found.opened), Promise.resolve([])],
    );
    attempts.a.reject('no');
    await flush();
    found.open(['b']);
    await flush();
    expect(started).toEqual(['a', 'b']);
    attempts.b.reject('no');
    expect(await result).toEqual({
      failures: [
        { candidate: 'a', error: 'no' },
        { candidate: 'b', error: 'no' },
      ],
    });
  });

  test('may be all there are, or none', async () => {
    const { attempts, result } = startWith([], [Promise.resolve(['a'])]);
    await flush();
    attempts.a.resolve('A');
    expect(await result).toEqual({ result: 'A', failures: [] });
    expect(await startWith([], [Promise.resolve([])]).result).toEqual({ failures: [] });
  });
});
