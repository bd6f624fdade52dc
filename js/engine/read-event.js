// What the engine tells of Binding transactions: a record and its texts, as an object.
import { BINDING, BINDING_RECORD_WORDS, HEAD } from './layout.js';
import { RecordTexts, roundTripMs } from './record-texts.js';

/** @typedef {import('../codec/values.js').TransportAddress} TransportAddress */

/**
 * The end of a transaction.
 *
 * @typedef {object} ClientEvent
 * @property {number} kind one of OUTPUT
 * @property {number} transaction
 * @property {number} requestsSent
 * @property {number | null} roundTripMs
 * @property {boolean} isAuthenticated
 * @property {boolean} mayRedirect
 * @property {number} errc
 * @property {number} errorCode
 * @property {number} attribute
 * @property {(TransportAddress | undefined)[]} addresses as listed in bindings/mailbox.h
 * @property {string[]} texts
 * @property {number[]} unknownAttributes
 */

const ADDRESSES = (BINDING.textBytes - BINDING.addresses) / 2;
const TEXTS = BINDING.unknownCount - BINDING.textBytes;

/**
 * @param {import('./core.js').Core} core
 * @param {number} word where the record begins
 * @returns {ClientEvent}
 */
export function readEvent(core, word) {
  const { words } = core;
  const payload = new RecordTexts(core, word + BINDING_RECORD_WORDS);
  const unknown = word + BINDING.unknown;
  return {
    kind: words[word + HEAD.kind],
    transaction: words[word + BINDING.transaction],
    requestsSent: words[word + BINDING.requestsSent],
    roundTripMs: roundTripMs(words[word + BINDING.roundTripMicroseconds]),
    isAuthenticated: words[word + BINDING.isAuthenticated] === 1,
    mayRedirect: words[word + BINDING.mayRedirect] === 1,
    errc: words[word + BINDING.errc],
    errorCode: words[word + BINDING.errorCode],
    attribute: words[word + BINDING.attribute],
    addresses: payload.addresses(word + BINDING.addresses, ADDRESSES),
    texts: payload.texts(word + BINDING.textBytes, TEXTS),
    unknownAttributes: Array.from(
      words.subarray(unknown, unknown + words[word + BINDING.unknownCount]),
    ),
  };
}
