// A probe over TCP: a connection of its own, one packet there, one back.

import { once } from 'node:events';
import { connect } from 'node:net';
import { sipText } from '../../reflector/packets/sip.js';
import { fromStream, MAX_STREAM_BYTES, toStream } from '../../reflector/packets/stream.js';
import { codeOf } from '../../system-error.js';
import { answeredNumber, probePacket, sipTrip } from './udp-probes.js';

/** @typedef {import('../../reflector/packets/marks.js').Look} Look */
/** @typedef {import('./judge.js').ProbeResult} ProbeResult */
/** @typedef {import('./open-reflector.js').ReflectorSession} ReflectorSession */

/** TCP sends again by itself; a second connection is for what ended the first. */
const TRIES = 2;
const CONNECT_MS = 5000;
const ANSWER_MS = 3000;

/** @typedef {{ number: number, sent: string, received: Uint8Array | undefined }} Try */

/**
 * @param {ReflectorSession} session
 * @param {number} port
 * @param {Look} look
 * @returns {Promise<Try>}
 * @throws the system's error where there is no connection
 */
async function tryOnce(session, port, look) {
  const { peer, localAddress, signal } = session;
  const socket = connect({ host: peer.address, port, localAddress, noDelay: true });
  socket.on('error', () => {});
  try {
    const late = AbortSignal.timeout(CONNECT_MS);
    await once(socket, 'connect', { signal: AbortSignal.any([signal, late]) });
    const number = session.nextNumber();
    const place = /** @type {const} */ ({ transport: 'tcp', port });
    const local = { address: localAddress, port: socket.localPort ?? 0 };
    const packet = probePacket(session, look, number, place, local);
    socket.write(toStream(look, packet));
    const answer = await firstPacket(
      socket,
      AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]),
    );
    const isAnswer = answer !== undefined && answeredNumber(session, answer, place) === number;
    return { number, sent: sipText(packet), received: isAnswer ? answer : undefined };
  } finally {
    socket.destroy();
  }
}

/** @param {import('node:net').Socket} socket @param {AbortSignal} signal @returns {Promise<Uint8Array | undefined>} */
function firstPacket(socket, signal) {
  let received = Buffer.alloc(0);
  return new Promise((resolve) => {
    socket.on('data', (bytes) => {
      received = Buffer.concat([received, bytes]);
      const found = fromStream(received);
      if (found !== undefined || received.length > MAX_STREAM_BYTES) resolve(found?.packet);
    });
    socket.once('close', () => resolve(undefined));
    signal.addEventListener('abort', () => resolve(undefined), { once: true });
  });
}

/**
 * @param {ReflectorSession} session
 * @param {number} port
 * @param {Look} look
 * @returns {Promise<ProbeResult>}
 * @throws {import('../../errors.js').PosternError} ERR_REFLECTOR_UNREACHABLE, ERR_REFLECTOR_REFUSED; or the signal's reason
 */
export async function runTcpProbe(session, port, look) {
  const { signal } = session;
  /** @type {Try[]} */
  const tries = [];
  let because = 'no connection was made';
  for (let i = 0; i < TRIES && !tries.some(({ received }) => received); i += 1) {
    try {
      tries.push(await tryOnce(session, port, look));
    } catch (error) {
      signal.throwIfAborted();
      const code = codeOf(error);
      // That is our own patience.
      because = `no connection was made (${code === 'ABORT_ERR' ? 'no answer' : (code ?? 'failed')})`;
    }
    signal.throwIfAborted();
  }
  if (tries.length === 0) return { out: false, in: null, because };
  const arrivals = await session.arrivals();
  const best =
    tries.find(({ received }) => received) ?? tries.find(({ number }) => arrivals.has(number));
  if (best === undefined) {
    return {
      out: false,
      in: null,
      because: 'the connection was made, and the data did not arrive',
    };
  }
  const { number, sent, received } = best;
  const isAnswered = arrivals.get(number)?.answered === true;
  const sip = look === 'sip' ? await sipTrip(session, number, sent, received) : undefined;
  return {
    out: true,
    in: received !== undefined ? true : isAnswered ? false : null,
    ...(received === undefined && !isAnswered ? { because: 'it was not answered' } : {}),
    ...(sip === undefined ? {} : { sip }),
  };
}
