// From what the core has found to what the caller gets.

import { classicNameOf, unknownBecause, VALUES } from './words.js';

/** @typedef {import('../codec/values.js').TransportAddress} TransportAddress */
/** @typedef {import('./read-records.js').CoreFinding} CoreFinding */
/** @typedef {import('./read-records.js').NatDone} NatDone */
/** @typedef {import('./read-records.js').NatTest} NatTest */
/** @typedef {import('./words.js').Behaviour} Behaviour */
/** @typedef {import('./words.js').NatReason} NatReason */

/**
 * One thing that was found, or not.
 *
 * @template {string} Value
 * @typedef {object} Finding
 * @property {Value | 'unknown'} behaviour
 * @property {NatReason} [reason] why it is unknown
 * @property {string} [message] the same as a sentence
 * @property {readonly Value[]} [runs] reason 'runs-differ': what each run found
 * @property {readonly NatTest[]} evidence the tests that it rests on
 */

/** @typedef {Exclude<Behaviour, 'unknown'>} KnownBehaviour */

/**
 * How long a mapping lives through which nothing is sent.
 *
 * @typedef {object} LifetimeFinding
 * @property {'measured' | 'unknown'} behaviour
 * @property {NatReason} [reason] 'not-tested' where `lifetime` was not asked for
 * @property {string} [message]
 * @property {number | null} atLeastMs it was alive after so long
 * @property {number | null} atMostMs and gone after so long; null: it outlived the longest wait
 * @property {readonly NatTest[]} evidence
 */

/**
 * @typedef {object} NatServer
 * @property {string} url as the caller wrote it
 * @property {string} address
 * @property {number} port
 * @property {import('../address.js').AddressFamily} family
 * @property {TransportAddress | null} otherAddress OTHER-ADDRESS (RFC 5780 section 7.4)
 * @property {string | null} software
 */

/**
 * What lies between this machine and the server. docs/nat.md says what each result means.
 *
 * @typedef {object} NatResult
 * @property {'udp' | 'tcp'} transport
 * @property {TransportAddress | null} publicAddress the first mapped address
 * @property {TransportAddress} localAddress of this machine, on the way to the server; the port is that of the first test
 * @property {boolean | null} behindNat whether the mapped address is another than the local one; null: unknown
 * @property {Finding<KnownBehaviour>} mapping RFC 4787 section 4.1
 * @property {Finding<KnownBehaviour> & { serverProven: boolean }} filtering RFC 4787 section 5. `serverProven`: the server
 *   was seen to answer from each of its addresses, so that silence was the filter's
 * @property {Finding<'supported' | 'not-supported'>} hairpinning RFC 4787 section 6
 * @property {Finding<'preserved' | 'changed'>} portPreservation RFC 4787 section 4.2.1
 * @property {{ outgoing: Finding<'pass' | 'blocked'>, incoming: Finding<'pass' | 'blocked'> }} fragments
 *   RFC 4787 section 11
 * @property {LifetimeFinding} mappingLifetime RFC 4787 section 4.3
 * @property {string | null} classicName the name of RFC 3489 for mapping and filtering, where it has one
 * @property {NatServer} server
 * @property {readonly NatTest[]} tests all of them, in the order in which they began
 * @property {Readonly<Record<string, number>>} dropped packets that were no answers, by reason
 */

/**
 * @typedef {object} Discovered
 * @property {'udp' | 'tcp'} transport
 * @property {NatDone} done
 * @property {readonly NatTest[]} tests
 * @property {TransportAddress} localAddress
 * @property {NatServer} server
 * @property {Record<string, number>} dropped
 */

/** What is not tested over TCP. */
const UDP_ONLY = new Set(['filtering', 'hairpinning', 'requestFragments', 'answerFragments']);

/** @param {readonly NatTest[]} tests @param {NatTest['topic'][]} topics */
const about = (tests, ...topics) =>
  Object.freeze(tests.filter(({ topic }) => topics.includes(topic)));

/** Whether it is a plain request that was answered. @param {NatTest} test */
const isFirst = ({ name, topic, outcome }) =>
  name === 'before' && topic !== 'lifetime' && outcome === 'answered';

/**
 * @param {Discovered} discovered
 * @param {keyof typeof VALUES} name
 * @param {readonly NatTest[]} evidence
 * @returns {Finding<any>}
 */
function findingOf({ transport, done }, name, evidence) {
  const { value, reason: coreReason, ofRuns } = done.findings[name];
  const values = VALUES[name];
  if (coreReason === 'none') return Object.freeze({ behaviour: values[value], evidence });
  /** @type {NatReason} */
  const reason = transport === 'tcp' && UDP_ONLY.has(name) ? 'not-over-tcp' : coreReason;
  const runs = reason === 'runs-differ' ? ofRuns.map((each) => values[each]) : [];
  return Object.freeze({
    behaviour: 'unknown',
    reason,
    message: unknownBecause(reason, runs),
    ...(runs.length > 0 ? { runs: Object.freeze(runs) } : {}),
    evidence,
  });
}

/** @param {Discovered} discovered @returns {LifetimeFinding} */
function lifetimeOf({ done, tests, transport }) {
  const { reason: coreReason, atLeastMs, atMostMs } = done.lifetime;
  const evidence = about(tests, 'lifetime');
  if (coreReason === 'none') {
    return Object.freeze({
      behaviour: 'measured',
      atLeastMs,
      atMostMs: atMostMs === 0 ? null : atMostMs,
      evidence,
    });
  }
  /** @type {NatReason} */
  const reason = transport === 'tcp' ? 'not-over-tcp' : coreReason;
  return Object.freeze({
    behaviour: 'unknown',
    reason,
    message: unknownBecause(reason, []),
    atLeastMs: null,
    atMostMs: null,
    evidence,
  });
}

/** Each place that was silent was seen to answer later. @param {readonly NatTest[]} tests of filtering */
const isServerProven = (tests) =>
  tests.some(({ name }) => name === 'change-both') &&
  tests
    .filter(({ name, outcome }) => name.startsWith('change-') && outcome !== 'answered')
    .every(({ name, run }) =>
      tests.some(
        (other) =>
          other.run === run &&
          other.name === name.replace('change-', 'again-') &&
          other.outcome === 'answered',
      ),
    );

/** @param {Discovered} discovered @returns {NatResult} */
export function resultOf(discovered) {
  const { transport, done, tests, localAddress, server, dropped } = discovered;
  const firsts = Object.freeze(tests.filter(isFirst));
  const behind = findingOf(discovered, 'behindNat', firsts).behaviour;
  const behindNat = behind === 'unknown' ? null : behind === 'yes';
  const mapping = findingOf(discovered, 'mapping', about(tests, 'mapping'));
  const filtering = findingOf(discovered, 'filtering', about(tests, 'filtering'));
  return Object.freeze({
    transport,
    publicAddress: done.publicAddress ?? null,
    localAddress: firsts[0]?.from ?? localAddress,
    behindNat,
    mapping,
    filtering: Object.freeze({
      ...filtering,
      serverProven: filtering.behaviour !== 'unknown' && isServerProven(filtering.evidence),
    }),
    hairpinning: findingOf(discovered, 'hairpinning', about(tests, 'hairpinning')),
    portPreservation: findingOf(discovered, 'preservesPort', firsts),
    fragments: Object.freeze({
      outgoing: findingOf(discovered, 'requestFragments', about(tests, 'fragments')),
      incoming: findingOf(discovered, 'answerFragments', about(tests, 'fragments')),
    }),
    mappingLifetime: lifetimeOf(discovered),
    classicName: classicNameOf(behindNat, mapping.behaviour, filtering.behaviour),
    server: Object.freeze(server),
    tests: Object.freeze([...tests]),
    dropped: Object.freeze(dropped),
  });
}
