// The options of discoverNat(), checked.
import { isTrue, requireObject } from '../codec/arguments.js';
import { argumentError } from '../errors.js';
import { checkInteger, checkOneOf } from '../option-checks.js';
import { checkStunOptions } from '../stun-options.js';

/** @typedef {import('../stun-options.js').StunOptions} StunOptions */
/** @typedef {import('./read-records.js').NatTest} NatTest */

/**
 * @typedef {object} NatOwnOptions
 * @property {'udp' | 'tcp'} [transport] default 'udp'. Over TCP only the mapping can be tested
 * @property {boolean} [confirm] everything is tested twice, and what the runs do not agree on is unknown; default true
 * @property {boolean | { longestMs?: number }} [lifetime] measures how long a mapping lives; it takes several times
 *   `longestMs`, the longest that is waited: 1,000 to 3,600,000, default 300,000. Off when left out
 * @property {(test: NatTest) => void} [onProgress] called when a test has begun (`outcome` is 'waiting') and when it has
 *   ended
 * @property {number} [timeoutMs] for reaching the server; the tests have limits of their own. Default: as for
 *   getMappedAddress()
 */

/**
 * Those of getMappedAddress() that go with it, and its own. `retransmission` is that of the tests: default `rc` 4, `rm` 4.
 *
 * @typedef {NatOwnOptions & Pick<StunOptions, 'signal' | 'family' | 'credentials' | 'localAddress' | 'software'
 *   | 'fingerprint' | 'retransmission' | 'featureBitOrder' | 'resolver'>} NatOptions
 */

const DEFAULT_LONGEST_MS = 300_000;

/**
 * @param {NatOptions} options
 * @returns {{ stun: StunOptions, transport: 'udp' | 'tcp', confirms: boolean, longestWaitMs: number,
 *   onProgress: (test: NatTest) => void }}
 * @throws {TypeError} ERR_INVALID_ARGUMENT
 */
export function readNatOptions(options) {
  const {
    transport = 'udp',
    confirm = true,
    lifetime = false,
    onProgress = () => {},
    ...stun
  } = requireObject(options, 'options');
  checkOneOf(transport, 'options.transport', ['udp', 'tcp']);
  checkStunOptions(stun);
  isTrue(confirm, 'options.confirm');
  if (typeof onProgress !== 'function') throw argumentError('options.onProgress', 'a function');
  return {
    stun: { ...stun, transport },
    transport,
    confirms: confirm,
    longestWaitMs: longestWaitOf(lifetime),
    onProgress,
  };
}

/** @param {unknown} lifetime */
function longestWaitOf(lifetime) {
  if (lifetime === false) return 0;
  if (lifetime === true) return DEFAULT_LONGEST_MS;
  if (typeof lifetime !== 'object' || lifetime === null) {
    throw argumentError('options.lifetime', 'a boolean or { longestMs }');
  }
  const { longestMs = DEFAULT_LONGEST_MS } = /** @type {{ longestMs?: number }} */ (lifetime);
  return checkInteger(longestMs, 'options.lifetime.longestMs', 1000, 3_600_000);
}
