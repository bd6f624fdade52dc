import { readFileSync } from 'node:fs';
import { describe, expect, jest, test } from '@jest/globals';
import { memoryTransportPair } from '../../../js/transports/memory.js';
import { closed, settled, text } from './helpers.js';

/** @typedef {import('../../../js/transports/memory.js').Passage} Passage */

const one = Buffer.from('one');
const two = Buffer.from('two');

/** What arrives. @param {ReturnType<typeof memoryTransportPair>[0]} transport */
function inbox(transport) {
  /** @type {string[]} */
  const texts = [];
  transport.onbytes = (bytes) => texts.push(text(bytes));
  return texts;
}

test('the two are the network of each other, without copies', async () => {
  const [a, b] = memoryTransportPair();
  expect(a).toMatchObject({
    kind: 'memory',
    reliable: false,
    localAddress: b.remoteAddress,
    remoteAddress: b.localAddress,
  });
  const toA = jest.fn();
  const toB = jest.fn();
  a.onbytes = toA;
  b.onbytes = toB;
  expect(a.send(one)).toBe(true);
  expect(b.send(two)).toBe(true);
  expect(toB).not.toHaveBeenCalled();
  await settled();
  expect(toB.mock.calls).toEqual([[one, a.localAddress]]);
  expect(toB.mock.calls[0][0]).toBe(one);
  expect(toA.mock.calls).toEqual([[two, b.localAddress]]);
});

test('addresses can be chosen', () => {
  const addresses = /** @type {any} */ ([
    { address: '2001:db8::1', port: 1, family: 'IPv6' },
    { address: '2001:db8::2', port: 2, family: 'IPv6' },
  ]);
  const [a, b] = memoryTransportPair({ addresses });
  expect([a.localAddress, b.localAddress]).toEqual(addresses);
});

describe('the network', () => {
  test('sees each send', async () => {
    /** @type {Passage[]} */
    const passages = [];
    const [a, b] = memoryTransportPair({ network: (passage) => passages.push(passage) });
    a.send(one);
    b.send(two);
    expect(passages).toMatchObject([
      { index: 0, bytes: one, source: a.localAddress, destination: b.localAddress },
      { index: 1, bytes: two, source: b.localAddress, destination: a.localAddress },
    ]);
  });

  test('can lose', async () => {
    const [a, b] = memoryTransportPair({
      network: ({ index, deliver }) => index > 0 && deliver(),
    });
    const arrived = inbox(b);
    a.send(one);
    a.send(two);
    expect(arrived).toEqual(['two']);
  });

  test('can delay and reorder', () => {
    /** @type {Passage[]} */
    const held = [];
    const [a, b] = memoryTransportPair({ network: (passage) => held.push(passage) });
    const arrived = inbox(b);
    a.send(one);
    a.send(two);
    for (const { deliver } of held.reverse()) deliver();
    expect(arrived).toEqual(['two', 'one']);
  });

  test('can repeat, change and split', () => {
    const [a, b] = memoryTransportPair({
      reliable: true,
      network: ({ bytes, deliver }) => {
        deliver();
        deliver(bytes.subarray(0, 1));
        deliver(bytes.subarray(1));
        deliver(two);
      },
    });
    const arrived = inbox(b);
    a.send(one);
    expect(arrived).toEqual(['one', 'o', 'ne', 'two']);
  });

  test('can forge the source', () => {
    const forged = /** @type {const} */ ({ address: '203.0.113.9', port: 9, family: 'IPv4' });
    const [a, b] = memoryTransportPair({ network: ({ deliver }) => deliver(undefined, forged) });
    const onbytes = jest.fn();
    b.onbytes = onbytes;
    a.send(one);
    expect(onbytes.mock.calls).toEqual([[one, forged]]);
  });
});

test.each([
  [{}, { reliable: false, framed: true }],
  [{ reliable: true }, { reliable: true, framed: false }],
  [
    { reliable: true, framed: true },
    { reliable: true, framed: true },
  ],
])('%j makes it %j', (options, expected) => {
  for (const end of memoryTransportPair(options)) expect(end).toMatchObject(expected);
});

test('a stream names no source', async () => {
  const [a, b] = memoryTransportPair({ reliable: true });
  expect(a.reliable).toBe(true);
  const onbytes = jest.fn();
  b.onbytes = onbytes;
  a.send(one);
  await settled();
  expect(onbytes.mock.calls).toEqual([[one, undefined]]);
});

describe('close()', () => {
  test('of datagrams is not noticed over there, and nothing arrives any more', async () => {
    const [a, b] = memoryTransportPair();
    const arrived = inbox(a);
    const [mine, theirs] = [jest.fn(), jest.fn()];
    a.onclose = mine;
    b.onclose = theirs;
    b.send(one);
    a.close();
    a.close();
    expect(a.send(one)).toBe(false);
    expect(mine).not.toHaveBeenCalled();
    await settled();
    expect(mine.mock.calls).toEqual([[undefined]]);
    expect(theirs).not.toHaveBeenCalled();
    expect(arrived).toEqual([]);
    expect(b.send(two)).toBe(true);
  });

  test('of a stream ends both, after what was sent', async () => {
    const [a, b] = memoryTransportPair({ reliable: true });
    const arrived = inbox(b);
    const end = closed(b).then(() => [...arrived]);
    a.send(one);
    a.close();
    expect(await end).toEqual(['one']);
    expect(b.send(two)).toBe(false);
  });

  test('is waited for by await using, and told to those who ask late', async () => {
    const [a] = memoryTransportPair();
    await a[Symbol.asyncDispose]();
    await a[Symbol.asyncDispose]();
    expect(await closed(a)).toBeUndefined();
  });

  test('is told to the last who asked only', async () => {
    const [a] = memoryTransportPair();
    await a[Symbol.asyncDispose]();
    const replaced = jest.fn();
    a.onclose = replaced;
    const last = closed(a);
    await last;
    expect(replaced).not.toHaveBeenCalled();
  });
});

describe('what is reliable', () => {
  test('waits for onbytes, in order, and so does the end', async () => {
    const [a, b] = memoryTransportPair({ reliable: true });
    const end = jest.fn();
    b.onclose = end;
    a.send(one);
    a.send(two);
    a.close();
    await settled();
    expect(end).not.toHaveBeenCalled();
    const arrived = inbox(b);
    await closed(b);
    expect(arrived).toEqual(['one', 'two']);
  });

  test('stops without onbytes, and goes on with it', async () => {
    const [a, b] = memoryTransportPair({ reliable: true });
    const first = inbox(b);
    a.send(one);
    await settled();
    b.onbytes = undefined;
    a.send(two);
    await settled();
    const second = inbox(b);
    a.send(one);
    await settled();
    expect([first, second]).toEqual([['one'], ['two', 'one']]);
  });
});

test('ref() and unref() are there, for the contract', () => {
  const [a] = memoryTransportPair();
  a.ref();
  a.unref();
});

/** All modules that a module needs. @param {URL} url @param {Set<string>} [found] */
function dependencies(url, found = new Set()) {
  if (url.protocol !== 'file:' || found.has(url.href)) return found.add(url.href);
  found.add(url.href);
  const source = readFileSync(url, 'utf8');
  for (const [, name] of source.matchAll(/^(?:import|export)\b[^;]*?\bfrom '([^']+)'/gm)) {
    dependencies(new URL(name, url), found);
  }
  return found;
}

test.each([
  'transports/memory',
  'transports/websocket',
  'resolve/choose-transports',
  'resolve/websocket-candidate',
  'platform/browser',
  'address',
  'uri',
  'ice-server',
  'turn/allocate',
])('js/%s.js needs no Node', (name) => {
  const found = [...dependencies(new URL(`../../../js/${name}.js`, import.meta.url))];
  expect(found.filter((url) => !url.startsWith('file:'))).toEqual([]);
  const tcp = dependencies(new URL('../../../js/transports/tcp.js', import.meta.url));
  expect(tcp).toContain('node:net');
});
