// Networks that are closed after each test, and what is asked of them again and again.
import { afterEach } from '@jest/globals';
import { createNetwork } from '../../../js/testing/index.js';

/** @typedef {import('../../../js/testing/index.js').NatOptions} NatOptions */
/** @typedef {import('../../../js/testing/index.js').Network} Network */
/** @typedef {import('../../../js/testing/index.js').NetworkOptions} NetworkOptions */
/** @typedef {import('../../../js/testing/index.js').UdpSocket} UdpSocket */

/** @type {Network[]} */
const networks = [];
afterEach(async () => {
  for (const network of networks.splice(0)) await network.close();
});

/** @param {NetworkOptions} [options] */
export function network(options) {
  const made = createNetwork(options);
  networks.push(made);
  return made;
}

/** What came to a socket, with its source. @param {UdpSocket} socket */
export function inboxOf(socket) {
  /** @type {{ text: string, from: string }[]} */
  const inbox = [];
  socket.onmessage = (bytes, { address, port }) =>
    void inbox.push({ text: new TextDecoder().decode(bytes), from: `${address}:${port}` });
  return inbox;
}

/** @param {string} text */
export const bytesOf = (text) => new TextEncoder().encode(text);

/**
 * Where a packet of the socket's is seen to come from, at another socket on the Internet.
 *
 * @param {Network} world
 * @param {UdpSocket} from
 * @param {UdpSocket} to
 * @returns {Promise<{ address: string, port: number } | undefined>} undefined: it has not arrived
 */
export async function seenAs(world, from, to) {
  /** @type {{ address: string, port: number } | undefined} */
  let seen;
  to.onmessage = (_bytes, { address, port }) => {
    seen = { address, port };
  };
  from.send(bytesOf('who am I?'), to.localAddress);
  await world.run();
  return seen;
}

/**
 * Somebody behind a NAT, and three places on the Internet: two ports of one host, and another host.
 *
 * @param {NatOptions} [kind]
 * @param {NetworkOptions} [options]
 */
export function behindNat(kind, options) {
  const world = network(options);
  const nat = world.addNat({ addresses: ['203.0.113.1'], ...kind });
  const inside = world.addHost({ name: 'inside', address: '10.0.0.2', nat });
  const [one, other] = ['192.0.2.1', '192.0.2.2'].map((address) => world.addHost({ address }));
  return {
    world,
    nat,
    inside,
    socket: inside.openUdp({ port: 5000 }),
    places: {
      first: one.openUdp({ port: 1111 }),
      otherPort: one.openUdp({ port: 2222 }),
      otherAddress: other.openUdp({ port: 1111 }),
    },
  };
}
