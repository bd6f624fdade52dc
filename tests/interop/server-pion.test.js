// Pion's client at our server.
import { beforeAll, expect, jest, test } from '@jest/globals';
import { buildPionClient, describeWithPionClient, runPionClient } from './pion-client.js';
import { credentials, HOST, realm, startServer, tls } from './server-support.js';

jest.setTimeout(60_000);

const COUNT = 200;
const SIZE = 1000;

describeWithPionClient('at our server', () => {
  beforeAll(buildPionClient, 60_000);

  test.each(['udp', 'tcp', 'tls'])('two relays send to each other, over %s', async (transport) => {
    const server = await startServer({ listen: [`${transport}://${HOST}:0`], tls });
    /** @type {import('../../js/server/index.js').AllocationInfo[]} */
    const made = [];
    server.on('allocation', (allocation) => made.push(allocation));
    const ended = new Promise((resolve) => {
      let count = 0;
      server.on('end', () => {
        count += 1;
        if (count === 2) resolve(undefined);
      });
    });
    try {
      const [{ port }] = server.addresses;
      const { username: user, password } = credentials;
      const where = { server: `${HOST}:${port}`, transport, user, password, realm };
      const { mapped, relayed, there, back } = await runPionClient({
        ...where,
        count: COUNT,
        size: SIZE,
      });
      expect([there, back]).toEqual([COUNT, COUNT]);
      const textOf = (/** @type {{ address: string, port: number }} */ at) =>
        `${at.address}:${at.port}`;
      expect(made.map(({ relayedAddresses: [at] }) => textOf(at))).toEqual(relayed);
      expect(mapped).toBe(textOf(made[0].client));
      expect(made.map(({ username, protocol }) => [username, protocol])).toEqual([
        [user, transport],
        [user, transport],
      ]);
      // Each datagram goes through both.
      expect(server.stats()).toMatchObject({
        relayedToPeers: 2 * COUNT,
        relayedToPeersBytes: 2 * COUNT * SIZE,
        relayedToClients: 2 * COUNT,
        relayedToClientsBytes: 2 * COUNT * SIZE,
      });
      await ended;
      expect(server.allocations()).toEqual([]);
    } finally {
      await server.close();
    }
  });

  test('a wrong password gets it no relay', async () => {
    const server = await startServer();
    try {
      const [{ port }] = server.addresses;
      const running = runPionClient({
        server: `${HOST}:${port}`,
        user: credentials.username,
        password: 'wrong',
        realm,
      });
      await expect(running).rejects.toThrow('allocate');
      expect(server.stats()).toMatchObject({ allocationsMade: 0, wrongPassword: 1 });
    } finally {
      await server.close();
    }
  });
});
