// The NAT as a measurement, of our own server on loopback, where there is none.
import { afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { measureNat } from '../../../js/measure/nat.js';
import { rejection } from '../client/support.js';
import { startNatServer } from '../nat/support.js';
import { cleanUp as closeServers, startServer } from '../server/support.js';
import { cleanUp, cleanUpWith, openSockets, udpServer } from '../transports/helpers.js';
import { inReport, optionsOf, resolverOf, SOON_MS } from './support.js';

jest.setTimeout(60_000);
afterEach(cleanUp);
afterEach(closeServers);

/** @typedef {import('../../../js/report/measurements/types.js').NatMeasurement} NatMeasurement */

/**
 * @param {string} url
 * @param {Partial<import('../../../js/measure/options.js').MeasureOptions>} [options]
 * @param {Partial<Parameters<typeof measureNat>[2]>} [own]
 */
async function measure(url, options, own) {
  /** @type {NatMeasurement[]} */
  const found = [];
  await measureNat(url, optionsOf(options), {
    families: ['IPv4', 'IPv6'],
    report: (one) => void found.push(inReport(one)),
    ...own,
  });
  return found;
}

describe('a server with two addresses, over UDP and TCP', () => {
  /** @type {NatMeasurement[]} */
  let found;
  beforeAll(async () => {
    const hosts = ['127.0.0.1', '127.0.0.2'];
    const server = await startNatServer({ hosts });
    try {
      found = await measure(server.uri);
    } finally {
      await server.stop();
    }
  });

  test('all is told over UDP', () => {
    expect(found[0]).toEqual({
      id: 'nat/discovery',
      kind: 'nat',
      method: 'discovery',
      transport: 'udp',
      whose: 'client',
      status: 'ok',
      behindNat: { value: 'no' },
      mapping: { value: 'endpoint-independent' },
      filtering: { value: 'endpoint-independent' },
      hairpinning: { value: 'unknown', because: 'there is no NAT' },
      portPreservation: { value: 'yes' },
      requestFragments: { value: expect.any(String) },
      answerFragments: expect.objectContaining({ value: expect.any(String) }),
      mappedAddresses: expect.arrayContaining([{ address: '127.0.0.1', port: expect.any(Number) }]),
      elapsedMs: expect.any(Number),
    });
  });

  test('over TCP, where it does not listen, it fails, and says over what', () => {
    expect(found).toHaveLength(2);
    expect(found[1]).toMatchObject({
      id: 'nat/discovery/tcp',
      transport: 'tcp',
      status: 'failed',
      error: { code: 'ERR_TRANSPORT_CONNECT' },
    });
  });
});

test('over TCP the mapping, where the server listens there', async () => {
  const server = await startNatServer();
  const { port } = server;
  cleanUpWith(() => server.stop());
  await startServer({
    listen: ['127.0.0.1', '127.0.0.2'].flatMap((host) => [
      `tcp://${host}:${port}`,
      `tcp://${host}:${port + 1}`,
    ]),
  });
  const [, tcp] = await measure(server.uri);
  expect(tcp).toMatchObject({ transport: 'tcp', mapping: { value: 'endpoint-independent' } });
  expect(tcp.filtering).toBeUndefined();
});

test('a server with one address: what it cannot tell is unknown, with why; TCP is not tried', async () => {
  const server = await startServer();
  const found = await measure(server.urls[0].replace(/\?.*/, ''));
  expect(found).toHaveLength(1);
  expect(found[0]).toMatchObject({
    status: 'ok',
    behindNat: { value: 'no' },
    filtering: { value: 'unknown', because: 'the server names no other address of its own' },
  });
});

test('a lifetime is looked for when it is wanted', async () => {
  const server = await startServer();
  const [one] = await measure(server.urls[0].replace(/\?.*/, ''), {}, { longestSilenceMs: 1000 });
  // There is no NAT, so that nothing has expired.
  expect(one.lifetime).toEqual({ atLeastMs: 1000 });
});

test('a name: IPv4 comes first, and IPv6 where that leads nowhere', async () => {
  const server = await startServer({ listen: ['udp://[::1]:0'], relay: false });
  const { port } = server.addresses[0];
  const resolver = resolverOf({ 'stun.example.org': ['::1'] });
  const [found] = await measure(`stun:stun.example.org:${port}`, { resolver });
  expect(found).toMatchObject({
    status: 'ok',
    mappedAddresses: expect.arrayContaining([{ address: '::1', port: expect.any(Number) }]),
  });
});

test('a server that is silent', async () => {
  const { target } = await udpServer('127.0.0.1', 0, false);
  const found = await measure(`stun:127.0.0.1:${target.port}`, { timeoutMs: SOON_MS });
  expect(found).toEqual([
    expect.objectContaining({
      id: 'nat/discovery',
      status: 'failed',
      error: expect.objectContaining({ code: 'ERR_STUN_TIMEOUT' }),
    }),
  ]);
});

test('a signal ends it, and no socket stays', async () => {
  const before = await openSockets();
  const { socket, target } = await udpServer('127.0.0.1', 0, false);
  const controller = new AbortController();
  socket.once('message', () => controller.abort('why'));
  const measuring = measure(`stun:127.0.0.1:${target.port}`, { signal: controller.signal });
  expect(await rejection(measuring)).toBe('why');
  await cleanUp();
  expect(await openSockets()).toEqual(before);
});
