// Peers for relays to talk to over UDP, on loopback.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';

/** Datagrams that nobody has asked for with next(): beyond these only the counters go on. */
const KEPT = 256;

/**
 * @typedef {object} UdpPeer
 * @property {string} address
 * @property {number} port
 * @property {number} datagrams received so far
 * @property {number} bytes received so far
 * @property {import('node:dgram').RemoteInfo | undefined} lastSource where the last one came from
 * @property {(bytes: Uint8Array, to: { address: string, port: number }) => Promise<void>} send of its own accord
 * @property {() => Promise<{ data: Buffer, source: import('node:dgram').RemoteInfo }>} next the next datagram; up
 *   to 256 that have come before the calls count
 * @property {() => Promise<void>} close idempotent
 */

/**
 * A peer that sends back what it is sent.
 *
 * @param {object} [options]
 * @param {string} [options.host] default 127.0.0.1
 * @param {number} [options.port] default any
 * @param {(data: Buffer) => Uint8Array | undefined} [options.answer] what to send back instead; undefined: nothing
 * @returns {Promise<UdpPeer>}
 */
export async function startUdpPeer({ host = '127.0.0.1', port = 0, answer = (data) => data } = {}) {
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
  socket.bind({ address: host, port, exclusive: true });
  await once(socket, 'listening');
  // With loopback's default, datagrams of a test that sends many at once are lost here and not in what it tests.
  socket.setRecvBufferSize(1 << 20);

  /** @type {{ data: Buffer, source: import('node:dgram').RemoteInfo }[]} */
  const unread = [];
  /** @type {((datagram: typeof unread[number]) => void)[]} */
  const readers = [];
  let isClosed = false;
  const bound = socket.address();
  /** @type {UdpPeer} */
  const peer = {
    address: bound.address,
    port: bound.port,
    datagrams: 0,
    bytes: 0,
    lastSource: undefined,
    send: (bytes, to) =>
      new Promise((resolve, reject) =>
        socket.send(bytes, to.port, to.address, (error) => (error ? reject(error) : resolve())),
      ),
    next: () =>
      new Promise((resolve) => {
        const datagram = unread.shift();
        if (datagram) resolve(datagram);
        else readers.push(resolve);
      }),
    async close() {
      if (isClosed) return;
      isClosed = true;
      const closed = once(socket, 'close');
      socket.close();
      await closed;
    },
  };
  socket.on('message', (data, source) => {
    peer.datagrams++;
    peer.bytes += data.length;
    peer.lastSource = source;
    const reader = readers.shift();
    if (reader) reader({ data, source });
    else if (unread.length < KEPT) unread.push({ data, source });
    const back = answer(data);
    if (back) socket.send(back, source.port, source.address);
  });
  // Nobody listens any more where an answer went: the relay has gone, which is the test's own doing.
  socket.on('error', () => {});
  return peer;
}
