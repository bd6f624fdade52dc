// The engine without transports: what goes in, and what its owners are told.
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { embeddedWasm } from '#engine-wasm';
import { decode } from '../../../js/codec/index.js';
import { Engine } from '../../../js/engine/engine.js';
import { engineError } from '../../../js/engine/engine-error.js';
import { OUTPUT } from '../../../js/engine/layout.js';
import { failure, MAPPED, success, turn } from '../client/support.js';
import { recorder, SETTINGS } from './support.js';

const bytes = /** @type {Uint8Array} */ (embeddedWasm());
/** @type {Engine} */
let engine;
/** @type {number[]} */
let handles;
beforeEach(() => {
  engine = new Engine(bytes);
  handles = [];
});
// What is under way has a timer.
afterEach(() => {
  for (const handle of handles) engine.close(handle);
});

/** @param {import('../../../js/engine/engine.js').ClientOwner} owner @param {Partial<typeof SETTINGS>} [settings] */
function open(owner, settings) {
  const handle = engine.open({ ...SETTINGS, ...settings }, owner);
  handles.push(handle);
  return handle;
}

/** @param {number} errc */
const codeOf = (errc) => engineError(errc).code;

test('a request is told after the call, its answer at once, and each once', async () => {
  const owner = recorder();
  const handle = open(owner);
  const transaction = engine.startBinding(handle);
  expect(owner.sent).toEqual([]);
  await turn();
  const request = decode(owner.sent[0]);
  expect(request).toMatchObject({ class: 'request', method: 'Binding' });

  engine.datagram(handle, success(request, { software: 'core' }));
  expect(owner.events).toEqual([
    {
      kind: OUTPUT.mappedAddress,
      transaction,
      requestsSent: 1,
      roundTripMs: expect.any(Number),
      isAuthenticated: false,
      mayRedirect: false,
      errc: 0,
      errorCode: 0,
      attribute: 0x0020,
      addresses: [MAPPED, { ...SETTINGS.server, family: 'IPv4' }, undefined, undefined],
      texts: ['core', '', ''],
      unknownAttributes: [],
    },
  ]);
  await turn();
  expect(owner.events).toHaveLength(1);
  expect(owner.sent).toHaveLength(1);
});

test("the bytes of a message are the owner's: nothing writes over them", async () => {
  const owner = recorder();
  const handle = open(owner);
  engine.startBinding(handle);
  await turn();
  const copy = Uint8Array.from(owner.sent[0]);
  for (let i = 0; i < 3; i++) engine.startBinding(handle);
  engine.datagram(handle, new Uint8Array(5000).fill(0xff));
  await turn();
  expect(owner.sent[0]).toEqual(copy);
  // They are parts of one larger buffer, but of different places.
  owner.sent[0].fill(0xee);
  for (const bytes of owner.sent.slice(1)) expect(decode(bytes).method).toBe('Binding');
});

test('each owner is told its own', async () => {
  const owners = Array.from({ length: 20 }, recorder);
  owners.forEach((owner) => void open(owner));
  expect(new Set(handles).size).toBe(20);
  for (const handle of handles) engine.startBinding(handle);
  await turn();
  owners.forEach((owner, i) => {
    const answer = success(decode(owner.sent[0]), { xorMappedAddress: { ...MAPPED, port: 1 + i } });
    engine.datagram(handles[i], answer);
  });
  await turn();
  expect(owners.map(({ events }) => events.map((event) => event.addresses[0]?.port))).toEqual(
    owners.map((_, i) => [1 + i]),
  );
});

test('what finds no room in the outbox comes in the same turn all the same', async () => {
  const owners = Array.from({ length: 500 }, recorder);
  for (const owner of owners) engine.startBinding(open(owner));
  await turn();
  expect(owners.every(({ sent }) => sent.length === 1)).toBe(true);
});

test('all that happens in one turn is handled in its order', async () => {
  const owner = recorder();
  const handle = open(owner);
  const first = engine.startBinding(handle);
  const second = engine.startBinding(handle);
  await turn();
  const [one, two] = owner.sent.map((sent) => decode(sent));
  engine.datagram(handle, new Uint8Array(3));
  engine.datagramFrom(handle, success(one), { address: '2001:db8::1%eth0', port: 1 });
  engine.datagram(handle, success(two));
  engine.datagram(handle, failure(one, 500));
  engine.datagram(handle, success(one));
  await turn();
  expect(owner.events.map(({ kind, transaction }) => [kind, transaction])).toEqual([
    [OUTPUT.mappedAddress, second],
    [OUTPUT.errorResponse, first],
  ]);
  expect(engine.stats(handle)).toMatchObject({ malformed: 1, wrongSource: 1, late: 1 });
});

test('an owner may ask for more while it is told', async () => {
  const owner = recorder();
  const handle = open({
    ...owner,
    transmit(message) {
      owner.sent.push(message);
      engine.datagram(handle, success(decode(message)));
    },
    settle(event) {
      owner.events.push(event);
      if (owner.events.length < 10) engine.startBinding(handle);
      else engine.close(handle);
    },
  });
  engine.startBinding(handle);
  await turn();
  expect(owner.events).toHaveLength(10);
  expect(owner.sent).toHaveLength(10);
});

test('counters count for each client', async () => {
  open(recorder());
  open(recorder());
  for (let i = 0; i < 3; i++) engine.datagram(handles[0], Uint8Array.of(1, 2, 3));
  // Asked for at once: what waits in the inbox counts.
  expect(engine.stats(handles[0])).toMatchObject({ malformed: 3 });
  expect(engine.stats(handles[1])).toMatchObject({ malformed: 0 });
});

describe('ends of a transaction', () => {
  /** @type {[string, (handle: number, transaction: number) => void, string][]} */
  const ends = [
    ['cancel()', (handle, transaction) => engine.cancel(handle, transaction), 'ERR_CANCELLED'],
    ['a hard error', (handle) => engine.transportError(handle, true), 'ERR_TRANSPORT_CLOSED'],
    [
      'the end of the transport',
      (handle) => engine.transportClosed(handle),
      'ERR_TRANSPORT_CLOSED',
    ],
  ];
  test.each(ends)('%s', async (_, end, code) => {
    const owner = recorder();
    const handle = open(owner);
    const transaction = engine.startBinding(handle);
    end(handle, transaction);
    await turn();
    expect(owner.events.map((event) => [event.transaction, codeOf(event.errc)])).toEqual([
      [transaction, code],
    ]);
    // What was not sent yet is not sent any more.
    expect(owner.sent).toEqual([]);
  });

  test('a soft error is none', async () => {
    const owner = recorder();
    const handle = open(owner);
    engine.startBinding(handle);
    engine.transportError(handle, false);
    await turn();
    expect(owner.events).toEqual([]);
    expect(owner.sent).toHaveLength(1);
    engine.close(handle);
  });

  test('close(): without a word', async () => {
    const owner = recorder();
    const handle = open(owner);
    engine.startBinding(handle);
    await turn();
    const answer = success(decode(owner.sent[0]));
    engine.close(handle);
    engine.close(handle);
    engine.datagram(handle, answer);
    engine.cancel(handle, 1);
    await turn();
    expect(owner).toMatchObject({ events: [], losses: [] });
  });
});

describe('a handle', () => {
  test('that is closed names nothing, even when its place is taken again', async () => {
    const stale = open(recorder());
    engine.close(stale);
    const owner = recorder();
    const handle = open(owner);
    expect(handle).not.toBe(stale);
    const noSuch = expect.objectContaining({ code: 'ERR_NO_SUCH_HANDLE' });
    expect(() => engine.startBinding(stale)).toThrow(noSuch);
    expect(() => engine.sendIndication(stale)).toThrow(noSuch);
    engine.datagram(stale, Uint8Array.of(1));
    engine.transportClosed(stale);
    engine.startBinding(handle);
    await turn();
    expect(owner.sent).toHaveLength(1);
    expect(engine.stats(handle)).toMatchObject({ malformed: 0 });
    engine.close(handle);
  });

  test('is had 4096 times at once, and then again', () => {
    for (let i = 0; i < 4096; i++) open(recorder());
    expect(() => open(recorder())).toThrow(
      expect.objectContaining({ code: 'ERR_TOO_MANY_CLIENTS' }),
    );
    engine.close(handles[17]);
    expect(open(recorder())).toBeGreaterThan(0);
  });
});

test('text of any script, and addresses of IPv6, come through', async () => {
  const owner = recorder();
  const server = { address: '2001:db8::1', port: 3478 };
  const handle = open(owner, { server, software: 'ソフト' });
  engine.startBinding(handle);
  await turn();
  const request = decode(owner.sent[0]);
  expect(request.attributes.software).toBe('ソフト');
  engine.datagram(
    handle,
    failure(request, 300, {
      errorCode: { code: 300, reason: 'Übrigens' },
      software: 'サーバー',
      alternateServer: [
        { address: '2001:db8::2', port: 1 },
        { address: '192.0.2.3', port: 2 },
      ],
      alternateDomain: 'xn--bcher-kva.example',
    }),
  );
  await turn();
  expect(owner.events).toMatchObject([
    {
      kind: OUTPUT.errorResponse,
      errorCode: 300,
      mayRedirect: true,
      addresses: [
        undefined,
        { ...server, family: 'IPv6' },
        { address: '2001:db8::2', port: 1, family: 'IPv6' },
        { address: '192.0.2.3', port: 2, family: 'IPv4' },
      ],
      texts: ['Übrigens', 'サーバー', 'xn--bcher-kva.example'],
    },
  ]);
});

/** Pieces of a stream, each of one length. @param {Uint8Array} whole @param {number} length */
function* pieces(whole, length) {
  for (let at = 0; at < whole.length; at += length) yield whole.subarray(at, at + length);
}

test.each([1, 7, 4096, 73_700, 73_708, 73_709, 200_000])(
  'a stream in pieces of %i bytes',
  async (length) => {
    const owner = recorder();
    const handle = open(owner, { isReliable: true });
    engine.startBinding(handle);
    await turn();
    const request = decode(owner.sent[0]);
    const stranger = success(
      { method: 'Binding', transactionId: new Uint8Array(12) },
      { software: 'x'.repeat(500) },
    );
    const whole = Buffer.concat([...Array(300).fill(stranger), success(request)]);
    for (const piece of pieces(whole, length)) engine.stream(handle, piece);
    await turn();
    expect(owner.events).toMatchObject([{ kind: OUTPUT.mappedAddress }]);
    expect(engine.stats(handle)).toMatchObject({ unknownTransaction: 300, malformed: 0 });
  },
);

test('a datagram that no network can carry is dropped', async () => {
  const handle = open(recorder());
  engine.datagram(handle, new Uint8Array(100_000));
  engine.datagram(handle, new Uint8Array(65_507));
  expect(engine.stats(handle)).toMatchObject({ malformed: 1 });
});

test('the timer keeps the process alive while one of the clients does', async () => {
  const setTimer = jest.spyOn(globalThis, 'setTimeout');
  const holdsProcess = () => setTimer.mock.results.at(-1)?.value.hasRef();
  const [first, second] = [open(recorder(), { rtoMs: 60_000 }), open(recorder())];
  engine.startBinding(first);
  await turn();
  expect(holdsProcess()).toBe(true);
  engine.unref(first);
  expect(holdsProcess()).toBe(true);
  engine.unref(second);
  expect(holdsProcess()).toBe(false);

  // Another timer, for another client that is due sooner.
  const hasty = open(recorder(), { rtoMs: 30_000 });
  expect(holdsProcess()).toBe(true);
  engine.unref(hasty);
  engine.startBinding(hasty);
  await turn();
  expect(setTimer).toHaveBeenCalledTimes(2);
  expect(holdsProcess()).toBe(false);
  engine.ref(hasty);
  expect(holdsProcess()).toBe(true);
  engine.close(hasty);
  expect(holdsProcess()).toBe(false);
  engine.unref(hasty);
  const other = open(recorder());
  expect(holdsProcess()).toBe(true);
  engine.close(other);
  expect(holdsProcess()).toBe(false);
  setTimer.mockRestore();
});
