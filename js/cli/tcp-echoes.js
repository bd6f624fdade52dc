// Bytes sent through a TCP relay (RFC 6062) and back.

import { PosternError } from '../errors.js';
import { abortable } from '../resolve/abortable.js';

/** @typedef {import('../check/measure-echoes.js').EchoResult} EchoResult */
/** @typedef {import('../turn/relay.js').Relay} Relay */
/** @typedef {import('../turn/relay-connection.js').RelayConnection} RelayConnection */

const PAYLOAD_BYTES = 64;

/** Sends back what comes over the first connection to the relay. @param {Relay} relay */
export async function echoConnections(relay) {
  for await (const connection of relay.connections()) {
    await connection.readable.pipeTo(connection.writable).catch(() => {});
    return;
  }
}

/** @param {ReadableStreamDefaultReader<Uint8Array>} reader @param {Uint8Array} expected */
async function readBack(reader, expected) {
  let at = 0;
  while (at < expected.length) {
    const { value, done } = await reader.read();
    if (done) throw new PosternError('ERR_TRANSPORT_CLOSED', 'The peer closed the connection.');
    if (value.some((byte, i) => byte !== expected[at + i])) {
      throw new PosternError('ERR_TRANSPORT_CLOSED', 'The peer sent something else back.');
    }
    at += value.length;
  }
}

/**
 * @param {RelayConnection} connection to a peer that sends back what it gets
 * @param {{ count: number, signal: AbortSignal }} options
 * @returns {Promise<EchoResult>}
 */
export async function measureTcpEchoes(connection, { count, signal }) {
  const reader = connection.readable.getReader();
  const writer = connection.writable.getWriter();
  /** @type {number[]} */
  const roundTripsMs = [];
  while (roundTripsMs.length < count) {
    const payload = crypto.getRandomValues(new Uint8Array(PAYLOAD_BYTES));
    const start = performance.now();
    await abortable(writer.write(payload), signal);
    await abortable(readBack(reader, payload), signal);
    roundTripsMs.push(performance.now() - start);
  }
  return { sent: count, roundTripsMs, firstByteMs: roundTripsMs[0] };
}
