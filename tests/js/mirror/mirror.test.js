// A mirror on real sockets: its options, its talk over HTTP, and a page written in Node.js.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { afterEach, describe, expect, test } from '@jest/globals';
import { decode, encode, prepareKey, verify } from '../../../js/codec/index.js';
import { diagnoseNat } from '../../../js/diagnose/index.js';
import { MirrorClient } from '../../../js/diagnose/mirror-client.js';
import { createMirror } from '../../../js/mirror/index.js';

/** @typedef {import('../../../js/mirror/index.js').MirrorOptions} MirrorOptions */

const ORIGIN = 'https://app.example.org';
const PAGE = { ufrag: 'page', pwd: 'p'.repeat(24) };
/** @type {MirrorOptions} */
const DEFAULTS = { addresses: ['127.0.0.1', '127.0.0.2'], origins: [ORIGIN] };

/** @type {(() => unknown)[]} */
const cleanUps = [];
afterEach(async () => {
  for (const end of cleanUps.splice(0).reverse()) await end();
});

/** @param {import('node:http').RequestListener} handler @returns {Promise<string>} its URL */
async function serve(handler) {
  const server = createServer(handler);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanUps.push(() => {
    server.close();
    server.closeAllConnections();
  });
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  return `http://127.0.0.1:${port}/mirror`;
}

/** @param {Partial<MirrorOptions>} [options] */
async function start(options = {}) {
  const mirror = await createMirror({ ...DEFAULTS, ...options });
  cleanUps.push(() => mirror.close());
  const url = await serve(mirror.handler);
  /** @param {object | string} body @param {Record<string, string>} [headers] */
  const post = async (body, headers = {}) => {
    const response = await fetch(url, {
      method: 'POST',
      headers: { Origin: ORIGIN, ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
    return { status: response.status, headers: response.headers, body: await response.json() };
  };
  return { mirror, url, post };
}

describe('the test of mapping and filtering over real sockets', () => {
  test('a host without a NAT', async () => {
    const { mirror, post } = await start();
    const socket = createSocket('udp4');
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    cleanUps.push(() => socket.close());
    const { body: far } = await post({ step: 'start', test: 'nat', page: PAGE });
    const key = prepareKey({ password: PAGE.pwd });
    /** @param {{ address: string, port: number }} to */
    const check = ({ address, port }) => {
      const bytes = encode({
        class: 'request',
        method: 'Binding',
        attributes: { username: `${far.ufrag}:${PAGE.ufrag}`, priority: 7, iceControlling: 1n },
        key: prepareKey({ password: far.pwd }),
        fingerprint: true,
      });
      socket.send(bytes, port, address);
    };
    const knockedFrom = new Set();
    /** @type {(answer: import('../../../js/codec/index.js').Message) => void} */
    let confirmed = () => {};
    const confirmation = new Promise((resolve) => {
      confirmed = resolve;
    });
    socket.on('message', (bytes, source) => {
      const message = decode(bytes);
      if (message.class !== 'request') {
        if (verify(message, prepareKey({ password: far.pwd }))) confirmed(message);
        return;
      }
      expect(message.toJSON().attributes).toMatchObject({
        username: `${PAGE.ufrag}:${far.ufrag}`,
        priority: expect.any(Number),
        iceControlled: expect.any(BigInt),
      });
      expect(verify(message, key)).toBe(true);
      knockedFrom.add(`${source.address} ${source.port}`);
      const { transactionId } = message;
      const attributes = { xorMappedAddress: { address: source.address, port: source.port } };
      const answer = { transactionId, attributes, key, fingerprint: true };
      socket.send(
        encode({ class: 'success', method: 'Binding', ...answer }),
        source.port,
        source.address,
      );
    });
    const [first] = far.candidates;
    expect(first).toMatchObject({ address: '127.0.0.1', family: 'IPv4' });
    check(first);
    const { session } = far;
    const filtered = await post({ step: 'filtering', session });
    expect(filtered.body).toMatchObject({ seen: true });
    expect(knockedFrom.size).toBe(3);
    const [second, other] = filtered.body.candidates;
    expect([second.address, other.address]).toEqual(['127.0.0.1', '127.0.0.2']);
    // It has knocked from no port that it now sends the browser to.
    for (const { address, port } of [second, other]) {
      expect(knockedFrom).not.toContain(`${address} ${port}`);
    }
    check(second);
    check(other);
    expect((await post({ step: 'mapping', session })).body).toEqual({});
    check(other);
    const answer = /** @type {import('../../../js/codec/index.js').Message} */ (await confirmation);
    const { port } = socket.address();
    expect(answer.attributes.xorMappedAddress).toMatchObject({ address: '127.0.0.1', port });
    const page = { localType: 'host', hostPorts: [port] };
    const { body } = await post({ step: 'result', session, ...page });
    expect(body.verdict).toMatchObject({
      publicAddress: { value: { address: '127.0.0.1', port } },
      mapping: { value: 'endpoint-independent' },
      filtering: { value: 'endpoint-independent' },
      behindNat: { value: false },
    });
    expect(mirror.stats()).toMatchObject({ sessions: 0, started: 1, forged: 0, stray: 0 });
  });

  test('browsers are told of public addresses, where a translator stands before the mirror', async () => {
    const external = { '127.0.0.1': '192.0.2.1', '127.0.0.2': '192.0.2.2' };
    const { mirror, post } = await start({ external });
    const { body } = await post({ step: 'start', test: 'nat', page: PAGE });
    expect(body.candidates).toEqual([expect.objectContaining({ address: '192.0.2.1' })]);
    expect(new Set(mirror.addresses.map(({ address }) => address))).toEqual(
      new Set(['192.0.2.1', '192.0.2.2']),
    );
  });

  test('a page may choose the family, where the mirror has it', async () => {
    const { post } = await start({ addresses: ['127.0.0.1', '::1'] });
    const v6 = await post({ step: 'start', test: 'nat', page: PAGE, family: 'IPv6' });
    expect(v6.body.candidates).toEqual([
      { address: '::1', port: expect.any(Number), family: 'IPv6' },
    ]);
    const only = await start({ addresses: ['127.0.0.1'] });
    const none = await only.post({ step: 'start', test: 'nat', page: PAGE, family: 'IPv6' });
    expect([none.status, none.body]).toEqual([501, { refused: 'not-offered' }]);
  });
});

describe('the talk over HTTP', () => {
  test('only pages of the origins are let in', async () => {
    const { mirror, url, post } = await start();
    const body = { step: 'start', test: 'nat', page: PAGE };
    for (const origin of [
      'https://other.example.org',
      'null',
      `${ORIGIN}.evil.example`,
      ORIGIN.toUpperCase(),
    ]) {
      const answer = await post(body, { Origin: origin });
      expect([answer.status, answer.body]).toEqual([403, { refused: 'origin' }]);
      expect(answer.headers.get('access-control-allow-origin')).toBe(null);
    }
    // Programs send none.
    const { status } = await fetch(url, { method: 'POST', body: JSON.stringify(body) });
    expect(status).toBe(403);
    expect(mirror.stats().started).toBe(0);
    const good = await post(body);
    expect(good.status).toBe(200);
    expect(good.headers.get('access-control-allow-origin')).toBe(ORIGIN);
    expect(good.headers.get('access-control-allow-credentials')).toBe(null);
    expect(good.headers.get('cache-control')).toBe('no-store');
  });

  test('browsers may ask first', async () => {
    const { url } = await start();
    const response = await fetch(url, { method: 'OPTIONS', headers: { Origin: ORIGIN } });
    expect(response.status).toBe(204);
    expect(response.headers.get('access-control-allow-methods')).toBe('POST');
    expect(response.headers.get('access-control-allow-headers')).toBe('Content-Type');
    const other = { Origin: 'https://other.example.org' };
    expect((await fetch(url, { method: 'OPTIONS', headers: other })).status).toBe(403);
  });

  const start1 = { step: 'start', test: 'nat', page: PAGE };
  test.each(
    /** @type {[string, object | string, number, string][]} */ ([
      ['no JSON', '{', 400, 'bad-request'],
      ['no object', '[1]', 400, 'bad-request'],
      ['null', 'null', 400, 'bad-request'],
      ['too much', `{"a":"${'x'.repeat(9000)}"}`, 413, 'too-large'],
      ['nothing', {}, 404, 'no-session'],
      ['a strange session', { step: 'filtering', session: 'x' }, 404, 'no-session'],
      ['a strange test', { ...start1, test: 'all' }, 400, 'bad-request'],
      ['a page without credentials', { ...start1, page: undefined }, 400, 'bad-request'],
      [
        'a short password',
        { ...start1, page: { ...PAGE, pwd: 'p'.repeat(21) } },
        400,
        'bad-request',
      ],
      [
        'a long password',
        { ...start1, page: { ...PAGE, pwd: 'p'.repeat(257) } },
        400,
        'bad-request',
      ],
      [
        'a name that is no ufrag',
        { ...start1, page: { ...PAGE, ufrag: 'a:bc' } },
        400,
        'bad-request',
      ],
      ['a strange family', { ...start1, family: 'IPv5' }, 400, 'bad-request'],
      ['a partner where there is none', { ...start1, partner: PAGE }, 400, 'bad-request'],
      ['hairpinning without a partner', { ...start1, test: 'hairpin' }, 400, 'bad-request'],
      [
        'hairpinning with itself',
        { ...start1, test: 'hairpin', partner: PAGE },
        400,
        'bad-request',
      ],
      ['ports without a map', { ...start1, test: 'ports' }, 501, 'not-offered'],
    ]),
  )('%s', async (_name, body, status, refused) => {
    const { mirror, post } = await start();
    const answer = await post(body);
    expect([answer.status, answer.body]).toEqual([status, { refused }]);
    expect(mirror.stats().sessions).toBe(0);
  });

  test('GET, and steps in the wrong order', async () => {
    const { url, post } = await start();
    expect((await fetch(url, { headers: { Origin: ORIGIN } })).status).toBe(405);
    const { body } = await post(start1);
    const { session } = body;
    for (const step of ['mapping', 'ports', 'wait', 'mapped', 'constructor', '']) {
      const answer = await post({ step, session });
      expect([answer.status, answer.body]).toEqual([409, { refused: 'wrong-step' }]);
    }
    expect((await post({ step: 'end', session })).status).toBe(200);
    expect((await post({ step: 'filtering', session })).status).toBe(404);
  });

  test('hosts behind trusted proxies are counted one by one', async () => {
    const limits = { sessionsPerHost: 1 };
    const { post } = await start({ limits, trustProxy: 1 });
    const ask = async (/** @type {string} */ host, /** @type {string} */ ufrag) =>
      (await post({ ...start1, page: { ...PAGE, ufrag } }, { 'X-Forwarded-For': host })).status;
    expect(await ask('198.51.100.1', 'one1')).toBe(200);
    expect(await ask('198.51.100.1', 'two2')).toBe(429);
    expect(await ask('198.51.100.2', 'three')).toBe(200);
    const blind = await start({ limits });
    const first = await blind.post(start1, { 'X-Forwarded-For': '198.51.100.1' });
    const second = await blind.post(
      { ...start1, page: { ...PAGE, ufrag: 'other' } },
      { 'X-Forwarded-For': '198.51.100.2' },
    );
    expect([first.status, second.status]).toEqual([200, 429]);
  });
});

describe('the end', () => {
  test('close() may be called twice, ends who waits, and frees the sockets', async () => {
    const { mirror, post } = await start();
    const { body } = await post({ step: 'start', test: 'nat', page: PAGE });
    const waits = post({ step: 'filtering', session: body.session });
    // The request has arrived when one after it is answered.
    await post({ step: 'none', session: body.session });
    const ports = mirror.addresses;
    await Promise.all([mirror.close(), mirror.close()]);
    await mirror[Symbol.asyncDispose]();
    expect((await waits).status).toBe(404);
    for (const { address, port } of ports) {
      const socket = createSocket('udp4');
      socket.bind({ address, port, exclusive: true });
      await once(socket, 'listening');
      socket.close();
    }
  });

  test('a signal closes it, and keeps it from opening', async () => {
    const controller = new AbortController();
    const { mirror, post } = await start({ signal: controller.signal });
    controller.abort(new Error('enough'));
    await mirror.close();
    const { body } = await post({ step: 'start', test: 'nat', page: PAGE });
    expect(body).toEqual({ refused: 'busy' });
    await expect(createMirror({ ...DEFAULTS, signal: controller.signal })).rejects.toThrow(
      'enough',
    );
  });

  test('a port that another has', async () => {
    const { mirror } = await start();
    const [{ port }] = mirror.addresses;
    await expect(createMirror({ ...DEFAULTS, ports: { second: port } })).rejects.toMatchObject({
      code: 'ERR_SERVER_LISTEN',
      message: expect.stringContaining(`127.0.0.1, port ${port} (EADDRINUSE)`),
    });
  });
});

describe('options', () => {
  test.each(
    /** @type {[string, any][]} */ ([
      ['options', undefined],
      ['options.addresses', {}],
      ['options.addresses', { addresses: [] }],
      ['options.addresses[0]', { addresses: ['0.0.0.0'] }],
      ['options.addresses[0]', { addresses: ['::'] }],
      ['options.addresses[0]', { addresses: ['localhost'] }],
      ['options.addresses[1]', { addresses: ['127.0.0.1', '127.0.0.1'] }],
      ['options.addresses[2]', { addresses: ['127.0.0.1', '127.0.0.2', '127.0.0.3'] }],
      ["options.external['127.0.0.9']", { external: { '127.0.0.9': '192.0.2.1' } }],
      ["options.external['127.0.0.1']", { external: { '127.0.0.1': '2001:db8::1' } }],
      ['options.ports.first', { ports: { first: 70_000 } }],
      ['options.ports', { ports: { first: 5000, strange: 5000 } }],
      ['options.portMap', { portMap: 53 }],
      ['options.portMap', { portMap: Array.from({ length: 257 }, (_, i) => i + 1) }],
      ['options.portMap[0]', { portMap: [0] }],
      ['options.portMap[1]', { portMap: [53, 53] }],
      ['options.portMap[0]', { portMap: [5000], ports: { first: 5000 } }],
      ['options.origins', { origins: undefined }],
      ['options.origins', { origins: [] }],
      ['options.origins[0]', { origins: ['*'] }],
      ['options.origins[0]', { origins: ['http://app.example.org'] }],
      ['options.trustProxy', { trustProxy: true }],
      ['options.limits.session', { limits: { session: 1 } }],
      ['options.limits.sessions', { limits: { sessions: 0 } }],
      ['options.signal', { signal: {} }],
    ]),
  )('%s', async (argument, options) => {
    const given =
      options === undefined
        ? options
        : argument === 'options.addresses' && !('addresses' in options)
          ? {}
          : { ...DEFAULTS, ...options };
    await expect(createMirror(given)).rejects.toMatchObject({
      name: 'TypeError',
      code: 'ERR_INVALID_ARGUMENT',
      argument,
    });
  });
});

describe('the page', () => {
  const { signal } = new AbortController();

  test('comes again when the mirror is busy', async () => {
    const refusals = ['busy', 'too-many'];
    const url = await serve((_request, response) => {
      const refused = refusals.shift();
      response
        .writeHead(refused ? 503 : 200)
        .end(JSON.stringify(refused ? { refused } : { good: 1 }));
    });
    expect(await new MirrorClient(url, signal).ask({})).toEqual({ good: 1 });
    expect(refusals).toEqual([]);
  });

  test('tells a mirror that refuses from one that is not there', async () => {
    const url = await serve((_request, response) => {
      response.writeHead(429).end('{"refused":"too-often"}');
    });
    await expect(new MirrorClient(url, signal).ask({})).rejects.toMatchObject({
      code: 'ERR_MIRROR_REFUSED',
      reason: 'too-often',
      url,
    });
    const html = await serve((_request, response) => void response.writeHead(404).end('<html>'));
    await expect(new MirrorClient(html, signal).ask({})).rejects.toMatchObject({
      code: 'ERR_MIRROR_REFUSED',
      reason: 'HTTP 404',
    });
    const cut = await serve((request) => void request.socket.destroy());
    await expect(new MirrorClient(cut, signal).ask({})).rejects.toMatchObject({
      code: 'ERR_MIRROR_UNREACHABLE',
      url: cut,
    });
  });

  test('does not wait for a mirror that begins no test', async () => {
    const silent = await serve(() => {});
    const client = new MirrorClient(silent, signal, 50);
    await expect(client.ask({ step: 'start', test: 'nat' })).rejects.toMatchObject({
      code: 'ERR_MIRROR_UNREACHABLE',
      cause: { name: 'TimeoutError' },
    });
  });

  test('is no page in Node.js', async () => {
    const url = 'https://mirror.example.org/';
    await expect(diagnoseNat({ url })).rejects.toMatchObject({ code: 'ERR_WEBRTC_UNAVAILABLE' });
    for (const [argument, options] of /** @type {[string, any][]} */ ([
      ['options.url', { url: 'mirror' }],
      ['options.lifetimeSeconds', { url, lifetimeSeconds: [1] }],
      ['options.timeoutMs', { url, timeoutMs: 0 }],
      ['options.signal', { url, signal: 1 }],
    ])) {
      await expect(diagnoseNat(options)).rejects.toMatchObject({ argument });
    }
  });
});
