// What a gateway refuses to start with: each with the words that mend it.
import { createServer } from 'node:http';
import { afterEach, describe, expect, test } from '@jest/globals';
import { createGateway } from '../../../js/gateway/index.js';
import { fixture } from '../transports/helpers.js';
import { cleanUp, ORIGIN, SECRET, startGateway } from './support.js';

afterEach(cleanUp);

const PUBLIC = 'turn:192.0.1.1?transport=tcp';
const good = {
  port: 0,
  upstreams: { main: PUBLIC },
  origins: [ORIGIN],
  tickets: { secret: SECRET },
};

/** @param {object} wrong */
async function refusal(wrong) {
  try {
    const gateway = await createGateway(/** @type {any} */ ({ ...good, ...wrong }));
    await gateway.close();
  } catch (error) {
    return /** @type {any} */ (error);
  }
  throw new Error('it has started');
}

test('what is good starts', async () => {
  const gateway = await createGateway(good);
  expect(gateway.url).toMatch(/^ws:\/\/127\.0\.0\.1:\d+\/turn\/$/);
  await gateway.close();
});

const upstream = (/** @type {object} */ options) => ({
  upstreams: { main: { url: PUBLIC, ...options } },
});

describe('it refuses to start', () => {
  test.each(
    /** @type {[string, string, object, RegExp][]} */ ([
      ['without options', 'options', /** @type {any} */ (null), /an object/],
      ['with neither server nor port', 'options.server', { port: undefined }, /one of the two/],
      ['with server and port', 'options.server', { server: createServer() }, /one of the two/],
      [
        'with a server that is none',
        'options.server',
        { port: undefined, server: {} },
        /http\.Server/,
      ],
      ['with no port', 'options.port', { port: 65_536 }, /from 0 to 65535/],
      ['with a path that ends in a slash', 'options.path', { path: '/turn/' }, /without a slash/],
      [
        'without upstreams',
        'options.upstreams',
        { upstreams: undefined },
        /at least one TURN server/,
      ],
      ['with empty upstreams', 'options.upstreams', { upstreams: {} }, /at least one TURN server/],
      ['with upstreams without names', 'options.upstreams', { upstreams: [PUBLIC] }, /by name/],
      [
        'with any upstream',
        'options.upstreams',
        { upstreams: { '*': PUBLIC } },
        /clients choose among them/,
      ],
      [
        'with a name that is a path',
        'options.upstreams',
        { upstreams: { 'a/b': PUBLIC } },
        /letters, digits/,
      ],
      [
        'with an upstream that is none',
        'options.upstreams.main',
        { upstreams: { main: 7 } },
        /an object/,
      ],
      [
        'with an upstream without URL',
        'options.upstreams.main.url',
        { upstreams: { main: {} } },
        /a URI such as/,
      ],
      [
        'with a STUN server',
        'options.upstreams.main.url',
        upstream({ url: 'stun:192.0.1.1' }),
        /nothing to relay/,
      ],
      [
        'with another gateway',
        'options.upstreams.main.url',
        upstream({ url: 'wss://example.org/' }),
        /no other gateway/,
      ],
      [
        'with an upstream on this machine',
        'options.upstreams.main.url',
        upstream({ url: 'turn:127.0.0.1' }),
        /is loopback\), or .*allowPrivate/,
      ],
      [
        'with a private upstream',
        'options.upstreams.main.url',
        upstream({ url: 'turn:10.0.0.1' }),
        /is private/,
      ],
      [
        'with an IPv4 address in IPv6',
        'options.upstreams.main.url',
        upstream({ url: 'turn:[::ffff:8.8.8.8]' }),
        /ipv4-mapped/,
      ],
      [
        'with the metadata of a cloud',
        'options.upstreams.main.url',
        upstream({ url: 'turn:169.254.169.254', allowPrivate: true }),
        /link-local/,
      ],
      [
        'with another private network than is named',
        'options.upstreams.main.url',
        upstream({ url: 'turn:10.1.0.1', allowPrivate: ['10.0.0.0/16'] }),
        /is private/,
      ],
      [
        'with allowPrivate of nothing',
        'options.upstreams.main.allowPrivate',
        upstream({ allowPrivate: [] }),
        /a list of prefixes/,
      ],
      [
        'with allowPrivate that is no prefix',
        'options.upstreams.main.allowPrivate.allow[0]',
        upstream({ allowPrivate: ['10.0.0.1/8'] }),
        /a prefix such as/,
      ],
      [
        'with TLS that checks nothing',
        'options.upstreams.main.tls.rejectUnauthorized',
        upstream({ url: 'turns:192.0.1.1', tls: { rejectUnauthorized: false } }),
        /always checked/,
      ],
      [
        'with a policy that is none',
        'options.policy.allow[0]',
        { policy: { allow: ['all'] } },
        /a prefix such as/,
      ],
      [
        'with a policy of an upstream that is none',
        'options.upstreams.main.policy.deny[0]',
        upstream({ policy: { deny: ['x'] } }),
        /a prefix such as/,
      ],
      ['without origins', 'options.origins', { origins: undefined }, /list of the pages' origins/],
      ['with empty origins', 'options.origins', { origins: [] }, /list of the pages' origins/],
      ['with any origin', 'options.origins[0]', { origins: ['*'] }, /patterns let strangers in/],
      [
        'with a pattern of origins',
        'options.origins[0]',
        { origins: ['https://*.example.org'] },
        /patterns let strangers in/,
      ],
      ["with the origin 'null'", 'options.origins[0]', { origins: ['null'] }, /sandboxed frames/],
      [
        'with an origin with a path',
        'options.origins[0]',
        { origins: ['https://a.example/x'] },
        /an origin such as/,
      ],
      [
        'with an origin in capitals',
        'options.origins[0]',
        { origins: ['https://A.example'] },
        /as browsers write it: 'https:\/\/a.example'/,
      ],
      [
        'with an origin and its usual port',
        'options.origins[0]',
        { origins: ['https://a.example:443'] },
        /as browsers write it/,
      ],
      [
        'with an origin of http',
        'options.origins[0]',
        { origins: ['http://a.example'] },
        /origin of https/,
      ],
      [
        'without tickets',
        'options.tickets',
        { tickets: undefined },
        /createTicket\(\) signs with; or false/,
      ],
      [
        'with tickets without secret',
        'options.tickets.secret',
        { tickets: {} },
        /a string or a Uint8Array/,
      ],
      [
        'with a secret that is short',
        'options.tickets.secret',
        { tickets: { secret: 'hunter2' } },
        /16 bytes or more/,
      ],
      [
        'with one of several that is short',
        'options.tickets.secret',
        { tickets: { secret: [SECRET, 'x'] } },
        /16 bytes or more/,
      ],
      [
        'with claim that is none',
        'options.tickets.claim',
        { tickets: { secret: SECRET, claim: true } },
        /a function/,
      ],
      [
        'with neither origins nor tickets',
        'options.tickets',
        { origins: false, tickets: false },
        /clients from strangers/,
      ],
      ['on all addresses without TLS', 'options.tls', { address: '0.0.0.0' }, /trustProxy/],
      [
        'with TLS for a server that has its own',
        'options.tls',
        { port: undefined, server: createServer(), tls: {} },
        /left out/,
      ],
      [
        'with a certificate that is none',
        'options.tls',
        { tls: { cert: 'x', key: 'y' } },
        /what node:tls takes/,
      ],
      [
        'with trust in everybody',
        'options.trustProxy',
        { trustProxy: true },
        /would believe whatever clients write/,
      ],
      ['with trust in no proxy', 'options.trustProxy', { trustProxy: 0 }, /the number of proxies/],
      [
        'with trust in all addresses',
        'options.trustProxy[0]',
        { trustProxy: ['0.0.0.0/0'] },
        /not those of everybody/,
      ],
      [
        'with trust in a name',
        'options.trustProxy[0]',
        { trustProxy: ['proxy'] },
        /an address or a prefix/,
      ],
      [
        'with metrics for everybody',
        'options.admin.address',
        { admin: { port: 0, address: '0.0.0.0' } },
        /exposed: true/,
      ],
      ['with metrics without port', 'options.admin.port', { admin: {} }, /a port/],
      ['with a log that is none', 'options.log', { log: 'file' }, /a function, or a stream/],
      [
        'with a limit that is none',
        'options.limits.idleMs',
        { limits: { idleMs: 0 } },
        /or Infinity/,
      ],
      [
        'with a limit that is spelt wrong',
        'options.limits.conections',
        { limits: { conections: 5 } },
        /no such limit/,
      ],
      [
        'with a buffer that holds no message',
        'options.limits.bufferBytes',
        { limits: { bufferBytes: 1000 } },
        /131072/,
      ],
      ['with a signal that is none', 'options.signal', { signal: {} }, /AbortSignal/],
    ]),
  )('%s: %s', async (_, argument, wrong, words) => {
    const error =
      wrong === null
        ? await createGateway(/** @type {any} */ (null)).catch((reason) => reason)
        : await refusal(wrong);
    expect(error).toBeInstanceOf(TypeError);
    expect(error).toMatchObject({ code: 'ERR_INVALID_ARGUMENT', argument });
    expect(error.message).toMatch(words);
  });

  test.each([
    ['a URI that is none', 'turn.example.org', 'ERR_INVALID_URI'],
    ['DTLS', 'turns:192.0.1.1?transport=udp', 'ERR_TRANSPORT_UNSUPPORTED'],
  ])('with %s', async (_, url, code) => {
    expect(await refusal(upstream({ url }))).toMatchObject({
      code,
      message: expect.stringMatching(/^options\.upstreams\.main\.url: /),
    });
  });

  test('with a name of a prototype it takes it for a name', async () => {
    const upstreams = JSON.parse(`{ "__proto__": "${PUBLIC}" }`);
    const gateway = await createGateway({ ...good, upstreams });
    await gateway.close();
    expect(/** @type {any} */ ({}).url).toBeUndefined();
  });

  test('where the port is taken', async () => {
    const { gateway } = await startGateway();
    const { port } = /** @type {{ port: number }} */ (gateway.listening);
    expect(await refusal({ port })).toMatchObject({
      code: 'ERR_SERVER_LISTEN',
      message: expect.stringContaining('EADDRINUSE'),
    });
    // Neither is the listener left behind that was there already.
    expect(await refusal({ admin: { port } })).toMatchObject({ code: 'ERR_SERVER_LISTEN' });
  });

  test('once its signal is aborted', async () => {
    const reason = new Error('no');
    expect(await refusal({ signal: AbortSignal.abort(reason) })).toBe(reason);
  });
});

describe('it starts', () => {
  test.each(
    /** @type {[string, object][]} */ ([
      ['on loopback without TLS', { address: '127.0.0.2' }],
      [
        'on all addresses with TLS',
        { address: '0.0.0.0', tls: { cert: fixture('good'), key: fixture('server-key') } },
      ],
      ['on all addresses behind a proxy', { address: '0.0.0.0', trustProxy: 1 }],
      ['with a page of this machine', { origins: ['http://127.0.0.1:5173', 'http://localhost'] }],
      ['with the pages of an app', { origins: ['capacitor://localhost'] }],
      ['without pages', { origins: false }],
      ['without tickets', { tickets: false }],
      [
        'with a private upstream',
        upstream({ url: 'turn:10.1.2.3', allowPrivate: ['10.1.2.0/24'] }),
      ],
      [
        'with limits of none',
        { limits: { messagesPerSecond: Infinity, bytesPerSecond: Infinity } },
      ],
      ['with several secrets', { tickets: { secret: [SECRET, Buffer.alloc(16, 1)] } }],
    ]),
  )('%s', async (_, options) => {
    const gateway = await createGateway(/** @type {any} */ ({ ...good, ...options }));
    expect(gateway.isReady).toBe(true);
    await gateway.close();
  });
});
