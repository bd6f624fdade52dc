// Two clients talk to each other through their relays: nothing is lost, doubled or changed.
import { createHash } from 'node:crypto';
import { afterAll, afterEach, beforeAll, expect, jest, test } from '@jest/globals';
import { allocate } from '../../js/index.js';
import { describeWithCoturn, startCoturn } from './coturn.js';
import { describeWithP1Stun, startP1Stun } from './p1-stun.js';
import { describeWithPion, startPion } from './pion.js';
import { fixtureCertificate } from './support.js';
import { Belongings, options, urlsOf, users } from './turn-support.js';

jest.setTimeout(60_000);

/** @typedef {import('../../js/index.js').Relay} Relay */
/** @typedef {(bytes: Uint8Array) => void} Send */

const COUNT = 10_000;
/**
 * So many may be under way in one direction: what is sent then is in the buffers of sockets, of which the smallest
 * holds 208 KiB on Linux, and UDP loses nothing.
 */
const WINDOW = 32;
const HEADER_BYTES = 8;

/**
 * A sequence number, the first bytes of a digest of it, and so many others that follow from it: 8 to 1000 bytes.
 *
 * @param {number} sequence
 */
function messageOf(sequence) {
  const message = Buffer.alloc(HEADER_BYTES + ((sequence * 37) % 993), sequence & 0xff);
  message.writeUInt32BE(sequence);
  const digest = createHash('md5').update(message).digest();
  digest.copy(message, 4, 0, 4);
  return message;
}

/** One end: sends, keeps the window, and checks what comes. */
class End {
  received = new Set();
  /** @type {string[]} */ wrong = [];
  #sent = 0;
  /** @type {(value?: undefined) => void} */ #finish = () => {};
  /** @type {Send} */ send = () => {};
  /** @type {End | undefined} */ other;
  finished = new Promise((/** @type {(value?: undefined) => void} */ resolve) => {
    this.#finish = resolve;
  });

  /** As much as is not under way. */
  pump() {
    const arrived = this.other?.received.size ?? 0;
    while (this.#sent < COUNT && this.#sent - arrived < WINDOW) this.send(messageOf(this.#sent++));
  }

  /** @param {Uint8Array} bytes */
  take(bytes) {
    const message = Buffer.from(bytes);
    const sequence = message.length < HEADER_BYTES ? -1 : message.readUInt32BE();
    if (sequence < 0 || sequence >= COUNT || !messageOf(sequence).equals(message)) {
      this.wrong.push(`changed: ${message.subarray(0, 16).toString('hex')}`);
    } else if (this.received.has(sequence)) this.wrong.push(`twice: ${sequence}`);
    this.received.add(sequence);
    if (this.received.size === COUNT) this.#finish();
    this.other?.pump();
  }
}

/** @param {Relay} one @param {Relay} other @param {boolean} byChannel */
async function expectAllToArrive(one, other, byChannel) {
  const relays = [one, other];
  const ends = [new End(), new End()];
  await Promise.all([one.permit(other.relayedAddress), other.permit(one.relayedAddress)]);
  for (const [i, end] of ends.entries()) {
    const to = relays[1 - i].relayedAddress;
    const channel = byChannel ? await relays[i].bindChannel(to) : undefined;
    end.other = ends[1 - i];
    end.send = (bytes) =>
      void (channel === undefined ? relays[i].send(bytes, to) : channel.send(bytes));
    relays[i].onmessage = (data) => end.take(data);
  }
  for (const end of ends) end.pump();
  await Promise.all(ends.map(({ finished }) => finished));
  for (const [i, end] of ends.entries()) {
    expect(end.wrong).toEqual([]);
    expect(relays[i].stats()).toMatchObject({
      messagesSent: COUNT,
      messagesReceived: COUNT,
      sendDropped: 0,
      malformed: 0,
      unknownChannel: 0,
      unpermitted: 0,
    });
  }
}

const tls = fixtureCertificate.files;

for (const [describeWithServer, start] of /** @type {const} */ ([
  [describeWithCoturn, () => startCoturn({ users, tls })],
  [describeWithPion, () => startPion({ users, tls })],
  [describeWithP1Stun, () => startP1Stun({ users, tls })],
])) {
  describeWithServer('10,000 messages each way', () => {
    /** @type {import('../support/local-server.js').LocalServer} */ let server;
    const belongings = new Belongings();
    beforeAll(async () => {
      server = await start();
    });
    afterAll(() => server?.stop());
    afterEach(() => belongings.release());

    test.each(
      /** @type {const} */ ([
        ['udp', 'udp', false],
        ['udp', 'tcp', true],
        ['tls', 'tls', true],
        ['ws', 'tcp', false],
      ]),
    )('%s to %s, channels: %s', async (one, other, byChannel) => {
      const urls = await urlsOf(server, belongings);
      const relays = [one, other].map((transport) =>
        belongings.hold(allocate(urls[transport], options)),
      );
      await expectAllToArrive(await relays[0], await relays[1], byChannel);
    });
  });
}
