// Tickets: what the application's server gives a page, so that it may open one WebSocket to the gateway.
//
//   ticket.<payload>.<mac>     both in base64url
//   payload                    JSON: [upstream, origin or null, user or null, expiry in ms, 16 random bytes in base64url]
//   mac                        HMAC-SHA256 over CONTEXT and payload
//
// It travels as the second value of Sec-WebSocket-Protocol: a page can set no other header, and query strings end up in
// logs. Its characters are those that RFC 7230 section 3.2.6 allows there.

import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { requireObject } from '../codec/arguments.js';
import { secretList } from '../credentials/hmac.js';
import { readNow } from '../credentials/options.js';
import { argumentError } from '../errors.js';
import { checkInteger } from '../option-checks.js';
import { SUB_PROTOCOL } from '../transports/websocket.js';
import { checkOrigin } from './origins.js';

/**
 * @typedef {object} TicketOptions
 * @property {string | Uint8Array} secret shared with the gateway: 16 bytes or more, random
 * @property {string} upstream name of one of the gateway's
 * @property {string | null} origin of the page, such as 'https://app.example.org'; null: for a client that is no page, and
 *   sends no Origin
 * @property {string} [user] an opaque name; the gateway limits the connections of each
 * @property {number} [ttlSeconds] 1 to 60; default 30
 * @property {number} [nowMs] default Date.now()
 */

/**
 * @typedef {object} Ticket
 * @property {string} ticket
 * @property {[string, string]} protocols what `new WebSocket(url, protocols)` takes
 * @property {number} expiresAt milliseconds since 1970
 */

/**
 * What a good ticket says.
 *
 * @typedef {object} TicketClaims
 * @property {string} id of its own
 * @property {string} upstream
 * @property {string | null} origin
 * @property {string | null} user
 * @property {number} expiresAt milliseconds since 1970
 */

/** So that no HMAC made for something else with the same secret is a ticket. */
const CONTEXT = 'postern gateway ticket 1\n';
const PREFIX = 'ticket.';
const MAX_TTL_SECONDS = 60;
const DEFAULT_TTL_SECONDS = 30;
/** RFC 2104 section 3 wants more; less than this can be guessed. */
const LEAST_SECRET_BYTES = 16;
const NONCE_BYTES = 16;
const MAC_BYTES = 32;
/** Of headers, and of what is remembered for each user. */
const MAX_USER_BYTES = 256;
/** With a user of the longest and all else: far less than the headers that a gateway reads. */
const MAX_TICKET_LENGTH = 2048;
const BASE64URL = /^[\w-]+$/;

/** The names that upstreams can have: they stand in paths, tickets and metrics. */
export const UPSTREAM_NAME = /^[A-Za-z0-9_-]{1,64}$/;

/**
 * @param {unknown} secrets
 * @param {string} name
 * @returns {Uint8Array[]}
 */
export function ticketSecrets(secrets, name) {
  const list = secretList(secrets, name);
  for (const secret of list) {
    if (secret.length < LEAST_SECRET_BYTES) {
      throw argumentError(
        name,
        `${LEAST_SECRET_BYTES} bytes or more, and random, such as randomBytes(32) of node:crypto`,
      );
    }
  }
  return list;
}

/** @param {Uint8Array} secret @param {string} payload */
const macOf = (secret, payload) =>
  createHmac('sha256', secret).update(CONTEXT).update(payload).digest();

/**
 * Makes a ticket, for the application's server to hand out to a page that it knows: one WebSocket to one upstream, from one
 * origin, once, for a minute at most.
 *
 * @param {TicketOptions} options
 * @returns {Ticket}
 * @throws {TypeError} ERR_INVALID_ARGUMENT
 */
export function createTicket(options) {
  const { secret, upstream, origin, user, ttlSeconds } = requireObject(options, 'options');
  const [key] = ticketSecrets(secret, 'options.secret');
  if (typeof upstream !== 'string' || !UPSTREAM_NAME.test(upstream)) {
    throw argumentError('options.upstream', 'the name of an upstream of the gateway');
  }
  if (origin === undefined) {
    throw argumentError(
      'options.origin',
      "the page's origin, or null for a client that is no page",
    );
  }
  if (origin !== null) checkOrigin(origin, 'options.origin');
  if (user !== undefined && !isUser(user)) {
    throw argumentError('options.user', `a string of 1 to ${MAX_USER_BYTES} bytes`);
  }
  const seconds =
    checkInteger(ttlSeconds, 'options.ttlSeconds', 1, MAX_TTL_SECONDS) || DEFAULT_TTL_SECONDS;
  const expiresAt = readNow(options.nowMs) + seconds * 1000;
  const nonce = randomBytes(NONCE_BYTES).toString('base64url');
  const claims = [upstream, origin, user ?? null, expiresAt, nonce];
  const payload = Buffer.from(JSON.stringify(claims)).toString('base64url');
  const ticket = `${PREFIX}${payload}.${macOf(key, payload).toString('base64url')}`;
  return { ticket, protocols: [SUB_PROTOCOL, ticket], expiresAt };
}

/** @param {unknown} user @returns {user is string} */
const isUser = (user) =>
  typeof user === 'string' && user !== '' && Buffer.byteLength(user) <= MAX_USER_BYTES;

/**
 * @param {string} text
 * @param {readonly Uint8Array[]} secrets
 * @returns {TicketClaims | undefined} undefined: nobody with one of the secrets has made it
 */
export function readTicket(text, secrets) {
  if (!text.startsWith(PREFIX) || text.length > MAX_TICKET_LENGTH) return undefined;
  const [payload, signature, ...rest] = text.slice(PREFIX.length).split('.');
  if (signature === undefined || rest.length > 0) return undefined;
  if (!BASE64URL.test(payload) || !BASE64URL.test(signature)) return undefined;
  const mac = Buffer.from(signature, 'base64url');
  // One spelling only: base64url has room for bits that say nothing.
  if (mac.length !== MAC_BYTES || mac.toString('base64url') !== signature) return undefined;
  let isGood = false;
  for (const secret of secrets) {
    if (timingSafeEqual(macOf(secret, payload), mac)) isGood = true;
  }
  if (!isGood) return undefined;
  // Signed, so it is as createTicket() has made it.
  const [upstream, origin, user, expiresAt, id] = JSON.parse(
    Buffer.from(payload, 'base64url').toString(),
  );
  return { id, upstream, origin, user, expiresAt };
}

/**
 * Which tickets were used: those that are good still, and no more than `capacity`.
 */
export class UsedTickets {
  /** @type {Map<string, number>} */ #expiries = new Map();

  /** @param {number} capacity */
  constructor(capacity) {
    this.capacity = capacity;
  }

  get size() {
    return this.#expiries.size;
  }

  /**
   * @param {TicketClaims} ticket
   * @param {number} nowMs
   * @returns {boolean} false: it was used before; or there is no room to remember it
   */
  claim({ id, expiresAt }, nowMs) {
    if (this.#expiries.has(id)) return false;
    if (this.#expiries.size >= this.capacity) this.forget(nowMs);
    if (this.#expiries.size >= this.capacity) return false;
    this.#expiries.set(id, expiresAt);
    return true;
  }

  /** Those that have run out. @param {number} nowMs */
  forget(nowMs) {
    for (const [id, expiresAt] of this.#expiries) {
      if (expiresAt <= nowMs) this.#expiries.delete(id);
    }
  }
}
