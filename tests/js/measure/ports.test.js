// The port map over a reflector, behind a network that blocks ports, one way or both, drops looks, or loses packets.
import { afterEach, expect, jest, test } from '@jest/globals';
import { measurePorts } from '../../../js/measure/port-map.js';
import { createReport } from '../../../js/report/index.js';
import { seeded } from '../../../js/testing/random.js';
import { cleanUp, isRandom, isStun, startBehind } from '../reflector/support.js';

// Silence takes its time, on machines that do much else besides.
jest.setTimeout(30_000);
afterEach(cleanUp);

/** @param {import('../../../js/report/index.js').Measurement} measurement */
function reportOf(measurement) {
  const report = createReport({
    createdAt: '2026-01-31T12:00:00Z',
    tool: { name: 'postern', version: '0' },
    platform: { name: 'node' },
    measurements: [measurement],
  });
  return { ids: report.findings.map(({ id }) => id), findings: report.findings };
}

/** @param {import('../../../js/measure/port-map.js').PortMapMeasurement} measurement @param {number} port */
const rowOf = ({ ports }, port) => ports.find((one) => one.port === port);

test('where all passes, all is open, also the ports for SIP', async () => {
  const { session } = await startBehind({}, { udp: [0, 0, 0, 0], sip: [0] });
  const measurement = await measurePorts(session);
  expect(measurement).toMatchObject({
    id: 'port-map/udp',
    kind: 'port-map',
    whose: 'client',
    status: 'ok',
    transport: 'udp',
    address: '127.0.0.9',
  });
  const all = [...session.ports.udp, ...session.ports.sip].sort((a, b) => a - b);
  expect(measurement.ports).toEqual(
    all.map((port) => ({ port, outwards: 'open', inwards: 'open' })),
  );
  expect(reportOf(measurement).ids).not.toContain('ports-blocked');
});

test('a port that is blocked outwards is told from one that is so inwards', async () => {
  const { session, reflector } = await startBehind(({ udp }) => ({
    out: (bytes, port) => (port === udp[0] ? undefined : bytes),
    in: (bytes, port) => (port === udp[1] ? undefined : bytes),
  }));
  const [first, second, third] = session.ports.udp;
  const measurement = await measurePorts(session);
  expect(measurement.status).toBe('ok');
  expect(rowOf(measurement, first)).toEqual({
    port: first,
    outwards: 'blocked',
    inwards: 'unknown',
    because: 'nothing arrived, so nothing was sent back',
  });
  expect(rowOf(measurement, second)).toEqual({
    port: second,
    outwards: 'open',
    inwards: 'blocked',
  });
  expect(rowOf(measurement, third)).toEqual({ port: third, outwards: 'open', inwards: 'open' });
  const { ids, findings } = reportOf(measurement);
  expect(ids).toEqual(expect.arrayContaining(['ports-blocked', 'ports-blocked-inwards']));
  expect(findings.find(({ id }) => id === 'ports-blocked')?.text).toContain(String(first));
  // Twelve times there, and as often back: nothing was left to chance, and nothing more was sent.
  expect(reflector.stats().answers).toBe(12 + 1 + 1);
});

test('a look that is dropped makes no port a blocked one', async () => {
  const { session } = await startBehind({
    out: (bytes) => (isStun(bytes) || isRandom(bytes) ? undefined : bytes),
  });
  const { ports } = await measurePorts(session);
  expect(ports.map(({ outwards, inwards }) => [outwards, inwards])).toEqual(
    new Array(4).fill(['open', 'open']),
  );
});

test.each([1, 2, 3])('a fifth of the packets lost each way blocks nothing (%s)', async (seed) => {
  const random = seeded(seed);
  const lose = (/** @type {Buffer} */ bytes) => (random() < 0.2 ? undefined : bytes);
  const { session } = await startBehind(
    ({ udp }) => ({
      out: (bytes, port) => (port === udp[0] ? undefined : lose(bytes)),
      in: (bytes, port) => (port === udp[1] ? undefined : lose(bytes)),
    }),
    { udp: new Array(20).fill(0) },
  );
  const measurement = await measurePorts(session);
  const [first, second] = session.ports.udp;
  for (const { port, outwards, inwards } of measurement.ports) {
    const expected =
      port === first ? ['blocked', 'unknown'] : ['open', port === second ? 'blocked' : 'open'];
    expect([port, outwards, inwards]).toEqual([port, ...expected]);
  }
});

test('where most is lost, silence is called unknown, not blocked', async () => {
  const random = seeded(3);
  const { session } = await startBehind(
    { out: (bytes) => (random() < 0.85 ? undefined : bytes) },
    { udp: new Array(30).fill(0) },
  );
  const measurement = await measurePorts(session);
  const states = new Set(measurement.ports.map(({ outwards }) => outwards));
  expect(states).toEqual(new Set(['open', 'unknown']));
  expect(measurement.ports.find(({ outwards }) => outwards === 'unknown')?.because).toMatch(/lost/);
  expect(reportOf(measurement).ids).not.toContain('ports-blocked');
});

test('where the reflector may not answer, it is not called blocked inwards', async () => {
  const { session } = await startBehind(
    {},
    { limits: { hostsPerSession: 1, packetsPerSecond: 1 } },
  );
  const { ports } = await measurePorts(session);
  const unanswered = ports.filter(({ inwards }) => inwards !== 'open');
  expect(unanswered.length).toBeGreaterThan(0);
  for (const row of unanswered) {
    expect(row).toMatchObject({ outwards: 'open', inwards: 'unknown' });
    expect(row.because).toMatch(/limits of the reflector/);
  }
});

test('a reflector that has gone fails the measurement, with the code', async () => {
  const { session, reflector } = await startBehind();
  await reflector.close();
  const measurement = await measurePorts(session);
  expect(measurement).toMatchObject({
    status: 'failed',
    ports: [],
    error: { code: 'ERR_REFLECTOR_REFUSED' },
  });
  expect(reportOf(measurement).ids).not.toContain('ports-blocked');
});
