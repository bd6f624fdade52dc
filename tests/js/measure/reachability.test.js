// Servers over each transport, family and proxy: our own server on loopback, by names that only the test knows.
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { measureReachability, reachabilityTargets } from '../../../js/measure/reachability.js';
import { startHttpProxy } from '../../support/http-proxy.js';
import { rejection } from '../client/support.js';
import { cleanUp as closeServers, startServer, TLS, USER } from '../server/support.js';
import {
  cleanUp,
  cleanUpWith,
  freeUdpPort,
  openSockets,
  tcpServer,
  udpServer,
} from '../transports/helpers.js';
import { inReport, LATER_MS, optionsOf, resolverOf, SOON_MS } from './support.js';

jest.setTimeout(60_000);
afterEach(cleanUp);
afterEach(closeServers);

/** @typedef {import('../../../js/report/measurements/types.js').ReachabilityMeasurement} ReachabilityMeasurement */

const CREDENTIALS = { username: USER.username, credential: USER.password };
const BOTH = /** @type {const} */ (['IPv4', 'IPv6']);

/**
 * @param {string | string[]} urls
 * @param {Partial<import('../../../js/measure/options.js').MeasureOptions>} [options]
 * @param {{ families?: readonly ('IPv4' | 'IPv6')[], proxy?: string, credential?: string }} [plan]
 */
async function measure(urls, options, { families = BOTH, proxy, credential } = {}) {
  const servers = [{ urls, ...CREDENTIALS, ...(credential ? { credential } : {}) }];
  const targets = reachabilityTargets(servers, { families, proxy });
  /** @type {ReachabilityMeasurement[]} */
  const found = [];
  await measureReachability(targets, { ...optionsOf(options), proxy }, (one) => {
    found.push(inReport(one));
  });
  return found;
}

/** @param {readonly ReachabilityMeasurement[]} found */
const shortly = (found) =>
  found
    .map(({ transport, family = 'any', proxy, status }) =>
      [transport, family, ...(proxy ? ['proxy'] : []), status].join(' '),
    )
    .sort();

const NAME = 'stun.example.org';

/** A server on both families, one protocol. @param {string} protocol */
async function startOnBoth(protocol) {
  const server = await startServer({
    listen: [`${protocol}://127.0.0.1:0`, `${protocol}://[::1]:0`],
    relay: { addresses: ['127.0.0.1'] },
    tls: TLS,
  });
  return server.addresses.map(({ port }) => port);
}

test('all that is known of a relay, with the time of each step', async () => {
  const server = await startServer();
  const [found] = await measure(server.urls[0]);
  const { port } = server.addresses[0];
  const place = { address: '127.0.0.1', port: expect.any(Number) };
  expect(found).toEqual({
    id: `reachability/turn:127.0.0.1:${port}%3Ftransport%3Dudp/udp/IPv4`,
    kind: 'reachability',
    whose: 'client',
    status: 'ok',
    url: server.urls[0],
    service: 'turn',
    transport: 'udp',
    host: '127.0.0.1',
    port,
    family: 'IPv4',
    username: USER.username,
    serverAddress: { address: '127.0.0.1', port },
    localAddress: place,
    mappedAddress: place,
    relayedAddress: place,
    dataPath: 'proven',
    roundTripMs: expect.any(Number),
    echoes: { sent: 5, received: 5 },
    phases: {
      dns: expect.any(Number),
      connect: expect.any(Number),
      challenge: expect.any(Number),
      allocate: expect.any(Number),
      permission: expect.any(Number),
      firstByte: expect.any(Number),
    },
    elapsedMs: expect.any(Number),
  });
});

describe('families', () => {
  test.each(['udp', 'tcp', 'tls', 'ws', 'wss'])(
    '%s over IPv4 and over IPv6, each by itself',
    async (protocol) => {
      const [port4, port6] = await startOnBoth(protocol);
      const scheme = protocol === 'tls' ? 'turns' : 'turn';
      for (const [port, works] of [
        [port4, 'IPv4'],
        [port6, 'IPv6'],
      ]) {
        const url = protocol.startsWith('ws')
          ? `${protocol}://${NAME}:${port}/`
          : `${scheme}:${NAME}:${port}?transport=${protocol === 'udp' ? 'udp' : 'tcp'}`;
        const resolver = resolverOf({ [NAME]: ['127.0.0.1', '::1'] });
        const found = await measure(url, {
          resolver,
          timeoutMs: LATER_MS,
        });
        expect(shortly(found)).toEqual(
          BOTH.map((family) => `${protocol} ${family} ${family === works ? 'ok' : 'failed'}`),
        );
        const { serverAddress } = found.find(({ status }) => status === 'ok') ?? {};
        expect(serverAddress).toEqual({ address: works === 'IPv4' ? '127.0.0.1' : '::1', port });
      }
    },
  );

  test.each(['turn', 'ws'])(
    '%s: a name without addresses of a family is not tried over it',
    async (scheme) => {
      const server = await startServer({
        listen: [`${scheme === 'ws' ? 'ws' : 'udp'}://127.0.0.1:0`],
      });
      const { port } = server.addresses[0];
      const url = scheme === 'ws' ? `ws://${NAME}:${port}/` : `turn:${NAME}:${port}?transport=udp`;
      const found = await measure(url, { resolver: resolverOf({ [NAME]: ['127.0.0.1'] }) });
      const transport = scheme === 'ws' ? 'ws' : 'udp';
      expect(shortly(found)).toEqual([`${transport} IPv4 ok`, `${transport} IPv6 skipped`]);
      const skipped = found.find(({ status }) => status === 'skipped');
      expect(skipped?.because).toBe(`'${NAME}' has no IPv6 address.`);
      expect(skipped?.error).toBeUndefined();
    },
  );

  test('a name that is not found fails once', async () => {
    const found = await measure(`turn:${NAME}?transport=udp`, { resolver: resolverOf({}) });
    expect(found).toHaveLength(1);
    expect(found[0]).toMatchObject({ status: 'failed', error: { code: 'ERR_DNS' } });
  });

  test('a resolver that fails is no name without an address', async () => {
    const resolver = resolverOf({ [NAME]: ['::1'] });
    const failing = {
      ...resolver,
      /** @type {import('../../../js/resolve/system-resolver.js').NameResolver['lookup']} */
      lookup: async (name, options) => {
        if (options.family === 4) throw Object.assign(new Error('no'), { code: 'EAI_AGAIN' });
        return resolver.lookup(name, options);
      },
    };
    const [, port] = await startOnBoth('udp');
    const found = await measure(`turn:${NAME}:${port}?transport=udp`, { resolver: failing });
    expect(shortly(found)).toEqual(['udp IPv4 failed', 'udp IPv6 ok']);
  });

  test('an address is of its own family, and left out where that is not wanted', async () => {
    const server = await startServer();
    expect(shortly(await measure(server.urls))).toEqual(['udp IPv4 ok']);
    expect(await measure(server.urls, {}, { families: ['IPv6'] })).toEqual([]);
  });
});

describe('through a proxy', () => {
  test.each(['tcp', 'tls', 'ws', 'wss'])(
    '%s is tried straight and through it',
    async (protocol) => {
      const server = await startServer({ listen: [`${protocol}://127.0.0.1:0`], tls: TLS });
      const proxy = await startHttpProxy({ login: 'user:pass' });
      cleanUpWith(() => proxy.close());
      const found = await measure(server.urls, {}, { proxy: proxy.url('user:pass') });
      expect(shortly(found)).toEqual([`${protocol} IPv4 ok`, `${protocol} any proxy ok`].sort());
      expect(proxy.requests).toHaveLength(1);
      const through = found.find((one) => one.proxy !== undefined);
      expect(through).toMatchObject({
        id: expect.stringMatching(/\/proxy$/),
        proxy: `${proxy.url()}/`,
        dataPath: 'proven',
        phases: { proxy: expect.any(Number) },
      });
    },
  );

  test('UDP goes past it', async () => {
    const server = await startServer();
    const found = await measure(server.urls, {}, { proxy: 'http://127.0.0.1:1' });
    expect(shortly(found)).toEqual(['udp IPv4 ok']);
  });

  test.each(['tcp', 'ws'])('%s: a proxy that refuses is the failure', async (protocol) => {
    const server = await startServer({ listen: [`${protocol}://127.0.0.1:0`] });
    const proxy = await startHttpProxy({ login: 'user:pass' });
    cleanUpWith(() => proxy.close());
    const found = await measure(server.urls, {}, { proxy: proxy.url() });
    const through = found.find((one) => one.proxy !== undefined);
    expect(through).toMatchObject({ status: 'failed', error: { code: 'ERR_TRANSPORT_PROXY' } });
  });
});

describe('failures', () => {
  test('a wrong password', async () => {
    const server = await startServer();
    const [found] = await measure(server.urls, {}, { credential: 'wrong' });
    expect(found).toMatchObject({
      status: 'failed',
      error: { code: expect.stringMatching(/^ERR_STUN_/), hint: expect.any(String) },
      username: USER.username,
    });
  });

  test('nobody is there', async () => {
    const port = await freeUdpPort();
    const { server, target } = await tcpServer(() => {});
    server.close();
    const found = await measure(
      [`turn:127.0.0.1:${port}?transport=udp`, `turn:127.0.0.1:${target.port}?transport=tcp`],
      { timeoutMs: SOON_MS },
    );
    expect(shortly(found)).toEqual(['tcp IPv4 failed', 'udp IPv4 failed']);
  });

  test('what cannot be tried is skipped, with why', async () => {
    const found = await measure([
      'turns:turn.example.org?transport=udp',
      'turn://turn.example.org',
    ]);
    expect(found.map(({ status }) => status)).toEqual(['skipped', 'skipped']);
    expect(found.map(({ error }) => error?.code)).toEqual(
      expect.arrayContaining(['ERR_TRANSPORT_UNSUPPORTED', 'ERR_INVALID_URI']),
    );
  });

  test('what is wrong with the plan is told with its path', () => {
    const plan = { families: BOTH };
    const wrong = () => reachabilityTargets([{ urls: 'turn:h', username: 'u' }], plan);
    expect(wrong).toThrow(expect.objectContaining({ argument: 'plan.iceServers[0].credential' }));
  });
});

test.each([
  // The socket of a relay that is given up stays for a moment, for an allocation that comes too late.
  ['stun:', ''],
  ['turn:', '?transport=tcp'],
  ['ws://', '/'],
])('a signal ends it with %s, and no socket stays', async (before, after) => {
  const sockets = await openSockets();
  const silent = await tcpServer((socket) => void socket.resume());
  const { socket, target } = await udpServer('127.0.0.1', 0, false);
  const { port } = before === 'stun:' ? target : silent.target;
  const controller = new AbortController();
  const stop = () => controller.abort('why');
  socket.once('message', stop);
  silent.server.once('connection', stop);
  const url = `${before}127.0.0.1:${port}${after}`;
  expect(await rejection(measure(url, { signal: controller.signal }))).toBe('why');
  await cleanUp();
  expect(await openSockets()).toEqual(sockets);
});
