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
