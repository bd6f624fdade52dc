// Tests that need a server which may not be installed.
import { describe } from '@jest/globals';

/**
 * A describe() for tests that need a server: where it is not installed they are skipped, and it is said why.
 * In CI that is an error.
 *
 * @param {string} server its name, with the version where it is known
 * @param {string | undefined} missing why it can't be had, as a clause; undefined when it can
 * @returns {(name: string, body: () => void) => void}
 */
export function describeWith(server, missing) {
  if (missing && process.env.CI) throw new Error(`${missing}, and in CI nothing is left out.`);
  return (name, body) => {
    if (!missing) {
      describe(`${server}: ${name}`, body);
      return;
    }
    console.warn(`Skipped, since ${missing}: ${name}`);
    describe.skip(`${server}: ${name}`, body);
  };
}
