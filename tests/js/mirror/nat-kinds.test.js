// The mirror's verdict about every kind of NAT, on a virtual clock, with and without loss.
import { describe, expect, test } from '@jest/globals';
import { DEPENDENCES } from '../../../js/testing/nat-words.js';
import { Page, World } from './simulator.js';

/** @typedef {import('../../../js/testing/nat-words.js').Dependence} Dependence */

const KINDS = DEPENDENCES.flatMap((mapping) =>
  DEPENDENCES.flatMap((filtering) =>
    /** @type {const} */ (['chromium', 'firefox']).map((browser) => ({
      mapping,
      filtering,
      browser,
    })),
  ),
);

/**
 * @param {{ mapping: Dependence, filtering: Dependence, browser: 'chromium' | 'firefox', portAssignment?: 'preserving' }} kind
 * @param {import('./simulator.js').WorldOptions} [conditions]
 */
async function diagnose({ browser, ...kind }, conditions) {
  const world = new World(conditions);
  const page = new Page(world, { browser, nat: world.nat(kind) });
  const verdict = await world.until(page.diagnose());
  return { verdict, world, page };
}

describe.each(KINDS)('$mapping mapping, $filtering filtering, $browser', (kind) => {
  test('is told', async () => {
    const { verdict, world } = await diagnose(kind);
    expect(verdict).toEqual({
      publicAddress: {
        value: { address: '203.0.113.77', port: expect.any(Number), family: 'IPv4' },
      },
      mapping: { value: kind.mapping },
      filtering: { value: kind.filtering },
      behindNat: { value: true },
      portPreservation: { value: false },
      otherPaths: [],
    });
    expect(world.core.stats()).toMatchObject({ sessions: 0, forged: 0, stray: 0, malformed: 0 });
    // The slowest waits for what does not come.
    expect(world.now).toBeLessThan(kind.filtering === 'endpoint-independent' ? 1500 : 4000);
  });

  test('is never told wrongly with a fifth of the packets lost each way, and seldom not at all', async () => {
    const runs = 25;
    let known = 0;
    for (let seed = 1; seed <= runs; seed += 1) {
      const conditions = { seed, loss: 0.2, duplication: 0.1, jitterMs: 80 };
      const { verdict } = await diagnose(kind, conditions);
      expect([kind.mapping, 'unknown']).toContain(verdict.mapping.value);
      expect([kind.filtering, 'unknown']).toContain(verdict.filtering.value);
      expect([true, 'unknown']).toContain(verdict.behindNat.value);
      if (verdict.mapping.value !== 'unknown' && verdict.filtering.value !== 'unknown') known += 1;
    }
    expect(known).toBeGreaterThanOrEqual(runs - 3);
  });
});

test('a NAT that keeps ports is told', async () => {
  const { verdict } = await diagnose({
    mapping: 'endpoint-independent',
    filtering: 'address-and-port-dependent',
    browser: 'chromium',
    portAssignment: 'preserving',
  });
  expect(verdict.portPreservation).toEqual({ value: true });
  expect(verdict.behindNat).toEqual({ value: true });
});
