// postern serve when its server ends by itself, which a real one does not do on request.
import { EventEmitter } from 'node:events';
import { expect, jest, test } from '@jest/globals';
import { PosternError } from '../../../js/errors.js';

/** @type {{ reason: string, error?: unknown }} */
let end = { reason: 'error' };
let closes = 0;
jest.unstable_mockModule('../../../js/server/index.js', () => ({
  createServer: async () =>
    Object.assign(new EventEmitter(), {
      addresses: [],
      urls: ['turn:127.0.0.1:1?transport=udp'],
      closed: Promise.resolve(end),
      close: async () => {
        closes += 1;
      },
    }),
}));
const { startServe } = await import('./serve-support.js');

test.each([
  [
    'a trap in its core',
    new PosternError('ERR_INTERNAL'),
    70,
    /^postern: the server has ended: The core met .* \(ERR_INTERNAL\)\n$/,
  ],
  ['a socket that is lost', new PosternError('ERR_TRANSPORT_CLOSED'), 4, /the server has ended/],
  ['no word', undefined, 2, /^postern: the server has ended: nobody says why\n$/],
])('%s: %p is told, and is no success', async (_, error, exitCode, sentence) => {
  end = { reason: 'error', error };
  closes = 0;
  const serving = startServe(['--listen', 'udp://127.0.0.1:0', '--user', 'a:b', '--metrics', '0']);
  const ended = await serving.ended;
  expect(ended.exitCode).toBe(exitCode);
  expect(ended.stderr).toMatch(sentence);
  // The listener for metrics and all else goes with it.
  expect(closes).toBe(1);
  expect(serving.listening()).toEqual([]);
  expect(serving.entries.at(-1)).toMatchObject({ event: 'closed' });
  const { metrics } = /** @type {any} */ (serving.entries[0]);
  await expect(fetch(metrics)).rejects.toThrow();
});
