// Several tasks, not all of them at once.

/**
 * @template T, R
 * @param {readonly T[]} items
 * @param {number} atOnce
 * @param {(item: T) => Promise<R>} task
 * @returns {Promise<R[]>} in the order of the items
 */
export async function mapBounded(items, atOnce, task) {
  /** @type {R[]} */
  const results = new Array(items.length);
  let next = 0;
  const work = async () => {
    while (next < items.length) {
      const i = next++;
      results[i] = await task(items[i]);
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, work));
  return results;
}
