// Servers that end, freeze, or lose the connection while a relay lives.
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { allocate } from '../../js/index.js';
import { startHttpProxy } from '../support/http-proxy.js';
import { startUdpPeer } from '../support/udp-peers.js';
import { describeWithCoturn, startCoturn } from './coturn.js';
import { fixtureCertificate, rejection } from './support.js';
import {
  Belongings,
  bytesOf,
  openSockets,
  options,
  relayUrl,
  TRANSPORTS,
  take,
  until,
  urlsOf,
  users,
} from './turn-support.js';

jest.setTimeout(60_000);

const HOST = '127.0.0.1';
/** To notice within 3 s, not within 39.5. */
const SOON = { rtoMs: 200, rc: 4, rm: 8, tiMs: 3000 };

describeWithCoturn('relays whose server goes', () => {
  const belongings = new Belongings();
  afterEach(() => belongings.release());
  const start = () =>
    belongings.hold(startCoturn({ hosts: [HOST], users, tls: fixtureCertificate.files }));
  const relayAt = (/** @type {string} */ url, more = {}) =>
    belongings.hold(allocate(url, { ...options, ...more }));

  /** All that waits for the relay ends with it. @param {import('../../js/index.js').Relay} relay */
  function watch(relay) {
    return {
      iteration: take(relay, 1).then(
        () => undefined,
        (error) => error,
      ),
      stream: relay.writable.getWriter().closed.then(
        () => undefined,
        (error) => error,
      ),
    };
  }

  /** @param {string} url */
  async function expectNewRelay(url) {
    const relay = await relayAt(url);
    const peer = await belongings.hold(startUdpPeer());
    relay.send(bytesOf('anew'), peer);
    expect(await take(relay, 1)).toMatchObject([{ data: bytesOf('anew') }]);
  }

  describe.each(TRANSPORTS)('%s', (transport) => {
    test('started anew: it knows no allocation, and a new one works', async () => {
      const server = await start();
      const url = (await urlsOf(server, belongings))[transport];
      const relay = await relayAt(url);
      const { iteration, stream } = watch(relay);
      await server.restart('SIGKILL');
      if (transport === 'udp') {
        expect(await rejection(relay.refresh())).toMatchObject({ errorCode: 437 });
      }
      const { reason, error } = await relay.closed;
      expect(reason).toBe(transport === 'udp' ? 'refused' : 'transport');
      expect(error).toMatchObject({ code: expect.stringMatching(/^ERR_/) });
      expect(await iteration).toBe(error);
      expect(await stream).toBe(error);
      expect(await rejection(relay.permit('127.0.0.1'))).toBe(error);
      await relay.close();
      await expectNewRelay(url);
    });

    test('gone for good: the next Refresh tells', async () => {
      const server = await start();
      const relay = await relayAt((await urlsOf(server, belongings))[transport], {
        retransmission: SOON,
        refreshEveryMs: 300,
      });
      const { iteration } = watch(relay);
      await server.halt('SIGKILL');
      const { reason, error } = await relay.closed;
      expect(['timeout', 'transport']).toContain(reason);
      expect(await iteration).toBe(error);
      expect(await rejection(relay.bindChannel({ address: HOST, port: 9 }))).toBe(error);
    });
  });

  describe.each(/** @type {const} */ (['udp', 'tcp']))('%s, and', (transport) => {
    test('frozen: what was asked for fails in time, and so does the relay', async () => {
      const server = await start();
      const url = relayUrl(HOST, server, transport);
      const relay = await relayAt(url, { retransmission: SOON });
      server.freeze();
      const permitting = rejection(relay.permit('127.0.0.1'));
      const refreshing = rejection(relay.refresh());
      expect(await permitting).toMatchObject({ code: 'ERR_STUN_TIMEOUT' });
      await refreshing;
      const { reason } = await relay.closed;
      expect(reason).toBe('timeout');
      server.thaw();
      await expectNewRelay(url);
    });

    test('frozen for a moment: nothing is lost but the time', async () => {
      const server = await start();
      const relay = await relayAt(relayUrl(HOST, server, transport));
      const peer = await belongings.hold(startUdpPeer());
      server.freeze();
      const permitting = relay.permit(peer);
      const refreshing = relay.refresh();
      await wait(700);
      server.thaw();
      await Promise.all([permitting, refreshing]);
      relay.send(bytesOf('awake'), peer);
      expect(await take(relay, 1)).toMatchObject([{ data: bytesOf('awake') }]);
    });

    test('close() at a frozen one: a second, and no socket is left', async () => {
      const server = await start();
      const relay = await relayAt(relayUrl(HOST, server, transport));
      server.freeze();
      await relay.close();
      server.thaw();
      expect(await relay.closed).toEqual({ reason: 'closed' });
      await until(() => openSockets() === 0);
    });
  });

  test('a connection that is cut', async () => {
    const server = await start();
    const proxy = await belongings.hold(startHttpProxy());
    const url = relayUrl(HOST, server, 'tcp');
    const relay = await relayAt(url, { proxy: proxy.url() });
    const { iteration, stream } = watch(relay);
    for (const socket of proxy.sockets) socket.resetAndDestroy();
    const { reason, error } = await relay.closed;
    expect(reason).toBe('transport');
    expect(error).toMatchObject({ code: 'ERR_TRANSPORT_CLOSED' });
    expect(await iteration).toBe(error);
    expect(await stream).toBe(error);
    await expectNewRelay(url);
  });
});
