// What the engine tells: an output record and its texts, as an object.
import { readText } from '../codec/text.js';
import { ADDRESSES, NO_ROUND_TRIP, OUT, TEXTS } from './layout.js';

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
 * @property {(TransportAddress | undefined)[]} addresses as listed in bindings/engine.h
 * @property {string[]} texts
 * @property {number[]} unknownAttributes
 */

/**
 * @param {Uint32Array} words
 * @param {Uint8Array} bytes the same memory
 * @param {number} word where the record begins
 * @param {number} payload where its payload begins, in bytes
 * @returns {ClientEvent}
 */
export function readEvent(words, bytes, word, payload) {
  const field = (/** @type {number} */ index) => words[word + index];
  let at = payload;
  const text = (/** @type {number} */ length) => {
    at += length;
    return readText(bytes, at - length, at);
  };
  /** @type {(TransportAddress | undefined)[]} */
  const addresses = [];
  for (let i = 0; i < ADDRESSES; i += 1) {
    const address = text(field(OUT.addresses + 2 * i + 1));
    const port = field(OUT.addresses + 2 * i);
    const family = address.includes(':') ? 'IPv6' : 'IPv4';
    addresses.push(address === '' ? undefined : { address, port, family });
  }
  const texts = [];
  for (let i = 0; i < TEXTS; i += 1) texts.push(text(field(OUT.textBytes + i)));
  const roundTrip = field(OUT.roundTripMicroseconds);
  return {
    kind: field(OUT.kind),
    transaction: field(OUT.transaction),
    requestsSent: field(OUT.requestsSent),
    roundTripMs: roundTrip === NO_ROUND_TRIP ? null : roundTrip / 1000,
    isAuthenticated: field(OUT.isAuthenticated) === 1,
    mayRedirect: field(OUT.mayRedirect) === 1,
    errc: field(OUT.errc),
    errorCode: field(OUT.errorCode),
    attribute: field(OUT.attribute),
    addresses,
    texts,
    unknownAttributes: Array.from(
      words.subarray(word + OUT.unknown, word + OUT.unknown + field(OUT.unknownCount)),
    ),
  };
}
