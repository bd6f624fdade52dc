// The programs that measure an echo: their flags, and how they are told to measure. Those of pion/turn-echo/main.go
// are the same.
//
// A program sends --warm-up messages, then measures each time that it is told: a line `COUNT IN_FLIGHT` on stdin is
// answered by one line of JSON. It ends at the end of stdin.

import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { EchoWindow, echoResult, NUMBER_SIZE } from './echo-window.js';

/**
 * @typedef {object} EchoOptions
 * @property {{ address: string, port: number }} server TURN server, over UDP
 * @property {string} user
 * @property {string} password
 * @property {{ address: string, port: number }} peer UDP echo peer
 * @property {'channel' | 'send'} mode
 * @property {number} payload bytes of a message
 * @property {number} warmUp messages
 */

/** What the warm-up has under way. */
const WARM_UP_IN_FLIGHT = 32;

/** @param {string} text address:port, IPv4 */
function addressOf(text) {
  const [address, port] = text.split(':');
  return { address, port: Number(port) };
}

/** @returns {EchoOptions} of this process */
export function readEchoOptions() {
  const { values } = parseArgs({
    options: {
      server: { type: 'string', default: '127.0.0.1:3478' },
      user: { type: 'string', default: 'user' },
      password: { type: 'string', default: '' },
      realm: { type: 'string', default: '' }, // those in JavaScript take the server's
      peer: { type: 'string', default: '' },
      mode: { type: 'string', default: 'channel' },
      payload: { type: 'string', default: '100' },
      'warm-up': { type: 'string', default: '1000' },
    },
  });
  const { mode, user, password } = values;
  const [payload, warmUp] = [values.payload, values['warm-up']].map(Number);
  if (!(payload >= NUMBER_SIZE && warmUp >= 0)) {
    throw new RangeError('--payload must be at least 4, --warm-up at least 0');
  }
  if (mode !== 'channel' && mode !== 'send') {
    throw new RangeError('--mode must be channel or send');
  }
  const [server, peer] = [values.server, values.peer].map(addressOf);
  return { server, user, password, peer, mode, payload, warmUp };
}

/**
 * Measures, as long as it is told to.
 *
 * @param {EchoOptions} options
 * @param {object} client
 * @param {string} client.impl
 * @param {string} client.version
 * @param {EchoWindow} client.window to which it hands what arrives
 * @param {(message: Buffer) => unknown} client.send
 */
export async function serveEchoes({ mode, payload, warmUp }, { impl, version, window, send }) {
  if (warmUp > 0) {
    await window.run({ count: warmUp, inFlight: WARM_UP_IN_FLIGHT, payload, send });
  }
  for await (const line of createInterface({ input: process.stdin })) {
    const [count, inFlight] = line.split(' ').map(Number);
    if (!(count >= 1 && inFlight >= 1)) throw new RangeError(`'${line}' is not COUNT IN_FLIGHT`);
    const times = await window.run({ count, inFlight, payload, send });
    const what = { impl, version, mode, payload, inFlight };
    process.stdout.write(`${JSON.stringify(echoResult(what, times))}\n`);
  }
}
