// To whom a server relays: the public Internet, what its policy opens, and nothing on its own machine.
import { afterEach, describe, expect, test } from '@jest/globals';
import { ownAddresses } from '../../../js/server/own-addresses.js';
import { checkServerOptions } from '../../../js/server/server-options.js';
import { startTcpEcho } from '../../support/tcp-peers.js';
import { startUdpPeer } from '../../support/udp-peers.js';
import { rejection } from '../client/support.js';
import {
  cleanUp,
  DEFAULTS,
  HandClient,
  HOST,
  onCleanUp,
  relayAt,
  startServer,
  until,
  wireTo,
} from './support.js';

afterEach(cleanUp);

async function peerHere() {
  const peer = await startUdpPeer();
  onCleanUp(() => peer.close());
  return peer;
}

describe('peers that are closed unless they are opened: 403', () => {
  test.each([
    ['loopback', '127.0.0.1'],
    ['another of loopback', '127.255.0.9'],
    ['private', '10.1.2.3'],
    ['private, 172', '172.16.0.1'],
    ['private, 192', '192.168.1.1'],
    ['shared (RFC 6598)', '100.64.0.1'],
    ['link-local, where clouds tell secrets', '169.254.169.254'],
    ['this network', '0.0.0.0'],
    ['multicast', '224.0.0.1'],
    ['everybody', '255.255.255.255'],
  ])('%s', async (_, address) => {
    const server = await startServer({ policy: {} });
    const client = new HandClient(await wireTo(server, 'udp'));
    await client.allocate();
    const xorPeerAddress = { address, port: 9 };
    for (const answer of [
      await client.ask('CreatePermission', { xorPeerAddress }),
      await client.ask('ChannelBind', { channelNumber: 0x4000, xorPeerAddress }),
    ]) {
      expect(answer.attributes.errorCode?.code).toBe(403);
    }
    expect(server.stats()).toMatchObject({ forbiddenPeers: 2, refused: 2 });
  });

  test.each(['::1', '::ffff:127.0.0.1', 'fe80::1', 'fd00::1', '::'])('%s', async (address) => {
    const server = await startServer({ relay: { addresses: ['::1'] }, policy: {} });
    const client = new HandClient(await wireTo(server, 'udp'));
    await client.allocate({ requestedAddressFamily: 'IPv6' });
    const answer = await client.ask('CreatePermission', { xorPeerAddress: { address, port: 9 } });
    expect(answer.attributes.errorCode?.code).toBe(403);
  });

  test('one of several is closed: none gets permission', async () => {
    const server = await startServer({ policy: { allow: ['127.0.0.1'] } });
    const peer = await peerHere();
    const client = new HandClient(await wireTo(server, 'udp'));
    await client.allocate();
    const xorPeerAddress = [peer, { address: '10.0.0.1', port: 9 }];
    const answer = await client.ask('CreatePermission', { xorPeerAddress });
    expect(answer.attributes.errorCode?.code).toBe(403);
    client.indicate('Send', { xorPeerAddress: peer, data: Buffer.from('x') });
    await until(() => server.stats().withoutPermission === 1);
    expect(peer.datagrams).toBe(0);
  });

  test('TCP connections as well', async () => {
    const server = await startServer({ listen: [`tcp://${HOST}:0`], policy: {} });
    const echo = await startTcpEcho();
    onCleanUp(() => echo.close());
    const relay = await relayAt(server, { relayTransport: 'tcp' });
    expect(await rejection(relay.connect(echo))).toMatchObject({ errorCode: 403 });
    expect(echo.accepted).toBe(0);
  });
});

describe('what is opened', () => {
  test('an address', async () => {
    const server = await startServer({ policy: { allow: ['127.0.0.1'] } });
    const relay = await relayAt(server);
    await relay.permit('127.0.0.1');
    expect(await rejection(relay.permit('127.0.0.2'))).toMatchObject({ errorCode: 403 });
  });

  test('a prefix, but for what is denied', async () => {
    const server = await startServer({
      policy: { allow: ['127.0.0.0/8'], deny: ['127.0.0.2', '127.1.0.0/16'] },
    });
    const relay = await relayAt(server);
    await relay.permit(['127.0.0.1', '127.0.0.3', '127.2.0.1']);
    for (const denied of ['127.0.0.2', '127.1.2.3']) {
      expect(await rejection(relay.permit(denied))).toMatchObject({ errorCode: 403 });
    }
  });

  test('the public Internet is open, unless it is denied or only others are allowed', async () => {
    const open = await relayAt(await startServer({ policy: {} }));
    await open.permit('8.8.8.8');
    const denied = await relayAt(await startServer({ policy: { deny: ['8.0.0.0/8'] } }));
    expect(await rejection(denied.permit('8.8.8.8'))).toMatchObject({ errorCode: 403 });
    await denied.permit('9.9.9.9');
    const only = await relayAt(await startServer({ policy: { only: true, allow: [HOST] } }));
    expect(await rejection(only.permit('8.8.8.8'))).toMatchObject({ errorCode: 403 });
    await only.permit(HOST);
  });
});

// A machine that has a public address is no public Internet to itself.
describe('what runs beside the server', () => {
  test('places of this machine that are no relays', () => {
    const isForbidden = ownAddresses(
      checkServerOptions({
        .../** @type {any} */ (DEFAULTS),
        listen: [`udp://${HOST}:0`, 'tcp://[::1]:0'],
        relay: {
          addresses: ['192.0.2.1'],
          ports: [50_000, 50_009],
          external: { '192.0.2.1': '203.0.113.5' },
        },
        policy: { allow: ['::1/128', '127.0.0.0/30'] },
      }),
    );
    for (const address of ['192.0.2.1', '203.0.113.5']) {
      for (const port of [1, 22, 49_999, 50_010, 65_535])
        expect(isForbidden(address, port)).toBe(true);
      for (const port of [50_000, 50_009]) expect(isForbidden(address, port)).toBe(false);
    }
    // Opened on purpose.
    expect(isForbidden(HOST, 22)).toBe(false);
    expect(isForbidden('::1', 22)).toBe(false);
    // Others.
    expect(isForbidden('198.51.100.7', 22)).toBe(false);
    expect(isForbidden('8.8.8.8', 22)).toBe(false);
  });

  test('is not sent to unless it was opened on purpose', async () => {
    const server = await startServer({
      relay: { addresses: [HOST], external: { [HOST]: '8.8.8.8' } },
    });
    const client = new HandClient(await wireTo(server, 'udp'));
    await client.allocate();
    const own = { address: '8.8.8.8', port: 22 };
    const answer = await client.ask('CreatePermission', { xorPeerAddress: own });
    expect(answer.class).toBe('success');
    client.indicate('Send', { xorPeerAddress: own, data: Buffer.from('x') });
    await until(() => server.stats().ownAddress === 1);
  });

  test('is not connected to: 447', async () => {
    const server = await startServer({
      listen: [`tcp://${HOST}:0`],
      relay: { addresses: [HOST], external: { [HOST]: '8.8.8.8' } },
    });
    const client = new HandClient(await wireTo(server, 'tcp'));
    await client.allocate({ requestedTransport: 6 });
    const own = { address: '8.8.8.8', port: 22 };
    const answer = await client.ask('Connect', { xorPeerAddress: own });
    expect(answer.attributes.errorCode?.code).toBe(447);
  });
});
