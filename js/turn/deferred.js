/**
 * A promise, and what settles it. It may reject without anybody listening.
 *
 * @template T
 * @typedef {object} Deferred
 * @property {Promise<T>} promise
 * @property {(value: T) => void} resolve
 * @property {(reason: unknown) => void} reject
 */

/** @template T @returns {Deferred<T>} */
export function deferred() {
  /** @type {Deferred<T>['resolve']} */
  let resolve = () => {};
  /** @type {Deferred<T>['reject']} */
  let reject = () => {};
  const promise = new Promise((/** @type {(value: T) => void} */ yes, no) => {
    resolve = yes;
    reject = no;
  });
  promise.catch(() => {});
  return { promise, resolve, reject };
}
