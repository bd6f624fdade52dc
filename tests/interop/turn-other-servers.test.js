// The TURN client on Pion and p1_stun.
import { afterAll, beforeAll, describe, jest } from '@jest/globals';
import { describeWithP1Stun, startP1Stun } from './p1-stun.js';
import { describeWithPion, startPion } from './pion.js';
import { fixtureCertificate } from './support.js';
import { behavesAsRelay } from './turn-behaviours.js';
import { relayUrl, users } from './turn-support.js';

jest.setTimeout(60_000);

const tls = fixtureCertificate.files;
/** @typedef {import('./turn-support.js').TransportName} TransportName */
/** @typedef {(transport: TransportName) => Pick<import('./turn-behaviours.js').Setting, 'software' | 'echoSizes' | 'channelSizes' | 'wrongPassword'>} Facts */

/** Pion reads datagrams from peers into 1600 bytes. */
const PION_SIZES = [0, 1, 2, 3, 160, 1200];

for (const [describeWithServer, start, factsOf] of /** @type {const} */ ([
  [
    describeWithPion,
    () => startPion({ users, tls }),
    /** @type {Facts} */
    (transport) => ({
      echoSizes: PION_SIZES,
      // From a stream it takes no ChannelData of less than 9 bytes before more follows.
      channelSizes: transport === 'udp' ? PION_SIZES : [5, 6, 7, 160, 1200],
      // It answers 400 without MESSAGE-INTEGRITY, which does not count (RFC 8489 section 9.2.5).
      wrongPassword: { code: 'ERR_STUN_TIMEOUT', errorCode: 400 },
    }),
  ],
  [
    describeWithP1Stun,
    () => startP1Stun({ users, tls }),
    /** @type {Facts} */
    () => ({
      echoSizes: [0, 1, 2, 3, 160, 1200, 4000, 16_000],
      wrongPassword: { code: 'ERR_STUN_UNAUTHENTICATED', errorCode: 401 },
      software: 'P1',
    }),
  ],
])) {
  describeWithServer('relays', () => {
    /** @type {import('../support/local-server.js').LocalServer} */
    let server;
    beforeAll(async () => {
      server = await start();
    });
    afterAll(() => server?.stop());

    describe.each(['127.0.0.1', '::1'])('%s', (host) => {
      describe.each(/** @type {const} */ (['udp', 'tcp', 'tls']))('%s', (transport) => {
        behavesAsRelay({ host, transport, ...factsOf(transport) }, () => ({
          server,
          url: relayUrl(host, server, transport),
        }));
      });
    });
  });
}
