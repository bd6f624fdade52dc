// How packets are told apart, and from what others send.

const TOKEN_BYTES = 8;
const FLOW_AT = TOKEN_BYTES;
const SEQUENCE_AT = FLOW_AT + 1;
const MARK_BYTES = SEQUENCE_AT + 4;

/** @typedef {{ flow: number, sequence: number }} Mark */

/**
 * Packets begin with a random token, the flow that they are of (0 to 255) and their number; the rest is random, so that
 * nothing on the way makes it shorter. Any of at least 32 bytes has room for that.
 */
export class Marks {
  #token = crypto.getRandomValues(new Uint8Array(TOKEN_BYTES));

  /** Whether there is room for them. @param {number} length */
  static fits(length) {
    return length >= MARK_BYTES;
  }

  /** @param {number} length of the packets @param {number} flow @returns {Uint8Array} to be numbered, again and again */
  packet(length, flow) {
    const packet = crypto.getRandomValues(new Uint8Array(length));
    packet.set(this.#token);
    packet[FLOW_AT] = flow;
    return packet;
  }

  /** @param {Uint8Array} packet @param {number} sequence */
  number(packet, sequence) {
    new DataView(packet.buffer, packet.byteOffset).setUint32(SEQUENCE_AT, sequence);
  }

  /** @param {Uint8Array} data of anybody @returns {Mark | undefined} undefined: not one of ours */
  read(data) {
    if (data.length < MARK_BYTES) return undefined;
    for (let at = 0; at < TOKEN_BYTES; at += 1) {
      if (data[at] !== this.#token[at]) return undefined;
    }
    const view = new DataView(data.buffer, data.byteOffset, data.length);
    return { flow: data[FLOW_AT], sequence: view.getUint32(SEQUENCE_AT) };
  }
}
