// What the protocol alone costs: postern's TURN client over a transport in memory, whose server is a few lines that
// answer requests and send each message back at once. No socket is in it. Prints one line of JSON; of the flags in
// ../echo-client.js it takes mode, payload and warm-up.
//
// One message is in at a time, as a socket delivers them: each in a turn of its own, behind which the microtasks run.

import { readEchoOptions } from '../echo-client.js';
import { median } from '../statistics.js';
import { postern, version } from './client.js';

// 'postern/codec' in Node; by its path, because bench/ is a package of its own.
const CODEC = new URL('../../dist/codec.inline.js', import.meta.url).href;
/** @type {typeof import('../../js/codec/index.js')} */
const { decode, encode } = await import(CODEC);

/** @typedef {import('../../js/transports/transport.js').Transport} Transport */

/** Documentation addresses (RFC 5737). */
const CLIENT = /** @type {const} */ ({ address: '192.0.2.1', port: 50_000, family: 'IPv4' });
const SERVER = /** @type {const} */ ({ address: '198.51.100.1', port: 3478, family: 'IPv4' });
const RELAYED = { address: '203.0.113.1', port: 49_152 };
const PEER = { address: '192.0.2.9', port: 9999 };

/** What is sent goes to `receive`. */
class MemoryEnd {
  kind = 'memory';
  reliable = false;
  framed = true;
  localAddress = CLIENT;
  remoteAddress = SERVER;
  /** @type {Transport['onbytes']} */ onbytes = undefined;
  /** @type {Transport['onclose']} */ onclose = undefined;
  /** @type {Transport['onerror']} */ onerror = undefined;
  /** @type {Transport['ondrain']} */ ondrain = undefined;
  /** @type {(bytes: Uint8Array) => void} */ receive = (bytes) => this.#answer(bytes);

  /** @param {Uint8Array} bytes */
  send(bytes) {
    this.receive(bytes);
    return true;
  }

  close() {
    this.onclose?.(undefined);
  }
  ref() {}
  unref() {}

  /** @param {Uint8Array} bytes a request, of a client without credentials */
  #answer(bytes) {
    const { method, transactionId } = decode(bytes);
    const attributes =
      method === 'Allocate'
        ? { xorRelayedAddress: RELAYED, xorMappedAddress: CLIENT, lifetime: 600 }
        : { lifetime: 600 };
    const answer = encode({ class: 'success', method, transactionId, attributes });
    queueMicrotask(() => this.onbytes?.(answer, SERVER));
  }
}

/** The median of so many slices: a machine that does something else now and then spoils some. */
const SLICES = 25;
const SLICE_ECHOES = 8000;

const { mode, payload, warmUp } = readEchoOptions();
const transport = new MemoryEnd();
const relay = await postern.allocate(`turn:${SERVER.address}:${SERVER.port}?transport=udp`, {
  transport: async () => /** @type {Transport} */ (transport),
  keepAliveMs: 0,
});
const message = new Uint8Array(payload).fill(7);

/** @type {Uint8Array | undefined} */
let inbound;
let received = 0;
/** @type {() => void} */
let sendNext;
if (mode === 'channel') {
  const channel = await relay.bindChannel(PEER);
  sendNext = () => channel.send(message);
  channel.onmessage = (data) => {
    received += data.length;
    sendNext();
  };
  // The peer's message comes back in the same channel: the same bytes.
  transport.receive = (bytes) => {
    inbound = bytes;
  };
} else {
  await relay.permit(PEER);
  sendNext = () => relay.send(message, PEER);
  relay.onmessage = (data) => {
    received += data.length;
    sendNext();
  };
  const attributes = { xorPeerAddress: PEER, data: message };
  const indication = encode({ class: 'indication', method: 'Data', attributes });
  transport.receive = () => {
    inbound = indication;
  };
}

/** @param {number} times @returns {Promise<number>} microseconds of the processor for each */
async function echo(times) {
  const before = received;
  const cpu = process.cpuUsage();
  for (let i = 0; i < times; i += 1) {
    const bytes = inbound;
    if (bytes === undefined) throw new Error(`nothing was sent for message ${i}`);
    inbound = undefined;
    transport.onbytes?.(bytes, SERVER);
    await undefined;
  }
  const { user, system } = process.cpuUsage(cpu);
  if (received - before !== times * payload) throw new Error('a message is missing');
  return (user + system) / times;
}

sendNext();
await undefined;
await echo(warmUp);
/** @type {number[]} */
const slices = [];
for (let i = 0; i < SLICES; i += 1) slices.push(await echo(SLICE_ECHOES));
const us = median(slices);
console.log(JSON.stringify({ impl: 'postern', version, mode, payload, us_per_echo: us }));
process.exit();
