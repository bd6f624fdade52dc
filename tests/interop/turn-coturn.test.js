// The TURN client on coturn, over everything that leads there.
import { afterAll, beforeAll, describe, jest } from '@jest/globals';
import { openBridge } from '../support/websocket-bridge.js';
import { describeWithCoturn, startCoturn } from './coturn.js';
import { fixtureCertificate } from './support.js';
import { behavesAsRelay } from './turn-behaviours.js';
import { Belongings, relayUrl, users } from './turn-support.js';

jest.setTimeout(60_000);

const FORBIDDEN = '127.0.0.9';
/** Longer ones it cuts off, or over UDP drops: its buffers are of 16 KiB. */
const SIZES = [0, 1, 2, 3, 160, 1200, 4000, 16_000];

describeWithCoturn('relays', () => {
  const belongings = new Belongings();
  /** @type {import('./coturn.js').Coturn} */
  let server;
  /** @type {Record<string, string>} */
  const bridges = {};
  beforeAll(async () => {
    server = await belongings.hold(
      startCoturn({ users, tls: fixtureCertificate.files, deniedPeers: [FORBIDDEN] }),
    );
    for (const address of ['127.0.0.1', '::1']) {
      const upstream = { address, port: server.port };
      bridges[address] = (await belongings.hold(openBridge({ upstream, host: address }))).url;
    }
  });
  afterAll(() => belongings.release());

  describe.each(['127.0.0.1', '::1'])('%s', (host) => {
    describe.each(/** @type {const} */ (['udp', 'tcp', 'tls', 'ws']))('%s', (transport) => {
      behavesAsRelay(
        {
          host,
          transport,
          software: 'Coturn-4',
          echoSizes: SIZES,
          mostToPeer: transport === 'udp' ? 16_000 : 60_000,
          forbidden: FORBIDDEN,
          wrongPassword: { code: 'ERR_STUN_UNAUTHENTICATED', errorCode: 401 },
        },
        () => ({
          server,
          url: transport === 'ws' ? bridges[host] : relayUrl(host, server, transport),
        }),
      );
    });
  });
});
