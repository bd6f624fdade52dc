// One row of a turn: server: a relay is allocated, and real data sent through it and back.
import { PosternError } from '../errors.js';
import { allocate } from '../turn/allocate.js';
import { findLoop } from './find-loop.js';
import { measureEchoes } from './measure-echoes.js';
import { median } from './median.js';
import { failureOf } from './row-failure.js';

/** @typedef {import('../ice-server.js').PlannedServer} PlannedServer */
/** @typedef {import('../turn/allocate-options.js').AllocateOptions} AllocateOptions */
/** @typedef {import('../turn/relay.js').Relay} Relay */
/** @typedef {import('./check-ice-servers.js').RowResult} RowResult */
/** @typedef {import('./find-loop.js').DataPath} DataPath */
/** @typedef {import('./measure-echoes.js').EchoResult} EchoResult */

/** How long one echo is waited for: a slow path across the world and back, twice. */
export const ECHO_WAIT_MS = 1000;
/** Four echoes may be lost, of two relays, and the row still has time to tell. */
const WAITS_PER_ROW = 8;

/**
 * @typedef {object} Proof
 * @property {DataPath} dataPath
 * @property {'self' | 'second-relay'} via who sent the data back
 * @property {EchoResult} [echoes]
 * @property {number} [permission] ms
 */

/** @typedef {import('./measure-echoes.js').EchoOptions & { signal: AbortSignal }} ProofOptions */

/**
 * Sends data through the relay to itself and back; where the server does not let it, to a second relay of the same
 * server.
 *
 * @param {Relay} relay
 * @param {() => Promise<Relay>} allocateSecond
 * @param {ProofOptions} options
 * @returns {Promise<Proof>}
 */
export async function proveDataPath(relay, allocateSecond, options) {
  const { signal } = options;
  const { peer, dataPath, via, permission, proof } = await findLoop(relay, allocateSecond, {
    signal,
    prove: async (to) => {
      if (to !== relay) to.onmessage = (data, from) => void to.send(data, from);
      const echoes = await measureEchoes(relay, to.relayedAddress, options);
      return echoes.roundTripsMs.length > 0 ? { isProven: true, echoes } : { echoes };
    },
  });
  if (peer !== relay) await peer.close();
  return { dataPath, via, ...(proof === undefined ? {} : { echoes: proof.echoes, permission }) };
}

/** @param {EchoResult | undefined} echoes */
const numbersOf = (echoes) =>
  echoes && {
    roundTripMs: median(echoes.roundTripsMs),
    echoes: { sent: echoes.sent, received: echoes.roundTripsMs.length },
  };

/**
 * @param {PlannedServer} server
 * @param {AllocateOptions & { timeoutMs: number }} options
 * @param {number} count of echoes
 * @returns {Promise<RowResult>}
 */
export async function checkRelay(server, options, count) {
  const { uri, username, credential } = server;
  const url = uri.url ?? server.url;
  const end = performance.now() + options.timeoutMs;
  const named = username === undefined ? url : { urls: url, username, credential };
  const relay = await allocate(named, options);
  const { relayedAddress, mappedAddress, localAddress, serverAddress, software } = relay;
  const known = { relayedAddress, mappedAddress, localAddress, serverAddress, software };
  const deadline = new AbortController();
  const late = () =>
    deadline.abort(
      new PosternError(
        'ERR_STUN_TIMEOUT',
        `The relay was allocated, but the data sent through it had not come back within ${options.timeoutMs} ms.`,
        { phase: 'peer' },
      ),
    );
  const timer = setTimeout(late, Math.max(0, end - performance.now()));
  const signal = options.signal
    ? AbortSignal.any([options.signal, deadline.signal])
    : deadline.signal;
  try {
    const again = () => allocate(named, { ...options, signal, localPort: undefined });
    const waitMs = Math.min(ECHO_WAIT_MS, options.timeoutMs / WAITS_PER_ROW);
    const bounds = { count, waitMs, signal };
    const { dataPath, via, echoes, permission } = await proveDataPath(relay, again, bounds);
    const firstByte = echoes?.firstByteMs;
    return {
      ok: dataPath !== 'lost',
      ...known,
      dataPath,
      ...(dataPath === 'proven' ? { via } : {}),
      ...numbersOf(echoes),
      ...(dataPath === 'lost'
        ? {
            code: 'ERR_STUN_TIMEOUT',
            message: 'The relay was allocated, but none of the data sent through it came back.',
          }
        : {}),
      phases: {
        ...relay.phases,
        ...(permission === undefined ? {} : { permission }),
        ...(firstByte === undefined ? {} : { firstByte }),
      },
    };
  } catch (error) {
    options.signal?.throwIfAborted();
    // What was learned before it failed is worth telling.
    return { ok: false, ...known, ...failureOf(error), phases: relay.phases };
  } finally {
    clearTimeout(timer);
    await relay.close();
  }
}
