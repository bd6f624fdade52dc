// Tests against a real coturn on loopback.
import { coturnVersion, startCoturn } from '../support/coturn.js';
import { describeWith } from './describe-with.js';

export { startCoturn };

/** @typedef {import('../support/coturn.js').Coturn} Coturn */

/** describe() where coturn is installed; elsewhere the tests are skipped, and it is said why. */
export const describeWithCoturn = describeWith(
  coturnVersion ? `coturn ${coturnVersion}` : 'coturn',
  coturnVersion ? undefined : 'turnserver is not installed (Debian: apt-get install coturn)',
);
