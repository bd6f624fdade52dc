// A way through a relay that ends where it began: to the relay itself, or to a second one of the same server.

/** @typedef {import('../turn/relay.js').Relay} Relay */

/** RFC 8656 section 19: Forbidden. */
const FORBIDDEN = 403;

/**
 * What is known of the way of the data. 'proven': what was sent came back. 'refused': the server gives no permission
 * for its own relayed addresses. 'lost': it did give it, but nothing came back.
 *
 * @typedef {'proven' | 'refused' | 'lost'} DataPath
 */

/**
 * @template Proof
 * @typedef {object} Loop
 * @property {Relay} peer where the data goes: the relay itself, or a second one, which the caller closes
 * @property {DataPath} dataPath
 * @property {'self' | 'second-relay'} via
 * @property {number} [permission] ms
 * @property {Proof} [proof] what prove() returned
 */

/**
 * @template Proof
 * @typedef {object} LoopOptions
 * @property {AbortSignal} signal
 * @property {(peer: Relay) => Promise<Proof & { isProven?: true }>} prove sends data to the peer, which has permission to
 *   send to the relay as well, and tells whether it came
 */

/**
 * @template Proof
 * @param {Relay} relay
 * @param {Relay} peer
 * @param {LoopOptions<Proof>} options
 * @returns {Promise<Loop<Proof>>}
 */
async function tryLoop(relay, peer, { signal, prove }) {
  const via = peer === relay ? 'self' : 'second-relay';
  const start = performance.now();
  try {
    await relay.permit(peer.relayedAddress, { signal });
    if (peer !== relay) await peer.permit(relay.relayedAddress, { signal });
  } catch (error) {
    const { errorCode } = /** @type {Partial<import('../errors.js').PosternError>} */ (error);
    if (errorCode === FORBIDDEN) return { peer, dataPath: 'refused', via };
    throw error;
  }
  const permission = performance.now() - start;
  const proof = await prove(peer);
  return { peer, dataPath: proof.isProven ? 'proven' : 'lost', via, permission, proof };
}

/**
 * Tries the relay itself as a peer; where that is not proven, a second relay. When that is no better, or there is none,
 * what is known of the first one stands.
 *
 * @template Proof
 * @param {Relay} relay
 * @param {() => Promise<Relay>} allocateSecond
 * @param {LoopOptions<Proof>} options
 * @returns {Promise<Loop<Proof>>}
 * @throws what prove() throws, and what permit() does but for 403
 */
export async function findLoop(relay, allocateSecond, options) {
  const first = await tryLoop(relay, relay, options);
  if (first.dataPath === 'proven') return first;
  let second;
  try {
    second = await allocateSecond();
  } catch {
    options.signal.throwIfAborted();
    // Such as a quota of one (486).
    return first;
  }
  let isKept = false;
  try {
    const loop = await tryLoop(relay, second, options);
    isKept = loop.dataPath === 'proven';
    return isKept ? loop : first;
  } finally {
    if (!isKept) await second.close();
  }
}
