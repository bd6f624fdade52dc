// What the engine tells of relays: a record and its texts, as an object.
import { TURN, TURN_EVENTS, TURN_RECORD_WORDS } from './layout.js';
import { RecordTexts, roundTripMs } from './record-texts.js';

/** @typedef {import('../codec/values.js').TransportAddress} TransportAddress */
/** @typedef {import('./core.js').Core} Core */
/** @typedef {import('./turn-types.js').GrantedAllocation} GrantedAllocation */

const ADDRESSES = (TURN.textBytes - TURN.addresses) / 2;
const TEXTS = TURN.unknownCount - TURN.textBytes;

/** @param {(TransportAddress | undefined)[]} addresses */
const present = (addresses) =>
  /** @type {TransportAddress[]} */ (addresses.filter((address) => address !== undefined));

/**
 * @param {Core} core
 * @param {number} word where the record begins
 * @param {(TransportAddress | undefined)[]} addresses two relayed ones and the mapped one
 * @returns {GrantedAllocation | undefined}
 */
function readAllocation({ words, bytes }, word, [first, second, mappedAddress]) {
  if (words[word + TURN.hasAllocation] === 0) return undefined;
  const reservation = (word + TURN.reservation) * 4;
  const family = words[word + TURN.refusedFamily];
  return {
    relayedAddresses: present([first, second]),
    mappedAddress,
    lifetimeSeconds: words[word + TURN.lifetimeSeconds],
    reservationToken:
      words[word + TURN.hasReservation] === 1
        ? bytes.slice(reservation, reservation + 8)
        : undefined,
    hasTicket: words[word + TURN.hasTicket] === 1,
    refusedFamily: family === 4 || family === 6 ? family : undefined,
    refusedCode: words[word + TURN.refusedCode],
  };
}

/**
 * @param {Core} core
 * @param {number} word where the record begins
 * @returns {import('./turn-types.js').TurnEvent}
 */
export function readTurnEvent(core, word) {
  const { words } = core;
  const payload = new RecordTexts(core, word + TURN_RECORD_WORDS);
  const [peer, ...others] = payload.addresses(word + TURN.addresses, ADDRESSES);
  const [reason, realm, software, alternateDomain, thirdParty] = payload.texts(
    word + TURN.textBytes,
    TEXTS,
  );
  const unknown = word + TURN.unknown;
  return {
    type: TURN_EVENTS[words[word + TURN.event]],
    errc: words[word + TURN.errc],
    errorCode: words[word + TURN.errorCode],
    token: words[word + TURN.token],
    number: words[word + TURN.number],
    detail: words[word + TURN.detail],
    peer,
    requestsSent: words[word + TURN.requestsSent],
    roundTripMs: roundTripMs(words[word + TURN.roundTripMicroseconds]),
    isAuthenticated: words[word + TURN.isAuthenticated] === 1,
    alternateServers: present(others.slice(0, 2)),
    alternateDomain,
    reason,
    realm,
    software,
    thirdParty,
    unknownAttributes: Array.from(
      words.subarray(unknown, unknown + words[word + TURN.unknownCount]),
    ),
    allocation: readAllocation(core, word, others.slice(2)),
  };
}
