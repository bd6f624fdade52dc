// Who may open a WebSocket, to what, and how many of them; and who else serves on the same HTTP server.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { afterEach, describe, expect, test } from '@jest/globals';
import { WebSocket, WebSocketServer } from 'ws';
import { sourceOf } from '../../../js/address.js';
import { encode } from '../../../js/codec/index.js';
import { clientAddressOf } from '../../../js/gateway/client-address.js';
import { createGateway } from '../../../js/gateway/index.js';
import { Shares } from '../../../js/gateway/shares.js';
import { fixture } from '../transports/helpers.js';
import {
  cleanUp,
  closedWith,
  dialGateway,
  get,
  NAME,
  ORIGIN,
  onCleanUp,
  openClient,
  refusedStatus,
  SECRET,
  startGateway,
  ticketFor,
  udpUpstream,
} from './support.js';

afterEach(cleanUp);

const binding = () => encode({ class: 'request', method: 'Binding' });
const isIn = async (/** @type {Promise<import('./support.js').GatewayClient>} */ opening) =>
  (await (await opening).ask(binding())).class === 'success';

describe('origins', () => {
  test.each([
    ['another', 'https://evil.example.org'],
    ['a longer one', `${ORIGIN}.evil.example`],
    ['with another port', `${ORIGIN}:8443`],
    ['of http', ORIGIN.replace('https', 'http')],
    ['in capitals', ORIGIN.toUpperCase()],
    ["'null'", 'null'],
    ['twice', `${ORIGIN}, ${ORIGIN}`],
    ['empty', ' '],
  ])('%s is refused with a status and nothing else', async (_, origin) => {
    const { url, gateway } = await startGateway();
    expect(await refusedStatus(url, { origin, ticket: ticketFor({ origin: null }) })).toBe(403);
    expect(gateway.stats()).toMatchObject({ opened: 0, refused: { origin: 1 } });
  });

  test('who has none needs a ticket that was made for that', async () => {
    const { upstream } = await udpUpstream();
    const { url } = await startGateway({ upstream });
    expect(await refusedStatus(url, { origin: null, ticket: ticketFor() })).toBe(401);
    expect(await refusedStatus(url, { origin: null, ticket: null })).toBe(401);
    expect(await isIn(openClient(url, { origin: null, ticket: ticketFor({ origin: null }) }))).toBe(
      true,
    );
  });

  test('without tickets, one of the list is all that is needed, and is needed', async () => {
    const { upstream } = await udpUpstream();
    const { url } = await startGateway({ upstream, tickets: false });
    expect(await isIn(openClient(url, { ticket: null }))).toBe(true);
    expect(await refusedStatus(url, { origin: null, ticket: null })).toBe(403);
  });

  test('with origins: false, no page gets in', async () => {
    const { upstream } = await udpUpstream();
    const { url } = await startGateway({ upstream, origins: false });
    expect(await refusedStatus(url)).toBe(403);
    expect(await isIn(openClient(url, { origin: null, ticket: ticketFor({ origin: null }) }))).toBe(
      true,
    );
  });
});

describe('tickets', () => {
  test.each(
    /** @type {[string, () => string | null, string][]} */ ([
      ['none', () => null, 'ticket-missing'],
      ['nonsense', () => 'ticket.a.b', 'ticket-invalid'],
      ['of another secret', () => ticketFor({ secret: 'x'.repeat(16) }), 'ticket-invalid'],
      ['for another upstream', () => ticketFor({ upstream: 'other' }), 'ticket-invalid'],
      ['for another origin', () => ticketFor({ origin: 'https://b.example' }), 'ticket-invalid'],
      ['for no page', () => ticketFor({ origin: null }), 'ticket-invalid'],
      ['that ran out', () => ticketFor({ nowMs: Date.now() - 30_001 }), 'ticket-expired'],
      ['from the future', () => ticketFor({ nowMs: Date.now() + 60_000 }), 'ticket-invalid'],
      ['cut', () => ticketFor().slice(0, -1), 'ticket-invalid'],
    ]),
  )('%s: a page is told, a stranger gets a status', async (_, ticket, reason) => {
    const { url, gateway } = await startGateway();
    expect(await closedWith(url, { ticket: ticket() })).toEqual({ code: 4401, reason });
    expect(gateway.stats()).toMatchObject({ opened: 0, refused: { [reason]: 1 } });
  });

  test('each once, also when two come at the same time', async () => {
    const { upstream } = await udpUpstream();
    const { url } = await startGateway({ upstream });
    const ticket = ticketFor();
    const codes = await Promise.all(
      Array.from({ length: 5 }, async () => {
        const client = await openClient(url, { ticket });
        client.send(binding());
        return Promise.race([client.next().then(() => 0), client.closed.then(({ code }) => code)]);
      }),
    );
    expect(codes.sort()).toEqual([0, 4401, 4401, 4401, 4401]);
    expect(await closedWith(url, { ticket })).toEqual({ code: 4401, reason: 'ticket-used' });
  });

  test('the old secret counts while the new one takes its place', async () => {
    const { upstream } = await udpUpstream();
    const tickets = { secret: ['the new secret of sixteen bytes', SECRET] };
    const { url } = await startGateway({ upstream, tickets });
    expect(await isIn(openClient(url))).toBe(true);
    expect(await isIn(openClient(url, { ticket: ticketFor({ secret: tickets.secret[0] }) }))).toBe(
      true,
    );
  });

  test('several gateways share what was used', async () => {
    const { upstream } = await udpUpstream();
    const store = new Map();
    const claim = async (/** @type {string} */ id, /** @type {number} */ expiresAt) => {
      if (store.has(id)) return false;
      store.set(id, expiresAt);
      return true;
    };
    const tickets = { secret: SECRET, claim };
    const [a, b] = [
      await startGateway({ upstream, tickets }),
      await startGateway({ upstream, tickets }),
    ];
    const ticket = ticketFor();
    expect(await isIn(openClient(a.url, { ticket }))).toBe(true);
    expect(await closedWith(b.url, { ticket })).toEqual({ code: 4401, reason: 'ticket-used' });
    expect([...store.values()]).toEqual([expect.any(Number)]);
  });

  test.each(
    /** @type {[string, any][]} */ ([
      ['fails', () => Promise.reject(new Error('the store is down'))],
      [
        'throws',
        () => {
          throw new Error('the store is down');
        },
      ],
      ['does not answer', () => new Promise(() => {})],
      ['answers something else', () => 'OK'],
    ]),
  )('a store that %s lets nobody in', async (_, claim) => {
    const tickets = { secret: SECRET, claim };
    const { url, gateway } = await startGateway({ tickets, limits: { connectMs: 100 } });
    expect(await closedWith(url)).toEqual({ code: 4401, reason: 'ticket-used' });
    expect(gateway.stats().connections).toBe(0);
  });

  test('neither log nor metrics have a ticket, a user or an address', async () => {
    const { upstream } = await udpUpstream();
    const { url, gateway, log } = await startGateway({ upstream });
    const ticket = ticketFor({ user: 'alice@example.org' });
    const client = await openClient(url, { ticket });
    const secrets = { username: 'turn-user-1', nonce: 'a-nonce-2', realm: 'realm-3' };
    await client.ask(encode({ class: 'request', method: 'Binding', attributes: secrets }));
    client.send('text');
    await log.when('end');
    await closedWith(`${url}?password=in-the-query`, { ticket });
    const told = JSON.stringify(log.entries) + gateway.metrics();
    for (const word of [
      ticket,
      ticket.slice(7, 40),
      'alice',
      '127.0.0.1',
      ...Object.values(secrets),
      'in-the-query',
      SECRET,
    ]) {
      expect(told).not.toContain(word);
    }
    expect(log.all('open')[0]).toMatchObject({
      client: expect.stringMatching(/^[\da-f]{16}$/),
      user: expect.stringMatching(/^[\da-f]{16}$/),
      origin: ORIGIN,
    });
  });

  test('addresses are logged on request', async () => {
    const { url, log } = await startGateway({ logAddresses: true });
    await closedWith(url, { ticket: null });
    expect(log.all('refused')).toMatchObject([{ client: '127.0.0.1', reason: 'ticket-missing' }]);
  });
});

describe('upstreams', () => {
  test.each(['other', 'main/', 'Main', '127.0.0.1:3478', '__proto__', 'constructor', ''])(
    'there is no %p',
    async (name) => {
      const { gateway } = await startGateway({ tickets: false });
      expect(await closedWith(`${gateway.url}${name}`, { ticket: null })).toEqual({
        code: 4403,
        reason: 'no-upstream',
      });
      expect(gateway.stats().opened).toBe(0);
    },
  );

  test('each has its own policy', async () => {
    const { upstream } = await udpUpstream();
    const upstreams = { [NAME]: upstream, strict: { ...upstream, policy: {} } };
    const { gateway } = await startGateway({ upstreams });
    const permission = encode({
      class: 'request',
      method: 'CreatePermission',
      attributes: { xorPeerAddress: { address: '127.0.0.1', port: 9 } },
    });
    const open = await openClient(`${gateway.url}${NAME}`);
    expect((await open.ask(permission)).class).toBe('success');
    const strict = await openClient(`${gateway.url}strict`, {
      ticket: ticketFor({ upstream: 'strict' }),
    });
    strict.send(permission);
    expect(await strict.closed).toEqual({ code: 4403, reason: 'peer' });
    expect(gateway.stats().denied).toEqual({ loopback: 1 });
  });

  /** @param {string[]} addresses */
  const resolverOf = (...addresses) => ({
    lookup: async () => addresses.map((address) => ({ address })),
    resolveSrv: async () => [],
  });

  test.each([
    ['this machine', ['127.0.0.1']],
    ['the metadata of a cloud', ['169.254.169.254']],
    ['a public address and a private one', ['192.0.1.1', '10.0.0.1']],
    ['an IPv4 address in IPv6', ['::ffff:7f00:1']],
    ['NAT64', ['64:ff9b::7f00:1']],
  ])('a name that leads to %s is refused', async (_, addresses) => {
    const { port } = await udpUpstream();
    const { url, log } = await startGateway({
      upstream: { url: `turn:turn.example.org:${port}` },
      resolver: resolverOf(...addresses),
    });
    expect(await closedWith(url)).toEqual({ code: 4403, reason: 'upstream' });
    expect((await log.when('end')).detail).toMatch(/^(loopback|link-local|private|ipv4-mapped)$/);
  });

  test('a name is asked for each connection, and the connection stays where it was made to', async () => {
    const first = await udpUpstream();
    let lookups = 0;
    const { url } = await startGateway({
      upstream: { url: `turn:turn.example.org:${first.port}`, allowPrivate: ['127.0.0.0/8'] },
      resolver: {
        lookup: async () => [{ address: lookups++ === 0 ? '127.0.0.1' : '169.254.169.254' }],
        resolveSrv: async () => [],
      },
    });
    const client = await openClient(url);
    for (let i = 0; i < 3; i++) await client.ask(binding());
    expect(lookups).toBe(1);
    expect(await closedWith(url)).toEqual({ code: 4403, reason: 'upstream' });
    await client.ask(binding());
  });

  test('a name without an address', async () => {
    const resolver = { lookup: () => Promise.reject(new Error('no')), resolveSrv: async () => [] };
    const { url } = await startGateway({ upstream: { url: 'turn:nowhere.example' }, resolver });
    expect(await closedWith(url)).toEqual({ code: 4502, reason: 'upstream' });
  });
});

describe('limits of connections', () => {
  test('in all', async () => {
    const { upstream } = await udpUpstream();
    const { url } = await startGateway({ upstream, limits: { connections: 2 } });
    const first = await openClient(url);
    await openClient(url);
    expect(await closedWith(url)).toEqual({ code: 1013, reason: 'connections' });
    // A ticket that was refused for this is not used up, and a place that came free is free.
    first.socket.close();
    await first.closed;
    expect(await isIn(openClient(url))).toBe(true);
  });

  test('of an address', async () => {
    const { upstream } = await udpUpstream();
    const { url } = await startGateway({ upstream, limits: { connectionsPerIp: 2 } });
    await openClient(url);
    await openClient(url);
    const ticket = ticketFor();
    expect(await closedWith(url, { ticket })).toEqual({ code: 4413, reason: 'connections-per-ip' });
    expect(await isIn(openClient(url, { ticket, localAddress: '127.0.0.2' }))).toBe(true);
  });

  test('of a user, wherever he is', async () => {
    const { upstream } = await udpUpstream();
    const { url } = await startGateway({ upstream, limits: { connectionsPerUser: 1 } });
    const of = (/** @type {string} */ user) => ({ ticket: ticketFor({ user }) });
    await openClient(url, of('ann'));
    expect(await closedWith(url, { ...of('ann'), localAddress: '127.0.0.2' })).toEqual({
      code: 4413,
      reason: 'connections-per-user',
    });
    expect(await isIn(openClient(url, of('bob')))).toBe(true);
  });

  test('attempts of an address', async () => {
    const { upstream } = await udpUpstream();
    const limits = { connectsPerMinutePerIp: 2 };
    const { url, gateway, log } = await startGateway({ upstream, limits });
    await openClient(url);
    await closedWith(url, { ticket: null });
    expect(await closedWith(url)).toEqual({ code: 4429, reason: 'rate' });
    expect(await closedWith(url)).toEqual({ code: 4429, reason: 'rate' });
    // Who goes on is a stranger, and fills no log.
    expect(await refusedStatus(url)).toBe(429);
    expect(gateway.stats().refused.rate).toBe(3);
    expect(log.all('refused').map(({ reason }) => reason)).toEqual(['ticket-missing', 'rate']);
    expect(await isIn(openClient(url, { localAddress: '127.0.0.2' }))).toBe(true);
  });
});

describe('trustProxy', () => {
  /** @param {import('../../../js/gateway/client-address.js').TrustedProxies} trust @param {string} remoteAddress @param {string} [forwarded] */
  const found = (trust, remoteAddress, forwarded) =>
    clientAddressOf(trust)(
      /** @type {any} */ ({ socket: { remoteAddress }, headers: { 'x-forwarded-for': forwarded } }),
    );

  test.each(
    /** @type {[string, any, string, string | undefined, string][]} */ ([
      ['off: nothing that is said counts', false, '192.0.2.1', '198.51.100.1', '192.0.2.1'],
      ['off: IPv4 on a socket for both', false, '::ffff:192.0.2.1', undefined, '192.0.2.1'],
      ['one proxy', 1, '10.0.0.1', '198.51.100.1', '198.51.100.1'],
      ['one proxy, and a client that lies', 1, '10.0.0.1', '8.8.8.8, 198.51.100.1', '198.51.100.1'],
      ['two proxies', 2, '10.0.0.1', '8.8.8.8, 198.51.100.1, 10.0.0.2', '198.51.100.1'],
      ['with a port', 1, '10.0.0.1', '198.51.100.1:4711', '198.51.100.1'],
      ['IPv6 in brackets', 1, '10.0.0.1', '[2001:DB8::1]:4711', '2001:db8::1'],
      ['no header', 1, '10.0.0.1', undefined, '10.0.0.1'],
      ['nonsense', 1, '10.0.0.1', 'unknown', '10.0.0.1'],
      ['listed', ['10.0.0.0/8'], '10.0.0.1', '8.8.8.8, 198.51.100.1, 10.0.0.2', '198.51.100.1'],
      ['listed, mapped', ['10.0.0.0/8'], '::ffff:10.0.0.1', '198.51.100.1', '198.51.100.1'],
      ['not listed', ['10.0.0.0/8'], '192.0.2.1', '198.51.100.1', '192.0.2.1'],
      ['only listed ones', ['10.0.0.0/8'], '10.0.0.1', '10.0.0.9', '10.0.0.9'],
      ['a listed address of IPv6', ['2001:db8::1'], '2001:db8::1', '2001:db8::2', '2001:db8::2'],
    ]),
  )('%s', (_, trust, remote, forwarded, expected) => {
    expect(found(trust, remote, forwarded)).toBe(expected);
  });

  test('a /64 is one client', () => {
    expect(sourceOf('2001:db8:1:2:3::4')).toBe(sourceOf('2001:db8:1:2::ffff'));
    expect(sourceOf('2001:db8:1:2::1')).not.toBe(sourceOf('2001:db8:1:3::1'));
    expect(sourceOf('192.0.2.1')).toBe('192.0.2.1');
  });

  test('limits count the address that the proxy tells, and only then', async () => {
    const { upstream } = await udpUpstream();
    const limits = { connectionsPerIp: 1 };
    const from = (/** @type {string} */ address) => ({
      ticket: ticketFor(),
      headers: { 'X-Forwarded-For': address },
    });
    const { url } = await startGateway({ upstream, limits, trustProxy: 1 });
    await openClient(url, from('198.51.100.1'));
    await openClient(url, from('198.51.100.2'));
    expect((await closedWith(url, from('198.51.100.1'))).code).toBe(4413);
    const direct = await startGateway({ upstream, limits });
    await openClient(direct.url, from('198.51.100.1'));
    expect((await closedWith(direct.url, from('198.51.100.2'))).code).toBe(4413);
  });
});

describe('Shares', () => {
  test('remembers no more than so many who do nothing, and never forgets who has a connection', () => {
    const shares = new Shares(1, 1);
    shares.of('busy', 0).connections = 1;
    for (let i = 0; i < 70_000; i++) shares.of(`s${i}`, 0);
    expect(shares.size).toBe(65_536);
    expect(shares.of('busy', 0).connections).toBe(1);
    shares.forget(60_000);
    expect(shares.size).toBe(1);
  });

  test('counts attempts of one minute', () => {
    const shares = new Shares(1, 1);
    shares.of('a', 0).attempts = 5;
    expect(shares.of('a', 59_999).attempts).toBe(5);
    expect(shares.of('a', 60_000).attempts).toBe(0);
  });
});

describe('on a server of yours', () => {
  /** @param {import('node:http').Server | import('node:https').Server} server */
  async function listening(server) {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    onCleanUp(() => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    });
    return /** @type {import('node:net').AddressInfo} */ (server.address()).port;
  }

  test('requests and the WebSockets of others go on as they were', async () => {
    const { upstream } = await udpUpstream();
    const server = createServer((_, response) => response.end('the application'));
    const port = await listening(server);
    const others = new WebSocketServer({ noServer: true });
    server.on('upgrade', (request, socket, head) => {
      if (request.url !== '/chat') return;
      others.handleUpgrade(request, socket, head, (webSocket) => webSocket.send('chat'));
    });
    const { gateway } = await startGateway({ server, upstream });
    expect(gateway.url).toBeUndefined();
    expect(gateway.listening).toBeUndefined();
    const chat = new WebSocket(`ws://127.0.0.1:${port}/chat`);
    onCleanUp(() => chat.terminate());
    expect(String((await once(chat, 'message'))[0])).toBe('chat');
    expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toBe('the application');
    const url = `ws://127.0.0.1:${port}/turn/${NAME}`;
    expect(await isIn(openClient(url))).toBe(true);
    await gateway.close();
    expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toBe('the application');
    expect(server.listenerCount('upgrade')).toBe(1);
    chat.close();
  });

  test('when nobody else takes upgrades, those for other paths are answered', async () => {
    const server = createServer();
    const port = await listening(server);
    await startGateway({ server });
    expect(await refusedStatus(`ws://127.0.0.1:${port}/chat`)).toBe(404);
    expect(await refusedStatus(`ws://127.0.0.1:${port}/turn`)).toBe(404);
  });

  test('over TLS, under a path of its own', async () => {
    const { upstream } = await udpUpstream();
    const server = createTlsServer({ cert: fixture('good'), key: fixture('server-key') });
    const port = await listening(server);
    await startGateway({ server, upstream, path: '/relay/v1' });
    const url = `wss://localhost:${port}/relay/v1/${NAME}`;
    expect(await isIn(openClient(url, { ca: fixture('ca') }))).toBe(true);
  });

  test('two gateways on one path, by mistake: the second finds the socket taken, and nothing falls over', async () => {
    const { upstream } = await udpUpstream();
    const server = createServer();
    const port = await listening(server);
    await startGateway({ server, upstream });
    const second = await startGateway({ server, upstream });
    const client = dialGateway(`ws://127.0.0.1:${port}/turn/${NAME}`);
    await Promise.race([client.opened, client.closed]).catch(() => {});
    expect((await second.log.when('refused')).reason).toBe('internal');
  });

  test('two gateways on one server', async () => {
    const [a, b] = [await udpUpstream(), await udpUpstream()];
    const server = createServer();
    const port = await listening(server);
    await startGateway({ server, upstream: a.upstream, path: '/a' });
    await startGateway({ server, upstream: b.upstream, path: '/b' });
    await isIn(openClient(`ws://127.0.0.1:${port}/a/${NAME}`));
    await isIn(openClient(`ws://127.0.0.1:${port}/b/${NAME}`));
    expect([a.received.length, b.received.length]).toEqual([1, 1]);
  });
});

describe('a request that is no WebSocket', () => {
  test('gets 426 from a gateway that listens itself', async () => {
    const { gateway } = await startGateway();
    const { port } = /** @type {{ port: number }} */ (gateway.listening);
    const response = await fetch(`http://127.0.0.1:${port}/turn/main`);
    expect(response.status).toBe(426);
    expect(await response.text()).toBe('');
  });

  test.each([
    ['no sub-protocol', [], 400],
    ['another sub-protocol', ['chat'], 400],
  ])('%s', async (_, protocols, status) => {
    const { url, gateway } = await startGateway({ tickets: false });
    expect(await refusedStatus(url, { protocols })).toBe(status);
    expect(gateway.stats().connections).toBe(0);
  });

  test('a version that does not exist takes no place', async () => {
    const { upstream } = await udpUpstream();
    const { url } = await startGateway({ upstream, limits: { connections: 1 } });
    const { status } = await get(url.replace('ws:', 'http:'), {
      Connection: 'Upgrade',
      Upgrade: 'websocket',
      'Sec-WebSocket-Version': '99',
      'Sec-WebSocket-Key': 'AAAAAAAAAAAAAAAAAAAAAA==',
      'Sec-WebSocket-Protocol': `turn, ${ticketFor()}`,
      Origin: ORIGIN,
    });
    expect(status).toBe(400);
    expect(await isIn(openClient(url))).toBe(true);
  });
});

test('over wss:// with a certificate of its own', async () => {
  const { upstream } = await udpUpstream();
  const gateway = await createGateway({
    port: 0,
    tls: { cert: fixture('good'), key: fixture('server-key') },
    upstreams: { [NAME]: upstream },
    origins: [ORIGIN],
    tickets: { secret: SECRET },
  });
  onCleanUp(() => gateway.close());
  expect(gateway.url).toMatch(/^wss:/);
  const url = `${gateway.url?.replace('127.0.0.1', 'localhost')}${NAME}`;
  expect(await isIn(openClient(url, { ca: fixture('ca') }))).toBe(true);
});
