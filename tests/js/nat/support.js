// A server for NAT discovery on loopback, where there is no NAT.
import { createServer } from '../../../js/server/index.js';
import { reservePorts } from '../../support/local-server.js';

const HOSTS = ['127.0.0.1', '127.0.0.2'];

/**
 * Our server on two addresses with two ports each, or on one.
 *
 * @param {{ hosts?: readonly string[] } & Partial<import('../../../js/server/index.js').ServerOptions>} [options]
 */
export async function startNatServer({ hosts = HOSTS, ...options } = {}) {
  const { port, release } = await reservePorts(hosts);
  const shown = hosts.map((host) => (host.includes(':') ? `[${host}]` : host));
  const server = await createServer({
    listen: shown.flatMap((host) => [`udp://${host}:${port}`, `udp://${host}:${port + 1}`]),
    credentials: { user: 'pass' },
    realm: 'example.org',
    relay: { addresses: [hosts[0]] },
    ...options,
  });
  return {
    uri: `stun:${shown[0]}:${port}`,
    port,
    stop: async () => {
      await server.close();
      await release();
    },
  };
}
