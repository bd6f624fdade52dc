// Peers for relays to talk to over TCP (RFC 6062), on loopback.
import { once } from 'node:events';
import { connect, createServer } from 'node:net';

/** @typedef {import('node:net').Socket} Socket */

/**
 * @typedef {object} TcpEchoServer
 * @property {string} address
 * @property {number} port
 * @property {number} accepted connections so far
 * @property {number} open connections now
 * @property {number} bytes received so far
 * @property {{ address: string, port: number }[]} sources where the connections came from, in order
 * @property {() => void} endConnections ends each in good order
 * @property {() => void} resetConnections
 * @property {() => Promise<void>} close idempotent; what is open is cut
 */

/**
 * A server that sends back what it is sent, and ends a connection when the other side does.
 *
 * @param {object} [options]
 * @param {string} [options.host] default 127.0.0.1
 * @param {number} [options.port] default any
 * @returns {Promise<TcpEchoServer>}
 */
export async function startTcpEcho({ host = '127.0.0.1', port = 0 } = {}) {
  /** @type {Set<Socket>} */
  const sockets = new Set();
  const server = createServer((socket) => {
    sockets.add(socket);
    echo.accepted++;
    const { remoteAddress = '', remotePort = 0 } = socket;
    echo.sources.push({ address: remoteAddress, port: remotePort });
    socket.on('data', (chunk) => {
      echo.bytes += chunk.length;
    });
    socket.on('error', () => {}); // 'close' follows
    socket.on('close', () => sockets.delete(socket));
    socket.pipe(socket);
  });
  server.listen({ host, port, exclusive: true });
  await once(server, 'listening');
  const bound = /** @type {import('node:net').AddressInfo} */ (server.address());

  /** @type {TcpEchoServer} */
  const echo = {
    address: bound.address,
    port: bound.port,
    accepted: 0,
    get open() {
      return sockets.size;
    },
    bytes: 0,
    sources: [],
    endConnections: () => {
      for (const socket of sockets) socket.end();
    },
    resetConnections: () => {
      for (const socket of sockets) socket.resetAndDestroy();
    },
    async close() {
      if (!server.listening) return;
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
  return echo;
}

/**
 * @typedef {object} TcpPeer
 * @property {Socket} socket
 * @property {string} address its own
 * @property {number} port
 * @property {number} bytes received so far
 * @property {(bytes: Uint8Array) => Promise<void>} write
 * @property {(count: number) => Promise<Buffer>} read exactly so many bytes; rejects when the connection ends before
 * @property {() => void} end sends FIN
 * @property {() => void} reset sends RST
 * @property {Promise<void>} ended when the other side has ended or cut the connection; never rejects
 * @property {() => Promise<void>} close idempotent
 */

/**
 * Connects to a relayed TCP address, or to any other.
 *
 * @param {{ address: string, port: number }} to
 * @param {{ localAddress?: string }} [options]
 * @returns {Promise<TcpPeer>} rejects with the system's error when the connection is refused
 */
export async function connectTcpPeer({ address, port }, { localAddress } = {}) {
  const socket = connect({ host: address, port, localAddress, noDelay: true });
  await once(socket, 'connect');

  let received = Buffer.alloc(0);
  let isOver = false;
  /** @type {(value?: undefined) => void} */
  let setEnded = () => {};
  /** @type {(() => void) | undefined} what a read waits with */
  let wake;
  const over = () => {
    isOver = true;
    setEnded();
    wake?.();
  };
  socket.on('data', (chunk) => {
    peer.bytes += chunk.length;
    received = Buffer.concat([received, chunk]);
    wake?.();
  });
  socket.on('error', () => {}); // 'close' follows
  socket.once('end', over).once('close', over);

  /** @type {TcpPeer} */
  const peer = {
    socket,
    address: socket.localAddress ?? '',
    port: socket.localPort ?? 0,
    bytes: 0,
    write: (bytes) =>
      new Promise((resolve, reject) =>
        socket.write(bytes, (error) => (error ? reject(error) : resolve())),
      ),
    async read(count) {
      while (received.length < count) {
        if (isOver)
          throw new Error(`the connection ended after ${received.length} of ${count} bytes`);
        await new Promise((/** @type {(value?: undefined) => void} */ resolve) => {
          wake = () => resolve();
        });
      }
      const bytes = received.subarray(0, count);
      received = received.subarray(count);
      return bytes;
    },
    end: () => void socket.end(),
    reset: () => void socket.resetAndDestroy(),
    ended: new Promise((resolve) => {
      setEnded = resolve;
    }),
    async close() {
      if (socket.closed) return;
      const closed = once(socket, 'close');
      socket.destroy();
      await closed;
    },
  };
  return peer;
}
