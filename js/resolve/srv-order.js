// The order in which to try the hosts of SRV records (RFC 2782).

/**
 * @typedef {object} SrvRecord
 * @property {string} name the target; '.' or '' says that there is no such service
 * @property {number} port
 * @property {number} priority the lowest comes first
 * @property {number} weight the share of the first tries among records of the same priority
 */

/**
 * @param {readonly SrvRecord[]} records all of one priority
 * @param {() => number} random
 * @returns {SrvRecord[]}
 */
function orderByWeight(records, random) {
  // Zero weights first: their running sum is 0 there, which leaves them the very small chance.
  const left = [...records].sort((a, b) => Number(a.weight > 0) - Number(b.weight > 0));
  /** @type {SrvRecord[]} */
  const ordered = [];
  while (left.length > 0) {
    const sum = left.reduce((total, { weight }) => total + weight, 0);
    const chosen = Math.floor(random() * (sum + 1));
    let runningSum = 0;
    const at = left.findIndex(({ weight }) => {
      runningSum += weight;
      return runningSum >= chosen;
    });
    ordered.push(...left.splice(at, 1));
  }
  return ordered;
}

/**
 * Lowest priority first; within a priority at random, in proportion to the weights.
 *
 * @param {readonly SrvRecord[]} records
 * @param {() => number} random gives 0 <= n < 1
 * @returns {SrvRecord[]}
 */
export function orderSrvRecords(records, random) {
  const priorities = [...new Set(records.map(({ priority }) => priority))].sort((a, b) => a - b);
  return priorities.flatMap((priority) =>
    orderByWeight(
      records.filter((record) => record.priority === priority),
      random,
    ),
  );
}
