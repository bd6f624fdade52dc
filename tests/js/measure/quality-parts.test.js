// What quality is measured with: marks, what was sent, the pace, how much to send, and a lane in memory.
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { LoadRate } from '../../../js/measure/quality/load-rate.js';
import { Marks } from '../../../js/measure/quality/marks.js';
import { LaneMeasurement } from '../../../js/measure/quality/measure-lane.js';
import { Pacer } from '../../../js/measure/quality/pacer.js';
import { SentPackets } from '../../../js/measure/quality/sent-packets.js';
import { checkPlan } from '../../../js/network-test/plan.js';

describe('Marks', () => {
  test.each([32, 160, 1200])('number packets of %i bytes', (length) => {
    const marks = new Marks();
    const packet = marks.packet(length, 3);
    expect(packet.length).toBe(length);
    for (const sequence of [0, 1, 255, 256, 2 ** 32 - 1]) {
      marks.number(packet, sequence);
      expect(marks.read(packet)).toEqual({ flow: 3, sequence });
    }
  });

  test('of others, and what is too short, are none', () => {
    const marks = new Marks();
    const packet = new Marks().packet(64, 1);
    expect(marks.read(packet)).toBeUndefined();
    const own = marks.packet(64, 1);
    for (let length = 0; length < 13; length += 1) {
      expect(marks.read(own.subarray(0, length))).toBeUndefined();
    }
  });

  test('a part of a packet may be sent', () => {
    const marks = new Marks();
    const part = marks.packet(1200, 4).subarray(0, 160);
    marks.number(part, 7);
    expect(marks.read(part)).toEqual({ flow: 4, sequence: 7 });
  });
});

describe('SentPackets', () => {
  test('each arrives once', () => {
    const sent = new SentPackets();
    expect([sent.add(100, 1), sent.add(100, 2), sent.missing]).toEqual([0, 1, 2]);
    expect([sent.arrived(1, 5), sent.arrived(1, 6), sent.arrived(2, 6)]).toEqual([
      true,
      false,
      false,
    ]);
    expect([sent.missing, sent.sentMs(1), sent.sentMs(2)]).toEqual([1, 2, undefined]);
  });

  test('counts by when they were sent, and bytes by when they came', () => {
    const sent = new SentPackets();
    for (let i = 0; i < 10; i += 1) sent.add(100 + i, 10 * i);
    for (const sequence of [2, 3, 5]) sent.arrived(sequence, 100 + sequence);
    expect(sent.countSent(20, 60)).toEqual({ sent: 4, arrived: 3 });
    expect(sent.bytesArrived(103, 105)).toBe(103);
    expect(sent.bytesArrived(0, 1000)).toBe(102 + 103 + 105);
  });

  test('tells when all have come', async () => {
    const sent = new SentPackets();
    await sent.allArrived;
    sent.add(1, 1);
    const all = sent.allArrived;
    sent.arrived(0, 2);
    await all;
  });

  test('remembers the newest, and what is forgotten is missing no more', () => {
    const sent = new SentPackets();
    for (let i = 0; i < 40_000; i += 1) sent.add(1, i + 1);
    expect(sent.sentMs(40_000 - 32_768 - 1)).toBeUndefined();
    expect(sent.sentMs(40_000 - 32_768)).toBe(40_000 - 32_768 + 1);
    expect(sent.missing).toBe(32_768);
    expect(sent.arrived(0, 50_000)).toBe(false);
  });
});

describe('Pacer', () => {
  let now = 0;
  /** Timers that fire late. @param {number} ms @param {number} late */
  const advance = (ms, late = 0) => {
    for (const end = now + ms; now < end; ) {
      now += 1 + late;
      jest.advanceTimersByTime(1 + late);
    }
  };
  beforeEach(() => {
    now = 1000;
    jest.useFakeTimers();
    jest.spyOn(performance, 'now').mockImplementation(() => now);
  });
  afterEach(() => {
    jest.restoreAllMocks();
    jest.useRealTimers();
  });

  test.each([
    [20, 0, 51],
    [2.5, 0, 401],
    [0.1, 0, 10_001],
    [20, 6, 51],
    [0.3, 4, 3334],
  ])('each %f ms, with timers %i ms late: %i in a second', (intervalMs, late, count) => {
    let sent = 0;
    const pacer = new Pacer(intervalMs, () => {
      sent += 1;
      return true;
    });
    pacer.start();
    advance(1000, late);
    pacer.stop();
    const atOnce = Math.ceil((late + 1) / intervalMs);
    expect(Math.abs(sent - count)).toBeLessThanOrEqual(atOnce);
    advance(100);
    expect(Math.abs(sent - count)).toBeLessThanOrEqual(atOnce);
  });

  test('what was missed while the process was halted is left out', () => {
    let sent = 0;
    const pacer = new Pacer(10, () => {
      sent += 1;
      return true;
    });
    pacer.start();
    now += 2000;
    jest.advanceTimersByTime(10);
    expect(sent).toBeLessThanOrEqual(1 + 6);
    pacer.stop();
  });

  test('what cannot be sent is left out too', () => {
    /** @type {number[]} */
    const times = [];
    const pacer = new Pacer(1, () => {
      times.push(now);
      return times.length > 1;
    });
    pacer.start();
    advance(4, 4);
    pacer.stop();
    // After the first was refused there is one try at a time, until one goes.
    expect(times.slice(0, 2)).toEqual([1000, 1005]);
  });
});

describe('LoadRate', () => {
  const all = (/** @type {LoadRate} */ { kbps }) => ({ sent: 50, arrived: 50, arrivedKbps: kbps });

  test('doubles up to what is allowed, and stays there', () => {
    const rate = new LoadRate({ maxKbps: 4000, steps: 4, keptShare: 1 });
    const seen = [];
    for (let i = 0; i < 6; i += 1) {
      seen.push([rate.kbps, rate.isHolding]);
      rate.step(all(rate));
    }
    expect(seen).toEqual([
      [500, false],
      [1000, false],
      [2000, false],
      [4000, false],
      [4000, true],
      [4000, true],
    ]);
  });

  test('ends where too little comes in time, a tenth above what comes', () => {
    const rate = new LoadRate({ maxKbps: 4000, steps: 4, keptShare: 1 });
    rate.step(all(rate));
    rate.step({ sent: 50, arrived: 44, arrivedKbps: 900 });
    expect([rate.isHolding, rate.kbps]).toEqual([true, expect.closeTo(990)]);
  });

  test('of few packets, two that are missing mean nothing', () => {
    const rate = new LoadRate({ maxKbps: 1000, steps: 4, keptShare: 1 });
    rate.step({ sent: 10, arrived: 8, arrivedKbps: 100 });
    expect(rate.isHolding).toBe(false);
    rate.step({ sent: 10, arrived: 7, arrivedKbps: 100 });
    expect(rate.isHolding).toBe(true);
  });

  test('what is lost without load is not held against it', () => {
    const rate = new LoadRate({ maxKbps: 4000, steps: 4, keptShare: 0.6 });
    rate.step({ sent: 50, arrived: 30, arrivedKbps: 300 });
    expect([rate.isHolding, rate.kbps]).toEqual([false, 1000]);
    rate.step({ sent: 50, arrived: 20, arrivedKbps: 480 });
    expect([rate.isHolding, rate.kbps]).toEqual([true, expect.closeTo((1.1 * 480) / 0.6)]);
  });

  test('goes by the most that came in a step; what disturbs does not slow it down', () => {
    const rate = new LoadRate({ maxKbps: 4000, steps: 4, keptShare: 1 });
    rate.step(all(rate));
    rate.step({ sent: 50, arrived: 20, arrivedKbps: 800 });
    rate.step({ sent: 50, arrived: 20, arrivedKbps: 100 });
    expect(rate.kbps).toBeCloseTo(880);
    for (let i = 0; i < 5; i += 1) rate.step({ sent: 50, arrived: 20, arrivedKbps: 300 });
    expect(rate.kbps).toBeCloseTo(330);
  });

  test('goes on with the ramp where all comes in two steps: it was not the path', () => {
    const rate = new LoadRate({ maxKbps: 4000, steps: 6, keptShare: 1 });
    rate.step({ sent: 50, arrived: 10, arrivedKbps: 100 });
    expect([rate.isHolding, rate.kbps]).toEqual([true, expect.closeTo(110)]);
    rate.step({ sent: 50, arrived: 50, arrivedKbps: 110 });
    expect(rate.isHolding).toBe(true);
    rate.step({ sent: 50, arrived: 50, arrivedKbps: 120 });
    expect([rate.isHolding, rate.kbps]).toEqual([false, expect.closeTo(2 * 1.1 * 110)]);
  });

  test('does not take what comes at once after a halt for what the path takes', () => {
    const rate = new LoadRate({ maxKbps: 9000, steps: 1, keptShare: 1 });
    rate.step({ sent: 50, arrived: 20, arrivedKbps: 1000 });
    rate.step({ sent: 50, arrived: 20, arrivedKbps: 8000 });
    expect(rate.kbps).toBeCloseTo(1.1 * 1100);
  });

  test('lets a queue that is too long become shorter', () => {
    const rate = new LoadRate({ maxKbps: 4000, steps: 1, keptShare: 1 });
    rate.step({ sent: 50, arrived: 20, arrivedKbps: 1000 });
    rate.step({ sent: 50, arrived: 20, arrivedKbps: 1000, isQueued: true });
    expect(rate.kbps).toBeCloseTo(900);
    rate.step({ sent: 50, arrived: 20, arrivedKbps: 1000 });
    expect(rate.kbps).toBeCloseTo(1100);
  });

  test('where this machine was halted, only that all came means something', () => {
    const rate = new LoadRate({ maxKbps: 4000, steps: 4, keptShare: 1 });
    rate.step({ sent: 50, arrived: 10, arrivedKbps: 100, isDoubtful: true });
    expect([rate.isHolding, rate.kbps]).toEqual([false, 500]);
    rate.step({ sent: 50, arrived: 50, arrivedKbps: 100, isDoubtful: true });
    expect([rate.isHolding, rate.kbps]).toEqual([false, 1000]);
  });

  test('never sends less than a quarter of the most that came: a stream may halt', () => {
    const rate = new LoadRate({ maxKbps: 4000, steps: 1, keptShare: 1 });
    rate.step({ sent: 50, arrived: 20, arrivedKbps: 1600 });
    for (let i = 0; i < 9; i += 1) rate.step({ sent: 50, arrived: 0, arrivedKbps: 0 });
    expect(rate.kbps).toBeCloseTo(400);
  });

  test('never sends less than 16 kbit/s', () => {
    const rate = new LoadRate({ maxKbps: -100, steps: 7, keptShare: 1 });
    expect(rate.kbps).toBe(16);
    rate.step({ sent: 50, arrived: 0, arrivedKbps: 0 });
    expect(rate.kbps).toBe(16);
  });
});

/** Gives back what it is given: each packet as often, and as changed, as `pass` has it. @implements {LaneShape} */
class MemoryLane {
  isStream = false;
  isBlocked = false;
  /** @type {((data: Uint8Array) => void) | undefined} */ onbytes = undefined;
  #controller = new AbortController();
  count = 0;

  /** @param {(data: Uint8Array, count: number) => Uint8Array[]} [pass] */
  constructor(pass = (data) => [data]) {
    this.pass = pass;
  }

  get ended() {
    return this.#controller.signal;
  }

  /** @param {Error} reason */
  end(reason) {
    this.#controller.abort(reason);
  }

  /** @param {Uint8Array} bytes */
  send(bytes) {
    for (const one of this.pass(bytes.slice(), this.count)) {
      queueMicrotask(() => this.onbytes?.(one));
    }
    this.count += 1;
  }
}

/** @typedef {import('../../../js/measure/quality/lane.js').Lane} LaneShape */

const quality = (/** @type {object} */ more) => ({
  .../** @type {import('../../../js/network-test/plan.js').CheckedQuality} */ (
    checkPlan({}).quality
  ),
  throughputSeconds: 0,
  packetsPerSecond: 200,
  ...more,
  seconds: 0.5,
});

/** @param {MemoryLane} lane @param {object} [more] */
const measurementOf = (lane, more) =>
  new LaneMeasurement(lane, {
    quality: quality(more),
    name: { id: 'quality/x', transport: 'udp' },
    onSample: undefined,
    signal: new AbortController().signal,
  });

describe('a lane in memory', () => {
  test('what is lost, copied and changed on it is told', async () => {
    const lane = new MemoryLane((data, count) => {
      if (count % 10 === 3) return [];
      if (count % 10 === 5) return [data, data];
      // Of somebody else.
      if (count % 10 === 7) return [data, data.map((byte) => byte ^ 0xff), new Uint8Array(3)];
      return [data];
    });
    const measurement = measurementOf(lane);
    await measurement.run();
    const { arrivals, roundTrips } = measurement.numbers;
    const sent = lane.count;
    expect(sent).toBeGreaterThan(50);
    const like = (/** @type {number} */ digit) =>
      Array.from({ length: sent }, (_, i) => i).filter((i) => i % 10 === digit).length;
    expect(arrivals).toMatchObject({
      sent,
      decided: sent,
      lost: like(3),
      duplicates: like(5),
      reordered: 0,
      unknown: 0,
    });
    expect(roundTrips).toMatchObject({ n: sent - like(3), lost: like(3), ambiguous: 0 });
    expect(measurement.numbers).not.toHaveProperty('stalls');
  });

  test('over a stream stalls are told, and loss is not', async () => {
    const lane = new MemoryLane();
    lane.isStream = true;
    const measurement = measurementOf(lane);
    await measurement.run();
    expect(measurement.numbers.stalls?.n).toBe(lane.count - 1);
    expect(measurement.numbers).not.toHaveProperty('arrivals');
  });

  test('a stream that takes nothing is not given more and more', async () => {
    const lane = new MemoryLane(() => []);
    lane.isStream = true;
    lane.isBlocked = true;
    const measurement = measurementOf(lane, { packetsPerSecond: 20_000 });
    await measurement.run();
    expect(lane.count).toBe(512);
  });

  test('numbers that nobody has sent are counted, and do no harm', async () => {
    const lane = new MemoryLane((data, count) => {
      const forged = data.slice();
      if (count === 20) forged.fill(0xff, 9, 13);
      return count === 20 ? [data, forged] : [data];
    });
    const measurement = measurementOf(lane);
    await measurement.run();
    expect(measurement.numbers.arrivals).toMatchObject({ unknown: 1, lost: 0, duplicates: 0 });
  });

  test('where nothing comes back all is lost, and throughput is not tried', async () => {
    const lane = new MemoryLane(() => []);
    const measurement = measurementOf(lane, { throughputSeconds: 1 });
    await measurement.run();
    expect(measurement.numbers.arrivals).toMatchObject({ lossRatio: 1, received: 0 });
    expect(measurement.numbers.mos).toBeNull();
    expect(measurement.numbers).not.toHaveProperty('throughput');
  });

  test('one that ends: what was measured stays', async () => {
    const lane = new MemoryLane((data, count) => {
      if (count === 50) lane.end(new Error('gone'));
      return [data];
    });
    const measurement = measurementOf(lane);
    await expect(measurement.run()).rejects.toThrow('gone');
    expect(measurement.numbers.arrivals?.sent).toBe(lane.count);
    expect(measurement.numbers.roundTrips?.n).toBeGreaterThan(40);
  });
});
