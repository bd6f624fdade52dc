// Who may open a WebSocket: origin, ticket, upstream and how many there are.

import { sourceOf } from '../address.js';
import { SUB_PROTOCOL } from '../transports/websocket.js';
import { clientAddressOf } from './client-address.js';
import { CLOSE } from './close-codes.js';
import { Shares } from './shares.js';
import { readTicket, UsedTickets } from './tickets.js';

/** @typedef {import('./close-codes.js').CloseCode} CloseCode */
/** @typedef {import('./shares.js').Share} Share */
/** @typedef {import('./upstream.js').Upstream} Upstream */

/**
 * @typedef {object} Refusal
 * @property {number} status of HTTP, for strangers: browsers do not show it to pages
 * @property {CloseCode} code for pages of the origins
 * @property {string} reason a word of docs/gateway.md
 * @property {boolean} [isQuiet] it was logged before: a flood is not to fill the log
 */

/**
 * @typedef {object} Admitted
 * @property {Upstream} upstream
 * @property {string | undefined} user
 * @property {Share[]} shares counted already: release() gives them back
 */

/** For each connection that a ticket can open while it is good, and some more. */
const USED_TICKETS = 100_000;
/** Clocks of the application's server and of the gateway may differ by so much. */
const CLOCK_SKEW_MS = 5000;
const MAX_TICKET_MS = 60_000;

/** @type {Record<string, Refusal>} */
const REFUSALS = {
  subProtocol: { status: 400, code: CLOSE.policy, reason: 'sub-protocol' },
  origin: { status: 403, code: CLOSE.denied, reason: 'origin' },
  rate: { status: 429, code: CLOSE.rate, reason: 'rate' },
  rateStill: { status: 429, code: CLOSE.rate, reason: 'rate', isQuiet: true },
  noTicket: { status: 401, code: CLOSE.ticket, reason: 'ticket-missing' },
  badTicket: { status: 401, code: CLOSE.ticket, reason: 'ticket-invalid' },
  oldTicket: { status: 401, code: CLOSE.ticket, reason: 'ticket-expired' },
  usedTicket: { status: 401, code: CLOSE.ticket, reason: 'ticket-used' },
  upstream: { status: 404, code: CLOSE.denied, reason: 'no-upstream' },
  total: { status: 503, code: CLOSE.overload, reason: 'connections' },
  perIp: { status: 429, code: CLOSE.quota, reason: 'connections-per-ip' },
  perUser: { status: 429, code: CLOSE.quota, reason: 'connections-per-user' },
};

/** What an upgrade asks for. */
export class Applicant {
  /**
   * @param {import('node:http').IncomingMessage} request
   * @param {string} upstream the name in its path
   * @param {string} address of the client
   * @param {boolean} isPage whether its origin is one of those that are let in
   */
  constructor({ headers }, upstream, address, isPage) {
    this.upstream = upstream;
    this.address = address;
    this.isPage = isPage;
    this.origin = headers.origin;
    this.protocols = (headers['sec-websocket-protocol'] ?? '')
      .split(',')
      .map((protocol) => protocol.trim());
  }
}

export class Admission {
  /** @type {Shares} */ addresses;
  /** @type {Shares} */ users;
  #options;
  #upstreams;
  #addressOf;
  #used = new UsedTickets(USED_TICKETS);
  #connections = 0;

  /**
   * @param {ReturnType<typeof import('./options.js').checkGatewayOptions>} options
   * @param {ReadonlyMap<string, Upstream>} upstreams
   * @param {import('./client-address.js').TrustedProxies} trustProxy
   */
  constructor(options, upstreams, trustProxy) {
    const { limits } = options;
    this.#options = options;
    this.#upstreams = upstreams;
    this.#addressOf = clientAddressOf(trustProxy);
    this.addresses = new Shares(limits.messagesPerSecondPerIp, limits.bytesPerSecondPerIp);
    this.users = new Shares(limits.messagesPerSecondPerUser, limits.bytesPerSecondPerUser);
  }

  /** @param {import('node:http').IncomingMessage} request @param {string} upstream the name in its path */
  applicant(request, upstream) {
    const { origin } = request.headers;
    const isPage = origin !== undefined && this.#options.origins.has(origin);
    return new Applicant(request, upstream, this.#addressOf(request), isPage);
  }

  /**
   * Counts a connection, if it may be opened.
   *
   * @param {Applicant} applicant
   * @param {number} now of the monotonic clock, in milliseconds
   * @returns {Promise<Admitted | Refusal>}
   */
  async admit(applicant, now) {
    const { limits, secrets, claim } = this.#options;
    const share = this.addresses.of(sourceOf(applicant.address), now);
    share.attempts++;
    // Whoever goes on like this is answered as a stranger: a page that waits for its close code has stopped.
    if (share.attempts > 2 * limits.connectsPerMinutePerIp) applicant.isPage = false;
    const excess = share.attempts - limits.connectsPerMinutePerIp;
    if (excess > 0) return excess > 1 ? REFUSALS.rateStill : REFUSALS.rate;
    if (applicant.origin !== undefined && !applicant.isPage) return REFUSALS.origin;
    if (!applicant.protocols.includes(SUB_PROTOCOL)) return REFUSALS.subProtocol;
    const ticket = secrets && this.#ticketOf(applicant, secrets);
    if (ticket !== undefined && 'reason' in ticket) return ticket;
    // With tickets: false the origin is all there is, and who is no page has none.
    if (ticket === undefined && applicant.origin === undefined) return REFUSALS.origin;
    const upstream = this.#upstreams.get(applicant.upstream);
    if (upstream === undefined) return REFUSALS.upstream;

    if (this.#connections >= limits.connections) return REFUSALS.total;
    if (share.connections >= limits.connectionsPerIp) return REFUSALS.perIp;
    const shares = [share];
    const user = ticket?.user ?? undefined;
    if (user !== undefined) {
      const ofUser = this.users.of(user, now);
      if (ofUser.connections >= limits.connectionsPerUser) return REFUSALS.perUser;
      shares.push(ofUser);
    }
    const admitted = { upstream, user, shares };
    this.#count(shares, 1);
    if (ticket === undefined) return admitted;
    const isFirst = await this.#claim(ticket, claim).catch(() => false);
    if (isFirst) return admitted;
    this.release(admitted);
    return REFUSALS.usedTicket;
  }

  /** @param {{ shares: Share[] }} admitted whose connection is gone */
  release({ shares }) {
    this.#count(shares, -1);
  }

  /** @param {Share[]} shares @param {1 | -1} by */
  #count(shares, by) {
    this.#connections += by;
    for (const share of shares) share.connections += by;
  }

  /**
   * @param {import('./tickets.js').TicketClaims} ticket
   * @param {import('./options.js').TicketRules['claim']} claim
   */
  async #claim(ticket, claim) {
    if (!this.#used.claim(ticket, Date.now())) return false;
    if (claim === undefined) return true;
    // A store that does not answer is one that says no: the socket waits meanwhile.
    return within(this.#options.limits.connectMs, claim(ticket.id, ticket.expiresAt));
  }

  /**
   * @param {Applicant} applicant
   * @param {Uint8Array[]} secrets
   * @returns {import('./tickets.js').TicketClaims | Refusal}
   */
  #ticketOf({ protocols, origin, upstream }, secrets) {
    const [, text] = protocols.filter((protocol) => protocol !== '');
    if (text === undefined) return REFUSALS.noTicket;
    const ticket = readTicket(text, secrets);
    if (ticket === undefined || protocols.length > 2) return REFUSALS.badTicket;
    if (ticket.upstream !== upstream || ticket.origin !== (origin ?? null)) {
      return REFUSALS.badTicket;
    }
    const leftMs = ticket.expiresAt - Date.now();
    if (leftMs <= 0) return REFUSALS.oldTicket;
    // Good for longer than createTicket() makes them: the other clock is wrong, or somebody writes tickets of his own.
    return leftMs > MAX_TICKET_MS + CLOCK_SKEW_MS ? REFUSALS.badTicket : ticket;
  }

  /** What need not be remembered any longer. @param {number} now of the monotonic clock */
  forget(now) {
    this.#used.forget(Date.now());
    this.addresses.forget(now);
    this.users.forget(now);
  }
}

/**
 * @param {number} timeoutMs
 * @param {boolean | Promise<boolean>} answer
 * @returns {Promise<boolean>} false when it takes longer
 */
async function within(timeoutMs, answer) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  const late = new Promise((/** @type {(value: false) => void} */ resolve) => {
    if (Number.isFinite(timeoutMs)) timer = setTimeout(resolve, timeoutMs, false);
  });
  try {
    return (await Promise.race([answer, late])) === true;
  } finally {
    clearTimeout(timer);
  }
}
