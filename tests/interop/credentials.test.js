// Credentials of postern/credentials on servers that others wrote; and that its explanations are those of the server.
import { createHmac } from 'node:crypto';
import { afterEach, expect, jest, test } from '@jest/globals';
import {
  createCredentials,
  createIceServers,
  explainCredentials,
  normalizeIceServers,
  verifyCredentials,
} from '../../js/credentials/index.js';
import { allocate } from '../../js/index.js';
import { describeWithCoturn, startCoturn } from './coturn.js';
import { describeWithPion, startPion } from './pion.js';
import { rejection } from './support.js';
import { Belongings, expectEcho, relayUrl } from './turn-support.js';

jest.setTimeout(60_000);

const HOST = '127.0.0.1';
const SECRET = 'north';
const belongings = new Belongings();
afterEach(() => belongings.release());

/** Whether the server gives a relay. @param {string} urls @param {{ username: string, credential: string }} credentials */
async function isTaken(urls, credentials) {
  const { username, credential } = credentials;
  try {
    const relay = await allocate({ urls, username, credential });
    await relay.close();
    return true;
  } catch (error) {
    expect(error).toMatchObject({ code: 'ERR_STUN_UNAUTHENTICATED', errorCode: 401 });
    return false;
  }
}

describeWithCoturn('credentials that run out', () => {
  const start = (/** @type {string[]} */ ...args) =>
    belongings.hold(startCoturn({ secret: SECRET, hosts: [HOST], args }));

  test.each([
    ['of a user', 'alice'],
    ['of a user with a colon, beyond ASCII', 'ä:ö'],
    ['of nobody', undefined],
  ])('made here, %s: taken', async (_, userId) => {
    const url = relayUrl(HOST, await start(), 'udp');
    const { iceServers } = await createIceServers({ urls: [url], secret: SECRET, userId });
    await expectEcho(await belongings.hold(allocate(iceServers)));
  });

  test('from the answer of a web service, by the function that allocate() asks', async () => {
    const url = relayUrl(HOST, await start(), 'tcp');
    const { username, credential, ttlSeconds } = await createCredentials({
      secret: SECRET,
      userId: 'alice',
    });
    const answer = JSON.stringify({
      username,
      password: credential,
      ttl: ttlSeconds,
      uris: [`stun:${HOST}`, url],
    });
    const relay = await belongings.hold(
      allocate(url, {
        credentials: () => {
          const { credentials } = normalizeIceServers(JSON.parse(answer));
          return /** @type {{ username: string, credential: string }} */ (credentials);
        },
      }),
    );
    await expectEcho(relay);
  });

  test('with its other separator', async () => {
    const url = relayUrl(HOST, await start('--rest-api-separator=.'), 'udp');
    const made = await createCredentials({ secret: SECRET, userId: 'alice', separator: '.' });
    expect(await isTaken(url, made)).toBe(true);
  });

  test('while secrets are being changed: of both', async () => {
    const url = relayUrl(HOST, await start('--static-auth-secret=south'), 'udp');
    for (const [secretIndex, secret] of [SECRET, 'south', 'east'].entries()) {
      const made = await createCredentials({ secret, userId: 'alice' });
      const verified = await verifyCredentials({ ...made, secrets: [SECRET, 'south'] });
      expect(verified.valid).toBe(secretIndex < 2);
      expect(await isTaken(url, made)).toBe(verified.valid);
    }
  });

  test('what is explained to be wrong is refused', async () => {
    const url = relayUrl(HOST, await start(), 'udp');
    const now = Date.now();
    const base = { secret: SECRET, userId: 'alice' };
    const right = await createCredentials(base);
    const hex = Buffer.from(right.credential, 'base64').toString('hex');
    const cases = /** @type {const} */ ([
      ['expired', await createCredentials({ ...base, nowMs: now - 90_000_000 })],
      ['wrong-secret', await createCredentials({ ...base, secret: 'south' })],
      ['wrong-algorithm', await createCredentials({ ...base, algorithm: 'SHA-256' })],
      ['hex', { ...right, credential: hex }],
      ['unpadded', { ...right, credential: right.credential.replace('=', '') }],
      ['secret-as-credential', { ...right, credential: SECRET }],
      ['wrong-secret', { ...right, username: right.username.replace('alice', 'bob') }],
    ]);
    for (const [id, credentials] of cases) {
      const { valid, findings } = await explainCredentials({ ...credentials, secrets: SECRET });
      expect(valid).toBe(false);
      expect(findings.map((finding) => finding.id)).toEqual([id]);
      expect(await isTaken(url, credentials)).toBe(false);
    }
    expect(await isTaken(url, right)).toBe(true);
  });

  test('the time behind the user is read, as the explanation says, unless the user is a number', async () => {
    const url = relayUrl(HOST, await start(), 'udp');
    const time = Math.floor(Date.now() / 1000) + 3600;
    for (const [user, taken] of /** @type {const} */ ([
      ['alice', true],
      ['42', false],
    ])) {
      const username = `${user}:${time}`;
      const credential = createHmac('sha1', SECRET).update(username).digest('base64');
      const { findings } = await explainCredentials({ username, credential, secrets: SECRET });
      expect(findings.map(({ id }) => id)).toEqual(['swapped-order']);
      expect(await isTaken(url, { username, credential })).toBe(taken);
    }
  });
});

describeWithPion('credentials that run out', () => {
  test('made here, without a user: taken; expired: refused', async () => {
    const server = await belongings.hold(startPion({ secret: SECRET, hosts: [HOST] }));
    const url = relayUrl(HOST, server, 'tcp');
    const { iceServers } = await createIceServers({ urls: url, secret: SECRET });
    await expectEcho(await belongings.hold(allocate(iceServers)));

    const expired = await createCredentials({ secret: SECRET, ttlSeconds: 1, nowMs: 1e12 });
    const { username, credential } = expired;
    // Its refusal is a 400 without a signature, over TCP as well.
    const retransmission = { tiMs: 1000 };
    const error = await rejection(
      allocate({ urls: url, username, credential }, { retransmission }),
    );
    expect(error).toMatchObject({ errorCode: 400 });
  });
});
