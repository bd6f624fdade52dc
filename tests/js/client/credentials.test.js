// Credentials (RFC 8489 section 9), against a server that checks them with the codec.
import { describe, expect, test } from '@jest/globals';
import { decode, prepareKey, userhash, verify } from '../../../js/codec/index.js';
import { getMappedAddress, openStunClient } from '../../../js/index.js';
import { failure, MAPPED, memoryServer, rejection, SERVER, success } from './support.js';

/** @typedef {import('../../../js/codec/index.js').Message} Message */

const REALM = 'example.org';
const credentials = { username: 'zoë', password: 'pa:ss wörd' };

/** The cookie of RFC 8489 section 9.2 with 24 feature bits. @param {number} bits */
const cookie = (bits) =>
  `obMatJos2${Buffer.from([bits >> 16, (bits >> 8) & 0xff, bits & 0xff]).toString('base64')}`;
const PASSWORD_ALGORITHMS = 1;
const USERNAME_ANONYMITY = 2;
const MD5 = { algorithm: /** @type {const} */ ('MD5') };
const SHA256 = { algorithm: /** @type {const} */ ('SHA-256') };

/**
 * A server with long-term credentials: challenges who does not sign, refuses who signs wrong, and signs what
 * it answers.
 *
 * @param {object} [options]
 * @param {('MD5' | 'SHA-256')[]} [options.algorithms] offered; none for a server of RFC 5389
 * @param {string[]} [options.nonces] taken in turn; a request with another than the present is told so (438)
 * @param {number} [options.features]
 * @param {string} [options.password]
 * @param {boolean} [options.reliable]
 */
function longTermServer({ algorithms, nonces = ['nonce'], features, password, reliable } = {}) {
  const [algorithm = 'MD5'] = algorithms ?? [];
  const key = prepareKey({
    ...credentials,
    password: password ?? credentials.password,
    realm: REALM,
    algorithm,
  });
  const bits = features ?? (algorithms ? PASSWORD_ALGORITHMS : undefined);
  let present = 0;
  const nonce = () => (bits === undefined ? '' : cookie(bits)) + nonces[present];
  const challenge = () => ({
    realm: REALM,
    nonce: nonce(),
    passwordAlgorithms: algorithms?.map((name) => ({ algorithm: name })),
  });
  const server = memoryServer(
    (request) => {
      const { attributes } = request;
      if (attributes.nonce === undefined) return failure(request, 401, challenge());
      if (attributes.nonce !== nonce()) return failure(request, 438, challenge());
      if (!verify(request, key)) return failure(request, 401, challenge());
      const answer = success(request, {}, { key });
      // The next transaction finds the nonce stale.
      present = Math.min(present + 1, nonces.length - 1);
      return answer;
    },
    { reliable },
  );
  return server;
}

/** @param {Message} request */
const shape = (request) => [...request].map(({ name }) => name);

describe('long-term', () => {
  test('of a server of RFC 5389: MD5 and MESSAGE-INTEGRITY', async () => {
    const server = longTermServer();
    const result = await getMappedAddress(SERVER, { transport: server.transport, credentials });
    expect(result).toMatchObject({ ...MAPPED, authenticated: true, requestsSent: 2 });
    // One request, one answer each: the round trip is that of the second.
    expect(result.roundTripMs).not.toBeNull();
    expect(server.requests.map(shape)).toEqual([
      [],
      ['USERNAME', 'REALM', 'NONCE', 'MESSAGE-INTEGRITY'],
    ]);
    expect(server.requests[1].attributes).toMatchObject({
      username: credentials.username,
      realm: REALM,
      nonce: 'nonce',
    });
    expect(server.requests[1].transactionId).not.toEqual(server.requests[0].transactionId);
  });

  test('of a server of RFC 8489: SHA-256 and MESSAGE-INTEGRITY-SHA256', async () => {
    const server = longTermServer({ algorithms: ['SHA-256', 'MD5'] });
    const result = await getMappedAddress(SERVER, { transport: server.transport, credentials });
    expect(result).toMatchObject({ ...MAPPED, authenticated: true, requestsSent: 2 });
    expect(shape(server.requests[1])).toEqual([
      'USERNAME',
      'REALM',
      'NONCE',
      'PASSWORD-ALGORITHMS',
      'PASSWORD-ALGORITHM',
      'MESSAGE-INTEGRITY-SHA256',
    ]);
    expect(server.requests[1].attributes).toMatchObject({
      passwordAlgorithm: SHA256,
      passwordAlgorithms: [SHA256, MD5],
    });
  });

  test('that hides the user name', async () => {
    const server = longTermServer({
      algorithms: ['SHA-256'],
      features: PASSWORD_ALGORITHMS | USERNAME_ANONYMITY,
    });
    await getMappedAddress(SERVER, { transport: server.transport, credentials });
    const { attributes } = server.requests[1];
    expect(attributes.username).toBeUndefined();
    expect(attributes.userhash).toEqual(userhash({ username: credentials.username, realm: REALM }));
  });

  test('that hides the user name, with the bits counted from the left', async () => {
    const server = longTermServer({ algorithms: ['SHA-256'], features: 0xc0_0000 });
    const { transport, requests } = server;
    await getMappedAddress(SERVER, { transport, credentials, featureBitOrder: 'left' });
    expect(requests[1].attributes.userhash).toBeDefined();
    await getMappedAddress(SERVER, { transport, credentials });
    expect(requests[3].attributes.username).toBe(credentials.username);
  });

  test('over a stream', async () => {
    const { transport } = longTermServer({ reliable: true });
    expect(await getMappedAddress(SERVER, { transport, credentials })).toMatchObject({
      ...MAPPED,
      authenticated: true,
      requestsSent: 2,
    });
  });

  test('of the RTCIceServer', async () => {
    const { transport } = longTermServer();
    const { username, password: credential } = credentials;
    const server = { urls: 'turn:198.51.100.1', username, credential };
    expect(await getMappedAddress(server, { transport })).toMatchObject({ authenticated: true });
  });

  test('a client keeps the challenge: later requests are signed at once', async () => {
    const server = longTermServer();
    const client = await openStunClient(SERVER, { transport: server.transport, credentials });
    await client.bind();
    expect(await client.bind()).toMatchObject({ authenticated: true, requestsSent: 1 });
    await client.close();
    expect(server.requests).toHaveLength(3);
  });

  test('a stale nonce (438) is followed by the new one', async () => {
    const server = longTermServer({ nonces: ['one', 'two'] });
    const client = await openStunClient(SERVER, { transport: server.transport, credentials });
    await client.bind();
    expect(await client.bind()).toMatchObject({ authenticated: true, requestsSent: 2 });
    await client.close();
    expect(server.requests.map(({ attributes }) => attributes.nonce)).toEqual([
      undefined,
      'one',
      'one',
      'two',
    ]);
  });

  test('nonces that are always stale: ERR_STUN_STALE_NONCE', async () => {
    const { transport } = memoryServer((request, { number }) =>
      failure(request, number === 0 ? 401 : 438, { realm: REALM, nonce: `n${number}` }),
    );
    expect(await rejection(getMappedAddress(SERVER, { transport, credentials }))).toMatchObject({
      code: 'ERR_STUN_STALE_NONCE',
      phase: 'challenge',
      errorCode: 438,
    });
  });

  test('a wrong password: ERR_STUN_UNAUTHENTICATED, after one try', async () => {
    const server = longTermServer({ password: 'another' });
    const error = await rejection(
      getMappedAddress(SERVER, { transport: server.transport, credentials }),
    );
    expect(error).toMatchObject({
      code: 'ERR_STUN_UNAUTHENTICATED',
      phase: 'challenge',
      errorCode: 401,
      url: SERVER,
    });
    expect(error.hint).toContain('password');
    expect(server.requests).toHaveLength(2);
  });

  test('neither password nor user name show in the error', async () => {
    const { transport } = longTermServer({ password: 'another' });
    const error = await rejection(getMappedAddress(SERVER, { transport, credentials }));
    const shown = `${error.stack} ${JSON.stringify(error)}`;
    expect(shown).not.toContain(credentials.password);
    expect(shown).not.toContain(credentials.username);
  });

  test('no credentials: ERR_STUN_CREDENTIALS_NEEDED, with the realm', async () => {
    const { transport, requests } = longTermServer();
    const error = await rejection(getMappedAddress(SERVER, { transport }));
    expect(error).toMatchObject({
      code: 'ERR_STUN_CREDENTIALS_NEEDED',
      phase: 'challenge',
      errorCode: 401,
    });
    expect(error.hint).toContain(`'${REALM}'`);
    expect(requests).toHaveLength(1);
  });

  test('for one realm only: no other gets them', async () => {
    const { transport, requests } = longTermServer();
    const given = { ...credentials, realm: 'other.example.org' };
    expect(
      await rejection(getMappedAddress(SERVER, { transport, credentials: given })),
    ).toMatchObject({ code: 'ERR_STUN_CREDENTIALS_NEEDED' });
    expect(requests).toHaveLength(1);
    const right = { ...credentials, realm: REALM };
    expect(await getMappedAddress(SERVER, { transport, credentials: right })).toMatchObject(MAPPED);
  });

  test('a list of algorithms taken out on the way: ERR_STUN_BID_DOWN', async () => {
    const { transport, requests } = memoryServer((request) =>
      failure(request, 401, { realm: REALM, nonce: `${cookie(PASSWORD_ALGORITHMS)}x` }),
    );
    expect(await rejection(getMappedAddress(SERVER, { transport, credentials }))).toMatchObject({
      code: 'ERR_STUN_BID_DOWN',
    });
    expect(requests).toHaveLength(1);
  });
});

describe('short-term', () => {
  const key = prepareKey({ password: credentials.password });
  const shortTerm = { ...credentials, mechanism: /** @type {const} */ ('short-term') };

  test('signs at once, and takes what is signed', async () => {
    const { transport, requests } = memoryServer((request) =>
      verify(request, key) ? success(request, {}, { key, integrity: 'sha256' }) : undefined,
    );
    expect(await getMappedAddress(SERVER, { transport, credentials: shortTerm })).toMatchObject({
      ...MAPPED,
      authenticated: true,
      requestsSent: 1,
    });
    expect(shape(requests[0])).toEqual([
      'USERNAME',
      'MESSAGE-INTEGRITY',
      'MESSAGE-INTEGRITY-SHA256',
    ]);
  });

  test.each(/** @type {const} */ (['sha1', 'sha256']))(
    'goes on with what the server used: %s',
    async (integrity) => {
      const server = memoryServer((request) => success(request, {}, { key, integrity }));
      const { transport } = server;
      const client = await openStunClient(SERVER, { transport, credentials: shortTerm });
      await client.bind();
      await client.bind();
      await client.close();
      const used = integrity === 'sha1' ? 'MESSAGE-INTEGRITY' : 'MESSAGE-INTEGRITY-SHA256';
      expect(shape(server.requests[1])).toEqual(['USERNAME', used]);
    },
  );

  test('a 401 is an answer like any other', async () => {
    const { transport } = memoryServer((request) => failure(request, 401, {}, { key }));
    expect(
      await rejection(getMappedAddress(SERVER, { transport, credentials: shortTerm })),
    ).toMatchObject({ code: 'ERR_STUN_RESPONSE', errorCode: 401 });
  });
});

describe('strings are prepared', () => {
  test('by OpaqueString, unless told otherwise', async () => {
    const spaced = {
      username: 'a\u00a0b',
      password: 'c\u2003d',
      mechanism: /** @type {const} */ ('short-term'),
    };
    const key = prepareKey({ password: 'c d' });
    const { transport, requests } = memoryServer((request) => success(request, {}, { key }));
    await getMappedAddress(SERVER, { transport, credentials: spaced });
    expect(requests[0].attributes.username).toBe('a b');
    expect(verify(decode(requests[0].bytes), key)).toBe(true);
  });

  test('by SASLprep, which replaces compatibility forms', async () => {
    const server = memoryServer(() => undefined);
    const options = {
      transport: server.transport,
      retransmission: { rtoMs: 1, rc: 1, rm: 1 },
      credentials: {
        username: 'Ⅳ',
        password: 'x',
        mechanism: /** @type {const} */ ('short-term'),
        preparation: /** @type {const} */ ('saslprep'),
      },
    };
    await rejection(getMappedAddress(SERVER, options));
    expect(server.requests[0].attributes.username).toBe('IV');
  });

  test('or refused before anything is sent', async () => {
    const { transport, targets } = memoryServer(() => undefined);
    const options = { transport, credentials: { username: 'u', password: '\u0007' } };
    expect(await rejection(getMappedAddress(SERVER, options))).toMatchObject({
      code: 'ERR_STRING_DISALLOWED',
    });
    expect(targets).toEqual([]);
  });
});
