// coturn sends its clients on to another server (300 Try Alternate).
import { afterEach, expect, jest, test } from '@jest/globals';
import { allocate } from '../../js/index.js';
import { reservePorts } from '../support/local-server.js';
import { startUdpPeer } from '../support/udp-peers.js';
import { openBridge } from '../support/websocket-bridge.js';
import { describeWithCoturn, startCoturn } from './coturn.js';
import { fixtureCertificate, rejection } from './support.js';
import { Belongings, bytesOf, options, relayUrl, take, users } from './turn-support.js';

jest.setTimeout(60_000);

describeWithCoturn('servers that send their clients on', () => {
  const belongings = new Belongings();
  afterEach(() => belongings.release());
  const tls = fixtureCertificate.files;
  const HOST = '127.0.0.1';
  const start = (/** @type {Parameters<typeof startCoturn>[0]} */ more) =>
    belongings.hold(startCoturn({ hosts: [HOST], users, tls, ...more }));

  test.each(/** @type {const} */ (['udp', 'tcp', 'tls']))('followed over %s', async (transport) => {
    const second = await start({});
    const first = await start({
      alternateServers: [`${HOST}:${second.port}`],
      tlsAlternateServers: [`${HOST}:${second.tlsPort}`],
    });
    const url = relayUrl(HOST, first, transport);
    const relay = await belongings.hold(allocate(url, options));
    const [from, to] =
      transport === 'tls' ? [first.tlsPort, second.tlsPort] : [first.port, second.port];
    expect(relay).toMatchObject({
      url,
      transport,
      serverAddress: { address: HOST, port: to },
      attempts: [{ address: HOST, port: from, code: 'ERR_STUN_RESPONSE', errorCode: 300 }],
    });
    const peer = await belongings.hold(startUdpPeer());
    relay.send(bytesOf('arrived'), peer);
    expect(await take(relay, 1)).toMatchObject([{ data: bytesOf('arrived') }]);
  });

  test('followed over WebSocket, where the other address is that of a gateway too', async () => {
    const second = await start({});
    const upstreamOf = (/** @type {number} */ port) => ({ upstream: { address: HOST, port } });
    const there = await belongings.hold(openBridge(upstreamOf(second.port)));
    const first = await start({ alternateServers: [`${HOST}:${there.port}`] });
    const here = await belongings.hold(openBridge(upstreamOf(first.port)));
    const relay = await belongings.hold(allocate(here.url, options));
    expect(relay).toMatchObject({
      url: here.url,
      transport: 'ws',
      serverAddress: { address: HOST, port: there.port },
      attempts: [{ port: here.port, errorCode: 300 }],
    });
    const peer = await belongings.hold(startUdpPeer());
    relay.send(bytesOf('arrived'), peer);
    expect(await take(relay, 1)).toMatchObject([{ data: bytesOf('arrived') }]);
  });

  test('two that point at each other', async () => {
    const [one, other] = [await reservePorts([HOST]), await reservePorts([HOST])];
    for (const [ports, target] of [
      [one, other],
      [other, one],
    ]) {
      await start({
        ports,
        alternateServers: [`${HOST}:${target.port}`],
        tlsAlternateServers: [`${HOST}:${target.tlsPort}`],
      });
    }
    for (const transport of /** @type {const} */ (['udp', 'tcp', 'tls'])) {
      const error = await rejection(allocate(relayUrl(HOST, one, transport), options));
      expect(error).toMatchObject({ code: 'ERR_REDIRECT_LIMIT', phase: 'redirect' });
      expect(error.attempts).toMatchObject([{ errorCode: 300 }, { errorCode: 300 }]);
    }
  });

  test('one that is down after all', async () => {
    const gone = await start({});
    await gone.stop();
    const first = await start({ alternateServers: [`${HOST}:${gone.port}`] });
    const error = await rejection(allocate(relayUrl(HOST, first, 'tcp'), options));
    expect(error).toMatchObject({ code: 'ERR_TRANSPORT_CONNECT' });
    expect(error.attempts).toMatchObject([{ port: first.port }, { port: gone.port }]);
  });
});
