// A scripted TURN server on a UDP port of loopback, for programs that open sockets of their own.
import { udpServer } from '../transports/helpers.js';

/**
 * @param {import('../turn/scripted-server.js').ScriptedServer} server
 * @returns {Promise<string>} host and port
 */
export async function udpFront(server) {
  const { socket, target } = await udpServer('127.0.0.1', 0, false);
  /** @type {Map<number, Promise<import('../../../js/transports/transport.js').Transport>>} */
  const clients = new Map();
  socket.on('message', async (bytes, { address, port }) => {
    const known = clients.get(port);
    const client =
      known ??
      server.transport(/** @type {any} */ (target), { localAddress: address, localPort: port });
    clients.set(port, client);
    const near = await client;
    if (known === undefined) near.onbytes = (answer) => socket.send(answer, port, address);
    near.send(bytes);
  });
  return `${target.address}:${target.port}`;
}
