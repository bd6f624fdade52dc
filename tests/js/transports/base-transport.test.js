import { expect, jest, test } from '@jest/globals';
import { BaseTransport } from '../../../js/transports/base-transport.js';

class Transport extends BaseTransport {
  close = jest.fn();
  end = (/** @type {Error | undefined} */ error) => this.ended(error);
}

test('the first end counts', () => {
  const transport = new Transport();
  const onclose = jest.fn();
  transport.onclose = onclose;
  const error = new Error('broken');
  transport.end(error);
  transport.end(new Error('again'));
  transport.end(undefined);
  expect(onclose.mock.calls).toEqual([[error]]);
});

test('disposal closes, and waits until all is gone', async () => {
  const transport = new Transport();
  let isDone = false;
  const disposals = [1, 2].map(() =>
    transport[Symbol.asyncDispose]().then(() => {
      isDone = true;
    }),
  );
  expect(transport.close).toHaveBeenCalled();
  await new Promise(setImmediate);
  expect(isDone).toBe(false);
  transport.end(undefined);
  await Promise.all(disposals);
});
