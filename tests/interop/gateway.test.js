// Our gateway in front of real servers: a relay through it is as good as any, over each way to the server.
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { WebSocket } from 'ws';
import { createGateway, createTicket } from '../../js/gateway/index.js';
import { allocate } from '../../js/index.js';
import { startUdpPeer } from '../support/udp-peers.js';
import { describeWithCoturn, startCoturn } from './coturn.js';
import { describeWithPion, startPion } from './pion.js';
import { fixtureCertificate } from './support.js';
import { behavesAsRelay } from './turn-behaviours.js';
import { Belongings, options, take, users } from './turn-support.js';

/** @typedef {import('../support/local-server.js').LocalServer} LocalServer */
/** @typedef {import('../../js/gateway/index.js').GatewayOptions} GatewayOptions */

jest.setTimeout(60_000);

const SECRET = 'a secret of sixteen bytes and more';
const FORBIDDEN = '127.0.0.9';
const ORIGIN = 'https://app.example.org';
const TRANSPORTS = /** @type {const} */ (['udp', 'tcp', 'tls']);

class Page extends WebSocket {
  /** @param {string} url @param {string[]} protocols */
  constructor(url, protocols) {
    super(url, protocols, { origin: ORIGIN });
  }
}

// What the tests of relays give allocate(): here with a fresh ticket for each WebSocket.
Object.assign(options, {
  WebSocket: Page,
  ticket: (/** @type {{ url: string }} */ { url }) =>
    createTicket({ secret: SECRET, upstream: url.split('/').at(-1) ?? '', origin: ORIGIN }).ticket,
});

/** @param {LocalServer} server @param {Partial<GatewayOptions>} [more] */
const gatewayBefore = ({ port, tlsPort }, more) =>
  createGateway({
    port: 0,
    origins: [ORIGIN],
    tickets: { secret: SECRET },
    policy: { allow: ['127.0.0.0/8'] },
    upstreams: {
      udp: { url: `turn:127.0.0.1:${port}`, allowPrivate: true },
      tcp: { url: `turn:127.0.0.1:${port}?transport=tcp`, allowPrivate: true },
      tls: {
        url: `turns:127.0.0.1:${tlsPort}`,
        allowPrivate: true,
        tls: { ca: fixtureCertificate.ca },
      },
    },
    limits: {
      connectsPerMinutePerIp: Infinity,
      connectionsPerIp: Infinity,
      messagesPerSecond: Infinity,
      bytesPerSecond: Infinity,
    },
    ...more,
  });

describeWithCoturn('relays through the gateway', () => {
  const belongings = new Belongings();
  /** @type {LocalServer} */ let server;
  /** @type {Awaited<ReturnType<typeof createGateway>>} */ let gateway;
  beforeAll(async () => {
    const tls = fixtureCertificate.files;
    server = await belongings.hold(startCoturn({ users, tls, deniedPeers: [FORBIDDEN] }));
    gateway = await gatewayBefore(server);
  });
  afterAll(async () => {
    await gateway?.close();
    await belongings.release();
  });

  describe.each(TRANSPORTS)('and %s', (transport) => {
    behavesAsRelay(
      {
        host: '127.0.0.1',
        transport: 'ws',
        software: 'Coturn-4',
        echoSizes: [0, 1, 2, 3, 160, 1200, 4000, 16_000],
        mostToPeer: transport === 'udp' ? 16_000 : 60_000,
        forbidden: FORBIDDEN,
        wrongPassword: { code: 'ERR_STUN_UNAUTHENTICATED', errorCode: 401 },
      },
      () => ({ server, url: `${gateway.url}${transport}` }),
    );
  });

  test('2,000 datagrams there and back, none lost, doubled or changed', async () => {
    const count = 2000;
    const peer = await belongings.hold(startUdpPeer());
    for (const transport of TRANSPORTS) {
      const relay = await belongings.hold(allocate(`${gateway.url}${transport}`, options));
      const channel = await relay.bindChannel(peer);
      /** @type {number[]} */
      const received = [];
      await new Promise((resolve) => {
        let sent = 0;
        const pump = () => {
          while (sent < count && sent - received.length < 32) {
            const bytes = new Uint8Array(8 + (sent % 900));
            new DataView(bytes.buffer).setUint32(0, sent++);
            channel.send(bytes);
          }
        };
        channel.onmessage = (data) => {
          const view = new DataView(data.buffer, data.byteOffset);
          received.push(data.length === 8 + (view.getUint32(0) % 900) ? view.getUint32(0) : -1);
          if (received.length === count) resolve(undefined);
          pump();
        };
        pump();
      });
      expect([...received].sort((a, b) => a - b)).toEqual([...Array(count).keys()]);
      await relay.close();
    }
    const { dropped, denied } = gateway.stats();
    expect({ dropped, denied }).toEqual({ dropped: {}, denied: {} });
  });
});

describeWithCoturn('peers that the server allows and the gateway does not', () => {
  test('are refused, and the client is told which it was', async () => {
    const belongings = new Belongings();
    const server = await belongings.hold(startCoturn({ users, hosts: ['127.0.0.1'] }));
    const gateway = await gatewayBefore(server, {
      policy: {},
      upstreams: {
        udp: { url: `turn:127.0.0.1:${server.port}`, allowPrivate: true },
      },
    });
    try {
      const peer = await belongings.hold(startUdpPeer());
      const relay = await allocate(`${gateway.url}udp`, options);
      await expect(relay.permit(peer)).rejects.toMatchObject({ code: 'ERR_TRANSPORT_CLOSED' });
      const { reason, error } = await relay.closed;
      expect([reason, error?.message]).toEqual([
        expect.any(String),
        expect.stringContaining("the server behind it, or the peer, is not allowed (4403, 'peer')"),
      ]);
      expect(peer.datagrams).toBe(0);
      expect(gateway.stats().denied).toEqual({ loopback: 1 });
    } finally {
      await gateway.close();
      await belongings.release();
    }
  });
});

describeWithPion('Pion through the gateway', () => {
  test.each(TRANSPORTS)('over %s', async (transport) => {
    const belongings = new Belongings();
    const tls = fixtureCertificate.files;
    const server = await belongings.hold(startPion({ users, tls }));
    const gateway = await gatewayBefore(server);
    try {
      const peer = await belongings.hold(startUdpPeer());
      const relay = await belongings.hold(allocate(`${gateway.url}${transport}`, options));
      relay.send(Uint8Array.of(1, 2, 3), peer);
      const [{ data }] = await take(relay, 1);
      expect([...data]).toEqual([1, 2, 3]);
    } finally {
      await belongings.release();
      await gateway.close();
    }
  });
});
