// A connection of WebRTC whose other end is a mirror.

import { PosternError } from '../errors.js';

/** @typedef {import('./mirror-client.js').Candidate} Candidate */

/** Nobody gets as far as to compare it with a certificate. */
const FINGERPRINT = Array(32).fill('AB').join(':');
const PRIORITY = 2_130_706_431;

/** @returns {RTCPeerConnection} @throws {PosternError} ERR_WEBRTC_UNAVAILABLE */
export function openConnection() {
  try {
    return new RTCPeerConnection();
  } catch (cause) {
    throw new PosternError('ERR_WEBRTC_UNAVAILABLE', undefined, { cause });
  }
}

/** @param {string} sdp @param {string} name @returns {string} */
const valueIn = (sdp, name) => new RegExp(`^a=${name}:(\\S+)`, 'm').exec(sdp)?.[1] ?? '';

/** @param {RTCSessionDescriptionInit | RTCSessionDescription | null} description */
export function credentialsOf(description) {
  const { sdp = '' } = description ?? {};
  return { ufrag: valueIn(sdp, 'ice-ufrag'), pwd: valueIn(sdp, 'ice-pwd') };
}

/** @param {Candidate} candidate @param {number} number */
const candidateLine = ({ address, port }, number) =>
  `candidate:${number} 1 udp ${PRIORITY - number} ${address} ${port} typ host`;

/**
 * @param {RTCPeerConnection} connection
 * @param {Candidate[]} candidates
 */
export async function addCandidates(connection, candidates) {
  await Promise.all(
    candidates.map((candidate, i) =>
      connection.addIceCandidate({
        candidate: candidateLine(candidate, i + 2),
        sdpMLineIndex: 0,
      }),
    ),
  );
}

/** A browser's description without its own addresses. @param {RTCSessionDescriptionInit | RTCSessionDescription | null} description */
export const withoutCandidates = (description) =>
  (description?.sdp ?? '').replace(/^a=(candidate|end-of-candidates).*\r\n/gm, '');

export class MirrorConnection {
  #connection = openConnection();

  /** Makes the offer. @returns {Promise<{ ufrag: string, pwd: string }>} for the mirror */
  async offer() {
    this.#connection.createDataChannel('');
    await this.#connection.setLocalDescription();
    return credentialsOf(this.#connection.localDescription);
  }

  /**
   * Takes the mirror for the other end: checks begin at once.
   *
   * @param {{ ufrag: string, pwd: string }} mirror
   * @param {Candidate[]} candidates
   */
  async accept({ ufrag, pwd }, candidates) {
    const { sdp = '' } = this.#connection.localDescription ?? {};
    const media = /^m=.*$/m.exec(sdp)?.[0].trim();
    const lines = [
      'v=0',
      'o=- 1 1 IN IP4 0.0.0.0',
      's=-',
      't=0 0',
      media,
      'c=IN IP4 0.0.0.0',
      `a=mid:${valueIn(sdp, 'mid')}`,
      `a=ice-ufrag:${ufrag}`,
      `a=ice-pwd:${pwd}`,
      `a=fingerprint:sha-256 ${FINGERPRINT}`,
      'a=setup:active',
      'a=sctp-port:5000',
      ...candidates.map((candidate, i) => `a=${candidateLine(candidate, i + 1)}`),
    ];
    await this.#connection.setRemoteDescription({
      type: 'answer',
      sdp: `${lines.join('\r\n')}\r\n`,
    });
  }

  /** @param {Candidate[]} candidates */
  add(candidates) {
    return addCandidates(this.#connection, candidates);
  }

  /**
   * What the browser tells of its own end.
   *
   * @returns {Promise<{ localType: 'host' | 'translated' | undefined, hostPorts: number[] }>} localType undefined: no check
   *   has succeeded yet
   */
  async look() {
    const stats = [...(await this.#connection.getStats()).values()];
    const pair = stats.find(
      ({ type, state, localCandidateId }) =>
        type === 'candidate-pair' && state === 'succeeded' && localCandidateId !== undefined,
    );
    const locals = stats.filter(({ type }) => type === 'local-candidate');
    const local = locals.find(({ id }) => id === pair?.localCandidateId);
    const hostPorts = locals
      .filter(({ candidateType, protocol }) => candidateType === 'host' && protocol === 'udp')
      .map(({ port }) => port);
    let localType;
    if (local !== undefined) localType = local.candidateType === 'host' ? 'host' : 'translated';
    return { localType: /** @type {any} */ (localType), hostPorts: [...new Set(hostPorts)] };
  }

  close() {
    this.#connection.close();
  }
}
