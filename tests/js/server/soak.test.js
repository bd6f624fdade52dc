// Many allocations at once, over each transport, all of them in use: none is lost, none mixed up with another, and
// nothing of them is left.
import { afterEach, expect, test } from '@jest/globals';
import { openSockets, until } from '../../interop/turn-support.js';
import { startUdpPeer } from '../../support/udp-peers.js';
import { cleanUp, HOST, onCleanUp, relayAt, startServer } from './support.js';

const RELAYS = 240;
const ROUNDS = 10;
const PROTOCOLS = ['udp', 'tcp', 'ws'];

afterEach(cleanUp);

/** @param {import('../../../js/index.js').Relay} relay */
const nextMessage = (relay) =>
  new Promise((resolve) => {
    relay.onmessage = (data) => resolve(Buffer.from(data).toString());
  });

test('240 allocations over UDP, TCP and WebSocket, each with a channel, and each gets its own', async () => {
  const before = openSockets();
  const server = await startServer({
    listen: PROTOCOLS.map((protocol) => `${protocol}://${HOST}:0`),
    quota: {
      unauthenticatedPerSecond: 10 * RELAYS,
      unauthenticatedBurst: 10 * RELAYS,
      connectionsPerHost: RELAYS,
    },
  });
  let [made, ended] = [0, 0];
  server.on('allocation', () => {
    made += 1;
  });
  const allEnded = new Promise((resolve) => {
    server.on('end', () => {
      ended += 1;
      if (ended === RELAYS) resolve(undefined);
    });
  });
  const peer = await startUdpPeer({ host: HOST });
  onCleanUp(() => peer.close());
  const relays = await Promise.all(
    Array.from({ length: RELAYS }, (_, i) =>
      relayAt(server, { protocol: PROTOCOLS[i % PROTOCOLS.length] }),
    ),
  );
  const channels = await Promise.all(relays.map((relay) => relay.bindChannel(peer)));
  expect(server.allocations()).toHaveLength(RELAYS);
  const relayed = server.allocations().map(({ relayedAddresses: [at] }) => at.port);
  expect(new Set(relayed).size).toBe(RELAYS);

  for (let round = 0; round < ROUNDS; round += 1) {
    // Half of them by channel, half by Send indication; in the next round the other way round.
    const texts = relays.map((_, i) => `message ${round} of ${i}`);
    const answers = relays.map(nextMessage);
    for (const [i, text] of texts.entries()) {
      const bytes = Buffer.from(text);
      if ((i + round) % 2 === 0) channels[i].send(bytes);
      else relays[i].send(bytes, peer);
    }
    expect(await Promise.all(answers)).toEqual(texts);
  }
  expect(server.stats()).toMatchObject({
    allocations: RELAYS,
    relaySockets: RELAYS,
    allocationsMade: RELAYS,
    relayedToPeers: RELAYS * ROUNDS,
    relayedToClients: RELAYS * ROUNDS,
    malformed: 0,
    slowClient: 0,
  });

  await Promise.all(relays.map((relay) => relay.close()));
  await allEnded;
  expect(made).toBe(RELAYS);
  expect(server.stats()).toMatchObject({ allocations: 0, relaySockets: 0 });
  await server.close();
  await peer.close();
  // What tests before this one left may have gone meanwhile.
  await until(() => openSockets() <= before);
});
