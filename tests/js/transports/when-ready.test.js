import { EventEmitter } from 'node:events';
import { expect, jest, test } from '@jest/globals';
import { whenReady } from '../../../js/transports/when-ready.js';

/** @param {Partial<Parameters<typeof whenReady>[1]>} [steps] */
function start(steps) {
  const socket = new EventEmitter();
  const destroy = jest.fn();
  const ready = whenReady(socket, {
    event: 'ready',
    signal: undefined,
    open: () => 'open',
    destroy,
    toError: (cause) => new Error('failed', { cause }),
    ...steps,
  });
  return { socket, destroy, ready };
}

test('opens in the very event, and leaves no listener behind', async () => {
  const { signal } = new AbortController();
  const remove = jest.spyOn(signal, 'removeEventListener');
  const open = jest.fn(() => 'open');
  const { socket, destroy, ready } = start({ signal, open });
  socket.emit('ready');
  expect(open).toHaveBeenCalledTimes(1);
  expect(socket.eventNames()).toEqual([]);
  expect(remove).toHaveBeenCalledTimes(1);
  expect(await ready).toBe('open');
  expect(destroy).not.toHaveBeenCalled();
});

test('destroys after an error, and survives further ones', async () => {
  const { socket, destroy, ready } = start();
  const cause = new Error('first');
  socket.emit('error', cause);
  socket.emit('error', new Error('second'));
  await expect(ready).rejects.toMatchObject({ message: 'failed', cause });
  expect(destroy).toHaveBeenCalledTimes(1);
  expect(socket.listenerCount('ready')).toBe(0);
});

test('rejects with what opening throws, and destroys', async () => {
  const cause = new Error('not openable');
  const open = () => {
    throw cause;
  };
  const { socket, destroy, ready } = start({ open });
  socket.emit('ready');
  await expect(ready).rejects.toBe(cause);
  expect(destroy).toHaveBeenCalledTimes(1);
});

test('counts the time of earlier steps', async () => {
  jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] });
  try {
    const toError = (/** @type {any} */ cause) => cause;
    const { ready } = start({ timeoutMs: 100, elapsedMs: 60, toError });
    const failed = expect(ready).rejects.toThrow('Nothing happened within 100 ms.');
    jest.advanceTimersByTime(39);
    expect(jest.getTimerCount()).toBe(1);
    jest.advanceTimersByTime(1);
    await failed;
    const { ready: late } = start({ timeoutMs: 100, elapsedMs: 200, toError });
    jest.advanceTimersByTime(0);
    await expect(late).rejects.toThrow('100 ms');
  } finally {
    jest.useRealTimers();
  }
});
