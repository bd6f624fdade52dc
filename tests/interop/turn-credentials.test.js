// Credentials of all kinds on coturn: nonces that go stale, shared secrets, tokens.
import { createCipheriv, createHmac, randomBytes } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, expect, jest, test } from '@jest/globals';
import { allocate, checkIceServers } from '../../js/index.js';
import { startTcpEcho } from '../support/tcp-peers.js';
import { startUdpPeer } from '../support/udp-peers.js';
import { describeWithCoturn, startCoturn } from './coturn.js';
import { describeWithP1Stun, startP1Stun } from './p1-stun.js';
import { describeWithPion, startPion } from './pion.js';
import { fixtureCertificate, rejection } from './support.js';
import {
  Belongings,
  expectEcho,
  nextEvent,
  options,
  relayUrl,
  TRANSPORTS,
  urlsOf,
  users,
} from './turn-support.js';

jest.setTimeout(60_000);

/** @typedef {import('../../js/index.js').Relay} Relay */

const HOST = '127.0.0.1';
const belongings = new Belongings();
afterEach(() => belongings.release());

/** As a web service hands them out. @param {string} secret @param {string} suffix @param {number} inSeconds */
function shortLived(secret, suffix, inSeconds) {
  const username = `${Math.floor(Date.now() / 1000) + inSeconds}${suffix}`;
  return { username, credential: createHmac('sha1', secret).update(username).digest('base64') };
}

describeWithCoturn('nonces that live for a second', () => {
  // The clock is the server's: all of them wait together.
  test('everything goes on, over each transport', async () => {
    const tls = fixtureCertificate.files;
    const server = await belongings.hold(
      startCoturn({ users, staleNonceSeconds: 1, hosts: [HOST], tls }),
    );
    const urls = await urlsOf(server, belongings);
    await Promise.all(
      TRANSPORTS.map(async (transport) => {
        const relay = await belongings.hold(allocate(urls[transport], options));
        const reliable = urls[transport === 'udp' ? 'tcp' : transport];
        const tcpRelay = await belongings.hold(
          allocate(reliable, { ...options, relayTransport: 'tcp' }),
        );
        const [peer, other, echo] = await Promise.all([
          belongings.hold(startUdpPeer()),
          belongings.hold(startUdpPeer({ host: '127.0.0.2' })),
          belongings.hold(startTcpEcho()),
        ]);
        for (const request of [
          () => relay.refresh(),
          () => relay.permit(peer),
          () => relay.bindChannel(peer),
          // Several at once learn of it at once.
          () => Promise.all([relay.refresh(), relay.permit('127.0.0.3'), relay.bindChannel(other)]),
          () => tcpRelay.connect(echo),
        ]) {
          await wait(1100);
          await request();
        }
        await expectEcho(relay);
        await wait(1100);
        await relay.close();
        expect(await relay.closed).toEqual({ reason: 'closed' });
      }),
    );
  });
});

describeWithCoturn('shared secrets', () => {
  test('taken; too old, or of another secret: said', async () => {
    const server = await belongings.hold(startCoturn({ secret: 'north', hosts: [HOST] }));
    const urls = relayUrl(HOST, server, 'udp');
    const relay = await belongings.hold(allocate({ urls, ...shortLived('north', ':alice', 3600) }));
    await expectEcho(relay);
    const rows = await checkIceServers([
      { urls, ...shortLived('north', ':alice', 3600) },
      { urls, ...shortLived('north', ':alice', -3600) },
      { urls, ...shortLived('south', ':alice', 3600) },
    ]);
    expect(rows).toMatchObject([
      { ok: true, dataPath: 'proven' },
      { ok: false, code: 'ERR_STUN_UNAUTHENTICATED', errorCode: 401 },
      { ok: false, code: 'ERR_STUN_UNAUTHENTICATED', errorCode: 401 },
    ]);
    expect(rows[1].hint).toMatch(/ran out 1 h ago/);
    expect(rows[2].hint).toMatch(/another secret/);
  });

  test('a function is asked, and asked again before they run out', async () => {
    const server = await belongings.hold(startCoturn({ secret: 'north', hosts: [HOST] }));
    /** @type {(value?: undefined) => void} */
    let asked = () => {};
    const askedAgain = new Promise((/** @type {(value?: undefined) => void} */ resolve) => {
      asked = resolve;
    });
    let times = 0;
    // The same user: coturn lets no other go on with an allocation (441).
    const same = shortLived('north', ':alice', 3600);
    const relay = await belongings.hold(
      allocate(relayUrl(HOST, server, 'udp'), {
        credentials: () => {
          times += 1;
          if (times === 2) asked();
          return { ...same, expiresAt: Date.now() + 2000 };
        },
      }),
    );
    const refreshed = nextEvent(relay, 'refreshed');
    await askedAgain;
    await refreshed;
    await expectEcho(relay);
  });
});

describeWithCoturn('other credentials in between', () => {
  test('of the same user: taken; of another: refused, and the first ones serve on', async () => {
    const server = await belongings.hold(
      startCoturn({ users: { alice: 'one', bob: 'two' }, hosts: [HOST] }),
    );
    const alice = { username: 'alice', password: 'one' };
    const relay = await belongings.hold(
      allocate(relayUrl(HOST, server, 'udp'), { credentials: alice }),
    );
    const refreshed = nextEvent(relay, 'refreshed');
    relay.setCredentials(alice);
    await refreshed;
    const refused = nextEvent(relay, 'credentials-refused');
    relay.setCredentials({ username: 'bob', password: 'two' });
    expect(await refused).toMatchObject({ error: { errorCode: 441 } });
    await relay.refresh();
    await expectEcho(relay);
  });
});

describeWithPion('other credentials in between', () => {
  test('a wrong password: 400 without a signature, and in the end the first one serves on', async () => {
    const server = await belongings.hold(startPion({ users, hosts: [HOST] }));
    const retransmission = { rtoMs: 200, rc: 4, rm: 8 }; // 3 s
    const relay = await belongings.hold(
      allocate(relayUrl(HOST, server, 'udp'), { ...options, retransmission }),
    );
    const refused = nextEvent(relay, 'credentials-refused');
    relay.setCredentials({ username: 'alice', password: 'falsch' });
    expect(await refused).toMatchObject({ error: { code: 'ERR_STUN_TIMEOUT', errorCode: 400 } });
    await relay.refresh();
    await expectEcho(relay);
  });
});

describeWithP1Stun('other credentials in between', () => {
  test('of another user: what is signed for the first one is not believed', async () => {
    const server = await belongings.hold(
      startP1Stun({ users: { alice: 'one', bob: 'two' }, hosts: [HOST] }),
    );
    const relay = await belongings.hold(
      allocate(relayUrl(HOST, server, 'tcp'), {
        credentials: { username: 'alice', password: 'one' },
      }),
    );
    const refused = nextEvent(relay, 'credentials-refused');
    relay.setCredentials({ username: 'bob', password: 'two' });
    expect(await refused).toMatchObject({ error: { code: 'ERR_STUN_INTEGRITY' } });
    await relay.refresh();
    await expectEcho(relay);
  });
});

describeWithPion('shared secrets', () => {
  test('its user names are bare times', async () => {
    const server = await belongings.hold(startPion({ secret: 'north', hosts: [HOST] }));
    const urls = relayUrl(HOST, server, 'tcp');
    const relay = await belongings.hold(allocate({ urls, ...shortLived('north', '', 3600) }));
    await expectEcho(relay);
  });
});

describeWithCoturn('tokens of an authorization server', () => {
  const key = randomBytes(32);
  const kid = 'north';
  const serverName = 'turn.example.org';

  /**
   * A self-contained token (RFC 7635 section 6.2): AES-256-GCM over the MAC key, a timestamp of 48 + 16 bits, and the
   * lifetime, with the server's name as associated data.
   *
   * @param {number} [issuedSecondsAgo]
   */
  function makeToken(issuedSecondsAgo = 0) {
    const macKey = randomBytes(20);
    const plain = Buffer.alloc(2 + macKey.length + 8 + 4);
    plain.writeUInt16BE(macKey.length);
    macKey.copy(plain, 2);
    const seconds = BigInt(Math.floor(Date.now() / 1000) - issuedSecondsAgo);
    plain.writeBigUInt64BE(seconds << 16n, 2 + macKey.length);
    plain.writeUInt32BE(3600, 2 + macKey.length + 8);
    const nonce = randomBytes(12);
    const cipher = createCipheriv('aes-256-gcm', key, nonce);
    cipher.setAAD(Buffer.from(serverName));
    const sealed = [cipher.update(plain), cipher.final(), cipher.getAuthTag()];
    const nonceLength = Buffer.alloc(2);
    nonceLength.writeUInt16BE(nonce.length);
    const accessToken = Buffer.concat([nonceLength, nonce, ...sealed]);
    // coturn takes no more of it for MESSAGE-INTEGRITY: so long is a key of the long-term mechanism.
    return { kid, macKey: macKey.subarray(0, 16), accessToken };
  }

  const start = () =>
    belongings.hold(
      startCoturn({
        hosts: [HOST],
        oauth: { serverName, keys: [{ kid, key, algorithm: 'A256GCM' }] },
      }),
    );

  test.each(/** @type {const} */ (['udp', 'tcp']))('taken over %s', async (transport) => {
    const url = relayUrl(HOST, await start(), transport);
    const relay = await belongings.hold(allocate(url, { credentials: makeToken() }));
    await expectEcho(relay);
    await relay.refresh();
    await relay.bindChannel({ address: HOST, port: 9 });
    await relay.close();
    expect(await relay.closed).toEqual({ reason: 'closed' });
  });

  test('not taken when it is of another key; a password is no token', async () => {
    const url = relayUrl(HOST, await start(), 'udp');
    const { accessToken, ...token } = makeToken();
    accessToken[accessToken.length - 1] ^= 1;
    for (const credentials of [{ ...token, accessToken }, options.credentials]) {
      const error = await rejection(allocate(url, { credentials }));
      expect(error.errorCode ?? 401).toBe(401);
      expect(error.hint).toContain(`'${serverName}'`);
    }
  });
});
