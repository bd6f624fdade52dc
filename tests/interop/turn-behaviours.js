// What a relay does, whoever wrote the server and whatever it is reached over.
import { afterEach, expect, test } from '@jest/globals';
import { allocate } from '../../js/index.js';
import { startUdpPeer } from '../support/udp-peers.js';
import { rejection } from './support.js';
import {
  Belongings,
  bytesOf,
  nextEvent,
  openSockets,
  options,
  patternOf,
  take,
  textOf,
  until,
} from './turn-support.js';

/**
 * What may be expected of a way to a server.
 *
 * @typedef {object} Setting
 * @property {string} host of the server
 * @property {import('./turn-support.js').TransportName} transport
 * @property {string} [software] how its name begins; none when left out
 * @property {readonly number[]} echoSizes what it relays there and back
 * @property {readonly number[]} [channelSizes] where those through a channel are not the same
 * @property {number} [mostToPeer] what it relays there only
 * @property {string} [forbidden] a peer that it refuses; when left out it refuses none
 * @property {{ code: string, errorCode: number }} wrongPassword what the error says
 */

/** @typedef {{ url: string, server: import('../support/local-server.js').LocalServer }} Place */

/** To give up where nothing comes that counts: after 1.4 s. */
const SOON = { rtoMs: 200, rc: 3, rm: 4, tiMs: 1400 };
/** On loopback as well, but another address. */
const STRANGER = '127.0.0.2';

/** @param {Setting} setting @param {() => Place} place is asked when the tests run */
export function behavesAsRelay(setting, place) {
  const { host, transport, software, echoSizes, channelSizes = echoSizes } = setting;
  const { mostToPeer, forbidden, wrongPassword } = setting;
  const belongings = new Belongings();
  afterEach(() => belongings.release());
  const relayOf = (/** @type {import('../../js/index.js').AllocateOptions} */ more = {}) =>
    belongings.hold(allocate(place().url, { ...options, ...more }));
  const peerOf = (/** @type {Parameters<typeof startUdpPeer>[0]} */ more = {}) =>
    belongings.hold(startUdpPeer(more));

  test('allocates, and tells what came of it', async () => {
    const relay = await relayOf({ software: 'postern test' });
    const family = host.includes(':') ? 'IPv6' : 'IPv4';
    expect(relay).toMatchObject({
      url: place().url,
      transport,
      serverAddress: { address: host, family },
      mappedAddress: { address: host, family },
      attempts: [],
      dropped: 0,
    });
    expect(relay.relayedAddresses).toEqual([
      { address: '127.0.0.1', port: expect.any(Number), family: 'IPv4' },
    ]);
    expect(relay.relayedAddress).toBe(relay.relayedAddresses[0]);
    expect(relay.lifetimeMs).toBeGreaterThan(0);
    if (transport !== 'ws') expect(relay.mappedAddress).toEqual(relay.localAddress);
    expect(relay.software ?? '').toMatch(
      software === undefined ? /^$/ : new RegExp(`^${software}`),
    );
    const { dns, connect, tls = 0, challenge, allocate: last } = relay.phases;
    for (const ms of [dns, connect, tls, challenge, last]) expect(ms).toBeGreaterThanOrEqual(0);
    expect(challenge).toBeGreaterThan(0);
    expect('tls' in relay.phases).toBe(transport === 'tls');
    await relay.refresh();
    await relay.close();
    await relay.close();
    expect(await relay.closed).toEqual({ reason: 'closed' });
    expect(await rejection(relay.permit('127.0.0.1'))).toMatchObject({
      code: 'ERR_TURN_NO_ALLOCATION',
    });
  });

  test('datagrams of every size go to a peer and come back', async () => {
    const relay = await relayOf();
    const peer = await peerOf();
    await relay.permit(peer);
    for (const size of echoSizes) {
      relay.send(patternOf(size), peer);
      const [{ data, peer: from }] = await take(relay, 1);
      expect(Buffer.compare(data, patternOf(size))).toBe(0);
      expect(from).toEqual({ address: peer.address, port: peer.port, family: 'IPv4' });
    }
    expect(peer.lastSource).toMatchObject({ port: relay.relayedAddress.port });
  });

  test('and through a channel', async () => {
    const relay = await relayOf();
    const peer = await peerOf();
    const channel = await relay.bindChannel(peer);
    expect(channel.number).toBeGreaterThanOrEqual(0x4000);
    expect(channel.number).toBeLessThanOrEqual(0x4fff);
    for (const size of channelSizes) {
      const came = new Promise((/** @type {(data: Uint8Array) => void} */ resolve) => {
        channel.onmessage = resolve;
      });
      channel.send(patternOf(size));
      expect(Buffer.compare(await came, patternOf(size))).toBe(0);
    }
    // send() takes the channel, and so does the server.
    channel.onmessage = undefined;
    relay.send(bytesOf('by number'), peer);
    expect(await take(relay, 1)).toMatchObject([
      { data: bytesOf('by number'), channel: channel.number },
    ]);
    expect(relay.stats()).toMatchObject({ unknownChannel: 0, malformed: 0, unexpected: 0 });
  });

  if (mostToPeer !== undefined)
    test('the longest that the server sends on', async () => {
      const relay = await relayOf();
      const peer = await peerOf({ answer: () => undefined });
      const channel = await relay.bindChannel(peer);
      channel.send(patternOf(mostToPeer));
      expect(Buffer.compare((await peer.next()).data, patternOf(mostToPeer))).toBe(0);
    });

  test('send() gets its permission itself', async () => {
    const relay = await relayOf();
    const peer = await peerOf();
    for (const word of ['one', 'two', 'three']) relay.send(bytesOf(word), peer);
    expect(relay.stats()).toMatchObject({ waitingMessages: 3, messagesSent: 0 });
    const came = await take(relay, 3);
    expect(came.map(({ data }) => textOf(data)).sort()).toEqual(['one', 'three', 'two']);
    expect(relay.stats()).toMatchObject({ waitingMessages: 0, messagesSent: 3, sendDropped: 0 });
  });

  test('only who has permission is heard', async () => {
    const relay = await relayOf();
    const stranger = await peerOf({ host: STRANGER, answer: () => undefined });
    const friend = await peerOf({ answer: () => undefined });
    await relay.permit(friend);
    await stranger.send(bytesOf('let me in'), relay.relayedAddress);
    await friend.send(bytesOf('it is me'), relay.relayedAddress);
    expect(await take(relay, 1)).toMatchObject([{ data: bytesOf('it is me') }]);
    await relay.permit(STRANGER);
    await stranger.send(bytesOf('thanks'), relay.relayedAddress);
    expect(await take(relay, 1)).toMatchObject([
      { data: bytesOf('thanks'), peer: { address: STRANGER, port: stranger.port } },
    ]);
  });

  test('onmessage, and Web Streams', async () => {
    const relay = await relayOf();
    const peer = await peerOf();
    const came = new Promise((resolve) => {
      relay.onmessage = (data, { port }, channel) => resolve([textOf(data), port, channel]);
    });
    relay.send(bytesOf('called'), peer);
    expect(await came).toEqual(['called', peer.port, 0]);
    relay.onmessage = undefined;

    const writer = relay.writable.getWriter();
    const reader = relay.readable.getReader();
    const message = {
      data: bytesOf('streamed'),
      remoteAddress: peer.address,
      remotePort: peer.port,
    };
    await writer.write(message);
    expect(await reader.read()).toEqual({ value: message, done: false });
    await relay.close();
    expect(await reader.read()).toMatchObject({ done: true });
  });

  if (forbidden !== undefined) {
    test('a peer that the server refuses: 403, and what to do', async () => {
      const relay = await relayOf();
      const refusal = { code: 'ERR_STUN_RESPONSE', errorCode: 403 };
      const place = { address: forbidden, port: 9 };
      const error = await rejection(relay.permit(place));
      expect(error).toMatchObject({ ...refusal, phase: 'permission' });
      expect(error.hint).toMatch(/\w/);
      expect(await rejection(relay.bindChannel(place))).toMatchObject({
        ...refusal,
        phase: 'channel',
      });
      // Another peer is another matter; after some seconds send() asks again for this one.
      relay.send(bytesOf('x'), place);
      expect(relay.stats()).toMatchObject({ sendDropped: 1 });
      const peer = await peerOf();
      relay.send(bytesOf('still well'), peer);
      expect(await take(relay, 1)).toMatchObject([{ data: bytesOf('still well') }]);
    });

    test('a peer that is refused to send() is told of', async () => {
      const relay = await relayOf();
      const told = nextEvent(relay, 'permission-failed');
      relay.send(bytesOf('x'), { address: forbidden, port: 9 });
      expect(await told).toMatchObject({ address: forbidden, error: { errorCode: 403 } });
    });
  }

  test('a wrong password', async () => {
    const { url } = place();
    const wrong = { username: 'alice', password: 'falsch' };
    const retransmission = wrongPassword.code === 'ERR_STUN_TIMEOUT' ? SOON : undefined;
    const error = await rejection(
      allocate(url, { ...options, credentials: wrong, retransmission }),
    );
    expect(error).toMatchObject({ ...wrongPassword, url });
    expect(error.hint).toMatch(/\w/);
    expect(JSON.stringify(error) + error.stack).not.toContain(wrong.password);
  });

  test('no credentials', async () => {
    const { url } = place();
    const error = await rejection(allocate(url, { ...options, credentials: undefined }));
    expect(error).toMatchObject({ code: 'ERR_STUN_CREDENTIALS_NEEDED', errorCode: 401, url });
    expect(error.hint).toContain("'example.org'");
  });

  test('aborted while the server is silent, it leaves no socket behind', async () => {
    const { url, server } = place();
    await until(() => openSockets() === 0);
    server.freeze();
    try {
      const controller = new AbortController();
      const allocating = rejection(
        allocate(url, { ...options, signal: controller.signal, retransmission: { rtoMs: 60_000 } }),
      );
      await until(() => openSockets() > 0);
      controller.abort(new Error('enough'));
      expect(await allocating).toMatchObject({ message: 'enough' });
    } finally {
      server.thaw();
    }
    await until(() => openSockets() === 0);
  });

  test('aborted at whatever moment, likewise', async () => {
    const { url } = place();
    await until(() => openSockets() === 0);
    let completed = 0;
    // A turn of the event loop later each time, until there is nothing left to abort.
    for (let turns = 0; completed < 2; turns += 1) {
      const controller = new AbortController();
      const reason = new Error('enough');
      const allocating = allocate(url, { ...options, signal: controller.signal });
      const settled = allocating.then(
        (relay) => relay.close(),
        (error) => expect(error).toBe(reason),
      );
      for (let i = 0; i < turns; i += 1) await new Promise(setImmediate);
      controller.abort(reason);
      await settled;
      if (
        await allocating.then(
          () => true,
          () => false,
        )
      )
        completed += 1;
    }
    await until(() => openSockets() === 0);
  });
}
