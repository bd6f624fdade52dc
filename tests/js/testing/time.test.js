// The time of a simulated network: virtual, limited, or that of another clock.
import { describe, expect, jest, test } from '@jest/globals';
import { PosternError } from '../../../js/testing/index.js';
import { behindNat, bytesOf, inboxOf, network } from './support.js';

describe('virtual time', () => {
  test('passes only while somebody waits for it, and takes none of the machine’s', async () => {
    const world = network();
    /** @type {[string, number][]} */
    const told = [];
    const { clock } = world;
    const tell = (/** @type {string} */ what) => () => void told.push([what, world.now]);
    clock.setTimeout(tell('later'), 86_400_000);
    clock.setTimeout(tell('first'), 10);
    clock.setTimeout(tell('second'), 10);
    clock.clearTimeout(clock.setTimeout(tell('never'), 5));
    await new Promise(setImmediate);
    expect([world.now, told]).toEqual([0, []]);
    await world.advance(10);
    expect(told).toEqual([
      ['first', 10],
      ['second', 10],
    ]);
    await world.advance(86_400_000);
    expect(told.at(-1)).toEqual(['later', 86_400_000]);
    expect(world.now).toBe(86_400_010);
  });

  test('everybody has had a turn before it goes on', async () => {
    const world = network();
    const sleep = (/** @type {number} */ ms) =>
      new Promise((/** @type {(value?: undefined) => void} */ resolve) =>
        world.clock.setTimeout(resolve, ms),
      );
    /** @type {number[]} */
    const times = [];
    const walk = async () => {
      for (let i = 0; i < 5; i += 1) {
        await sleep(100);
        for (let j = 0; j < 50; j += 1) await undefined;
        times.push(world.now);
      }
      return 'done';
    };
    world.clock.setTimeout(() => {}, 101);
    expect(await world.runUntil(walk())).toBe('done');
    expect(times).toEqual([100, 200, 300, 400, 500]);
  });

  test('until a function gives something true', async () => {
    const { world, socket, places } = behindNat();
    const inbox = inboxOf(places.first);
    socket.send(bytesOf('x'), places.first.localAddress);
    expect(await world.runUntil(() => inbox[0])).toMatchObject({ text: 'x' });
    expect(world.now).toBe(10);
  });

  test('what a promise is rejected with comes out, and what a receiver throws', async () => {
    const { world, socket, places } = behindNat();
    const error = new Error('mine');
    await expect(world.runUntil(Promise.reject(error))).rejects.toBe(error);
    places.first.onmessage = () => {
      throw error;
    };
    socket.send(bytesOf('x'), places.first.localAddress);
    await expect(world.run()).rejects.toBe(error);
  });

  test('what nobody waits for keeps nothing going, unless something else does', async () => {
    const world = network();
    let ticks = 0;
    const tick = () => {
      ticks += 1;
      world.clock.setTimeout(tick, 1000).unref();
    };
    tick();
    await world.run();
    expect([ticks, world.now]).toEqual([1, 0]);
    await world.advance(3500);
    expect(ticks).toBe(4);
    // Where nothing else is left, it is gone on for all the same.
    await world.runUntil(() => ticks === 10);
    expect(world.now).toBe(9000);
  });

  test('modules that are being loaded are waited for', async () => {
    const world = network();
    const loaded = new Promise((resolve) => {
      setTimeout(resolve, 30, 'loaded');
    });
    expect(await world.runUntil(loaded)).toBe('loaded');
    expect(world.now).toBe(0);
  });

  test('timers change their minds', () => {
    const { clock } = network();
    const virtual = /** @type {import('../../../js/testing/virtual-clock.js').VirtualClock} */ (
      clock
    );
    const timer = virtual.setTimeout(() => {}, 5);
    expect(virtual.hasReferenced).toBe(true);
    expect(timer.unref().unref()).toBe(timer);
    expect(virtual.hasReferenced).toBe(false);
    timer.ref().ref();
    expect(virtual.hasReferenced).toBe(true);
    virtual.clearTimeout(timer);
    virtual.clearTimeout(timer);
    timer.ref();
    expect([virtual.hasReferenced, virtual.nextAt]).toEqual([false, Infinity]);
    virtual.runNext();
    expect(virtual.now()).toBe(0);
  });
});

describe('limits', () => {
  test('a promise that nothing leads to', async () => {
    const { world, socket, places } = behindNat();
    socket.send(bytesOf('x'), places.first.localAddress);
    const error = await world.runUntil(new Promise(() => {})).catch((thrown) => thrown);
    expect(error).toBeInstanceOf(PosternError);
    expect(error.code).toBe('ERR_SIMULATION_STALLED');
    expect(error.message).toMatch(/inside 10\.0\.0\.2:5000 to 192\.0\.2\.1:1111: .*reached host/);
  });

  test('time', async () => {
    const world = network();
    const again = () => world.clock.setTimeout(again, 1000);
    again();
    const error = await world.runUntil(() => false, { limitMs: 60_000 }).catch((thrown) => thrown);
    expect(error).toMatchObject({ code: 'ERR_SIMULATION_LIMIT' });
    expect(error.message).toMatch(/60000 ms.*No packet was sent/);
    expect(world.now).toBe(60_000);
  });

  test('packets that never end', async () => {
    const world = network();
    const [one, other] = [world.addHost().openUdp(), world.addHost().openUdp()];
    for (const socket of [one, other]) {
      socket.onmessage = (bytes, from) => void socket.send(bytes, from);
    }
    one.send(bytesOf('ball'), other.localAddress);
    await expect(world.run({ limitMs: 1000 })).rejects.toMatchObject({
      code: 'ERR_SIMULATION_LIMIT',
    });
    expect(world.stats().sent).toBe(101);
  });

  test.each(/** @type {const} */ (['virtual', 'platform']))(
    'a signal, with %s time',
    async (clock) => {
      const world = network({ clock });
      const reason = new Error('enough');
      const controller = new AbortController();
      world.clock.setTimeout(() => controller.abort(reason), 20);
      const { signal } = controller;
      await expect(world.runUntil(() => false, { signal })).rejects.toBe(reason);
      await expect(world.advance(60_000, { signal })).rejects.toBe(reason);
      await expect(world.run({ signal })).rejects.toBe(reason);
    },
  );

  test('in the machine’s time, too', async () => {
    const world = network({ clock: 'platform' });
    await expect(world.runUntil(() => false, { limitMs: 20 })).rejects.toMatchObject({
      code: 'ERR_SIMULATION_LIMIT',
    });
  });
});

describe('other clocks', () => {
  test('the machine’s', async () => {
    const { world, socket, places } = behindNat({}, { clock: 'platform', latencyMs: 1 });
    const inbox = inboxOf(places.first);
    socket.send(bytesOf('one'), places.first.localAddress);
    await world.run();
    socket.send(bytesOf('two'), places.first.localAddress);
    await world.runUntil(() => inbox.length === 2);
    expect(await world.runUntil(Promise.resolve(3))).toBe(3);
  });

  test('fake timers of a test framework', async () => {
    jest.useFakeTimers();
    try {
      const { world, socket, places } = behindNat({}, { clock: 'platform', latencyMs: 60_000 });
      const inbox = inboxOf(places.first);
      socket.send(bytesOf('slow'), places.first.localAddress);
      jest.advanceTimersByTime(59_999);
      expect(inbox).toEqual([]);
      jest.advanceTimersByTime(1);
      expect(inbox).toHaveLength(1);
      expect(world.packets[0].endedAt).toBe(world.packets[0].sentAt + 60_000);
    } finally {
      jest.useRealTimers();
    }
  });

  test('one of the caller’s', async () => {
    /** @type {(() => void)[]} */
    const due = [];
    let now = 5;
    const clock = {
      now: () => now,
      setTimeout: (/** @type {() => void} */ callback) => due.push(callback),
      clearTimeout: () => {},
    };
    const { world, socket, places } = behindNat({}, { clock });
    const inbox = inboxOf(places.first);
    socket.send(bytesOf('x'), places.first.localAddress);
    now = 7;
    due[0]();
    expect(inbox).toHaveLength(1);
    expect(world.packets[0]).toMatchObject({ sentAt: 5, endedAt: 7 });
  });
});
