// Round trips, jitter, arrivals, bursts, stalls, throughput: against numbers that were worked out by hand.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  Arrivals,
  Bursts,
  graceTimeMs,
  Jitter,
  LoadedLatency,
  QualityMeter,
  RoundTrips,
  Stalls,
  Throughput,
} from '../../../js/quality/index.js';

const INVALID = expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' });

describe('RoundTrips', () => {
  test('of samples, lost and ambiguous ones', () => {
    const trips = new RoundTrips();
    for (let ms = 100; ms > 0; ms -= 1) trips.add(ms);
    trips.add(null);
    trips.addLost();
    trips.addLost();
    expect(trips.summary()).toEqual({
      n: 100,
      lost: 2,
      ambiguous: 1,
      minMs: 1,
      medianMs: 50,
      p95Ms: 95,
      maxMs: 100,
    });
  });

  test('ambiguous ones are no samples', () => {
    const trips = new RoundTrips();
    trips.add(null);
    expect(trips.summary()).toMatchObject({ n: 0, minMs: null, medianMs: null, p95Ms: null });
  });

  test('no time is negative', () => {
    expect(() => new RoundTrips().add(-1)).toThrow(INVALID);
    expect(() => new RoundTrips().add(Number.NaN)).toThrow(INVALID);
  });
});

/** The integer form of RFC 3550 appendix A.8, which keeps 16 times the jitter. @param {number[]} transits */
function jitterOfAppendix(transits) {
  let scaled = 0;
  for (let i = 1; i < transits.length; i++) {
    scaled += Math.abs(transits[i] - transits[i - 1]) - ((scaled + 8) >> 4);
  }
  return scaled / 16;
}

describe('Jitter', () => {
  test('one step at a time', () => {
    const jitter = new Jitter();
    expect(jitter.summary()).toEqual({ n: 0, jitterMs: null, maxJitterMs: null, pdvP95Ms: null });
    jitter.add(0, 50);
    expect(jitter.summary()).toMatchObject({ n: 1, jitterMs: null, pdvP95Ms: 0 });
    jitter.add(20, 86);
    expect(jitter.summary().jitterMs).toBe(1);
    jitter.add(40, 90);
    expect(jitter.summary().jitterMs).toBe(1 + (16 - 1) / 16);
    jitter.add(60, 110);
    expect(jitter.summary()).toMatchObject({ n: 4, maxJitterMs: 1 + 15 / 16 });
    expect(jitter.summary().jitterMs).toBeCloseTo((1 + 15 / 16) * (15 / 16), 12);
  });

  test('is that of the appendix, but for its rounding', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 8000 }), { minLength: 2, maxLength: 300 }),
        (transits) => {
          const jitter = new Jitter();
          transits.forEach((transit, i) => {
            jitter.add(i * 160, i * 160 + transit);
          });
          const found = /** @type {number} */ (jitter.summary().jitterMs);
          expect(Math.abs(found - jitterOfAppendix(transits))).toBeLessThan(1);
        },
      ),
    );
  });

  test('clocks need not agree', () => {
    const [own, other] = [new Jitter(), new Jitter()];
    for (const [i, delay] of [20, 30, 25, 70, 20].entries()) {
      own.add(i * 20, i * 20 + delay);
      other.add(i * 20, i * 20 + delay - 5_000_000);
    }
    expect(other.summary()).toEqual(own.summary());
  });

  test('goes by the order of arrival', () => {
    const [inOrder, reordered] = [new Jitter(), new Jitter()];
    inOrder.add(0, 10);
    inOrder.add(20, 60);
    inOrder.add(40, 70);
    reordered.add(0, 10);
    reordered.add(40, 70);
    reordered.add(20, 80);
    // |D| of 30 and 10; of 20 and 30.
    expect(inOrder.summary().jitterMs).toBeCloseTo((30 / 16) * (15 / 16) + 10 / 16, 12);
    expect(reordered.summary().jitterMs).toBeCloseTo((20 / 16) * (15 / 16) + 30 / 16, 12);
  });

  test('the delay variation is against the smallest delay', () => {
    const jitter = new Jitter();
    for (let i = 0; i < 100; i++) jitter.add(i, i + 100 - i);
    expect(jitter.summary().pdvP95Ms).toBe(94);
  });
});

/** A string of packets: 1 received, anything else lost. @param {string} packets @param {{ intervalMs?: number }} [options] */
function burstsOf(packets, options) {
  const bursts = new Bursts(options);
  for (const one of packets) bursts.add(one !== '1');
  return bursts.summary();
}

/**
 * By the definition: a loss is in a burst when another one is less than 16 received packets away.
 *
 * @param {string} packets
 */
function burstsByDefinition(packets) {
  const losses = [...packets].flatMap((one, at) => (one === '1' ? [] : [at]));
  /** @type {number[][]} */
  const groups = [];
  for (const at of losses) {
    const last = groups.at(-1);
    if (last && at - /** @type {number} */ (last.at(-1)) - 1 < 16) last.push(at);
    else groups.push([at]);
  }
  const bursts = groups.filter((group) => group.length > 1);
  const lengths = bursts.map((group) => /** @type {number} */ (group.at(-1)) - group[0] + 1);
  const inBursts = lengths.reduce((sum, length) => sum + length, 0);
  const marks = [...packets].map(() => 'g');
  for (const [i, group] of bursts.entries()) marks.fill('b', group[0], group[0] + lengths[i]);
  return { bursts: bursts.length, inBursts, gaps: marks.join('').match(/g+/g)?.length ?? 0 };
}

describe('Bursts', () => {
  test('the example of RFC 3611 section 4.7.2', () => {
    const example = '11110111111111111111111X111X1011110111111111111111111X111111111';
    const found = burstsOf(example, { intervalMs: 10 });
    expect(found).toMatchObject({ bursts: 1, gaps: 2, burstPackets: 12, burstMs: 120 });
    expect(found.burstDensity).toBeCloseTo(0.33, 2);
    expect(found.gapDensity).toBeCloseTo(0.04, 2);
    // The section adds the gaps up where its text has their mean, and counts 64 packets where 63 are shown.
    expect(found.gaps * /** @type {number} */ (found.gapMs)).toBeCloseTo(520 - 10, 6);
  });

  test.each([
    ['nothing', '', { bursts: 0, gaps: 0, burstRatio: null }],
    ['no loss', '1111', { bursts: 0, gaps: 1, gapPackets: 4, burstRatio: null }],
    ['one loss', '1101', { bursts: 0, gaps: 1, gapDensity: 0.25, burstRatio: 0.75 }],
    ['15 between two losses', `0${'1'.repeat(15)}0`, { bursts: 1, gaps: 0, burstPackets: 17 }],
    ['16 between two losses', `0${'1'.repeat(16)}0`, { bursts: 0, gaps: 1, gapPackets: 18 }],
    ['all lost', '000', { bursts: 1, gaps: 0, burstDensity: 1, burstRatio: null }],
    ['lost in a row', '11110011', { bursts: 1, gaps: 2, burstRatio: 2 * 0.75 }],
  ])('%s', (_, packets, expected) => {
    expect(burstsOf(packets)).toMatchObject(expected);
  });

  test('whatever the packets: as the definition says', () => {
    const packet = fc.oneof(
      { weight: 12, arbitrary: fc.constant('1') },
      { weight: 1, arbitrary: fc.constant('0') },
    );
    fc.assert(
      fc.property(fc.string({ unit: packet, minLength: 1, maxLength: 400 }), (packets) => {
        const { bursts, gaps, burstPackets, gapPackets } = burstsOf(packets);
        const expected = burstsByDefinition(packets);
        expect({ bursts, gaps }).toEqual({ bursts: expected.bursts, gaps: expected.gaps });
        expect(burstPackets * bursts).toBeCloseTo(expected.inBursts, 6);
        expect(gapPackets * gaps).toBeCloseTo(packets.length - expected.inBursts, 6);
      }),
    );
  });
});

describe('Arrivals', () => {
  /** @param {number} count @param {ConstructorParameters<typeof Arrivals>[0]} [options] sent every 20 ms */
  function sentOf(count, options) {
    const arrivals = new Arrivals(options);
    for (let i = 0; i < count; i++) arrivals.sent(i, i * 20);
    return arrivals;
  }

  test('received, lost, late, twice, out of order, unknown', () => {
    const arrivals = sentOf(6, { graceMs: 1000 });
    arrivals.received(0, 50);
    arrivals.received(2, 90);
    arrivals.received(1, 95);
    arrivals.received(1, 96);
    arrivals.received(5, 150);
    arrivals.received(3, 1061);
    arrivals.received(77, 200);
    arrivals.settle(2000);
    expect(arrivals.summary()).toMatchObject({
      sent: 6,
      decided: 6,
      received: 4,
      lost: 2,
      late: 1,
      duplicates: 1,
      reordered: 2,
      unknown: 1,
      lossRatio: 2 / 6,
    });
  });

  test('what one packet has overtaken is reordered, all of it', () => {
    const arrivals = sentOf(5);
    for (const sequence of [0, 3, 1, 2, 4]) arrivals.received(sequence, 100);
    expect(arrivals.summary().reordered).toBe(2);
  });

  test('nothing is lost before its time is over', () => {
    const arrivals = sentOf(2, { graceMs: 1000 });
    arrivals.settle(1000);
    expect(arrivals.summary()).toMatchObject({ decided: 0, lossRatio: null });
    arrivals.settle(1001);
    expect(arrivals.summary()).toMatchObject({ decided: 1, lost: 1, lossRatio: 1 });
  });

  test('what comes after it was called lost is late, and comes twice after that', () => {
    const arrivals = sentOf(1, { graceMs: 100 });
    arrivals.settle(200);
    expect(arrivals.received(0, 201)).toBe(false);
    expect(arrivals.received(0, 202)).toBe(false);
    expect(arrivals.summary()).toMatchObject({ lost: 1, late: 1, duplicates: 1, received: 0 });
  });

  test('the grace time can follow what is measured', () => {
    const arrivals = sentOf(1, { graceMs: 100 });
    arrivals.graceMs = graceTimeMs(300);
    arrivals.settle(1100);
    expect(arrivals.summary().decided).toBe(0);
    arrivals.settle(1101);
    expect(arrivals.summary().decided).toBe(1);
  });

  test('hours of packets, in memory that does not grow', () => {
    const arrivals = new Arrivals({ graceMs: 1000 });
    for (let i = 0; i < 30_000; i++) {
      arrivals.sent(i, i * 20);
      if (i >= 10 && i % 100 !== 0) arrivals.received(i - 10, i * 20);
    }
    arrivals.settle(1e9);
    expect(arrivals.summary()).toMatchObject({
      sent: 30_000,
      decided: 30_000,
      lost: 299 + 10,
      unknown: 0,
    });
  });

  test('more under way than are remembered: the oldest are decided', () => {
    const arrivals = sentOf(8193, { graceMs: 1e9 });
    expect(arrivals.summary()).toMatchObject({ decided: 1, lost: 1 });
    arrivals.received(0, 1e6);
    arrivals.received(1, 1e6);
    expect(arrivals.summary()).toMatchObject({ unknown: 1 });
  });

  test('the numbers are in order', () => {
    expect(() => new Arrivals().sent(1, 0)).toThrow(INVALID);
    expect(() => new Arrivals({ graceMs: -1 })).toThrow(INVALID);
  });
});

describe('Stalls', () => {
  test('gaps of more than three times the median', () => {
    const stalls = new Stalls();
    // Gaps of 20, 20, 20, 60, 20, 61, 20, 400, 20.
    for (const at of [0, 20, 40, 60, 120, 140, 201, 221, 621, 641]) stalls.add(at);
    expect(stalls.summary()).toEqual({
      n: 9,
      medianGapMs: 20,
      stalls: 2,
      stalledMs: 461,
      longestMs: 400,
    });
  });

  test('none', () => {
    const stalls = new Stalls();
    expect(stalls.summary()).toMatchObject({ n: 0, medianGapMs: null, stalls: 0 });
    stalls.add(5);
    stalls.add(25);
    expect(stalls.summary()).toMatchObject({ n: 1, stalls: 0, longestMs: 0 });
    expect(() => stalls.add(24)).toThrow(INVALID);
  });
});

describe('Throughput', () => {
  test('the steady part: neither how it begins nor the bin in which it ends', () => {
    const throughput = new Throughput();
    for (const [at, bytes] of [10, 100, 1000, 1000, 800, 1200, 70].entries()) {
      throughput.add(bytes, 5000 + at * 100);
    }
    expect(throughput.summary()).toEqual({
      bytes: 4180,
      binMs: 100,
      bins: 4,
      kbps: 80,
      minKbps: 64,
      maxKbps: 96,
    });
  });

  test('before there is a bin there is no number', () => {
    const throughput = new Throughput();
    throughput.add(1000, 0);
    throughput.add(1000, 99);
    expect(throughput.summary()).toMatchObject({ bytes: 2000, bins: 0, kbps: null });
  });

  test('an hour of it: wider bins, the same numbers', () => {
    const throughput = new Throughput();
    for (let at = 0; at <= 3_600_000; at += 50) throughput.add(500, at);
    expect(throughput.summary()).toMatchObject({ binMs: 3200, kbps: 80, minKbps: 80, maxKbps: 80 });
  });
});

test('loaded latency is against the idle one', () => {
  const latency = new LoadedLatency();
  expect(latency.summary().ratio).toBeNull();
  for (const ms of [20, 30, 40]) latency.idle.add(ms);
  for (const ms of [90, 100, 200]) latency.loaded.add(ms);
  expect(latency.summary()).toEqual({
    idleMs: 30,
    loadedMs: 100,
    ratio: 100 / 30,
    addedMs: 70,
  });
});

describe('QualityMeter', () => {
  test('one flow, all numbers', () => {
    const meter = new QualityMeter({ graceMs: 1000, intervalMs: 20 });
    expect(meter.summary().mos).toBeNull();
    for (let i = 0; i < 100; i++) {
      meter.sent(i, i * 20);
      if (i % 50 !== 7) meter.received(i, i * 20, i * 20 + 40);
    }
    meter.received(8, 160, 2020);
    meter.settle(10_000);
    const { roundTrips, jitter, arrivals, mos } = meter.summary();
    expect(roundTrips).toMatchObject({ n: 98, lost: 2, medianMs: 40, maxMs: 40 });
    expect(jitter).toMatchObject({ n: 98, jitterMs: 0, pdvP95Ms: 0 });
    expect(arrivals).toMatchObject({ lost: 2, duplicates: 1, lossRatio: 0.02 });
    expect(mos?.low).toBeLessThan(/** @type {number} */ (mos?.high));
    expect(meter.graceMs).toBe(580);
  });
});
