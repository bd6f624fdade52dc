// allocate(): several servers, redirections, refusals, and giving up.
import { afterEach, describe, expect, test } from '@jest/globals';
import { encode, prepareKey, verify } from '../../../js/codec/index.js';
import { allocate } from '../../../js/index.js';
import { gate, rejection } from '../client/support.js';
import {
  CREDENTIALS,
  MESSAGES,
  REALM,
  RELAYED,
  ScriptedServer,
  stream,
} from './scripted-server.js';
import { closeRelays, relayAt, SERVER, until } from './support.js';

/** @typedef {import('../../../js/transports/transport.js').OpenTransport} OpenTransport */

afterEach(closeRelays);

/** Servers by the last number of their address. @param {Record<string, ScriptedServer>} servers */
function network(servers) {
  /** @type {string[]} */
  const asked = [];
  /** @type {OpenTransport} */
  const transport = (target, options) => {
    const number = target.address.slice(target.address.lastIndexOf('.') + 1);
    asked.push(number);
    return servers[number].transport(target, options);
  };
  return { transport, asked };
}

const url = (/** @type {number} */ number) => `turn:198.51.100.${number}`;
const place = (/** @type {number} */ number) => ({ address: `198.51.100.${number}`, port: 3478 });

/** A server that says nothing. */
function silentServer() {
  const server = new ScriptedServer();
  server.script = () => 'silence';
  return server;
}

/** @param {number} code @param {object} [attributes] */
function refusing(code, attributes) {
  const server = new ScriptedServer();
  server.script = () => ({ code, attributes });
  return server;
}

describe('several servers', () => {
  test('in a race: the first that answers counts, and what comes late is given back', async () => {
    const slow = new ScriptedServer();
    const heard = gate();
    /** @type {() => void} */
    let answer = () => {};
    slow.script = (request, connection) => {
      if (request.method !== 'Allocate' || request.attributes.nonce === undefined) return undefined;
      slow.script = () => undefined;
      answer = () => connection.far.onbytes?.(/** @type {any} */ (last), undefined);
      heard.open();
      return 'silence';
    };
    /** @type {Uint8Array | undefined} */
    let last;
    const { transport } = network({ 1: slow, 2: new ScriptedServer() });
    const spying = /** @type {OpenTransport} */ (
      async (target, options) => {
        const opened = await transport(target, options);
        if (target.address === place(1).address) {
          const { send } = opened;
          opened.send = (bytes) => {
            last = bytes;
            return send.call(opened, bytes);
          };
        } else await heard.opened;
        return opened;
      }
    );
    const options = { transport: spying, credentials: CREDENTIALS, headStartMs: 1 };
    const relay = await allocate([url(1), url(2)], options);
    expect(relay.url).toBe(url(2));
    answer();
    expect(slow.allocations.size).toBe(1);
    await until(() => slow.allocations.size === 0);
    await relay.close();
  });

  test('in a race, a failure moves on at once; all that failed are told', async () => {
    const { transport, asked } = network({ 1: refusing(508), 2: new ScriptedServer() });
    const relay = await allocate([url(1), url(2)], { transport, credentials: CREDENTIALS });
    expect(asked).toEqual(['1', '2']);
    expect(relay.attempts).toEqual([
      {
        url: url(1),
        transport: 'udp',
        ...place(1),
        code: 'ERR_STUN_RESPONSE',
        errorCode: 508,
        message: expect.stringContaining('508'),
        phases: { dns: expect.any(Number), connect: expect.any(Number) },
      },
    ]);
    await relay.close();
  });

  test('are sorted by transport in a race, and each place is asked once', async () => {
    /** @type {string[]} */
    const order = [];
    const transport = /** @type {OpenTransport} */ (
      async (target) => {
        order.push(/** @type {any} */ (target).transport);
        throw new Error('no');
      }
    );
    const servers = [
      'wss://turn.example.org/',
      'turns:turn.example.org',
      'turn:turn.example.org?transport=tcp',
      'turn:turn.example.org',
      'turn:turn.example.org?transport=udp',
    ];
    await rejection(allocate(servers, { transport, headStartMs: 1 }));
    expect(order).toEqual(['udp', 'tcp', 'tls', 'ws']);
    order.length = 0;
    await rejection(allocate(servers, { transport, strategy: 'sequence' }));
    expect(order).toEqual(['ws', 'tls', 'tcp', 'udp', 'udp']);
  });

  test('in sequence: one after the other', async () => {
    const { transport, asked } = network({ 1: refusing(486), 2: new ScriptedServer() });
    const options = /** @type {const} */ ({
      transport,
      credentials: CREDENTIALS,
      strategy: 'sequence',
    });
    const relay = await allocate([url(1), url(2)], options);
    expect(asked).toEqual(['1', '2']);
    await relay.close();
  });

  test('credentials go to the server that they are for', async () => {
    const first = new ScriptedServer();
    const second = new ScriptedServer();
    const { transport } = network({ 1: first, 2: second });
    const { username, password } = CREDENTIALS;
    const relay = await allocate(
      [
        { urls: url(1), username: 'wrong', credential: 'x' },
        { urls: [url(2)], username, credential: password },
      ],
      { transport },
    );
    expect(relay.attempts).toMatchObject([{ code: 'ERR_STUN_UNAUTHENTICATED', errorCode: 401 }]);
    expect(first.requests.at(-1)?.attributes.username).toBe('wrong');
    await relay.close();
  });
});

describe('300 (Try Alternate)', () => {
  test('is followed', async () => {
    const { transport, asked } = network({
      1: refusing(300, { alternateServer: place(2) }),
      2: new ScriptedServer(),
    });
    const relay = await allocate(url(1), { transport, credentials: CREDENTIALS });
    expect(asked).toEqual(['1', '2']);
    expect(relay.serverAddress).toMatchObject(place(2));
    expect(relay.attempts).toMatchObject([{ ...place(1), errorCode: 300 }]);
    await relay.close();
  });

  test('in circles is cut', async () => {
    const { transport, asked } = network({
      1: refusing(300, { alternateServer: place(2) }),
      2: refusing(300, { alternateServer: place(1) }),
    });
    const error = await rejection(allocate(url(1), { transport, credentials: CREDENTIALS }));
    expect(error.code).toBe('ERR_REDIRECT_LIMIT');
    expect(asked).toEqual(['1', '2']);
  });
});

describe('437 (Allocation Mismatch)', () => {
  test('is tried again from another 5-tuple', async () => {
    const server = new ScriptedServer();
    server.script = (_, { client }) =>
      client.port < 50_002 ? { code: 437, signed: false } : undefined;
    const relay = await relayAt(server, { credentials: CREDENTIALS });
    expect(server.connections).toHaveLength(3);
    expect(relay.attempts).toMatchObject([{ errorCode: 437 }, { errorCode: 437 }]);
  });

  test('no more than twice', async () => {
    const server = refusing(437);
    const error = await rejection(relayAt(server));
    expect(error).toMatchObject({ code: 'ERR_STUN_RESPONSE', errorCode: 437 });
    expect(server.connections).toHaveLength(3);
  });

  test('not at all from a port that is given', async () => {
    const server = refusing(437);
    await rejection(relayAt(server, { localPort: 50_000 }));
    expect(server.connections).toHaveLength(1);
  });
});

describe('refusals', () => {
  test.each([400, 403, 440, 441, 442, 443, 486, 500, 508])(
    '%i tells what it means',
    async (code) => {
      const error = await rejection(relayAt(refusing(code)));
      expect(error).toMatchObject({ code: 'ERR_STUN_RESPONSE', errorCode: code, url: SERVER });
      expect(error.phase).toBe('allocate');
      expect(error.hint).toMatch(/\w+\.$/);
      expect(error.attempts).toHaveLength(1);
    },
  );

  test('420 tells which attributes', async () => {
    const error = await rejection(relayAt(refusing(420, { unknownAttributes: [0x001a] })));
    expect(error).toMatchObject({ errorCode: 420, unknownAttributes: [0x001a] });
  });

  test('wrong and missing credentials, without a word of them in the error', async () => {
    const credentials = { username: 'zoë', password: 'hunter2' };
    const error = await rejection(relayAt(new ScriptedServer(), { credentials }));
    expect(error).toMatchObject({ code: 'ERR_STUN_UNAUTHENTICATED', phase: 'challenge' });
    expect(JSON.stringify(error) + error.stack).not.toContain('hunter2');
    expect(
      await rejection(relayAt(new ScriptedServer(), { credentials: undefined })),
    ).toMatchObject({
      code: 'ERR_STUN_CREDENTIALS_NEEDED',
      hint: expect.stringContaining('example.org'),
    });
  });
});

describe('giving up', () => {
  test('by a signal, at once, while nobody answers', async () => {
    const server = silentServer();
    const controller = new AbortController();
    const asking = rejection(relayAt(server, { signal: controller.signal }));
    await until(() => server.requests.length > 0);
    controller.abort('why');
    expect(await asking).toBe('why');
    // What the server makes too late is given back.
    server.script = () => undefined;
    await server.connections[0].far.close();
  });

  test('by a signal that is aborted already: nothing is opened', async () => {
    const server = new ScriptedServer();
    const signal = AbortSignal.abort('why');
    expect(await rejection(relayAt(server, { signal }))).toBe('why');
    expect(server.targets).toEqual([]);
  });

  test('when the time is up, with what was waited for', async () => {
    const error = await rejection(relayAt(silentServer(), { timeoutMs: 5 }));
    expect(error).toMatchObject({ code: 'ERR_STUN_TIMEOUT', url: SERVER });
    expect(error.attempts).toMatchObject([{ url: SERVER, code: 'ERR_STUN_TIMEOUT' }]);
  });

  test('when the connection closes before the answer', async () => {
    const server = new ScriptedServer(stream());
    server.script = (_, { far }) => {
      far.close();
      return 'silence';
    };
    expect(await rejection(relayAt(server))).toMatchObject({ code: 'ERR_TRANSPORT_CLOSED' });
  });
});

describe('tokens (RFC 7635)', () => {
  const macKey = new Uint8Array(20).fill(7);
  const accessToken = new Uint8Array([1, 2, 3, 4]);

  /** Challenges with the name of an authorization server, and takes what is signed with its key. */
  function tokenServer() {
    const key = prepareKey({ password: macKey });
    const server = new ScriptedServer();
    server.script = (request) => {
      const { attributes, method, transactionId } = request;
      if (attributes.nonce === undefined || !verify(request, key)) {
        const thirdPartyAuthorization = 'auth.example.org';
        return { code: 401, attributes: { realm: REALM, nonce: 'n', thirdPartyAuthorization } };
      }
      return encode({
        class: 'success',
        method: /** @type {any} */ (method),
        transactionId,
        attributes: {
          xorRelayedAddress: { address: RELAYED, port: 50_000 },
          xorMappedAddress: { address: '192.0.2.1', port: 50_000 },
          lifetime: attributes.lifetime ?? 600,
        },
        key,
      });
    };
    return server;
  }

  test('go with the kid as the user name', async () => {
    const server = tokenServer();
    const relay = await relayAt(server, { credentials: { kid: 'key-1', accessToken, macKey } });
    expect(relay.relayedAddress.address).toBe(RELAYED);
    expect(server.requests[1].attributes).toMatchObject({ username: 'key-1', accessToken });
  });

  test('are what the error asks for, where there are none', async () => {
    const error = await rejection(relayAt(tokenServer(), { credentials: undefined }));
    expect(error.code).toBe('ERR_STUN_CREDENTIALS_NEEDED');
    expect(error.hint).toContain('auth.example.org');
  });
});

describe('credentials from a function', () => {
  test('are asked for once, before the first packet', async () => {
    const server = new ScriptedServer();
    let calls = 0;
    const credentials = async () => {
      calls += 1;
      expect(server.requests).toEqual([]);
      return { username: CREDENTIALS.username, credential: CREDENTIALS.password };
    };
    const relay = await relayAt(server, { credentials });
    expect(calls).toBe(1);
    expect(relay.phases.challenge).toBeGreaterThan(0);
  });

  test('what the function throws, allocate() rejects with; what it returns is checked', async () => {
    const server = new ScriptedServer();
    const failing = async () => {
      throw new Error('no token');
    };
    expect((await rejection(relayAt(server, { credentials: failing }))).message).toBe('no token');
    const wrong = () => /** @type {any} */ ({ username: 'zoë' });
    expect(await rejection(relayAt(server, { credentials: wrong }))).toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
      argument: 'options.credentials().password',
    });
    expect(server.targets).toEqual([]);
  });

  test('wait no longer than timeoutMs', async () => {
    const credentials = () => new Promise(() => {});
    const options = { credentials: /** @type {any} */ (credentials), timeoutMs: 5 };
    expect(await rejection(relayAt(new ScriptedServer(), options))).toMatchObject({
      code: 'ERR_STUN_TIMEOUT',
    });
  });
});

describe('options', () => {
  test.each([
    ['strategy', 'any'],
    ['headStartMs', 0],
    ['relayTransport', 'sctp'],
    ['relayFamily', 5],
    ['evenPort', 'odd'],
    ['reservationToken', new Uint8Array(7)],
    ['dontFragment', 1],
    ['lifetimeSeconds', 1.5],
    ['mobility', 'yes'],
    ['permissionLifetimeMs', -1],
    ['channelLifetimeMs', 'x'],
    ['refreshEveryMs', 0],
    ['keepAliveMs', -1],
    ['queueLength', 0],
    ['localPort', 65_536],
    ['transport', 'sctp'],
  ])('%s: %p is refused', async (name, value) => {
    const options = /** @type {any} */ ({ [name]: value });
    expect(await rejection(allocate(SERVER, options))).toMatchObject({
      name: 'TypeError',
      code: 'ERR_INVALID_ARGUMENT',
      argument: `options.${name}`,
    });
  });

  test.each([
    [{ kid: '', accessToken: new Uint8Array(1), macKey: new Uint8Array(1) }, 'kid'],
    [{ kid: 'k', accessToken: 'x', macKey: new Uint8Array(1) }, 'accessToken'],
    [{ kid: 'k', accessToken: new Uint8Array(1), macKey: new Uint8Array() }, 'macKey'],
    [{ username: 1, password: 'x' }, 'username'],
    [{ username: 'x' }, 'password'],
    [{ username: 'x', password: 'x', credential: 'x' }, 'credential'],
    [{ username: 'x', credential: 1 }, 'credential'],
    [{ username: 'x', password: 'x', preparation: 'rot13' }, 'preparation'],
  ])('credentials %p', async (credentials, name) => {
    const options = /** @type {any} */ ({ credentials });
    expect(await rejection(allocate(SERVER, options))).toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
      argument: `options.credentials.${name}`,
    });
  });

  test('that contradict one another', async () => {
    const token = new Uint8Array(8);
    const options = /** @type {any[]} */ ([
      [{ reservationToken: token, evenPort: true }, 'options.evenPort'],
      [{ reservationToken: token, relayFamily: 6 }, 'options.relayFamily'],
      [{ relayTransport: 'tcp', evenPort: true }, 'options.evenPort'],
      [{ relayTransport: 'tcp', dontFragment: true }, 'options.dontFragment'],
      [{ relayTransport: 'tcp', reservationToken: token }, 'options.reservationToken'],
      [{ relayTransport: 'tcp', transport: 'udp' }, 'options.transport'],
    ]);
    for (const [one, argument] of options) {
      expect(await rejection(allocate(SERVER, one))).toMatchObject({ argument });
    }
    expect(
      await rejection(allocate(`${SERVER}?transport=udp`, { relayTransport: 'tcp' })),
    ).toMatchObject({ argument: 'servers' });
  });

  test('servers: only those of TURN', async () => {
    expect(await rejection(allocate('stun:198.51.100.1'))).toMatchObject({ argument: 'servers' });
    expect(await rejection(allocate([]))).toMatchObject({ argument: 'servers' });
  });

  test('turns: over UDP is DTLS: said, unless the caller brings it', async () => {
    const server = new ScriptedServer();
    const url = 'turns:198.51.100.1?transport=udp';
    expect(await rejection(allocate(url, { credentials: CREDENTIALS }))).toMatchObject({
      code: 'ERR_TRANSPORT_UNSUPPORTED',
      message: expect.stringContaining('DTLS'),
      hint: expect.stringContaining("'?transport=tcp'"),
      url,
    });
    const relay = await relayAt(server, { url });
    expect(server.targets).toMatchObject([{ port: 5349 }]);
    expect(relay.relayedAddress.address).toBe(RELAYED);
  });

  test('may be frozen; TLS announces TURN', async () => {
    const server = new ScriptedServer(MESSAGES);
    const options = Object.freeze({ transport: server.transport, credentials: CREDENTIALS });
    await (await allocate('turns:198.51.100.1', options)).close();
    expect(server.opened[0].alpn).toBe('stun.turn');
  });
});
