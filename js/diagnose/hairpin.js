// Hairpinning (RFC 4787 section 6): whether two connections of one page find each other by their mapped addresses.

import { addCandidates, credentialsOf, openConnection, withoutCandidates } from './connection.js';
import { pause } from './mirror-client.js';
import { unknown } from './unknown.js';

/** @typedef {import('./nat.js').Asked} Asked */

/** With hairpinning they connect within 40 ms, where nothing is lost. */
const CONNECT_MS = 3000;
const LOOK_EVERY_MS = 50;

/** @param {Asked} asked @returns {Promise<import('./unknown.js').Finding<boolean>>} */
export async function findHairpinning({ mirror, family, signal, onProgress }) {
  const one = openConnection();
  const other = openConnection();
  let session;
  try {
    one.createDataChannel('');
    await one.setLocalDescription();
    // Each gets the other's description without its addresses, and then the mirror's, which passes for the other.
    await other.setRemoteDescription({
      type: 'offer',
      sdp: withoutCandidates(one.localDescription),
    });
    await other.setLocalDescription();
    const page = credentialsOf(one.localDescription);
    const partner = credentialsOf(other.localDescription);
    const start = await mirror.ask({ step: 'start', test: 'hairpin', family, page, partner });
    session = start.session;
    await one.setRemoteDescription({
      type: 'answer',
      sdp: withoutCandidates(other.localDescription),
    });
    const both = [one, other];
    await Promise.all(both.map((connection) => addCandidates(connection, start.candidates)));
    onProgress('hairpinning');
    const { mapped } = await mirror.ask({ step: 'mapped', session });
    session = undefined;
    const [ofOne, ofOther] = mapped;
    if (ofOne.length === 0 || ofOther.length === 0) return unknown('no-check');
    await Promise.all([addCandidates(one, ofOther), addCandidates(other, ofOne)]);
    const until = performance.now() + CONNECT_MS;
    while (performance.now() < until) {
      if (
        both.some(({ iceConnectionState: state }) => state === 'connected' || state === 'completed')
      )
        return { value: true };
      await pause(LOOK_EVERY_MS, signal);
    }
    return { value: false };
  } finally {
    one.close();
    other.close();
    if (session !== undefined) mirror.end(session);
  }
}
