// From the names of TURN servers to a relay.
import { sharedEngine } from '../engine/shared-engine.js';
import { argumentError, PosternError } from '../errors.js';
import { planServers } from '../ice-server.js';
import { reachServer } from '../reach-server.js';
import { abortable } from '../resolve/abortable.js';
import { attemptReport } from '../search.js';
import {
  allocateRequest,
  checkAllocateOptions,
  queueLengthOf,
  sessionSettings,
  stunOptions,
} from './allocate-options.js';
import { CredentialRenewal } from './credential-renewal.js';
import { CLOSE_TIMEOUT_MS, MAX_NEW_TUPLES } from './limits.js';
import { Relay } from './relay.js';
import { TurnSession } from './turn-session.js';

/** @typedef {import('../engine/turn-types.js').TurnCredentials} TurnCredentials */
/** @typedef {import('../engine/turn-types.js').TurnEvent} TurnEvent */
/** @typedef {import('../errors.js').AttemptReport} AttemptReport */
/** @typedef {import('../ice-server.js').PlannedServer} PlannedServer */
/** @typedef {import('../ice-server.js').ServerInput} ServerInput */
/** @typedef {import('../search.js').Way} Way */
/** @typedef {import('../transports/transport.js').Transport} Transport */
/** @typedef {import('./allocate-options.js').AllocateOptions} AllocateOptions */
/** @typedef {import('./relay-origin.js').RelayPhases} RelayPhases */
/** @typedef {import('./turn-session.js').SessionSettings} SessionSettings */

/** RFC 8656 section 7.4: the server knows an allocation on this 5-tuple, such as one of before a restart. */
const ALLOCATION_MISMATCH = 437;

/**
 * Allocates a relayed address at a TURN server (RFC 8656).
 *
 * Of several servers and addresses, the first relay counts: see options.strategy. A server that sends its clients on
 * (300 Try Alternate) is followed over the same transport; over WebSocket to ws://address:port/, or wss:, without the path
 * and query of the first URL: a server behind a gateway has to name a gateway. One that still knows the client's 5-tuple
 * (437) is asked again from another.
 *
 * @param {ServerInput} servers `turn:` and `turns:` URIs (RFC 7065), `ws://` and `wss://` URLs of TURN servers,
 *   RTCIceServer objects, or an array of those
 * @param {AllocateOptions} [options] `timeoutMs` and `signal` are for all of it
 * @returns {Promise<Relay>} close it, or hold it with `await using`
 * @throws {TypeError} ERR_INVALID_ARGUMENT with the argument's name
 * @throws {PosternError} ERR_STUN_RESPONSE with the server's `errorCode` and a `hint`; ERR_STUN_UNAUTHENTICATED,
 *   ERR_STUN_CREDENTIALS_NEEDED, ERR_STUN_TIMEOUT, ERR_INVALID_URI, ERR_DNS, ERR_TRANSPORT_CONNECT, ERR_TRANSPORT_TLS,
 *   ERR_TRANSPORT_PROXY, ERR_REDIRECT_LIMIT and others of docs/errors.md; `attempts` tells what was tried. Or
 *   `signal.reason`, or what the function of options.credentials threw
 */
export async function allocate(servers, options = {}) {
  const planned = planServers(servers, { name: 'servers', schemes: ['turn', 'turns'] });
  checkAllocateOptions(options);
  const { credentials, strategy = 'race', headStartMs } = options;
  const renewal =
    typeof credentials === 'function' ? new CredentialRenewal(credentials) : undefined;
  /** @type {TurnCredentials | undefined} */
  let fresh;
  // What is wrong with an RTCIceServer's strings shows before a packet is sent.
  for (const server of planned) sessionSettings(options, undefined, server);

  const relay = await reachServer(
    usableServers(planned, options),
    searchOptions(options),
    {
      alpn: 'stun.turn',
      headStartMs,
      prepare: async (signal) => {
        fresh = await renewal?.ask(signal);
      },
      use: (way, signal) =>
        makeRelay(way, sessionSettings(options, fresh, way.server), options, signal),
      discard: (late) => void late.close(),
    },
    strategy,
  );
  if (renewal !== undefined) {
    relay.closed.then(() => renewal.stop());
    renewal.start(
      (renewed) => relay.adoptCredentials(renewed),
      (error) => relay.reportCredentials(error),
    );
  }
  return relay;
}

/**
 * RFC 6062 section 4.1: a relay for TCP is asked for over TCP.
 *
 * @param {PlannedServer[]} servers
 * @param {AllocateOptions} options
 */
function usableServers(servers, { relayTransport }) {
  if (relayTransport !== 'tcp') return servers;
  const usable = servers.filter(({ uri }) => uri.transport !== 'udp');
  if (usable.length > 0) return usable;
  throw argumentError('servers', "reached over TCP, TLS or WebSocket with relayTransport 'tcp'");
}

/** @param {AllocateOptions} options @returns {ReturnType<typeof stunOptions>} */
function searchOptions(options) {
  const { relayTransport, transport } = options;
  if (relayTransport !== 'tcp' || transport !== undefined) return stunOptions(options);
  const wanted = /** @type {any} */ (['tcp', 'tls', 'ws']);
  return { ...stunOptions(options), transport: wanted };
}

/**
 * @param {Way} way
 * @param {SessionSettings} settings
 * @param {AllocateOptions} options
 * @param {AbortSignal} signal
 * @returns {Promise<Relay>}
 */
async function makeRelay(way, settings, options, signal) {
  const { server, candidate, open, clock } = way;
  const { localAddress, localPort } = options;
  /** @type {AttemptReport[]} */
  const mismatches = [];
  let { transport } = way;
  for (;;) {
    const session = await startSession(transport, settings, clock);
    /** @type {Promise<TurnEvent> | undefined} */
    let answer;
    try {
      signal.throwIfAborted();
      answer = session.allocate(allocateRequest(options));
      const allocated = await abortable(answer, signal);
      return new Relay(session, allocated, {
        url: server.url,
        phases: phasesOf(way, transport, session, allocated),
        attempts: [...way.attempts, ...mismatches],
        open,
        localAddress,
        relaysTcp: options.relayTransport === 'tcp',
        dontFragment: options.dontFragment === true,
        queueLength: queueLengthOf(options),
      });
    } catch (error) {
      if (signal.aborted) {
        giveBackLate(session, answer);
        throw signal.reason;
      }
      session.abandon();
      const isMismatch = error instanceof PosternError && error.errorCode === ALLOCATION_MISMATCH;
      // From a port that is given there is no other 5-tuple.
      if (!isMismatch || mismatches.length === MAX_NEW_TUPLES || localPort) throw error;
      mismatches.push(attemptReport(server.url, candidate, error));
    }
    transport = await open({ signal, localAddress });
  }
}

/** @param {Transport} transport @param {SessionSettings} settings @param {Way['clock']} clock */
async function startSession(transport, settings, clock) {
  try {
    return new TurnSession(await sharedEngine({ clock }), transport, settings);
  } catch (error) {
    transport.close();
    throw error;
  }
}

/**
 * The request is on its way, and the server may make an allocation that nobody wants: waits a little for it, and gives
 * it back.
 *
 * @param {TurnSession} session
 * @param {Promise<TurnEvent> | undefined} answer undefined: nothing was asked
 */
async function giveBackLate(session, answer) {
  if (answer === undefined) {
    session.abandon();
    return;
  }
  const { clock } = session;
  const timer = clock.setTimeout(() => session.abandon(), CLOSE_TIMEOUT_MS);
  try {
    await answer;
    clock.clearTimeout(timer);
    await session.close();
  } catch {
    clock.clearTimeout(timer);
    session.abandon();
  }
}

/**
 * @param {Way} way
 * @param {Transport} transport
 * @param {TurnSession} session
 * @param {TurnEvent} allocated
 * @returns {RelayPhases}
 */
function phasesOf({ dnsMs, connectMs }, { phases }, session, { isAuthenticated }) {
  const { firstAnswerMs, sinceMs } = session.answerTimes;
  // The answer's integrity can only be checked after a challenge: there were two answers then.
  const challenge = isAuthenticated ? firstAnswerMs : 0;
  return {
    dns: dnsMs,
    connect: connectMs,
    ...phases,
    challenge,
    allocate: firstAnswerMs + sinceMs - challenge,
  };
}
