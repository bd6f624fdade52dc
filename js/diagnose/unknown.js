// What cannot be known, and why: shared by the mirror, which judges, and the page.

/** The reasons, in words. */
export const REASONS = /** @type {const} */ ({
  'no-check':
    'no packet of the browser reached the mirror: UDP or STUN is blocked, or a policy keeps WebRTC from UDP',
  'control-failed': 'nothing came back that the mirror sent, even to where the browser had written',
  loss: 'too many packets were lost to tell one that was filtered from one that was lost',
  contradiction:
    'packets from a strange address arrived, and those from a strange port of a known one did not',
  'one-address': 'the mirror has one address only',
  'check-missing':
    'no packet of the browser reached another port or address of the mirror: lost, or blocked on the way',
  'address-changed': 'packets from one socket came from several addresses during the test',
  'not-connected': 'no check had succeeded in time, so the browser told nothing of its own address',
  'no-host-ports': 'the browser tells no port of its own',
  'no-nat': 'there is no NAT on the way',
  'runs-differ': 'two runs came to different results',
  'not-asked': 'it was not asked for',
  'not-offered': 'the mirror is not configured for it',
  failed: 'the test itself failed',
});

/** @typedef {keyof typeof REASONS} Reason */

/**
 * What is known, or that it is not.
 *
 * @template T
 * @typedef {{ value: T } | Unknown<T>} Finding
 */
/**
 * @template T
 * @typedef {object} Unknown
 * @property {'unknown'} value
 * @property {Reason} reason stable
 * @property {string} because the same in words
 * @property {T[]} [oneOf] what is left, where that is known
 */

/**
 * @template T
 * @param {Reason} reason
 * @param {T[]} [oneOf]
 * @returns {Unknown<T>}
 */
export const unknown = (reason, oneOf) => ({
  value: 'unknown',
  reason,
  because: REASONS[reason],
  ...(oneOf === undefined ? {} : { oneOf }),
});
