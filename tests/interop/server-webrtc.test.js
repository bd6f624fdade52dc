// Browsers at our server: two connections of WebRTC that may only use relays talk to each other through it.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { openPage } from '../browser/browsers.js';
import { describeInBrowsers } from '../browser/in-browsers.js';
import { serve } from '../browser/server.js';
import { HOST, startServer } from './server-support.js';

const MESSAGES = 200;
const MESSAGE_BYTES = 1000;

const username = 'user';
/** Firefox makes no request with a password beyond ASCII, and gives up after the challenge. */
const PASSWORDS = { chromium: 'pass:wörd', firefox: 'pass:word' };

/** Firefox sends from the loopback address only when it is told to. */
const LAUNCH = { preferences: { 'media.peerconnection.ice.loopback': true } };

/** Where a machine has nothing else, browsers find no address to send from. */
const hasInterface = Object.values(networkInterfaces()).some((all) =>
  all?.some(({ internal }) => !internal),
);
const alone = hasInterface ? undefined : 'skipped: this machine has loopback only';

/**
 * Makes a connection in a page, which runs this, and what each of the steps needs.
 *
 * @param {{ urls: string, username: string, credential: string }} server
 */
function preparePage(server) {
  const connection = new RTCPeerConnection({ iceServers: [server], iceTransportPolicy: 'relay' });
  /** @type {(channel: RTCDataChannel) => void} */
  let setChannel = () => {};
  /** @type {Promise<RTCDataChannel>} */
  const opened = new Promise((resolve) => {
    setChannel = (channel) => {
      channel.binaryType = 'arraybuffer';
      channel.onopen = () => resolve(channel);
    };
  });
  connection.ondatachannel = ({ channel }) => setChannel(channel);
  const candidates = /** @type {RTCIceCandidate[]} */ ([]);
  const hasCandidate = new Promise((resolve) => {
    connection.onicecandidate = ({ candidate }) => {
      if (!candidate?.candidate) return;
      candidates.push(candidate);
      resolve(undefined);
    };
  });
  /** @param {RTCSessionDescriptionInit} description */
  const describeSelf = async (description) => {
    await connection.setLocalDescription(description);
    await hasCandidate;
    return connection.localDescription?.toJSON();
  };

  Object.assign(globalThis, {
    offer: async () => {
      setChannel(connection.createDataChannel('messages'));
      return describeSelf(await connection.createOffer());
    },
    /** @param {RTCSessionDescriptionInit} offer */
    answer: async (offer) => {
      await connection.setRemoteDescription(offer);
      return describeSelf(await connection.createAnswer());
    },
    /** @param {RTCSessionDescriptionInit} answer */
    accept: (answer) => connection.setRemoteDescription(answer),
    /** Sends so many messages, and takes as many: how many came, in order and as they were. */
    exchange: async (/** @type {number} */ count, /** @type {number} */ size) => {
      const channel = await opened;
      const message = (/** @type {number} */ number) =>
        Uint8Array.from({ length: size }, (_, i) => number + i * 31);
      let [received, good] = [0, 0];
      const all = new Promise((resolve) => {
        channel.onmessage = ({ data }) => {
          const expected = message(received);
          const bytes = new Uint8Array(data);
          if (bytes.length === size && bytes.every((byte, i) => byte === expected[i])) good += 1;
          received += 1;
          if (received === count) resolve(undefined);
        };
      });
      for (let number = 0; number < count; number += 1) channel.send(message(number));
      await all;
      return good;
    },
    candidates: () => candidates.map(({ type, address, port }) => ({ type, address, port })),
    hangUp: () => connection.close(),
  });
}

/** @type {string} */
let folder;
/** @type {import('../browser/server.js').Site} */
let site;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'postern-page-'));
  writeFileSync(join(folder, 'index.html'), '<!doctype html><title>relay</title>\n');
  site = await serve(folder);
});
afterAll(async () => {
  await site?.close();
  rmSync(folder, { recursive: true, force: true });
});

describeInBrowsers(
  (running) => {
    test.each(['udp', 'tcp'])(
      'two connections talk through relays, over %s',
      async (transport) => {
        const credential = PASSWORDS[running.name];
        const server = await startServer({
          listen: [`${transport}://${HOST}:0`],
          credentials: { [username]: credential },
        });
        /** @type {any[]} */
        const made = [];
        server.on('allocation', (allocation) => made.push(allocation));
        const pages = await Promise.all([openPage(running.browser), openPage(running.browser)]);
        try {
          for (const { page } of pages) {
            await page.goto(site.origin);
            await page.evaluate(preparePage, { urls: server.urls[0], username, credential });
          }
          /** @param {number} at @param {string} what @param {...unknown} args @returns {Promise<any>} */
          const call = (at, what, ...args) =>
            pages[at].page.evaluate((name, given) => globalThis[name](...given), what, args);

          await call(0, 'accept', await call(1, 'answer', await call(0, 'offer')));
          const good = await Promise.all(
            [0, 1].map((at) => call(at, 'exchange', MESSAGES, MESSAGE_BYTES)),
          );
          expect(good).toEqual([MESSAGES, MESSAGES]);

          // There was no other way than the relays that the server tells of.
          const relayed = made.flatMap(({ relayedAddresses }) => relayedAddresses);
          for (const candidate of [
            ...(await call(0, 'candidates')),
            ...(await call(1, 'candidates')),
          ]) {
            expect(candidate.type).toBe('relay');
            expect(relayed).toContainEqual({
              address: candidate.address,
              port: candidate.port,
              family: 'IPv4',
            });
          }
          expect(made.map(({ protocol, username: user }) => [protocol, user])).toEqual(
            made.map(() => [transport, username]),
          );
          const { relayedToPeersBytes, relayedToClientsBytes } = server.stats();
          const least = 2 * MESSAGES * MESSAGE_BYTES;
          expect(relayedToPeersBytes).toBeGreaterThan(least);
          expect(relayedToClientsBytes).toBeGreaterThan(least);

          await Promise.all([0, 1].map((at) => call(at, 'hangUp')));
          expect(pages.flatMap(({ problems }) => problems)).toEqual([]);
        } finally {
          await Promise.all(pages.map(({ page }) => page.close()));
          await server.close();
        }
      },
      60_000,
    );
  },
  {
    missing: process.env.CI !== 'true' && (alone ?? false),
    launch: LAUNCH,
  },
);
