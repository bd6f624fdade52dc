// Relays that move to another 5-tuple (RFC 8016) on coturn.
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { allocate } from '../../js/index.js';
import { startUdpPeer } from '../support/udp-peers.js';
import { describeWithCoturn, startCoturn } from './coturn.js';
import { rejection } from './support.js';
import { Belongings, bytesOf, nextEvent, options, relayUrl, take, users } from './turn-support.js';

jest.setTimeout(60_000);

const HOST = '127.0.0.1';

describeWithCoturn('mobility', () => {
  const belongings = new Belongings();
  afterEach(() => belongings.release());
  /** @param {Parameters<typeof startCoturn>[0]} more */
  async function relayAt(
    more,
    { transport = /** @type {'udp' | 'tcp'} */ ('udp'), asks = true } = {},
  ) {
    const server = await belongings.hold(startCoturn({ hosts: [HOST], users, ...more }));
    const url = relayUrl(HOST, server, transport);
    return belongings.hold(allocate(url, { ...options, mobility: asks }));
  }

  test('the relayed address stays, and what is sent and comes finds its way', async () => {
    const relay = await relayAt({ mobility: true });
    const peer = await belongings.hold(startUdpPeer());
    const other = await belongings.hold(startUdpPeer({ host: '127.0.0.2' }));
    const channel = await relay.bindChannel(peer);
    await relay.permit(other);
    const { port } = relay.relayedAddress;
    /** @type {number[]} */
    const ports = [relay.localAddress.port];
    for (const [i, localAddress] of [undefined, '127.0.0.1', '127.0.0.3'].entries()) {
      const moved = nextEvent(relay, 'moved');
      await relay.move({ localAddress });
      expect(await moved).toMatchObject({ localAddress: relay.localAddress });
      if (localAddress !== undefined) expect(relay.localAddress.address).toBe(localAddress);
      ports.push(relay.localAddress.port);

      channel.send(bytesOf(`by channel ${i}`));
      expect(await take(relay, 1)).toMatchObject([
        { data: bytesOf(`by channel ${i}`), channel: channel.number },
      ]);
      expect(peer.lastSource).toMatchObject({ port });
      relay.send(bytesOf(`by Send ${i}`), other);
      expect(await take(relay, 1)).toMatchObject([{ data: bytesOf(`by Send ${i}`) }]);
      expect(other.lastSource).toMatchObject({ port });
    }
    expect(new Set(ports).size).toBe(ports.length);
    await relay.close();
    expect(await relay.closed).toEqual({ reason: 'closed' });
  });

  // After the Refresh with the ticket it sends a bare MESSAGE-INTEGRITY, without a message around it.
  test('over TCP its answer to a move is no message: said, and nothing hangs', async () => {
    const relay = await relayAt({ mobility: true }, { transport: 'tcp' });
    expect(await rejection(relay.move())).toMatchObject({
      code: 'ERR_STREAM_DESYNCHRONISED',
      phase: 'move',
    });
    await relay.close();
    await relay.closed;
  });

  test('a server that does not do it: 405', async () => {
    const error = await rejection(relayAt({ mobility: false }));
    expect(error).toMatchObject({ code: 'ERR_STUN_RESPONSE', errorCode: 405 });
    expect(error.hint).toMatch(/\w/);
  });

  describe('without having asked for it', () => {
    test('move() says so, and the relay stays', async () => {
      const relay = await relayAt({ mobility: true }, { asks: false });
      const peer = await belongings.hold(startUdpPeer());
      expect(await rejection(relay.move())).toMatchObject({ code: 'ERR_TURN_NO_MOBILITY' });
      relay.send(bytesOf('still here'), peer);
      expect(await take(relay, 1)).toMatchObject([{ data: bytesOf('still here') }]);
    });
  });
});
