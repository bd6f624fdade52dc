// discoverNat(): its options, its result, its ends. What it finds, tests/sim and tests/interop show.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { decode, encode } from '../../../js/codec/index.js';
import { discoverNat, getMappedAddress, PosternError } from '../../../js/index.js';
import { discoverNat as discoverInBrowser } from '../../../js/nat/browser.js';
import { classicNameOf, REASON_WORDS, unknownBecause } from '../../../js/nat/words.js';
import { rejection } from '../../interop/support.js';
import { startNatServer } from './support.js';

jest.setTimeout(60_000);

/** @typedef {import('../../../js/index.js').NatTest} NatTest */

/** Sockets of UDP that this process has open. */
const openSockets = () =>
  process.getActiveResourcesInfo().filter((name) => name === 'UDPWRAP').length;

/** @param {unknown} value */
function isDeeplyFrozen(value) {
  if (typeof value !== 'object' || value === null) return true;
  return Object.isFrozen(value) && Object.values(value).every(isDeeplyFrozen);
}

/**
 * A server that answers from one socket only, whatever it is asked.
 *
 * @param {(port: number) => Partial<import('../../../js/codec/index.js').Attributes>} attributesFor its port
 */
async function startAnswerer(attributesFor) {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  socket.on('message', (bytes, { address, port: from }) => {
    const { transactionId } = decode(bytes);
    const xorMappedAddress = { address, port: from, family: /** @type {const} */ ('IPv4') };
    const attributes = { xorMappedAddress, ...attributesFor(port) };
    socket.send(
      encode({ class: 'success', method: 'Binding', transactionId, attributes }),
      from,
      address,
    );
  });
  return { uri: `stun:127.0.0.1:${port}`, port, stop: () => socket.close() };
}

describe('with a server on two addresses', () => {
  /** @type {Awaited<ReturnType<typeof startNatServer>>} */
  let server;
  beforeAll(async () => {
    server = await startNatServer();
    // What looked for free ports is gone then.
    await nextTurn();
  });
  afterAll(() => server?.stop());

  test('the result, its tests, and what was told meanwhile', async () => {
    /** @type {NatTest[]} */
    const told = [];
    const before = openSockets();
    const result = await discoverNat(server.uri, { onProgress: (each) => void told.push(each) });
    await nextTurn();
    expect(openSockets()).toBe(before);
    expect(isDeeplyFrozen(result)).toBe(true);
    expect(result.publicAddress).toEqual(result.localAddress);
    expect(result.dropped).toEqual({
      malformed: 0,
      unexpected: 0,
      unknownTransaction: 0,
      wrongSource: 0,
      ignored: 0,
    });
    // Each test is told twice, and ends as it stands in the result.
    expect(told.filter(({ outcome }) => outcome === 'waiting')).toHaveLength(result.tests.length);
    const ended = new Set(told.filter(({ outcome }) => outcome !== 'waiting'));
    expect(ended).toEqual(new Set(result.tests));
    expect(new Set(result.tests.map(({ run }) => run))).toEqual(new Set([1, 2]));
    for (const finding of [result.mapping, result.filtering]) {
      expect(finding.evidence.length).toBeGreaterThan(0);
      for (const each of finding.evidence) expect(result.tests).toContain(each);
    }
    // The answers came from where they were asked for.
    const both = result.tests.filter(({ name }) => name === 'change-both');
    expect(both).toHaveLength(2);
    for (const each of both) {
      expect(each).toMatchObject({
        changeAddress: true,
        changePort: true,
        to: { address: '127.0.0.1', port: server.port },
        answeredFrom: { address: '127.0.0.2', port: server.port + 1 },
        outcome: 'answered',
      });
      expect(each.roundTripMs).toBeGreaterThan(0);
    }
    // Each topic of each run has a socket of its own, and so a port.
    const ports = new Set(result.tests.map(({ from }) => from.port));
    expect(ports.size).toBe(6);
  });

  test('one run only', async () => {
    const { tests } = await discoverNat(server.uri, { confirm: false });
    expect(new Set(tests.map(({ run }) => run))).toEqual(new Set([1]));
  });

  test.each(['before', 'during'])('aborted %s: the reason, and no socket is left', async (when) => {
    const before = openSockets();
    const controller = new AbortController();
    const reason = new Error('enough');
    if (when === 'before') controller.abort(reason);
    const discovery = discoverNat(server.uri, {
      signal: controller.signal,
      onProgress: () => controller.abort(reason),
    });
    expect(await rejection(discovery)).toBe(reason);
    await nextTurn();
    expect(openSockets()).toBe(before);
  });

  test('aborted while the lifetime is waited for', async () => {
    const controller = new AbortController();
    const discovery = discoverNat(server.uri, {
      confirm: false,
      lifetime: true,
      signal: controller.signal,
      onProgress: ({ topic, name, outcome }) => {
        if (topic === 'lifetime' && name === 'response-port' && outcome === 'answered') {
          setImmediate(() => controller.abort());
        }
      },
    });
    expect(await rejection(discovery)).toBe(controller.signal.reason);
  });
});

describe('servers that cannot tell', () => {
  test('it answers from where it was asked, whatever it says of another address', async () => {
    const server = await startAnswerer((port) => ({
      otherAddress: { address: '127.0.0.2', port: port ^ 1, family: 'IPv4' },
    }));
    try {
      const result = await discoverNat(server.uri, { confirm: false });
      expect(result).toMatchObject({
        behindNat: false,
        filtering: { behaviour: 'unknown', reason: 'change-request-ignored', serverProven: false },
        mapping: { behaviour: 'unknown', reason: 'other-address-silent' },
        classicName: null,
      });
      expect(result.filtering.message).toMatch(/^Unknown, because the server answered from where/);
      // It takes what has PADDING, but answers without.
      expect(result.fragments).toMatchObject({
        outgoing: { behaviour: 'pass' },
        incoming: { behaviour: 'unknown', reason: 'padding-not-returned' },
      });
    } finally {
      server.stop();
    }
  });

  test.each([
    ['the same address', () => ({ address: '127.0.0.1', port: 1 })],
    ['the same port', (/** @type {number} */ port) => ({ address: '127.0.0.2', port })],
  ])('its other address has %s', async (_, other) => {
    const server = await startAnswerer((port) => ({
      otherAddress: { ...other(port), family: 'IPv4' },
    }));
    try {
      const { filtering } = await discoverNat(server.uri, { confirm: false });
      expect(filtering).toMatchObject({ behaviour: 'unknown', reason: 'other-address-same' });
    } finally {
      server.stop();
    }
  });

  test('IPv6, on one address', async () => {
    const server = await startNatServer({ hosts: ['::1'] });
    try {
      expect(await discoverNat(server.uri, { confirm: false })).toMatchObject({
        publicAddress: { address: '::1', family: 'IPv6' },
        behindNat: false,
        filtering: { behaviour: 'unknown', reason: 'no-other-address' },
      });
    } finally {
      await server.stop();
    }
  });
});

test('a server that is not there: the error of getMappedAddress()', async () => {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const uri = `stun:127.0.0.1:${socket.address().port}`;
  socket.close();
  const errors = [await rejection(discoverNat(uri)), await rejection(getMappedAddress(uri))];
  const [told, expected] = errors.map(({ name, code, phase, hint, url }) => ({
    name,
    code,
    phase,
    hint,
    url,
  }));
  expect(told).toEqual(expected);
  expect(told.code).toMatch(/^ERR_/);
});

test.each([
  [{ transport: 'tls' }, 'options.transport'],
  [{ transport: () => {} }, 'options.transport'],
  [{ confirm: 1 }, 'options.confirm'],
  [{ lifetime: 5 }, 'options.lifetime'],
  [{ lifetime: null }, 'options.lifetime'],
  [{ lifetime: { longestMs: 10 } }, 'options.lifetime.longestMs'],
  [{ onProgress: true }, 'options.onProgress'],
  [{ signal: {} }, 'options.signal'],
  [{ localAddress: 'here' }, 'options.localAddress'],
])('%j is refused', async (options, argument) => {
  expect(
    await rejection(discoverNat('stun:127.0.0.1', /** @type {any} */ (options))),
  ).toMatchObject({ code: 'ERR_INVALID_ARGUMENT', argument });
});

test('a page is told what to do instead', async () => {
  const error = await rejection(discoverInBrowser('stun:stun.example.org', {}));
  expect(error).toBeInstanceOf(PosternError);
  expect(error).toMatchObject({ code: 'ERR_TRANSPORT_UNSUPPORTED' });
  expect(error.hint).toMatch(/postern\/diagnose/);
});

describe('words', () => {
  test('runs that differ are named', () => {
    expect(unknownBecause('runs-differ', ['endpoint-independent', 'address-dependent'])).toBe(
      'Unknown, because the runs differ (endpoint-independent, address-dependent).',
    );
  });

  test('each reason ends its sentence', () => {
    for (const words of Object.values(REASON_WORDS)) expect(words).toMatch(/^[^.]+[^. ]$/);
  });

  const [ei, ad, apd] = /** @type {const} */ ([
    'endpoint-independent',
    'address-dependent',
    'address-and-port-dependent',
  ]);
  test.each(
    /** @type {const} */ ([
      [true, ei, ei, 'full cone'],
      [true, ei, ad, 'restricted cone'],
      [true, ei, apd, 'port restricted cone'],
      [true, apd, apd, 'symmetric'],
      [true, apd, ad, 'symmetric'],
      [true, apd, ei, null],
      [true, ad, ad, null],
      [true, ei, 'unknown', null],
      [true, 'unknown', ei, null],
      [false, ei, ei, 'open Internet'],
      [false, ei, apd, 'symmetric UDP firewall'],
      [false, ei, ad, null],
      [null, ei, ei, null],
    ]),
  )('RFC 3489 (NAT: %j, %s, %s): %s', (behindNat, mapping, filtering, name) => {
    expect(classicNameOf(behindNat, mapping, filtering)).toBe(name);
  });
});
