// The schema of reports, and rows of checks as measurements.
import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { startStunResponder } from '../../../js/dev/stun-responder.js';
import { checkIceServers } from '../../../js/index.js';
import { QualityMeter } from '../../../js/quality/index.js';
import {
  createReport,
  measurementId,
  measurementsOfRows,
  REPORT_SCHEMA,
} from '../../../js/report/index.js';
import { cleanUp, cleanUpWith, fixture, tlsServer } from '../transports/helpers.js';
import { CREDENTIALS, RELAYED, ScriptedServer } from '../turn/scripted-server.js';
import { EVERYTHING, HEAD, turn } from './samples.js';

jest.setTimeout(30_000);
afterEach(cleanUp);

describe('the schema', () => {
  test('is docs/report.schema.json; if not, write it there again: JSON.stringify(REPORT_SCHEMA)', () => {
    const file = new URL('../../../docs/report.schema.json', import.meta.url);
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(
      JSON.parse(JSON.stringify(REPORT_SCHEMA)),
    );
  });

  const kinds = REPORT_SCHEMA.properties?.measurements.items?.oneOf ?? [];

  test.each(kinds.map((schema) => [String(schema.properties?.kind.const), schema]))(
    'the sample of %s has each field that there is',
    (kind, schema) => {
      const sample = EVERYTHING.find((one) => one.kind === kind);
      expect(Object.keys(sample ?? {}).sort()).toEqual(Object.keys(schema.properties ?? {}).sort());
    },
  );

  test('each kind and field stands in docs/report.md', () => {
    const page = readFileSync(new URL('../../../docs/report.md', import.meta.url), 'utf8');
    for (const { properties = {} } of kinds) {
      const [row = ''] =
        new RegExp(`^\\| \`${properties.kind.const}\` \\|.*$`, 'm').exec(page) ?? [];
      const common = ['id', 'kind', 'whose', 'status', 'because', 'error', 'elapsedMs'];
      const missing = Object.keys(properties).filter(
        (name) => !common.includes(name) && !row.includes(`\`${name}\``),
      );
      expect({ kind: properties.kind.const, missing }).toEqual({
        kind: properties.kind.const,
        missing: [],
      });
    }
  });

  test('takes what the meters of quality tell, as it is', () => {
    const meter = new QualityMeter({ intervalMs: 20 });
    for (let i = 0; i < 100; i++) {
      meter.sent(i, i * 20);
      if (i % 9 !== 0) meter.received(i, i * 20, i * 20 + 30 + (i % 5));
    }
    meter.settle(1e6);
    const { grade, findings } = createReport({
      ...HEAD,
      measurements: [
        {
          id: 'quality/udp',
          kind: 'quality',
          whose: 'client',
          status: 'ok',
          transport: 'udp',
          via: 'relay',
          ...meter.summary(),
        },
      ],
    });
    expect(grade).toBe('poor');
    expect(findings.map(({ id }) => id)).toContain('loss-severe');
  });
});

describe('measurementId()', () => {
  test('tells apart what is told apart', () => {
    expect(measurementId('reachability', 'turn.example.org', 3478, 'udp')).toBe(
      'reachability/turn.example.org/3478/udp',
    );
    expect(measurementId('https', 'a/b')).not.toBe(measurementId('https', 'a', 'b'));
    expect(measurementId('nat', undefined, 'mirror')).toBe('nat/mirror');
  });

  test('is an id, whatever it is made of', () => {
    const id = measurementId('reachability', 'tür né\n\ud800', '"<&');
    expect(() => createReport({ ...HEAD, measurements: [turn('udp', { id })] })).not.toThrow();
  });
});

describe('measurementsOfRows()', () => {
  /** @param {Parameters<typeof checkIceServers>} args */
  async function reportOf(...args) {
    const measurements = measurementsOfRows(await checkIceServers(...args));
    return createReport({ ...HEAD, createdAt: new Date().toISOString(), measurements });
  }

  test('of servers on loopback: what answers, what does not, and a URL that is wrong', async () => {
    const responder = await startStunResponder();
    cleanUpWith(() => responder.close());
    const address = `127.0.0.1:${responder.udpPort}`;
    const { measurements, findings, grade } = await reportOf(
      [`stun:${address}`, `turn:${address}?transport=udp`, 'turn:?'],
      { timeoutMs: 400, echoes: 2 },
    );
    expect(measurements).toMatchObject([
      {
        id: `reachability/stun:${address}/udp`,
        status: 'ok',
        service: 'stun',
        host: '127.0.0.1',
        port: responder.udpPort,
        mappedAddress: { address: '127.0.0.1' },
        echoes: { sent: 2, received: 2 },
      },
      { status: 'failed', service: 'turn', error: { code: 'ERR_STUN_TIMEOUT' } },
      { status: 'skipped', error: { code: 'ERR_INVALID_URI' } },
    ]);
    expect(findings.map(({ id }) => id)).toEqual(
      expect.arrayContaining(['udp-passes', 'relay-silent', 'server-partly-silent']),
    );
    expect(grade).toBe('poor');
  });

  test('of a WebSocket, that tells the name where others tell the address', () => {
    const row = { url: 'wss://turn.example.org/', transport: 'ws', ok: false, phases: {} };
    const attempts = [{ address: 'turn.example.org', port: 443 }];
    const [{ serverAddress }] = measurementsOfRows(
      /** @type {any} */ ([{ ...row, code: 'ERR_TRANSPORT_CONNECT', attempts }]),
    );
    expect(serverAddress).toBeUndefined();
  });

  test('of a relay that works', async () => {
    const server = new ScriptedServer();
    server.peer(RELAYED, 49_152, { echoes: true });
    const { measurements, grade } = await reportOf(
      [
        {
          urls: 'turn:198.51.100.1',
          username: CREDENTIALS.username,
          credential: CREDENTIALS.password,
        },
      ],
      { transport: server.transport },
    );
    expect(measurements).toMatchObject([
      { status: 'ok', dataPath: 'proven', relayedAddress: { address: RELAYED, port: 49_152 } },
    ]);
    expect(JSON.stringify(measurements)).not.toContain(CREDENTIALS.password);
    expect(grade).toBe('good');
  });

  test.each([
    [486, 'quota-reached'],
    [508, 'server-full'],
    [437, 'allocation-mismatch'],
    [500, 'server-error'],
  ])('of a server that answers %i', async (code, id) => {
    const server = new ScriptedServer();
    server.script = ({ method, attributes }) =>
      method === 'Allocate' && attributes.nonce ? { code, signed: true } : undefined;
    const { findings, grade } = await reportOf(
      [
        {
          urls: 'turn:198.51.100.1',
          username: CREDENTIALS.username,
          credential: CREDENTIALS.password,
        },
      ],
      { transport: server.transport },
    );
    expect(findings.filter(({ severity }) => severity !== 'good').map((one) => one.id)).toEqual([
      id,
    ]);
    expect(grade).toBe('unknown');
  });

  test('of a wrong password', async () => {
    const server = new ScriptedServer();
    const { findings } = await reportOf(
      [{ urls: 'turn:198.51.100.1', username: 'alice', credential: 'hunter2' }],
      { transport: server.transport },
    );
    expect(findings.map(({ id }) => id)).toEqual(['credentials-refused', 'udp-passes']);
  });

  test('of an expired certificate', async () => {
    const { target } = await tlsServer('expired');
    const { findings } = await reportOf(`turns:127.0.0.1:${target.port}`, {
      tls: { ca: fixture('ca') },
    });
    expect(findings.map(({ id }) => id)).toEqual(['certificate-expired']);
  });

  test('of a WebSocket: with TLS or without, and two of one URL are two', async () => {
    const row = { transport: 'ws', ok: true, phases: {} };
    const found = measurementsOfRows(
      [
        { ...row, url: 'wss://gw.example.org/turn?…' },
        { ...row, url: 'ws://gw.example.org:8080' },
        { ...row, url: 'ws://gw.example.org:8080' },
      ],
      { family: 'IPv6', proxy: 'http://p.example.net', username: 'alice', whose: 'gateway' },
    );
    expect(found).toMatchObject([
      { transport: 'wss', port: 443, service: 'turn', host: 'gw.example.org', username: 'alice' },
      { transport: 'ws', port: 8080, family: 'IPv6', whose: 'gateway' },
      { transport: 'ws', proxy: 'http://p.example.net' },
    ]);
    expect(new Set(found.map(({ id }) => id)).size).toBe(3);
    expect(() => createReport({ ...HEAD, measurements: found })).not.toThrow();
  });
});
