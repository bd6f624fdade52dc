// What the network test of Node.js says of networks and servers that are as a test has made them, on loopback.
import { afterEach, expect, jest, test } from '@jest/globals';
import { toHtml, toJson, toJUnit, toPrometheus, toText } from '../../../js/report/index.js';
import { coturnVersion, startCoturn } from '../../support/coturn.js';
import { startHttpProxy } from '../../support/http-proxy.js';
import { LATER_MS, resolverOf, SOON_MS } from '../measure/support.js';
import { cleanUp as closeServers } from '../server/support.js';
import { cleanUp, cleanUpWith, freeUdpPort, tcpServer, udpServer } from '../transports/helpers.js';
import { applicationServer, BRIEF, CREDENTIALS, findingIds, run, turnServer } from './support.js';

jest.setTimeout(120_000);
afterEach(cleanUp);
afterEach(closeServers);

const NO_MORE = /** @type {const} */ ({ quality: false, natServer: false });

/** @param {readonly string[]} urls @param {string} [credential] */
const iceServers = (urls, credential = CREDENTIALS.credential) => [
  { urls: [...urls], username: CREDENTIALS.username, credential },
];

test('all is well', async () => {
  const { server, urls } = await turnServer({ reflector: true });
  const { https, signalling } = await applicationServer();
  const reflector = `${server.urls.find((url) => url.startsWith('ws:'))?.replace('ws:', 'http:')}reflector`;
  const { report } = await run({
    name: 'office',
    iceServers: iceServers(urls),
    https,
    signalling,
    reflector,
    quality: false,
  });
  expect(report.grade).toBe('good');
  expect(report.name).toBe('office');
  expect(report.platform).toMatchObject({ name: 'node', version: process.versions.node });
  expect(report.asks).toEqual([]);
  expect(report.findings.filter(({ severity }) => severity !== 'good')).toEqual([]);
  const kinds = new Set(report.measurements.map(({ kind }) => kind));
  expect([...kinds].sort()).toEqual([
    'certificate',
    'dns',
    'https',
    'inspection',
    'nat',
    'port-map',
    'reachability',
    'signalling',
    'sip-alg',
  ]);
  // Each form of a report takes what was measured, and none has the password.
  for (const write of [toJson, toHtml, toJUnit, toPrometheus, toText]) {
    const text = write(report, { secrets: [CREDENTIALS.credential] });
    expect(text.length).toBeGreaterThan(0);
    expect(text).not.toContain(CREDENTIALS.credential);
  }
});

test('quality is measured over each transport', async () => {
  const { urls } = await turnServer();
  const plan = {
    iceServers: iceServers(urls),
    natServer: /** @type {const} */ (false),
    quality: BRIEF,
  };
  const { report } = await run(plan);
  const measured = report.measurements.filter(({ kind }) => kind === 'quality');
  expect(measured.map((one) => ['transport' in one && one.transport, one.status])).toEqual([
    ['udp', 'ok'],
    ['tcp', 'ok'],
    ['tls', 'ok'],
    ['ws', 'ok'],
    ['wss', 'ok'],
  ]);
});

test('a wrong password: the network is not blamed', async () => {
  const { urls } = await turnServer({ protocols: ['udp', 'tcp'] });
  const { report } = await run({ ...NO_MORE, iceServers: iceServers(urls, 'wrong') });
  expect(findingIds(report)).toEqual(expect.arrayContaining(['credentials-refused', 'udp-passes']));
  expect(report.asks).toEqual([]);
  expect(report.summary).not.toMatch(/IT/);
});

test('an expired certificate: of HTTPS, signalling, and the certificate itself', async () => {
  const { urls } = await turnServer({ protocols: ['udp'] });
  const { https, signalling } = await applicationServer('expired');
  const { report } = await run({ ...NO_MORE, iceServers: iceServers(urls), https, signalling });
  expect(findingIds(report)).toContain('certificate-expired');
  const [certificate] = report.measurements.filter(({ kind }) => kind === 'certificate');
  expect(certificate).toMatchObject({ status: 'failed', validTo: '2024-01-02T00:00:00.000Z' });
  const { evidence } = report.findings.find(({ id }) => id === 'certificate-expired') ?? {};
  expect(evidence).toContain(certificate.id);
  expect(findingIds(report)).not.toContain('signalling-blocked');
});

test('a server that is down: one is not taken for the network', async () => {
  const port = await freeUdpPort();
  const { server, target } = await tcpServer(() => {});
  server.close();
  const urls = [
    `turn:127.0.0.1:${port}?transport=udp`,
    `turn:127.0.0.1:${target.port}?transport=tcp`,
  ];
  const { report } = await run(
    { ...NO_MORE, iceServers: iceServers(urls) },
    { timeoutMs: SOON_MS },
  );
  expect(report.grade).toBe('blocked');
  expect(findingIds(report)).toContain('nothing-passes');
  const { report: silent } = await run(
    { ...NO_MORE, iceServers: iceServers(urls), https: (await applicationServer()).https },
    { timeoutMs: LATER_MS },
  );
  expect(findingIds(silent)).toContain('one-server-silent');
});

test('UDP is silent, TCP is not: calls work, and IT is asked for UDP', async () => {
  const { server } = await turnServer({ protocols: ['tcp'] });
  const { port } = server.addresses[0];
  // The same port of the same server, over UDP, as a firewall makes it.
  await udpServer('127.0.0.1', port, false);
  const url = `turn:127.0.0.1:${port}`;
  const plan = { iceServers: iceServers([url]), quality: BRIEF };
  const { report, events } = await run(plan, { timeoutMs: LATER_MS });
  // By the numbers of the path over TCP.
  expect(['fair', 'poor']).toContain(report.grade);
  expect(findingIds(report)).toEqual(expect.arrayContaining(['udp-blocked', 'relay-works']));
  expect(report.asks.map(({ protocol, ports }) => [protocol, ports])).toEqual([['udp', [port]]]);
  // What cannot be measured then is not tried.
  const skipped = report.measurements.filter(({ status }) => status === 'skipped');
  expect(skipped.map(({ id, because }) => [id, because])).toEqual([
    ['nat/discovery', 'No server answered over UDP.'],
    ['quality/udp', 'No relay works over UDP.'],
  ]);
  expect(events.some((event) => event.type === 'sample' && event.step === 'quality/tcp')).toBe(
    true,
  );
});

test('only a proxy gets out', async () => {
  const { server } = await turnServer({ protocols: ['tcp'] });
  const { port } = server.addresses[0];
  const name = 'turn.example.org';
  const proxy = await startHttpProxy({ names: { [name]: '127.0.0.1' } });
  cleanUpWith(() => proxy.close());
  const plan = {
    ...NO_MORE,
    quality: BRIEF,
    proxy: proxy.url('user:secret'),
    iceServers: iceServers([`turn:${name}:${port}?transport=tcp`]),
  };
  // The name is of the outside.
  const { report } = await run(plan, { resolver: resolverOf({}) });
  expect(findingIds(report)).toEqual(expect.arrayContaining(['proxy-used', 'relay-works']));
  const quality = report.measurements.find(({ kind }) => kind === 'quality');
  expect(quality).toMatchObject({ status: 'ok', transport: 'tcp' });
  expect(JSON.stringify(report)).not.toContain('secret');
});

const withCoturn = coturnVersion === undefined ? test.skip : test;

withCoturn('coturn on two addresses: all of the NAT, over TCP too', async () => {
  const coturn = await startCoturn({
    users: { [CREDENTIALS.username]: CREDENTIALS.credential },
    hosts: ['127.0.0.1', '127.0.0.2'],
  });
  cleanUpWith(() => coturn.stop());
  const urls = [`turn:127.0.0.1:${coturn.port}`, `stun:127.0.0.1:${coturn.port}`];
  const { report } = await run({ iceServers: iceServers(urls), quality: BRIEF });
  expect(findingIds(report)).toEqual(expect.arrayContaining(['udp-passes', 'relay-works']));
  const nats = report.measurements.filter(({ kind }) => kind === 'nat');
  const direct = {
    status: 'ok',
    behindNat: { value: 'no' },
    mapping: { value: 'endpoint-independent' },
  };
  expect(nats).toEqual([
    expect.objectContaining({
      ...direct,
      transport: 'udp',
      filtering: { value: 'endpoint-independent' },
    }),
    expect.objectContaining({ ...direct, transport: 'tcp' }),
  ]);
  const ok = report.measurements.filter(({ status }) => status === 'ok');
  expect(ok.map(({ kind }) => kind).sort()).toEqual([
    'nat',
    'nat',
    'quality',
    'quality',
    'reachability',
    'reachability',
    'reachability',
  ]);
});
