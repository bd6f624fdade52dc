// Runs in the laboratory's namespace of a client: one of two hosts that exchange data, through their relays and directly.
// Arguments: a TURN server's host and port, its user and password. Says the addresses that the other one may send to. Lines
// that it is given: { permit: other's addresses }; { send: count }: so many numbered datagrams to both of them, and what came
// is said when the other's last one has; { stop: true } ends what it still sends.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setInterval as every } from 'node:timers/promises';
import { decode, encode } from '../../js/codec/index.js';
import { allocate } from '../../js/index.js';

const [host, port, username, password] = process.argv.slice(2);
/** @param {object} line */
const say = (line) => void process.stdout.write(`${JSON.stringify(line)}\n`);

/** Where much is lost, requests are sent again soon. */
const RETRANSMISSION = { rtoMs: 50, rc: 14 };
const EVERY_MS = 5;
const BYTES = 200;

/** Where this socket's datagrams to the server seem to come from. @param {import('node:dgram').Socket} socket */
async function mappedAddressOf(socket) {
  const request = encode({ method: 'Binding', class: 'request' });
  const asking = setInterval(() => socket.send(request, Number(port), host), EVERY_MS * 10);
  try {
    const [bytes] = await once(socket, 'message');
    return decode(bytes).attributes.xorMappedAddress;
  } finally {
    clearInterval(asking);
  }
}

const direct = createSocket('udp4');
direct.bind(0);
await once(direct, 'listening');
const mapped = await mappedAddressOf(direct);
// Over TCP nothing would be lost.
const relay = await allocate(`turn:${host}:${port}?transport=udp`, {
  credentials: { username, password },
  retransmission: RETRANSMISSION,
});

/** The datagram of a number: all of its bytes follow from that. @param {number} number */
function datagramOf(number) {
  const bytes = Buffer.alloc(BYTES, number & 0xff);
  bytes.writeUInt32BE(number);
  return bytes;
}

/** Numbers of what came. */
class Heard {
  /** @type {Set<number>} */ numbers = new Set();
  changed = 0;
  twice = 0;

  /** @param {Uint8Array} bytes @returns {number} */
  take(bytes) {
    const number = Buffer.from(bytes).readUInt32BE();
    if (!datagramOf(number).equals(bytes)) this.changed += 1;
    if (this.numbers.has(number)) this.twice += 1;
    this.numbers.add(number);
    return number;
  }
}

/** @typedef {{ relayed: import('../../js/index.js').TransportAddress, mapped: { address: string, port: number } }} Other */

/**
 * Sends each number below `count`, then that one again and again; hears the other until it does that.
 *
 * @param {Other} other
 * @param {number} count
 * @param {AbortSignal} signal ends it
 */
async function exchange({ relayed, mapped: place }, count, signal) {
  const [throughRelay, directly] = [new Heard(), new Heard()];
  relay.onmessage = (bytes, from) => {
    const isOther = from.address === relayed.address && from.port === relayed.port;
    if (!isOther || throughRelay.numbers.has(count) || throughRelay.take(bytes) !== count) return;
    const { numbers, changed, twice } = throughRelay;
    say({ received: numbers.size - 1, changed, twice, direct: directly.numbers.size });
  };
  direct.on('message', (bytes) => bytes.length === BYTES && void directly.take(bytes));
  let number = 0;
  for await (const _ of every(EVERY_MS, undefined, { signal })) {
    relay.send(datagramOf(number), relayed);
    direct.send(datagramOf(number), place.port, place.address);
    number = Math.min(number + 1, count);
  }
}

say({ relayed: relay.relayedAddress, mapped });
/** @type {Other} */ let other;
const controller = new AbortController();
for await (const line of createInterface({ input: process.stdin })) {
  const { permit, send } = JSON.parse(line);
  if (permit) {
    other = permit;
    await relay.permit(other.relayed);
    say({ permitted: true });
  } else if (send) {
    exchange(other, send, controller.signal).catch((error) => {
      if (!controller.signal.aborted) throw error;
    });
  } else {
    controller.abort();
    await relay.close();
    direct.close();
    say({ stopped: true });
  }
}
