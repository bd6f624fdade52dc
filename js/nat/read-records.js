// What the core tells: records of the outbox, as objects.
import { HEAD } from '../engine/layout.js';
import { RecordTexts, roundTripMs } from '../engine/record-texts.js';
import {
  NAT_DONE,
  NAT_DONE_WORDS,
  NAT_FINDING_WORDS,
  NAT_FINDINGS,
  NAT_OUTCOMES,
  NAT_REASONS,
  NAT_TEST,
  NAT_TEST_WORDS,
  NAT_TESTS,
  NAT_TOPICS,
} from './layout.js';

/** @typedef {import('../codec/values.js').TransportAddress} TransportAddress */

/**
 * One test: what was sent, and what came of it.
 *
 * @typedef {object} NatTest
 * @property {1 | 2 | 0} run 0: the lifetime, which is measured after both
 * @property {typeof NAT_TOPICS[number]} topic
 * @property {typeof NAT_TESTS[number]} name see docs/nat.md
 * @property {TransportAddress} from the socket's local address
 * @property {TransportAddress} to
 * @property {boolean} changeAddress CHANGE-REQUEST (RFC 5780 section 7.2)
 * @property {boolean} changePort
 * @property {number | null} responsePort RESPONSE-PORT (section 7.5)
 * @property {number} paddingBytes PADDING (section 7.6)
 * @property {typeof NAT_OUTCOMES[number]} outcome 'not-sent': this machine did not, or lost the socket; 'not-needed':
 *   ended early, since another one had told
 * @property {TransportAddress | null} mappedAddress
 * @property {TransportAddress | null} answeredFrom
 * @property {TransportAddress | null} responseOrigin RESPONSE-ORIGIN (section 7.3)
 * @property {TransportAddress | null} otherAddress OTHER-ADDRESS (section 7.4)
 * @property {boolean} arrivedElsewhere at another socket than the one that it was sent from
 * @property {number} answerBytes length of the answer
 * @property {number | null} errorCode of an error that the server answered with
 * @property {number} requestsSent in two transactions (see docs/nat.md)
 * @property {number | null} roundTripMs null where the request had to be sent again, and without an answer
 */

/**
 * @typedef {object} CoreFinding
 * @property {number} value
 * @property {typeof NAT_REASONS[number]} reason
 * @property {readonly [number, number]} ofRuns
 */

/**
 * @typedef {object} NatDone
 * @property {Record<typeof NAT_FINDINGS[number], CoreFinding>} findings
 * @property {{ reason: typeof NAT_REASONS[number], atLeastMs: number, atMostMs: number }} lifetime
 * @property {TransportAddress | undefined} publicAddress
 * @property {TransportAddress | undefined} otherAddress
 */

/** @param {(TransportAddress | undefined)[]} addresses */
const frozen = (addresses) => addresses.map((address) => address && Object.freeze(address));

const TEST_ADDRESSES = (NAT_TEST_WORDS - NAT_TEST.addresses) / 2;
const DONE_ADDRESSES = (NAT_DONE_WORDS - NAT_DONE.addresses) / 2;

/**
 * @param {import('./core.js').NatCore} core
 * @param {number} word where the record begins
 * @returns {{ id: number, test: NatTest }}
 */
export function readTest(core, word) {
  const { words } = core;
  const at = (/** @type {keyof typeof NAT_TEST} */ name) => words[word + NAT_TEST[name]];
  const texts = new RecordTexts(core, word + NAT_TEST_WORDS);
  const [from, to, mapped, source, origin, other] = frozen(
    texts.addresses(word + NAT_TEST.addresses, TEST_ADDRESSES),
  );
  const arrivedAt = at('arrivedAt');
  const test = Object.freeze({
    run: /** @type {0 | 1 | 2} */ (at('run')),
    topic: NAT_TOPICS[at('topic')],
    name: NAT_TESTS[at('name')],
    from: /** @type {TransportAddress} */ (from),
    to: /** @type {TransportAddress} */ (to),
    changeAddress: at('changeAddress') === 1,
    changePort: at('changePort') === 1,
    responsePort: at('responsePort') || null,
    paddingBytes: at('paddingBytes'),
    outcome: NAT_OUTCOMES[at('outcome')],
    mappedAddress: mapped ?? null,
    answeredFrom: source ?? null,
    responseOrigin: origin ?? null,
    otherAddress: other ?? null,
    arrivedElsewhere: arrivedAt !== 0 && arrivedAt !== words[word + HEAD.handle],
    answerBytes: at('answerBytes'),
    errorCode: at('errorCode') || null,
    requestsSent: at('requestsSent'),
    roundTripMs: roundTripMs(at('roundTripMicroseconds')),
  });
  return { id: at('test'), test };
}

/** @param {import('./core.js').NatCore} core @param {number} word @returns {NatDone} */
export function readDone(core, word) {
  const { words } = core;
  const finding = (/** @type {number} */ index) => {
    const start = word + NAT_DONE.findings + index * NAT_FINDING_WORDS;
    return {
      value: words[start],
      reason: NAT_REASONS[words[start + 1]],
      ofRuns: /** @type {const} */ ([words[start + 2], words[start + 3]]),
    };
  };
  const texts = new RecordTexts(core, word + NAT_DONE_WORDS);
  const [publicAddress, otherAddress] = frozen(
    texts.addresses(word + NAT_DONE.addresses, DONE_ADDRESSES),
  );
  return {
    findings: /** @type {NatDone['findings']} */ (
      Object.fromEntries(NAT_FINDINGS.map((name, i) => [name, finding(i)]))
    ),
    lifetime: {
      reason: NAT_REASONS[words[word + NAT_DONE.lifetimeReason]],
      atLeastMs: words[word + NAT_DONE.atLeastMilliseconds],
      atMostMs: words[word + NAT_DONE.atMostMilliseconds],
    },
    publicAddress,
    otherAddress,
  };
}
