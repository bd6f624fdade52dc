import { describe, expect, test } from '@jest/globals';
import { MessageQueue } from '../../../js/turn/message-queue.js';
import { rejection } from '../client/support.js';

const OVER = { value: undefined, done: true };

test('hands out in order what it was given, before and after it is asked', async () => {
  const queue = new MessageQueue(10);
  const reader = queue.read();
  queue.push(1);
  queue.push(2);
  expect(queue.length).toBe(2);
  expect(await reader.next()).toEqual({ value: 1, done: false });
  expect(await reader.next()).toEqual({ value: 2, done: false });
  const waiting = [reader.next(), reader.next()];
  queue.push(3);
  queue.push(4);
  expect(await Promise.all(waiting)).toEqual([
    { value: 3, done: false },
    { value: 4, done: false },
  ]);
  expect(queue.length).toBe(0);
});

test('drops what finds no room, and counts it', () => {
  const queue = new MessageQueue(2);
  expect([1, 2, 3].map((item) => queue.push(item))).toEqual([true, true, false]);
  expect(queue).toMatchObject({ length: 2, dropped: 1 });
});

test('stays in order over many rounds', async () => {
  const queue = new MessageQueue(3);
  const reader = queue.read();
  /** @type {unknown[]} */
  const got = [];
  for (let i = 0; i < 100; i += 1) {
    queue.push(i);
    if (i % 3 !== 0) got.push((await reader.next()).value);
    if (queue.length === 2) got.push((await reader.next()).value);
  }
  while (queue.length > 0) got.push((await reader.next()).value);
  expect(got).toEqual(Array.from({ length: 100 }, (_, i) => i));
  expect(queue.dropped).toBe(0);
});

describe('several readers', () => {
  test('get each item once', async () => {
    const queue = new MessageQueue(10);
    const [a, b] = [queue.read(), queue.read()];
    const waiting = [a.next(), b.next(), a.next()];
    for (const item of [1, 2, 3]) queue.push(item);
    expect((await Promise.all(waiting)).map(({ value }) => value)).toEqual([1, 2, 3]);
  });

  test('return() ends one, and leaves what it waited for to the others', async () => {
    const queue = new MessageQueue(10);
    const [a, b] = [queue.read(), queue.read()];
    const waiting = a.next();
    const other = b.next();
    expect(await a.return?.()).toEqual(OVER);
    expect(await waiting).toEqual(OVER);
    queue.push(1);
    expect(await other).toEqual({ value: 1, done: false });
    expect(await a.next()).toEqual(OVER);
  });
});

describe('the end', () => {
  test('comes behind what waits', async () => {
    const queue = new MessageQueue(10);
    queue.push(1);
    queue.end();
    queue.end(new Error('late'));
    expect(queue.push(2)).toBe(false);
    const reader = queue.read();
    expect(await reader.next()).toEqual({ value: 1, done: false });
    expect(await reader.next()).toEqual(OVER);
  });

  test('with an error, tells that', async () => {
    const queue = new MessageQueue(10);
    const waiting = rejection(queue.read().next());
    queue.end('why');
    expect(await waiting).toBe('why');
    expect(await rejection(queue.read().next())).toBe('why');
  });
});
