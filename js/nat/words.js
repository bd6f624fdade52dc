// What the core's numbers are called, and why something is unknown, in words.

import { NAT_BEHAVIOURS } from './layout.js';

/** @typedef {typeof import('./layout.js').NAT_REASONS[number]} CoreReason */

/** @typedef {typeof NAT_BEHAVIOURS[number]} Behaviour RFC 4787 sections 4.1 and 5 */
/** @typedef {Exclude<CoreReason, 'none'> | 'not-over-tcp'} NatReason */

/** Values of enum Answer, for each finding that is one. */
export const VALUES = /** @type {const} */ ({
  behindNat: ['unknown', 'no', 'yes'],
  mapping: NAT_BEHAVIOURS,
  filtering: NAT_BEHAVIOURS,
  hairpinning: ['unknown', 'not-supported', 'supported'],
  preservesPort: ['unknown', 'changed', 'preserved'],
  requestFragments: ['unknown', 'blocked', 'pass'],
  answerFragments: ['unknown', 'blocked', 'pass'],
});

/** After "Unknown, because". @type {Readonly<Record<NatReason, string>>} */
export const REASON_WORDS = Object.freeze({
  'not-tested': 'it was not tested',
  'not-over-tcp': 'it can be tested over UDP only',
  'no-nat': 'there is no NAT',
  'no-answer': 'a plain request to the server was not answered',
  'not-sent': 'this machine could not send a request',
  lossy: 'so much is lost on the way that silence tells nothing',
  'local-port': 'this machine makes no second connection from one local port',
  'no-other-address': 'the server names no other address of its own',
  'other-address-same': "the server's other address has the same address or port as its first",
  'other-address-silent': "nobody answers at the server's other address",
  'other-address-refused': "an error came from the server's other address",
  'other-address-inside': "the server's other address is on this side of the NAT",
  'change-request-refused': 'the server refuses to answer from its other address',
  'change-request-ignored':
    'the server answered from where it was asked, not from its other address',
  'change-request-elsewhere': 'the server answered from an address that it does not name',
  'change-request-unanswered':
    'the server does not answer from its other address even where no filter is in the way',
  'mapping-changed': 'the mapped address changed between two requests to the same address',
  'mapping-dependent':
    'the mapping depends on the destination, so that silence can also be that of a filter',
  'padding-refused': 'the server refuses PADDING',
  'padding-not-returned': 'the server does not pad its answers',
  'padding-unanswered': 'the server does not answer what has PADDING',
  'request-fragments-blocked': 'requests in fragments do not arrive, so that none is answered',
  'response-port-refused': 'the server refuses RESPONSE-PORT',
  'response-port-ignored': 'the server ignores RESPONSE-PORT',
  'response-port-unanswered': 'the server does not answer what has RESPONSE-PORT',
  inconsistent: 'what came fits no behaviour',
  'runs-differ': 'the runs differ',
});

/** @param {NatReason} reason @param {readonly string[]} runs what each found, where they differ */
export const unknownBecause = (reason, runs) =>
  `Unknown, because ${REASON_WORDS[reason]}${runs.length > 0 ? ` (${runs.join(', ')})` : ''}.`;

/**
 * RFC 3489 section 5, for those who know its names: they mix two things, so that most pairs have none.
 *
 * @param {boolean | null} behindNat
 * @param {Behaviour} mapping
 * @param {Behaviour} filtering
 * @returns {string | null}
 */
export function classicNameOf(behindNat, mapping, filtering) {
  if (behindNat === null || mapping === 'unknown' || filtering === 'unknown') return null;
  if (!behindNat) {
    if (filtering === 'endpoint-independent') return 'open Internet';
    return filtering === 'address-and-port-dependent' ? 'symmetric UDP firewall' : null;
  }
  if (mapping === 'endpoint-independent') {
    return {
      'endpoint-independent': 'full cone',
      'address-dependent': 'restricted cone',
      'address-and-port-dependent': 'port restricted cone',
    }[filtering];
  }
  // Section 5: only who was sent something can answer.
  return mapping === 'address-and-port-dependent' && filtering !== 'endpoint-independent'
    ? 'symmetric'
    : null;
}
