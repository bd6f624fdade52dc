// Access tokens of postern/credentials on coturn, whose author provided the samples of RFC 7635.
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { afterEach, expect, jest, test } from '@jest/globals';
import { createAccessToken } from '../../js/credentials/index.js';
import { allocate } from '../../js/index.js';
import { describeWithCoturn, startCoturn } from './coturn.js';
import { rejection } from './support.js';
import { Belongings, expectEcho, relayUrl } from './turn-support.js';

jest.setTimeout(60_000);

const HOST = '127.0.0.1';
const belongings = new Belongings();
afterEach(() => belongings.release());

const serverName = 'turn.example.org';
const sealing = { kid: 'key-1', key: randomBytes(32), serverName };
/** @param {Buffer} [key] */
async function tokenForCoturn(key = sealing.key) {
  const { macKey, ...token } = await createAccessToken({ ...sealing, key });
  // coturn takes no more of it for MESSAGE-INTEGRITY: so long is a key of the long-term mechanism.
  return { ...token, macKey: macKey.subarray(0, 16) };
}

describeWithCoturn('access tokens that createAccessToken() makes', () => {
  test('are read by its tool', async () => {
    const { accessToken, macKey } = await createAccessToken({
      ...sealing,
      // As text, which is what the tool shows.
      macKey: Buffer.from('ZksjpweoixXmvn67534m'),
      nowMs: 1_800_000_000_000,
      ttlSeconds: 1234,
    });
    const shown = execFileSync('turnutils_oauth', [
      ...['-d', '-v', '-i', serverName, '-j', sealing.kid, '-k', sealing.key.toString('base64')],
      ...['-l', '1700000000', '-m', '2000000000', '-n', 'A256GCM'],
      ...['-t', Buffer.from(accessToken).toString('base64')],
    ]).toString();
    expect(shown).toContain(`mac key: ${Buffer.from(macKey)}`);
    expect(shown).toContain('mac key length: 20');
    expect(shown).toContain('unixtime: 1800000000');
    expect(shown).toContain('lifetime: 1234');
  });

  test('are taken by the server, and those of another key are not', async () => {
    const { kid, key } = sealing;
    const server = await belongings.hold(
      startCoturn({
        hosts: [HOST],
        oauth: { serverName, keys: [{ kid, key, algorithm: 'A256GCM' }] },
      }),
    );
    const url = relayUrl(HOST, server, 'udp');
    const credentials = await tokenForCoturn();
    const relay = await belongings.hold(allocate(url, { credentials }));
    await expectEcho(relay);
    await relay.refresh();
    await relay.close();
    const other = await tokenForCoturn(randomBytes(32));
    expect(await rejection(allocate(url, { credentials: other }))).toMatchObject({
      errorCode: 401,
    });
  });
});
