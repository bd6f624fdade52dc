// Packet inspection: the same packets but for their looks, behind a network that drops some of them.
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { measureInspection } from '../../../js/measure/inspection.js';
import { createReport } from '../../../js/report/index.js';
import { seeded } from '../../../js/testing/random.js';
import { cleanUp, isRandom, isRtp, isSip, isStun, startBehind } from '../reflector/support.js';

jest.setTimeout(30_000);
afterEach(cleanUp);

const LOOKS = /** @type {const} */ ({ stun: isStun, rtp: isRtp, sip: isSip, random: isRandom });
/** @type {Record<string, string>} */
const FINDINGS = {
  stun: 'stun-filtered',
  rtp: 'rtp-filtered',
  sip: 'sip-filtered',
  random: 'unknown-filtered',
};

/** @param {import('../../../js/report/index.js').Measurement} measurement */
const findingsOf = (measurement) =>
  createReport({
    createdAt: '2026-01-31T12:00:00Z',
    tool: { name: 'postern', version: '0' },
    platform: { name: 'node' },
    measurements: [measurement],
  }).findings.map(({ id }) => id);

/** @param {import('../../../js/measure/inspection.js').InspectionMeasurement} measurement */
const resultsOf = ({ patterns }) =>
  Object.fromEntries(patterns.map(({ looksLike, result }) => [looksLike, result]));

const ALL = { stun: 'passed', rtp: 'passed', sip: 'passed', random: 'passed' };

describe('over UDP', () => {
  test('where nothing is inspected, all looks pass', async () => {
    const { session } = await startBehind();
    const measurement = await measureInspection(session);
    expect(measurement).toMatchObject({
      id: 'inspection/udp',
      whose: 'client',
      status: 'ok',
      port: session.ports.udp[0],
    });
    expect(resultsOf(measurement)).toEqual(ALL);
    for (const id of Object.values(FINDINGS)) expect(findingsOf(measurement)).not.toContain(id);
  });

  // Each takes its time to be silent: all at once.
  test('a look that is dropped is told, and the others pass on the same port', async () => {
    const looks = /** @type {(keyof typeof LOOKS)[]} */ (Object.keys(LOOKS));
    await Promise.all(
      looks.map(async (look) => {
        const { session } = await startBehind({
          out: (bytes) => (LOOKS[look](bytes) ? undefined : bytes),
        });
        const measurement = await measureInspection(session);
        expect(measurement).toMatchObject({ status: 'ok', port: session.ports.udp[0] });
        expect(resultsOf(measurement)).toEqual({ ...ALL, [look]: 'blocked' });
        const known = Object.values(FINDINGS);
        const filtered = findingsOf(measurement).filter((id) => known.includes(id));
        expect(filtered).toEqual([FINDINGS[look]]);
      }),
    );
  });

  test('a look that is dropped on its way back is blocked too, and says which way', async () => {
    const { session } = await startBehind({
      in: (bytes) => (isStun(bytes) ? undefined : bytes),
    });
    const measurement = await measureInspection(session);
    expect(measurement.patterns[0]).toEqual({
      looksLike: 'stun',
      result: 'blocked',
      because: 'it arrived, and what was sent back did not',
    });
    expect(resultsOf(measurement)).toEqual({ ...ALL, stun: 'blocked' });
  });

  test('with a fifth of the packets lost each way it is the same', async () => {
    const random = seeded(11);
    const lose = (/** @type {Buffer} */ bytes) => (random() < 0.2 ? undefined : bytes);
    const { session } = await startBehind({
      out: (bytes) => (isStun(bytes) ? undefined : lose(bytes)),
      in: lose,
    });
    expect(resultsOf(await measureInspection(session))).toEqual({ ...ALL, stun: 'blocked' });
  });

  test('a port where nothing passes tells nothing of looks: another one is tried', async () => {
    const { session } = await startBehind(({ udp }) => ({
      out: (bytes, port) => (port === udp[0] ? undefined : bytes),
    }));
    const measurement = await measureInspection(session);
    expect(measurement.port).toBe(session.ports.udp[1]);
    expect(resultsOf(measurement)).toEqual(ALL);
  });

  test('where nothing passes at all, it is unknown, and no finding says that packets are inspected', async () => {
    const { session } = await startBehind({ out: () => undefined }, { udp: [0] });
    const measurement = await measureInspection(session);
    expect(measurement).toMatchObject({
      status: 'unknown',
      because: 'Nothing passed on the ports that were tried, whatever it looked like.',
    });
    for (const id of Object.values(FINDINGS)) expect(findingsOf(measurement)).not.toContain(id);
  });
});

describe('over TCP', () => {
  test('all looks pass, each in its own framing', async () => {
    const { session } = await startBehind();
    const measurement = await measureInspection(session, { transport: 'tcp' });
    expect(measurement).toMatchObject({ id: 'inspection/tcp', port: session.ports.sip[0] });
    expect(resultsOf(measurement)).toEqual(ALL);
  });

  test('what looks like SIP is dropped', async () => {
    const { session } = await startBehind({
      out: (bytes, _port, transport) => (transport === 'tcp' && isSip(bytes) ? undefined : bytes),
    });
    const measurement = await measureInspection(session, { transport: 'tcp' });
    expect(resultsOf(measurement)).toEqual({ ...ALL, sip: 'blocked' });
    expect(findingsOf(measurement)).toContain('sip-filtered');
  });

  test('without a port for it, it is skipped', async () => {
    const { session } = await startBehind({}, { sip: [] });
    expect(await measureInspection(session, { transport: 'tcp' })).toMatchObject({
      status: 'skipped',
      because: 'The reflector has no ports for SIP.',
    });
  });
});
