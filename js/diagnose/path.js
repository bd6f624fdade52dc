// What the browser would offer for a call: its candidates, and over which of them a connection to a relay goes.
import { familyOf } from '../address.js';
import { measurementId } from '../report/measurements/ids.js';
import { IceAgent, within } from './ice-agent.js';

/** @typedef {import('../report/measurements/types.js').Candidate} Candidate */
/** @typedef {import('../report/measurements/types.js').PathMeasurement} PathMeasurement */
/** @typedef {import('./targets.js').Target} Target */

/** Firefox warns of five servers and more. */
const MAX_SERVERS = 4;
/** Ours: the others have been asked by themselves; who is slower is left out here. */
const GATHER_MS = 3000;
const CONNECT_MS = 6000;
const RELAY_PROTOCOLS = new Set(['udp', 'tcp', 'tls']);

/** @param {RTCIceCandidate} candidate @returns {Candidate} */
function shown(candidate) {
  const { type, protocol, address, port } = candidate;
  // Chromium tells these.
  const { url, relayProtocol } =
    /** @type {{ url?: string | null, relayProtocol?: string | null }} */ (candidate);
  return {
    type: type ?? 'host',
    protocol: protocol === 'tcp' ? 'tcp' : 'udp',
    // A name of mDNS stands for an address that the page is not to know.
    ...(address && familyOf(address) ? { address } : {}),
    ...(port ? { port } : {}),
    ...(url ? { url } : {}),
    ...(relayProtocol && RELAY_PROTOCOLS.has(relayProtocol)
      ? { relayProtocol: /** @type {Candidate['relayProtocol']} */ (relayProtocol) }
      : {}),
  };
}

/** What a call would be configured with: of STUN and of TURN the first ones. @param {readonly Target[]} targets */
function serversOf(targets) {
  const taken = targets.flatMap(({ server, row }) =>
    server === undefined ? [] : [{ server, isTurn: row.server?.uri.scheme.startsWith('turn') }],
  );
  const turn = taken.filter(({ isTurn }) => isTurn).slice(0, MAX_SERVERS - 1);
  const stun = taken.filter(({ isTurn }) => !isTurn).slice(0, MAX_SERVERS - turn.length);
  return {
    all: [...stun, ...turn].map(({ server }) => server),
    turn: turn.map(({ server }) => server),
  };
}

/** The pair that data goes over. @param {IceAgent} agent @param {AbortSignal} signal */
async function pairOf(agent, signal) {
  const isOpen = await within(
    (/** @type {(value: true) => void} */ resolve) => {
      agent.reliable.addEventListener('open', () => resolve(true));
    },
    { timeoutMs: CONNECT_MS, signal },
  );
  return isOpen ? agent.selectedPair() : undefined;
}

/**
 * An ordinary connection of this page. Its other end is in this page too, so that a direct path between them would say
 * nothing of the network: that end uses a relay only.
 *
 * @param {readonly Target[]} targets
 * @param {{ signal: AbortSignal }} options
 * @returns {Promise<PathMeasurement>}
 * @throws `signal.reason`
 */
export async function measurePath(targets, { signal }) {
  /** @type {Pick<PathMeasurement, 'id' | 'kind' | 'whose'>} */
  const head = { id: measurementId('path'), kind: 'path', whose: 'client' };
  const { all, turn } = serversOf(targets);
  const start = performance.now();
  /** @type {IceAgent[]} */
  const agents = [];
  try {
    const agent = new IceAgent({ iceServers: all });
    agents.push(agent);
    await agent.offer();
    await agent.gathered(undefined, { timeoutMs: GATHER_MS, signal });
    /** @type {{ local: string, remote: string } | undefined} */
    let selected;
    if (turn.length > 0 && agent.candidateOf('relay') !== undefined) {
      const far = new IceAgent({ iceServers: turn, iceTransportPolicy: 'relay' });
      agents.push(far);
      await far.answer(agent);
      if ((await far.gathered('relay', { timeoutMs: GATHER_MS, signal })) !== undefined) {
        await agent.accept(far);
        selected = await pairOf(agent, signal);
      }
    }
    return {
      ...head,
      status: 'ok',
      candidates: agent.candidates.map(shown),
      ...(selected === undefined
        ? {}
        : { selected: /** @type {PathMeasurement['selected']} */ (selected) }),
      elapsedMs: performance.now() - start,
    };
  } catch (error) {
    signal.throwIfAborted();
    const { message, cause } = /** @type {Error} */ (error);
    // The browser has WebRTC, and does not take these servers.
    if (cause !== undefined) {
      return { ...head, status: 'unknown', because: `${message} (${cause})`, candidates: [] };
    }
    const failure = { code: 'ERR_WEBRTC_UNAVAILABLE', message };
    return { ...head, status: 'failed', error: failure, candidates: [] };
  } finally {
    for (const agent of agents) agent.close();
  }
}
