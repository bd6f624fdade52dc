// What the far ends of network tests count, for Prometheus.
import { exposition } from '../metrics/exposition.js';

/** What there is now; the others only grow. */
const GAUGES = new Set(['sessions', 'hosts']);

/** @param {string} name @returns {string} such as 'over_limit' */
const snakeCase = (name) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/**
 * @param {'mirror' | 'reflector'} what
 * @param {Readonly<Record<string, number>>} stats
 * @returns {string} such as postern_mirror_forged_total
 */
export const farEndMetrics = (what, stats) =>
  exposition(
    Object.entries(stats).map(([name, value]) => {
      const isGauge = GAUGES.has(name);
      return {
        name: `postern_${what}_${snakeCase(name)}${isGauge ? '' : '_total'}`,
        type: isGauge ? 'gauge' : 'counter',
        help: `\`${name}\` of ${what}.stats().`,
        samples: [[{}, value]],
      };
    }),
  );
