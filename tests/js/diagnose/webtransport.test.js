// WebTransport as pages have it, played by a class of the same form: there is no server of HTTP/3 for tests.
import { afterEach, expect, test } from '@jest/globals';
import { measureWebTransport } from '../../../js/diagnose/webtransport.js';

const URL_OF_SERVER = 'https://media.example.org/wt?token=secret';
const { signal } = new AbortController();
const bounds = { timeoutMs: 200, signal };

/** @type {{ url: string, isClosed: boolean, sent: number }[]} */
const made = [];
afterEach(() => {
  made.length = 0;
  Reflect.deleteProperty(globalThis, 'WebTransport');
});

/**
 * @param {object} server
 * @param {'open' | 'refused' | 'silent'} server.connects
 * @param {(datagram: Uint8Array, nth: number) => Uint8Array[]} [server.answer] what comes back for a datagram
 */
function play({ connects, answer = () => [] }) {
  class PlayedTransport {
    closed = new Promise(() => {});
    /** @param {string} url */
    constructor(url) {
      const record = { url, isClosed: false, sent: 0 };
      made.push(record);
      this.record = record;
      this.ready = {
        open: () => Promise.resolve(),
        refused: () => Promise.reject(new Error('refused')),
        silent: () => new Promise(() => {}),
      }[connects]();
      /** @type {ReadableStreamDefaultController<Uint8Array>} */
      let controller;
      this.datagrams = {
        readable: new ReadableStream({
          start: (given) => {
            controller = given;
          },
        }),
        writable: new WritableStream({
          write: (datagram) => {
            record.sent += 1;
            for (const one of answer(datagram, record.sent)) controller.enqueue(one);
          },
        }),
      };
    }

    close() {
      this.record.isClosed = true;
    }
  }
  Object.assign(globalThis, { WebTransport: PlayedTransport });
}

const HEAD = {
  id: 'webtransport/https:%2F%2Fmedia.example.org%2Fwt',
  kind: 'webtransport',
  whose: 'client',
  url: 'https://media.example.org/wt',
};

test('datagrams come back', async () => {
  // Others come in between.
  play({ connects: 'open', answer: (datagram) => [Uint8Array.of(1, 2, 3), datagram] });
  expect(await measureWebTransport(URL_OF_SERVER, bounds)).toEqual({
    ...HEAD,
    status: 'ok',
    datagrams: true,
    connectMs: expect.any(Number),
    roundTripMs: expect.any(Number),
    elapsedMs: expect.any(Number),
  });
  expect(made).toEqual([{ url: URL_OF_SERVER, isClosed: true, sent: 5 }]);
});

test('a server that sends none back is reached all the same', async () => {
  play({ connects: 'open' });
  const measurement = await measureWebTransport(URL_OF_SERVER, bounds);
  expect(measurement).toMatchObject({ ...HEAD, status: 'ok' });
  expect(measurement).not.toHaveProperty('datagrams');
  expect(made).toEqual([{ url: URL_OF_SERVER, isClosed: true, sent: 1 }]);
}, 10_000);

test.each(
  /** @type {const} */ ([
    ['refused', /did not connect\./],
    ['silent', /in time/],
  ]),
)('it does not connect: %s', async (connects, pattern) => {
  play({ connects });
  const measurement = await measureWebTransport(URL_OF_SERVER, bounds);
  expect(measurement).toMatchObject({
    ...HEAD,
    status: 'failed',
    error: { code: 'ERR_TRANSPORT_CONNECT', message: expect.stringMatching(pattern) },
  });
  expect(made[0].isClosed).toBe(true);
});

test('a browser that has none', async () => {
  expect(await measureWebTransport(URL_OF_SERVER, bounds)).toEqual({
    ...HEAD,
    status: 'skipped',
    because: 'this browser has no WebTransport',
  });
});

test.each(/** @type {const} */ (['silent', 'open']))('an abort closes it: %s', async (connects) => {
  const controller = new AbortController();
  play({
    connects,
    answer: () => {
      controller.abort('enough');
      return [];
    },
  });
  const measuring = measureWebTransport(URL_OF_SERVER, {
    timeoutMs: 5000,
    signal: controller.signal,
  });
  if (connects === 'silent') controller.abort('enough');
  await expect(measuring).rejects.toBe('enough');
  expect(made[0].isClosed).toBe(true);
});
