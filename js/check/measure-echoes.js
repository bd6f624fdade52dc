// Data sent through a relay and back, and how long that takes.
import { PosternError } from '../errors.js';
import { abortable } from '../resolve/abortable.js';

/** @typedef {import('../turn/peer.js').PeerAddress} PeerAddress */

/**
 * What is needed of a relay.
 *
 * @typedef {Pick<import('../turn/relay.js').Relay, 'send' | 'ready' | 'onmessage' | 'closed'>} EchoRelay
 */

/**
 * @typedef {object} EchoOptions
 * @property {number} count how many to send, one after the other
 * @property {number} waitMs how long each is waited for
 * @property {AbortSignal} [signal]
 */

/**
 * @typedef {object} EchoResult
 * @property {number} sent
 * @property {number[]} roundTripsMs of those that came back, in order
 * @property {number} [firstByteMs] from the first that was sent to the first that came back
 */

/** Ours: short enough for every path, long enough not to be met by chance. */
const PAYLOAD_BYTES = 64;
/** Where nothing has come back after so many, nothing will. */
const MAX_LOST_AT_FIRST = 2;

/** @param {Uint8Array} bytes */
const keyOf = (bytes) => bytes.join();

/**
 * Sends random data to a peer that sends it back, and takes the time until the same bytes are here again. Each is
 * told from the others by its bytes: one that is late or comes twice is no sample of another (Karn's rule).
 *
 * @param {EchoRelay} relay its onmessage is in use meanwhile
 * @param {PeerAddress} peer has permission
 * @param {EchoOptions} options
 * @returns {Promise<EchoResult>}
 * @throws {PosternError} what ended the relay; or `signal.reason`
 */
export async function measureEchoes(relay, peer, { count, waitMs, signal }) {
  const ended = new AbortController();
  relay.closed.then(({ error }) =>
    ended.abort(error ?? new PosternError('ERR_TRANSPORT_CLOSED', 'The relay was closed.')),
  );
  const either = signal ? AbortSignal.any([signal, ended.signal]) : ended.signal;
  const before = relay.onmessage;
  /** @type {number[]} */
  const roundTripsMs = [];
  let sent = 0;
  /** @type {number | undefined} */
  let firstByteMs;
  const begin = performance.now();
  try {
    while (sent < count && (roundTripsMs.length > 0 || sent < MAX_LOST_AT_FIRST)) {
      either.throwIfAborted();
      const payload = crypto.getRandomValues(new Uint8Array(PAYLOAD_BYTES));
      const arrival = arrivalOf(relay, payload, waitMs);
      const start = performance.now();
      sent += 1;
      if (!relay.send(payload, peer)) await abortable(relay.ready, either);
      const arrivedAt = await abortable(arrival, either);
      if (arrivedAt === undefined) continue;
      firstByteMs ??= arrivedAt - begin;
      roundTripsMs.push(arrivedAt - start);
    }
  } finally {
    relay.onmessage = before;
  }
  return firstByteMs === undefined ? { sent, roundTripsMs } : { sent, roundTripsMs, firstByteMs };
}

/**
 * @param {EchoRelay} relay
 * @param {Uint8Array} payload
 * @param {number} waitMs
 * @returns {Promise<number | undefined>} when it came; undefined where it did not
 */
function arrivalOf(relay, payload, waitMs) {
  const expected = keyOf(payload);
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, waitMs, undefined);
    relay.onmessage = (data) => {
      if (data.length !== payload.length || keyOf(data) !== expected) return;
      clearTimeout(timer);
      resolve(performance.now());
    };
  });
}
