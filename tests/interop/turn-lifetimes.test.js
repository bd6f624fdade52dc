// coturn with lives of a few seconds: relays outlive them. The clock is the server's, so these tests wait.
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, expect, jest, test } from '@jest/globals';
import { allocate } from '../../js/index.js';
import { startUdpPeer } from '../support/udp-peers.js';
import { describeWithCoturn, startCoturn } from './coturn.js';
import { describeWithPion, startPion } from './pion.js';
import { Belongings, bytesOf, options, relayUrl, take, users } from './turn-support.js';

jest.setTimeout(60_000);

const HOST = '127.0.0.1';
/** Renewed when half of them is left, which leaves a busy machine some time. */
const LIVES = { allocation: 6000, permission: 4000, channel: 6000 };
/** More than twice the longest of them. */
const WAIT_MS = 13_000;

const belongings = new Belongings();
afterEach(() => belongings.release());

describeWithCoturn('short lives', () => {
  const start = () =>
    belongings.hold(
      startCoturn({
        hosts: [HOST],
        users,
        maxAllocateLifetimeSeconds: LIVES.allocation / 1000,
        permissionLifetimeSeconds: LIVES.permission / 1000,
        channelLifetimeSeconds: LIVES.channel / 1000,
      }),
    );

  /** A relay with a channel to one peer and a permission for another. @param {string} url */
  async function openRelay(url) {
    const relay = await belongings.hold(
      allocate(url, {
        ...options,
        permissionLifetimeMs: LIVES.permission,
        channelLifetimeMs: LIVES.channel,
      }),
    );
    expect(relay.lifetimeMs).toBe(LIVES.allocation);
    /** @type {unknown[]} */
    const events = [];
    relay.onevent = (event) => events.push(event);
    const silent = { answer: () => undefined };
    const peer = await belongings.hold(startUdpPeer(silent));
    const other = await belongings.hold(startUdpPeer({ ...silent, host: '127.0.0.2' }));
    const channel = await relay.bindChannel(peer);
    await relay.permit(other);
    return { relay, events, peer, other, channel };
  }

  test('are renewed, over UDP and TCP', async () => {
    const server = await start();
    const urls = /** @type {const} */ (['udp', 'tcp']).map((name) => relayUrl(HOST, server, name));
    const opened = await Promise.all(urls.map(openRelay));
    await wait(WAIT_MS);
    for (const { relay, events, peer, other, channel } of opened) {
      // From the peers first: nothing that the client sends has renewed anything.
      await other.send(bytesOf('by permission'), relay.relayedAddress);
      expect(await take(relay, 1)).toMatchObject([{ data: bytesOf('by permission'), channel: 0 }]);
      await peer.send(bytesOf('by channel'), relay.relayedAddress);
      expect(await take(relay, 1)).toMatchObject([
        { data: bytesOf('by channel'), channel: channel.number },
      ]);
      channel.send(bytesOf('out'));
      expect(String((await peer.next()).data)).toBe('out');
      expect(events).toEqual([]);
      await relay.close();
    }
  });

  test('lapse where nothing is wanted any more', async () => {
    const relay = await belongings.hold(
      allocate(relayUrl(HOST, await start(), 'udp'), {
        ...options,
        permissionLifetimeMs: LIVES.permission,
      }),
    );
    const gone = await belongings.hold(startUdpPeer({ host: '127.0.0.2' }));
    const kept = await belongings.hold(startUdpPeer());
    await relay.permit([gone, kept]);
    relay.revoke(gone);
    await wait(WAIT_MS / 2);
    await gone.send(bytesOf('hello?'), relay.relayedAddress);
    await kept.send(bytesOf('hello'), relay.relayedAddress);
    expect(await take(relay, 1)).toMatchObject([{ data: bytesOf('hello') }]);
  });
});

describeWithPion('short lives', () => {
  test('of channels', async () => {
    const server = await belongings.hold(
      startPion({ hosts: [HOST], users, channelLifetimeSeconds: LIVES.permission / 1000 }),
    );
    const relay = await belongings.hold(
      allocate(relayUrl(HOST, server, 'udp'), { ...options, channelLifetimeMs: LIVES.permission }),
    );
    const peer = await belongings.hold(startUdpPeer());
    const channel = await relay.bindChannel(peer);
    await wait(WAIT_MS / 2);
    channel.send(bytesOf('still there'));
    expect(await take(relay, 1)).toMatchObject([
      { data: bytesOf('still there'), channel: channel.number },
    ]);
  });
});
