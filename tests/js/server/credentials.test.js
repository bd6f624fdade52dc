// Who may use a server: users of a list, of a function, with time-limited credentials, with access tokens; or everybody.
import { afterEach, describe, expect, test } from '@jest/globals';
import { createAccessToken, createCredentials } from '../../../js/credentials/index.js';
import { gate, rejection } from '../client/support.js';
import {
  cleanUp,
  HandClient,
  HOST,
  heardExceptions,
  ping,
  relayAt,
  startServer,
  until,
  wireTo,
} from './support.js';

/** @typedef {import('../../../js/server/index.js').ServerOptions} ServerOptions */

afterEach(cleanUp);

describe('a list of users', () => {
  test.each([
    ['user', 'pass'],
    ['üser', 'pässwörd'],
    ['名前', 'パスワード'],
    ['us:er', 'pa:ss'],
    ['with spaces', 'with  spaces'],
    ['u'.repeat(500), 'p'.repeat(500)],
  ])('%s', async (username, password) => {
    const server = await startServer({ credentials: { [username]: password } });
    await relayAt(server, { credentials: { username, password } });
    expect(server.allocations()[0].username).toBe(username);
    const wrong = { username, password: `${password}x` };
    expect(await rejection(relayAt(server, { credentials: wrong }))).toMatchObject({
      code: 'ERR_STUN_UNAUTHENTICATED',
      errorCode: 401,
    });
    expect(server.stats().wrongPassword).toBeGreaterThan(0);
  });

  test('a name in another normal form is the same user', async () => {
    const server = await startServer({ credentials: { üser: 'pass' } });
    await relayAt(server, { credentials: { username: 'u\u0308ser', password: 'pass' } });
  });

  test('names that objects have of their own are nobody’s', async () => {
    const server = await startServer();
    const credentials = { username: 'constructor', password: 'undefined' };
    expect(await rejection(relayAt(server, { credentials }))).toMatchObject({ errorCode: 401 });
    expect(server.stats().unknownUser).toBeGreaterThan(0);
  });

  test('changes while the server runs', async () => {
    const server = await startServer();
    const late = { username: 'late', password: 'one' };
    expect(await rejection(relayAt(server, { credentials: late }))).toMatchObject({
      errorCode: 401,
    });
    server.setUser('late', 'one');
    const relay = await relayAt(server, { credentials: late });
    server.setUser('late', 'two');
    expect(await rejection(relayAt(server, { credentials: late }))).toMatchObject({
      errorCode: 401,
    });
    await relayAt(server, { credentials: { username: 'late', password: 'two' } });
    expect(server.removeUser('late')).toBe(true);
    expect(server.removeUser('late')).toBe(false);
    expect(
      await rejection(relayAt(server, { credentials: { username: 'late', password: 'two' } })),
    ).toMatchObject({ errorCode: 401 });
    expect(server.allocations()).toHaveLength(2);
    await relay.close();
  });

  test('what no name or password can be', async () => {
    const server = await startServer();
    for (const [name, password, code] of /** @type {const} */ ([
      ['', 'pass', 'ERR_STRING_EMPTY'],
      ['user', '', 'ERR_STRING_EMPTY'],
      ['a\u0007', 'pass', 'ERR_STRING_DISALLOWED'],
      ['u'.repeat(600), 'pass', 'ERR_STUN_CREDENTIALS'],
    ])) {
      expect(() => server.setUser(name, password)).toThrow(expect.objectContaining({ code }));
    }
    expect(() => server.removeUser('')).toThrow(
      expect.objectContaining({ code: 'ERR_STRING_EMPTY' }),
    );
  });
});

describe('time-limited credentials', () => {
  /** @param {string} secret @param {number} [ttlSeconds] */
  async function made(secret, ttlSeconds) {
    const { username, credential } = await createCredentials({
      secret,
      userId: 'alice',
      ttlSeconds,
    });
    return { username, password: credential };
  }

  test('are good with the secret, and until they run out', async () => {
    const server = await startServer({ credentials: undefined, secret: 'shared' });
    const credentials = await made('shared');
    await relayAt(server, { credentials });
    expect(server.allocations()[0].username).toBe(credentials.username);
    expect(await rejection(relayAt(server, { credentials: await made('other') }))).toMatchObject({
      errorCode: 401,
    });
    const [, name] = credentials.username.split(':');
    const { createHmac } = await import('node:crypto');
    const past = `${Math.floor(Date.now() / 1000) - 5}:${name}`;
    const password = createHmac('sha1', 'shared').update(past).digest('base64');
    const expired = { username: past, password };
    expect(await rejection(relayAt(server, { credentials: expired }))).toMatchObject({
      errorCode: 401,
    });
    expect(server.stats()).toMatchObject({ wrongPassword: 1, expiredUser: 1 });
  });

  test('of an old secret are good until it is taken away', async () => {
    const server = await startServer({ credentials: undefined, secret: 'old' });
    const [before, after] = [await made('old'), await made('new')];
    await relayAt(server, { credentials: before });
    server.setSecret(['old', 'new']);
    await relayAt(server, { credentials: before });
    await relayAt(server, { credentials: after });
    server.setSecret('new');
    await relayAt(server, { credentials: after });
    expect(await rejection(relayAt(server, { credentials: before }))).toMatchObject({
      errorCode: 401,
    });
    for (const secret of ['', [], ['a', 'b', 'c', 'd', 'e']]) {
      expect(() => server.setSecret(secret)).toThrow(
        expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT', argument: 'options.secret' }),
      );
    }
  });

  test('stand beside a list of users', async () => {
    const server = await startServer({ secret: 'shared' });
    await relayAt(server);
    await relayAt(server, { credentials: await made('shared') });
  });
});

describe('a function that finds passwords', () => {
  test('is asked with name and realm, and remembered by the allocation alone', async () => {
    /** @type {[string, string][]} */
    const asked = [];
    const server = await startServer({
      credentials: async (username, realm) => {
        asked.push([username, realm]);
        return username === 'üser' ? 'pässword' : undefined;
      },
    });
    const credentials = { username: 'üser', password: 'pässword' };
    const relay = await relayAt(server, { credentials });
    expect(asked).toEqual([['üser', 'example.org']]);
    await relay.permit(HOST);
    await relay.refresh();
    expect(asked).toHaveLength(1);
    await relayAt(server, { credentials });
    expect(asked).toHaveLength(2);
    const stranger = { username: 'nobody', password: 'x' };
    expect(await rejection(relayAt(server, { credentials: stranger }))).toMatchObject({
      errorCode: 401,
    });
    const wrong = { username: 'üser', password: 'x' };
    expect(await rejection(relayAt(server, { credentials: wrong }))).toMatchObject({
      errorCode: 401,
    });
    expect(server.stats().questionsAsked).toBeGreaterThanOrEqual(4);
  });

  test.each([
    ['a string', () => 'pass'],
    ['a promise', async () => 'pass'],
  ])('may return %s', async (_, find) => {
    const server = await startServer({ credentials: find });
    await relayAt(server, { credentials: { username: 'any', password: 'pass' } });
  });

  test.each([
    ['undefined', () => undefined],
    ['null', () => /** @type {any} */ (null)],
  ])('%s is nobody', async (_, find) => {
    const server = await startServer({ credentials: find });
    const credentials = { username: 'any', password: 'pass' };
    expect(await rejection(relayAt(server, { credentials }))).toMatchObject({ errorCode: 401 });
  });

  test.each([
    [
      'throws',
      () => {
        throw new Error('the database is down');
      },
    ],
    ['rejects', async () => Promise.reject(new Error('the database is down'))],
  ])('%s: the client is refused, and the caller hears why', async (_, find) => {
    const server = await startServer({ credentials: find });
    const heard = heardExceptions();
    const client = new HandClient(await wireTo(server, 'udp'));
    expect((await client.allocate()).attributes.errorCode?.code).toBe(401);
    expect(heard).toMatchObject([{ message: 'the database is down' }]);
    expect(await ping(await wireTo(server, 'udp'))).toBeDefined();
  });

  test('returns what no password can be: as if it had thrown', async () => {
    const server = await startServer({ credentials: () => '' });
    const heard = heardExceptions();
    const client = new HandClient(await wireTo(server, 'udp'));
    expect((await client.allocate()).attributes.errorCode?.code).toBe(401);
    expect(heard).toMatchObject([{ code: 'ERR_STRING_EMPTY' }]);
  });

  test('is slow: the requests wait, and others are served meanwhile', async () => {
    const { opened, open } = gate();
    let asked = 0;
    const server = await startServer({
      credentials: async (username) => {
        asked += 1;
        if (username === 'slow') await opened;
        return 'pass';
      },
    });
    const slow = relayAt(server, { credentials: { username: 'slow', password: 'pass' } });
    await until(() => asked === 1);
    await relayAt(server, { credentials: { username: 'quick', password: 'pass' } });
    expect(server.allocations().map(({ username }) => username)).toEqual(['quick']);
    open();
    await slow;
    expect(server.allocations().map(({ username }) => username)).toEqual(['quick', 'slow']);
  });

  test('never answers: no more than a quarter of the places are one client’s', async () => {
    let asked = 0;
    const server = await startServer({
      credentials: () => {
        asked += 1;
        return new Promise(() => {});
      },
    });
    const clients = await Promise.all(Array.from({ length: 80 }, () => wireTo(server, 'udp')));
    for (const wire of clients) {
      const client = new HandClient(wire);
      const { attributes } = await client.bare('Allocate', { requestedTransport: 17 });
      client.challenge = { realm: attributes.realm ?? '', nonce: attributes.nonce ?? '' };
      wire.send(client.signed('Allocate', { requestedTransport: 17 }));
    }
    await until(() => {
      const { questionsAsked, questionsDropped } = server.stats();
      return questionsAsked + questionsDropped === 80;
    });
    expect(asked).toBe(64);
    expect(server.stats()).toMatchObject({ questionsAsked: 64, questionsDropped: 16 });
    expect(await ping(await wireTo(server, 'udp'))).toBeDefined();
    await server.close();
  });

  test('answers after the end of the server: nothing happens', async () => {
    const { opened, open } = gate();
    let asked = 0;
    const server = await startServer({
      credentials: async () => {
        asked += 1;
        await opened;
        return 'pass';
      },
    });
    const relay = rejection(relayAt(server, { timeoutMs: 500 }));
    await until(() => asked === 1);
    await server.close();
    open();
    await relay;
  });
});

test('access tokens (RFC 7635)', async () => {
  const key = new Uint8Array(32).fill(7);
  const server = await startServer({
    credentials: undefined,
    tokens: { serverName: 'turn.example.org', keys: [{ kid: 'one', key }] },
  });
  const token = await createAccessToken({ serverName: 'turn.example.org', kid: 'one', key });
  await relayAt(server, { credentials: /** @type {any} */ (credentialsOf(token)) });
  const other = await createAccessToken({ serverName: 'elsewhere.example.org', kid: 'one', key });
  expect(
    await rejection(relayAt(server, { credentials: /** @type {any} */ (credentialsOf(other)) })),
  ).toMatchObject({ errorCode: 401 });
  server.setTokenKeys([{ kid: 'two', key }]);
  expect(
    await rejection(relayAt(server, { credentials: /** @type {any} */ (credentialsOf(token)) })),
  ).toMatchObject({ errorCode: 401 });
});

/** @param {any} token */
const credentialsOf = (token) => token;

test('without authentication everybody is served, on loopback', async () => {
  const server = await startServer({ credentials: undefined, authentication: false });
  const client = new HandClient(await wireTo(server, 'udp'));
  const answer = await client.bare('Allocate', { requestedTransport: 17 });
  expect(answer.class).toBe('success');
  expect(server.allocations()[0].username).toBe('');
});

describe('nonces', () => {
  test('of another client, of another time and of nobody are stale: 438 and a new one', async () => {
    const server = await startServer();
    const one = new HandClient(await wireTo(server, 'udp'));
    expect((await one.allocate()).class).toBe('success');
    const thief = new HandClient(await wireTo(server, 'udp'));
    thief.challenge = one.challenge;
    const refused = await thief.allocate();
    expect(refused.attributes.errorCode?.code).toBe(438);
    const nonce = refused.attributes.nonce ?? '';
    expect(nonce).not.toBe(one.challenge?.nonce);
    // With one bit changed it is nobody's.
    const last = nonce.at(-1) === 'A' ? 'B' : 'A';
    thief.challenge = { realm: 'example.org', nonce: nonce.slice(0, -1) + last };
    expect((await thief.allocate()).attributes.errorCode?.code).toBe(438);
    thief.challenge = { realm: 'example.org', nonce };
    expect((await thief.allocate()).class).toBe('success');
    expect(server.stats().staleNonce).toBe(2);
  });

  test('run out', async () => {
    const server = await startServer({ nonceLifetime: 1 });
    const client = new HandClient(await wireTo(server, 'udp'));
    expect((await client.allocate()).class).toBe('success');
    let code = 0;
    // As often as it takes until the second is over.
    while (code === 0) code = (await client.ask('Refresh')).attributes.errorCode?.code ?? 0;
    expect(code).toBe(438);
  });
});
