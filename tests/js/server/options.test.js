// What createServer() takes and what it refuses, before anything is opened.
import { describe, expect, test } from '@jest/globals';
import { createServer } from '../../../js/server/index.js';
import { checkServerOptions } from '../../../js/server/server-options.js';
import { rejection } from '../client/support.js';
import { fixture } from '../transports/helpers.js';
import { DEFAULTS, HOST, TLS } from './support.js';

/** @param {Record<string, unknown>} options */
const check = (options) => checkServerOptions(/** @type {any} */ ({ ...DEFAULTS, ...options }));

/** @param {Record<string, unknown>} options @returns {any} */
function refusal(options) {
  try {
    check(options);
  } catch (error) {
    return error;
  }
  throw new Error('nothing was refused');
}

describe('defaults', () => {
  test('where it listens, and for how long allocations live', () => {
    const settings = checkServerOptions({ secret: 'x', relay: { addresses: [HOST] } });
    expect(settings).toMatchObject({
      listens: [
        { protocol: 'udp', address: '0.0.0.0', port: 3478, family: 'IPv4' },
        { protocol: 'tcp', address: '0.0.0.0', port: 3478, family: 'IPv4' },
      ],
      relay: { addresses: [HOST], external: {}, ports: [49_152, 65_535], udp: true, tcp: true },
      secrets: ['x'],
      needsAuthentication: true,
      realm: 'postern',
      software: '',
      mobility: true,
      defaultLifetime: 600,
      longestLifetime: 3600,
      nonceLifetime: 600,
      handshakeTimeoutMs: 10_000,
      idleTimeoutMs: 60_000,
      policy: { only: false, allow: [], deny: [], nat64: [] },
      tokens: { serverName: '', keys: [] },
      alternates: [],
      alternateDomain: '',
    });
    for (const nothing of ['users', 'origins', 'tls', 'signal']) {
      expect(settings[/** @type {keyof typeof settings} */ (nothing)]).toBeUndefined();
    }
    expect(settings.quota).toEqual({
      allocations: 16_384,
      allocationsPerUser: 0,
      allocationsPerHost: 0,
      permissions: 512,
      channels: 512,
      peerConnections: 64,
      connections: 16_384,
      connectionsPerHost: 256,
      unauthenticatedPerSecond: 50,
      unauthenticatedBurst: 200,
    });
  });

  test('ports of the schemes', () => {
    const listen = ['udp', 'tcp', 'tls', 'ws', 'wss'].map((protocol) => `${protocol}://${HOST}`);
    const ports = check({ listen, tls: TLS }).listens.map(({ port }) => port);
    expect(ports).toEqual([3478, 3478, 5349, 80, 443]);
  });

  test('listens may be objects, and IPv6', () => {
    const listen = [{ protocol: 'tcp', address: '::1', port: 0 }, 'udp://[::1]:5000'];
    expect(check({ listen }).listens).toEqual([
      { protocol: 'tcp', address: '::1', port: 0, family: 'IPv6' },
      { protocol: 'udp', address: '::1', port: 5000, family: 'IPv6' },
    ]);
  });

  test('relayed addresses are those that it listens at', () => {
    const listen = [`udp://${HOST}:0`, `tcp://${HOST}:0`, 'udp://[::1]:0'];
    expect(check({ listen, relay: undefined }).relay?.addresses).toEqual([HOST, '::1']);
  });

  test('the default lifetime is no longer than the longest', () => {
    expect(check({ lifetime: { max: 60 } })).toMatchObject({
      defaultLifetime: 60,
      longestLifetime: 60,
    });
    expect(check({ lifetime: { default: 120 } })).toMatchObject({
      defaultLifetime: 120,
      longestLifetime: 3600,
    });
  });

  test('names and passwords are prepared (RFC 8265)', () => {
    const { users, realm } = check({
      credentials: { 'us\u0065\u0301r': 'pa\u00a0ss' },
      realm: 'ex\u00e9',
    });
    expect(users).toEqual(new Map([['us\u00e9r', 'pa ss']]));
    expect(realm).toBe('ex\u00e9');
  });

  test('a server that only tells addresses needs no users', () => {
    expect(check({ relay: false, credentials: undefined }).relay).toBeUndefined();
  });

  test('without authentication on loopback, of both families', () => {
    const options = { credentials: undefined, authentication: false };
    expect(check(options).needsAuthentication).toBe(false);
    expect(
      check({ ...options, listen: 'udp://[::1]:0', relay: { addresses: ['::1'] } }).users,
    ).toBe(undefined);
  });
});

/** @type {[string, Record<string, unknown>, string, RegExp][]} */
const REFUSED = [
  ['no place to listen at', { listen: [] }, 'options.listen', /at least one place/],
  ['a name', { listen: 'udp://example.org:1' }, 'options.listen', /'udp:\/\/address:port'/],
  [
    'an unknown protocol',
    { listen: [`quic://${HOST}`] },
    'options.listen[0]',
    /tcp, tls, ws or wss/,
  ],
  ['a port that is none', { listen: `udp://${HOST}:65536` }, 'options.listen', /the port may be 0/],
  [
    'something behind the port',
    { listen: `ws://${HOST}:1/path` },
    'options.listen',
    /address:port/,
  ],
  ['a number', { listen: 3478 }, 'options.listen', /udp:/],
  ['null', { listen: [null] }, 'options.listen[0]', /udp:/],
  [
    'an object without address',
    { listen: { protocol: 'udp', port: 1 } },
    'options.listen',
    /IP address/,
  ],
  [
    'a fraction',
    { listen: { protocol: 'udp', address: HOST, port: 1.5 } },
    'options.listen',
    /port/,
  ],
  [
    'a place twice',
    { listen: [`udp://${HOST}:9`, `udp://${HOST}:9`] },
    'options.listen[1]',
    /named once/,
  ],
  [
    'tls without a certificate',
    { listen: `tls://${HOST}` },
    'options.tls',
    /'cert' and 'key'.*names tls/,
  ],
  ['wss without a certificate', { listen: `wss://${HOST}` }, 'options.tls', /names wss/],
  [
    'a certificate that is none',
    { tls: { ...TLS, cert: 'none' } },
    'options.tls',
    /certificate and its key/,
  ],
  [
    'the key of another',
    { tls: { ...TLS, cert: fixture('ca') } },
    'options.tls',
    /certificate and its key/,
  ],
  ['tls that is no object', { tls: 'cert' }, 'options.tls', /an object/],
  [
    'origins that are no list',
    { origins: 'https://example.org' },
    'options.origins',
    /array of strings/,
  ],
  ['a relay that is no object', { relay: 'yes' }, 'options.relay', /an object/],
  [
    'relayed names',
    { relay: { addresses: ['localhost'] } },
    'options.relay.addresses[0]',
    /IP address of this/,
  ],
  [
    'a wildcard',
    { relay: { addresses: [HOST, '0.0.0.0'] } },
    'options.relay.addresses[1]',
    /IP address of this/,
  ],
  [
    'the other wildcard',
    { relay: { addresses: ['::'] } },
    'options.relay.addresses[0]',
    /IP address of this/,
  ],
  ['no address', { relay: { addresses: [] } }, 'options.relay.addresses', /given/],
  [
    'addresses as text',
    { relay: { addresses: HOST } },
    'options.relay.addresses',
    /array of strings/,
  ],
  [
    'ports the wrong way',
    { relay: { ports: [2000, 1000] } },
    'options.relay.ports',
    /first and the last/,
  ],
  ['port 0', { relay: { ports: [0, 1000] } }, 'options.relay.ports', /first and the last/],
  ['one port', { relay: { ports: [1000] } }, 'options.relay.ports', /first and the last/],
  ['udp of a relay', { relay: { udp: 1 } }, 'options.relay.udp', /boolean/],
  ['tcp of a relay', { relay: { tcp: 'no' } }, 'options.relay.tcp', /boolean/],
  [
    'an outside of another family',
    { relay: { addresses: [HOST], external: { [HOST]: '::1' } } },
    `options.relay.external['${HOST}']`,
    /same family/,
  ],
  [
    'an outside of nothing',
    { relay: { addresses: [HOST], external: { '192.0.2.1': '192.0.2.2' } } },
    "options.relay.external['192.0.2.1']",
    /an address of options.relay.addresses/,
  ],
  [
    'nobody',
    { credentials: undefined },
    'options.credentials',
    /nobody can use the relay.*relay: false/,
  ],
  ['no user', { credentials: {} }, 'options.credentials', /at least one user name/],
  ['users as text', { credentials: 'user:pass' }, 'options.credentials', /an object/],
  ['a number for a password', { credentials: { a: 1 } }, "options.credentials['a']", /a string/],
  ['an empty secret', { secret: '' }, 'options.secret', /256 characters/],
  ['a long secret', { secret: 'x'.repeat(257) }, 'options.secret', /256 characters/],
  ['five secrets', { secret: ['a', 'b', 'c', 'd', 'e'] }, 'options.secret', /up to four/],
  ['no secret in a list', { secret: [] }, 'options.secret', /up to four/],
  ['tokens without keys', { tokens: { keys: [] } }, 'options.tokens.keys', /one to 16/],
  [
    'a long name',
    { tokens: { serverName: 'x'.repeat(256), keys: [] } },
    'options.tokens.serverName',
    /255/,
  ],
  [
    'a key without name',
    { tokens: { keys: [{ kid: '', key: new Uint8Array(32) }] } },
    'options.tokens.keys[0].kid',
    /text/,
  ],
  [
    'a short key',
    { tokens: { keys: [{ kid: 'a', key: new Uint8Array(31) }] } },
    'options.tokens.keys[0].key',
    /32 bytes/,
  ],
  [
    'a key twice',
    { tokens: { keys: [1, 2].map(() => ({ kid: 'a', key: new Uint8Array(16) })) } },
    'options.tokens.keys[1].kid',
    /no other key/,
  ],
  [
    'a key with a date',
    { tokens: { keys: [{ kid: 'a', key: new Uint8Array(16), expiresAt: new Date() }] } },
    'options.tokens.keys[0].expiresAt',
    /integer/,
  ],
  [
    'an alternate by name',
    { alternate: 'example.org:3478' },
    'options.alternate',
    /IP address and a port/,
  ],
  [
    'an alternate without port',
    { alternate: ['192.0.2.1'] },
    'options.alternate[0]',
    /IP address and a port/,
  ],
  ['alternateDomain', { alternateDomain: 1 }, 'options.alternateDomain', /a string/],
  ['authentication', { authentication: 'no' }, 'options.authentication', /boolean/],
  [
    'an open relay',
    { authentication: false, listen: [`udp://${HOST}:0`, 'udp://0.0.0.0:0'] },
    'options.authentication',
    /loopback only.*it would look like you/,
  ],
  [
    'an open relay that looks like loopback',
    { authentication: false, listen: 'udp://12.7.0.1:0' },
    'options.authentication',
    /loopback only/,
  ],
  ['realm', { realm: 7 }, 'options.realm', /a string/],
  ['software', { software: 7 }, 'options.software', /a string/],
  ['policy', { policy: 'open' }, 'options.policy', /an object/],
  ['allow', { policy: { allow: HOST } }, 'options.policy.allow', /array of strings/],
  ['deny', { policy: { deny: [1] } }, 'options.policy.deny', /array of strings/],
  ['nat64', { policy: { nat64: 1 } }, 'options.policy.nat64', /array of strings/],
  ['only nothing', { policy: { only: true } }, 'options.policy.allow', /no peer to relay to/],
  ['only', { policy: { only: 1 } }, 'options.policy.only', /boolean/],
  ['quota', { quota: 5 }, 'options.quota', /an object/],
  ['lifetime', { lifetime: 5 }, 'options.lifetime', /an object/],
  ['lifetime.default', { lifetime: { default: 0 } }, 'options.lifetime.default', /integer/],
  ['lifetime.max', { lifetime: { max: -1 } }, 'options.lifetime.max', /integer/],
  ['nonceLifetime', { nonceLifetime: 0.5 }, 'options.nonceLifetime', /integer/],
  ['mobility', { mobility: null }, 'options.mobility', /boolean/],
  ['handshakeTimeoutMs', { handshakeTimeoutMs: 0 }, 'options.handshakeTimeoutMs', /integer/],
  ['idleTimeoutMs', { idleTimeoutMs: '1' }, 'options.idleTimeoutMs', /integer/],
  ['signal', { signal: {} }, 'options.signal', /AbortSignal/],
];

describe('refused, with what to do instead', () => {
  test.each(REFUSED)('%s', (_, options, argument, sentence) => {
    const error = refusal(options);
    expect(error).toMatchObject({ code: 'ERR_INVALID_ARGUMENT', argument });
    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toMatch(sentence);
  });

  test.each(
    Object.entries({
      allocations: 65_537,
      allocationsPerUser: 65_537,
      allocationsPerHost: 65_537,
      permissions: 65_537,
      channels: 4097,
      peerConnections: 65_537,
      connections: 1_000_001,
      connectionsPerHost: 1_000_001,
      unauthenticatedPerSecond: 1_000_001,
      unauthenticatedBurst: 1_000_001,
    }),
  )('quota.%s', (name, most) => {
    const argument = `options.quota.${name}`;
    for (const value of [0, most, 1.5, '1', null, NaN]) {
      expect(refusal({ quota: { [name]: value } })).toMatchObject({
        code: 'ERR_INVALID_ARGUMENT',
        argument,
      });
    }
    expect(check({ quota: { [name]: most - 1 } }).quota).toMatchObject({ [name]: most - 1 });
  });

  test.each([undefined, null, 'udp://127.0.0.1', 5])('options that are %p', (options) => {
    expect(() => checkServerOptions(/** @type {any} */ (options))).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT', argument: 'options' }),
    );
  });

  test('texts that no user name, password or realm can be', () => {
    expect(refusal({ credentials: { '': 'pass' } }).code).toBe('ERR_STRING_EMPTY');
    expect(refusal({ credentials: { user: '' } }).code).toBe('ERR_STRING_EMPTY');
    expect(refusal({ credentials: { user: 'a\u0000' } }).code).toBe('ERR_STRING_DISALLOWED');
    expect(refusal({ realm: '' }).code).toBe('ERR_STRING_EMPTY');
  });
});

describe('prefixes of the policy are the core’s to judge', () => {
  /** @type {[string, Record<string, string[]>, string][]} */
  const prefixes = [
    ['no address', { allow: ['10.0.0.0/8', 'banana'] }, 'allow[1]'],
    ['no length', { allow: ['10.0.0.0/'] }, 'allow[0]'],
    ['too long', { allow: ['10.0.0.0/33'] }, 'allow[0]'],
    ['a bit behind it', { allow: ['10.0.0.1/8'] }, 'allow[0]'],
    ['two lengths', { allow: ['10.0.0.0/8/8'] }, 'allow[0]'],
    ['denied', { deny: ['2001:db8::1/32'] }, 'deny[0]'],
    ['of a translator, too long', { nat64: ['2001:db8::/97'] }, 'nat64[0]'],
    ['of a translator, too many', { nat64: new Array(5).fill('2001:db8::/96') }, 'nat64'],
  ];
  test.each(prefixes)('%s', async (_, policy, argument) => {
    expect(
      await rejection(createServer(/** @type {any} */ ({ ...DEFAULTS, policy }))),
    ).toMatchObject({
      name: 'TypeError',
      code: 'ERR_INVALID_ARGUMENT',
      argument: `options.policy.${argument}`,
    });
  });
});
