// What may be asked of coturn with an allocation: families, ports, lifetimes.
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { allocate } from '../../js/index.js';
import { startUdpPeer } from '../support/udp-peers.js';
import { describeWithCoturn, startCoturn } from './coturn.js';
import { describeWithP1Stun, startP1Stun } from './p1-stun.js';
import { describeWithPion, startPion } from './pion.js';
import { fixtureCertificate, rejection } from './support.js';
import {
  Belongings,
  bytesOf,
  options,
  relayUrl,
  TRANSPORTS,
  take,
  urlsOf,
  users,
} from './turn-support.js';

jest.setTimeout(60_000);

/** @typedef {import('../../js/index.js').AllocateOptions} AllocateOptions */
/** @typedef {import('../../js/index.js').Relay} Relay */

const belongings = new Belongings();
afterEach(() => belongings.release());

/** A peer that sends back what it gets. @param {string} [host] */
const peerAt = (host) => belongings.hold(startUdpPeer({ host }));

/** @param {Relay} relay @param {import('../support/udp-peers.js').UdpPeer} peer */
async function expectEcho(relay, peer) {
  const words = bytesOf(`to ${peer.address}`);
  relay.send(words, peer);
  expect(await take(relay, 1)).toMatchObject([
    { data: words, peer: { address: peer.address, port: peer.port } },
  ]);
}

describeWithCoturn('what is asked for', () => {
  const servers = new Belongings();
  /** @type {Record<string, Record<import('./turn-support.js').TransportName, string>>} */
  const urls = {};
  beforeAll(async () => {
    const server = await servers.hold(startCoturn({ users, tls: fixtureCertificate.files }));
    for (const host of ['127.0.0.1', '::1']) urls[host] = await urlsOf(server, servers, host);
  });
  afterAll(() => servers.release());

  describe.each(TRANSPORTS)('%s', (transport) => {
    const relayOf = (/** @type {AllocateOptions} */ more, host = '127.0.0.1') =>
      belongings.hold(allocate(urls[host][transport], { ...options, ...more }));

    test.each(['127.0.0.1', '::1'])('an IPv6 relay, asked for at %s', async (host) => {
      const relay = await relayOf({ relayFamily: 6 }, host);
      expect(relay.relayedAddresses).toMatchObject([{ address: '::1', family: 'IPv6' }]);
      await expectEcho(relay, await peerAt('::1'));
      const peer = await peerAt('::1');
      const channel = await relay.bindChannel(peer);
      channel.send(bytesOf('six'));
      expect(await take(relay, 1)).toMatchObject([
        { data: bytesOf('six'), channel: channel.number, peer: { address: '::1', family: 'IPv6' } },
      ]);
      expect(await rejection(relay.permit('127.0.0.1'))).toMatchObject({
        code: 'ERR_TURN_PEER_FAMILY',
      });
    });

    // It knows ADDITIONAL-ADDRESS-FAMILY by the number of a draft only, which is sent as well.
    test('two relayed addresses of one allocation, and data through both', async () => {
      const relay = await relayOf({ relayFamily: 'both' });
      expect(relay.relayedAddresses).toMatchObject([
        { address: '127.0.0.1', family: 'IPv4' },
        { address: '::1', family: 'IPv6' },
      ]);
      for (const [i, host] of ['127.0.0.1', '::1'].entries()) {
        const peer = await peerAt(host);
        await expectEcho(relay, peer);
        expect(peer.lastSource).toMatchObject({ port: relay.relayedAddresses[i].port });
        const channel = await relay.bindChannel(peer);
        channel.send(bytesOf(host));
        expect(await take(relay, 1)).toMatchObject([
          { data: bytesOf(host), channel: channel.number },
        ]);
      }
    });

    test('an even port, the one after it, and data through both', async () => {
      const rtp = await relayOf({ evenPort: 'reserve' });
      expect(rtp.relayedAddress.port % 2).toBe(0);
      expect(rtp.reservationToken).toHaveLength(8);
      const rtcp = await relayOf({ reservationToken: rtp.reservationToken });
      expect(rtcp.relayedAddress.port).toBe(rtp.relayedAddress.port + 1);
      await expectEcho(rtp, await peerAt());
      await expectEcho(rtcp, await peerAt());

      const even = await relayOf({ evenPort: true });
      expect(even.relayedAddress.port % 2).toBe(0);
      expect(even.reservationToken).toBeUndefined();
    });

    test('a port that nobody reserved: 404, where RFC 8656 section 7.2 says 508', async () => {
      const asking = relayOf({ reservationToken: new Uint8Array(8).fill(7) });
      expect(await rejection(asking)).toMatchObject({ code: 'ERR_STUN_RESPONSE', errorCode: 404 });
    });

    test('datagrams that are not fragmented', async () => {
      const relay = await relayOf({ dontFragment: true });
      await expectEcho(relay, await peerAt());
    });

    test('a lifetime, and another', async () => {
      const relay = await relayOf({ lifetimeSeconds: 900 });
      expect(relay.lifetimeMs).toBe(900_000);
      await relay.refresh({ lifetimeSeconds: 1200 });
      expect(relay.lifetimeMs).toBe(1_200_000);
      await relay.refresh();
      expect(relay.lifetimeMs).toBe(1_200_000);
      await expectEcho(relay, await peerAt());
    });

    test('ICMP is not told', async () => {
      const relay = await relayOf({});
      /** @type {string[]} */
      const events = [];
      relay.onevent = ({ type }) => events.push(type);
      const gone = await peerAt();
      await relay.permit(gone);
      await gone.close();
      relay.send(bytesOf('nobody is there'), gone);
      // By then coturn has heard of it: on loopback the ICMP error comes at once.
      await expectEcho(relay, await peerAt());
      await relay.refresh();
      expect(events).not.toContain('icmp');
    });
  });
});

describeWithCoturn('IPv4 only', () => {
  test('a relay for IPv6: 440', async () => {
    const server = await belongings.hold(startCoturn({ users, hosts: ['127.0.0.1'] }));
    const url = relayUrl('127.0.0.1', server, 'udp');
    const error = await rejection(allocate(url, { ...options, relayFamily: 6 }));
    expect(error).toMatchObject({ code: 'ERR_STUN_RESPONSE', errorCode: 440, phase: 'allocate' });
    expect(error.hint).toMatch(/\w/);
    const both = await belongings.hold(allocate(url, { ...options, relayFamily: 'both' }));
    expect(both.relayedAddresses).toMatchObject([{ family: 'IPv4' }]);
  });
});

describeWithP1Stun('what is asked for', () => {
  test('an IPv6 relay; where it has none: 440', async () => {
    const server = await belongings.hold(startP1Stun({ users, relay6: '::1' }));
    const wanted = { ...options, relayFamily: /** @type {const} */ (6) };
    const relay = await belongings.hold(allocate(relayUrl('::1', server, 'tcp'), wanted));
    expect(relay.relayedAddresses).toMatchObject([{ address: '::1' }]);
    await expectEcho(relay, await peerAt('::1'));

    const other = await belongings.hold(startP1Stun({ users }));
    expect(await rejection(allocate(relayUrl('::1', other, 'tcp'), wanted))).toMatchObject({
      errorCode: 440,
    });
  });

  test('an even port: 420, and which attribute it is', async () => {
    const server = await belongings.hold(startP1Stun({ users }));
    const asking = allocate(relayUrl('127.0.0.1', server, 'udp'), { ...options, evenPort: true });
    expect(await rejection(asking)).toMatchObject({ errorCode: 420, unknownAttributes: [0x0018] });
  });

  test('TCP relays: 442', async () => {
    const server = await belongings.hold(startP1Stun({ users }));
    const url = relayUrl('127.0.0.1', server, 'tcp');
    expect(await rejection(allocate(url, { ...options, relayTransport: 'tcp' }))).toMatchObject({
      errorCode: 442,
    });
  });
});

describeWithPion('what is asked for', () => {
  test('an IPv6 relay: it makes one for IPv4, which is given back', async () => {
    const server = await belongings.hold(startPion({ users }));
    const url = relayUrl('127.0.0.1', server, 'udp');
    const error = await rejection(allocate(url, { ...options, relayFamily: 6 }));
    expect(error).toMatchObject({ code: 'ERR_TURN_ADDRESS_FAMILY', phase: 'allocate' });
  });

  test('TCP relays: 442', async () => {
    const server = await belongings.hold(startPion({ users }));
    const url = relayUrl('127.0.0.1', server, 'tcp');
    expect(await rejection(allocate(url, { ...options, relayTransport: 'tcp' }))).toMatchObject({
      errorCode: 442,
    });
  });
});
