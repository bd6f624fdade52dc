// Requests on their way to a server over UDP. The client has sent each once, as one does over a WebSocket, which loses
// nothing; so it is the gateway that sends them again (RFC 8489 section 6.2.1), byte for byte.

/** RFC 8489 section 6.2.1. */
const RTO_MS = 500;
const RC = 7;
/** Of one client: more than ours has under way. What is beyond is sent once. */
const MAX_PENDING = 32;
/** RFC 8489 section 5. */
const ID_START = 8;
const ID_END = 20;

/** @param {Uint8Array} message */
const idOf = (message) =>
  Buffer.from(message.buffer, message.byteOffset + ID_START, ID_END - ID_START).toString('latin1');

/** @typedef {{ message: Uint8Array, sent: number, rtoMs: number, dueAt: number | undefined }} Pending */

export class Retransmissions {
  #send;
  /** @type {Map<string, Pending>} */ #pending = new Map();

  /** @param {(message: Uint8Array) => void} send */
  constructor(send) {
    this.#send = send;
  }

  /** A request goes out for the first time. @param {Uint8Array} message of 20 bytes and more */
  sent(message) {
    if (this.#pending.size >= MAX_PENDING) return;
    // A copy: what a WebSocket delivers is part of a larger buffer, which need not live that long.
    const copy = Uint8Array.from(message);
    this.#pending.set(idOf(message), { message: copy, sent: 1, rtoMs: RTO_MS, dueAt: undefined });
  }

  /** Something came from the server. @param {Uint8Array} message */
  answered(message) {
    if (this.#pending.size > 0 && message.length >= ID_END) this.#pending.delete(idOf(message));
  }

  /** @param {number} now in milliseconds */
  tick(now) {
    for (const [id, pending] of this.#pending) {
      // The first tick after it was sent starts its clock.
      pending.dueAt ??= now + pending.rtoMs;
      if (now < pending.dueAt) continue;
      if (pending.sent === RC) {
        this.#pending.delete(id);
        continue;
      }
      this.#send(pending.message);
      pending.sent++;
      pending.rtoMs *= 2;
      pending.dueAt = now + pending.rtoMs;
    }
  }
}
