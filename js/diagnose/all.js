/**
 * Waits for all of them, also where one fails: what they have opened is closed then.
 *
 * @param {readonly Promise<unknown>[]} promises
 * @returns {Promise<void>} rejects with what the first one of them did
 */
export async function all(promises) {
  for (const end of await Promise.allSettled(promises)) {
    if (end.status === 'rejected') throw end.reason;
  }
}
