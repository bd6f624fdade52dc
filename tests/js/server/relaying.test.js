// What is relayed, over each transport to the server, with the project's own client and with requests by hand.
import { afterEach, describe, expect, test } from '@jest/globals';
import { encode } from '../../../js/codec/index.js';
import { startUdpPeer } from '../../support/udp-peers.js';
import { rejection } from '../client/support.js';
import {
  channelData,
  cleanUp,
  HandClient,
  HOST,
  onCleanUp,
  ping,
  relayAt,
  startServer,
  TLS,
  told,
  UDP,
  udpWire,
  until,
  wireTo,
} from './support.js';

afterEach(cleanUp);

const ALL = ['udp', 'tcp', 'tls', 'ws', 'wss'];
const bytes = (/** @type {string} */ text) => Buffer.from(text);
const text = (/** @type {Uint8Array} */ data) => Buffer.from(data).toString();

/** @param {import('../../../js/server/index.js').ServerOptions} [options] */
const startAll = (options) =>
  startServer({ listen: ALL.map((protocol) => `${protocol}://${HOST}:0`), tls: TLS, ...options });

/** @param {Parameters<typeof startUdpPeer>[0]} [options] */
async function peerHere(options) {
  const peer = await startUdpPeer(options);
  onCleanUp(() => peer.close());
  return peer;
}

describe.each(ALL)('over %s', (protocol) => {
  test('data goes to a peer and comes back, by indications and by a channel', async () => {
    const server = await startAll();
    const peer = await peerHere();
    const relay = await relayAt(server, { protocol });
    const messages = relay[Symbol.asyncIterator]();
    await relay.permit(peer);
    for (const words of ['', 'a', 'words', 'x'.repeat(1400)]) {
      relay.send(bytes(words), peer);
      const { value } = await messages.next();
      expect(text(value?.data ?? bytes('?'))).toBe(words);
      expect(value?.channel).toBe(0);
    }
    expect(peer.lastSource).toMatchObject(relay.relayedAddress);
    const { number } = await relay.bindChannel(peer);
    for (const words of ['', 'a', 'words', 'x'.repeat(1400)]) {
      relay.send(bytes(words), peer);
      const { value } = await messages.next();
      expect(text(value?.data ?? bytes('?'))).toBe(words);
      expect(value?.channel).toBe(number);
    }
    expect(server.stats()).toMatchObject({
      relayedToPeers: 8,
      relayedToPeersBytes: 2 * 1406,
      relayedToClients: 8,
      relayedToClientsBytes: 2 * 1406,
    });
  });

  test('a peer without permission is not heard, and a host has it with all ports', async () => {
    const server = await startAll();
    const relay = await relayAt(server, { protocol });
    const [stranger, friend, other] = await Promise.all([
      peerHere({ host: '127.0.0.2' }),
      peerHere(),
      peerHere(),
    ]);
    await relay.permit(friend);
    await stranger.send(bytes('no'), relay.relayedAddress);
    await friend.send(bytes('yes'), relay.relayedAddress);
    await other.send(bytes('me too'), relay.relayedAddress);
    const messages = relay[Symbol.asyncIterator]();
    const heard = [(await messages.next()).value, (await messages.next()).value];
    expect(heard.map((message) => text(message?.data ?? bytes('?')))).toEqual(['yes', 'me too']);
    expect(server.stats()).toMatchObject({ strayPeerData: 1, relayedToClients: 2 });
  });
});

test('relays talk to each other', async () => {
  const server = await startAll();
  const [one, other] = [
    await relayAt(server, { protocol: 'udp' }),
    await relayAt(server, { protocol: 'tls' }),
  ];
  await one.permit(other.relayedAddress);
  await other.permit(one.relayedAddress);
  one.send(bytes('hello'), other.relayedAddress);
  const { value } = await other[Symbol.asyncIterator]().next();
  expect(value).toMatchObject({ peer: one.relayedAddress });
  expect(text(value?.data ?? bytes(''))).toBe('hello');
});

describe('ports', () => {
  test('lie in the range, and one that is in use is passed over', async () => {
    const taken = await peerHere();
    const first = taken.port % 2 === 0 ? taken.port : taken.port - 1;
    const ports = /** @type {[number, number]} */ ([first, first + 1]);
    const server = await startServer({ relay: { addresses: [HOST], ports } });
    const relay = await relayAt(server);
    expect(relay.relayedAddress.port).toBe(taken.port === first ? first + 1 : first);
    expect(await rejection(relayAt(server))).toMatchObject({ errorCode: 508 });
    // It comes free with its relay.
    const ended = told(server, 'end');
    await relay.close();
    await ended;
    expect((await relayAt(server)).relayedAddress).toEqual(relay.relayedAddress);
  });

  test('even ones, and the next for who has the token', async () => {
    const server = await startServer();
    const even = await relayAt(server, { evenPort: true });
    expect(even.relayedAddress.port % 2).toBe(0);
    expect(even.reservationToken).toBeUndefined();
    const first = await relayAt(server, { evenPort: 'reserve' });
    expect(first.relayedAddress.port % 2).toBe(0);
    const next = await relayAt(server, { reservationToken: first.reservationToken });
    expect(next.relayedAddress).toEqual({
      ...first.relayedAddress,
      port: first.relayedAddress.port + 1,
    });
    const peer = await peerHere();
    next.send(bytes('x'), peer);
    expect((await peer.next()).source.port).toBe(next.relayedAddress.port);
    // A token is good once.
    const again = { reservationToken: first.reservationToken };
    expect(await rejection(relayAt(server, again))).toMatchObject({ errorCode: 508 });
  });

  test('a reserved port is kept from others, and outlives who reserved it', async () => {
    const ports = /** @type {[number, number]} */ ([50_000, 50_001]);
    const server = await startServer({ relay: { addresses: [HOST], ports } });
    const first = await relayAt(server, { evenPort: 'reserve' });
    expect(await rejection(relayAt(server))).toMatchObject({ errorCode: 508 });
    const { reservationToken } = first;
    await first.close();
    expect((await relayAt(server, { reservationToken })).relayedAddress.port).toBe(50_001);
    expect((await relayAt(server)).relayedAddress.port).toBe(50_000);
  });
});

describe('families', () => {
  const both = { relay: { addresses: [HOST, '::1'] }, policy: { allow: ['127.0.0.0/8', '::1'] } };

  test('one of each, with data for both', async () => {
    const server = await startServer(both);
    const relay = await relayAt(server, { relayFamily: 'both' });
    expect(relay.relayedAddresses.map(({ address }) => address)).toEqual([HOST, '::1']);
    expect(server.allocations()[0].relayedAddresses).toEqual(relay.relayedAddresses);
    const messages = relay[Symbol.asyncIterator]();
    for (const host of [HOST, '::1']) {
      const peer = await peerHere({ host });
      await relay.permit(peer);
      relay.send(bytes(host), peer);
      expect(text((await messages.next()).value?.data ?? bytes(''))).toBe(host);
    }
    expect(server.stats().relaySockets).toBe(2);
    await relay.close();
    await until(() => server.stats().relaySockets === 0);
  });

  test('one that the server does not have: 440', async () => {
    const server = await startServer();
    expect(await rejection(relayAt(server, { relayFamily: 6 }))).toMatchObject({ errorCode: 440 });
  });

  test('several addresses of a family take turns', async () => {
    const addresses = ['127.0.0.1', '127.0.0.2', '127.0.0.3'];
    const server = await startServer({ relay: { addresses } });
    const relays = [];
    for (let i = 0; i < 6; i += 1) relays.push((await relayAt(server)).relayedAddress.address);
    expect([...relays].sort()).toEqual([...addresses, ...addresses].sort());
  });

  test('what clients are told instead of an address', async () => {
    const external = { [HOST]: '203.0.113.5' };
    const server = await startServer({ relay: { addresses: [HOST], external } });
    const place = { ...server.addresses[0], address: HOST };
    const client = new HandClient(await udpWire(place));
    const { attributes } = await client.allocate();
    expect(attributes.xorRelayedAddress).toMatchObject({ address: '203.0.113.5' });
    const peer = await peerHere();
    await client.ask('CreatePermission', { xorPeerAddress: peer });
    client.indicate('Send', { xorPeerAddress: peer, data: bytes('x') });
    expect((await peer.next()).source).toMatchObject({
      address: HOST,
      port: attributes.xorRelayedAddress?.port,
    });
  });
});

describe('lifetimes', () => {
  test('what is asked for is kept within bounds', async () => {
    const server = await startServer({ lifetime: { default: 700, max: 900 } });
    expect((await relayAt(server)).lifetimeMs).toBe(700_000);
    expect((await relayAt(server, { lifetimeSeconds: 800 })).lifetimeMs).toBe(800_000);
    expect((await relayAt(server, { lifetimeSeconds: 9000 })).lifetimeMs).toBe(900_000);
  });

  test('an allocation ends when nobody refreshes it', async () => {
    const server = await startServer({ lifetime: { default: 1, max: 1 } });
    const client = new HandClient(await wireTo(server, 'udp'));
    const ended = told(server, 'end');
    expect((await client.allocate()).attributes.lifetime).toBe(1);
    expect(await ended).toMatchObject({ username: 'user', lifetimeSeconds: 1 });
    expect(server.stats()).toMatchObject({
      allocationsExpired: 1,
      allocations: 0,
      relaySockets: 0,
    });
  });
});

describe('moving (RFC 8016)', () => {
  test.each(['udp', 'tcp', 'ws'])(
    'over %s: the relay stays, the client is elsewhere',
    async (protocol) => {
      const server = await startAll();
      const peer = await peerHere();
      const relay = await relayAt(server, { protocol, mobility: true });
      await relay.permit(peer);
      const [before] = server.allocations();
      const moved = told(server, 'move');
      await relay.move();
      relay.send(bytes('hello'), peer);
      const { value } = await relay[Symbol.asyncIterator]().next();
      expect(text(value?.data ?? bytes(''))).toBe('hello');
      expect(peer.lastSource).toMatchObject(relay.relayedAddress);
      const info = await moved;
      expect(info).toMatchObject({ id: before.id, relayedAddresses: before.relayedAddresses });
      expect(info.client).not.toEqual(before.client);
      expect(server.allocations()).toEqual([info]);
      await relay.close();
      await until(() => server.allocations().length === 0);
    },
  );

  test('a connection that has an allocation since then is not idle', async () => {
    const server = await startServer({ listen: [`tcp://${HOST}:0`], idleTimeoutMs: 1 });
    const relay = await relayAt(server, { mobility: true });
    await relay.move();
    const idle = await wireTo(server, 'tcp');
    // The sweep that ends the idle one does nothing to the other.
    await idle.closed;
    await relay.refresh();
    expect(server.allocations()).toHaveLength(1);
  });

  test('not where the server does not do it', async () => {
    const server = await startServer({ mobility: false });
    const error = await rejection(relayAt(server, { mobility: true }));
    expect(error).toMatchObject({ errorCode: 405 });
  });
});

test('a datagram of a peer that is too long for the way to the client is lost alone', async () => {
  const server = await startServer();
  const peer = await peerHere();
  const relay = await relayAt(server);
  await relay.permit(peer);
  await peer.send(Buffer.alloc(65_507), relay.relayedAddress);
  await peer.send(bytes('short'), relay.relayedAddress);
  expect(text((await relay[Symbol.asyncIterator]().next()).value?.data ?? bytes(''))).toBe('short');
});

test('a datagram of a client that is too long for the way to the peer is lost alone', async () => {
  const server = await startAll();
  const peer = await peerHere({ answer: () => undefined });
  const wire = await wireTo(server, 'tcp');
  const client = new HandClient(wire);
  await client.allocate();
  const channelNumber = 0x4000;
  await client.ask('ChannelBind', { channelNumber, xorPeerAddress: peer });
  wire.send(channelData(channelNumber, Buffer.alloc(0xffff)));
  wire.send(channelData(channelNumber, Buffer.alloc(65_507, 'x')));
  expect((await peer.next()).data).toEqual(Buffer.alloc(65_507, 'x'));
  expect(await ping(wire)).toBeDefined();
});

test('RESPONSE-PORT 0 and the port of nobody end nothing', async () => {
  const server = await startServer();
  const wire = await wireTo(server, 'udp');
  const responsePort = 0;
  wire.send(encode({ class: 'request', method: 'Binding', attributes: { responsePort } }));
  expect(await ping(wire)).toBeDefined();
  const client = new HandClient(wire);
  expect((await client.allocate({ requestedTransport: UDP })).class).toBe('success');
  const nobody = { address: HOST, port: 0 };
  const answer = await client.ask('ChannelBind', { channelNumber: 0x4001, xorPeerAddress: nobody });
  expect(answer.attributes.errorCode?.code).toBe(403);
  await client.ask('CreatePermission', { xorPeerAddress: nobody });
  client.indicate('Send', { xorPeerAddress: nobody, data: bytes('x') });
  expect(await ping(wire)).toBeDefined();
  expect(server.stats().badIndication).toBe(1);
});
