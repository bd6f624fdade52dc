// Ports, packet inspection and SIP ALGs through routers of the kernel's, in a laboratory of network namespaces: rules of
// nftables that look into packets, and Linux's own ALG for SIP.
import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { createReport } from '../../js/report/index.js';
import { KINDS, labMissing, NatLab, SERVER_ADDRESSES } from '../support/nat-lab.js';
import { LabProcess } from './lab-process.js';

// Silence takes its time, on machines that do much else besides.
jest.setTimeout(60_000);

const HTTP_PORT = '8080';
const [SERVER] = SERVER_ADDRESSES;
const UDP = [3478, 443, ...Array.from({ length: 30 }, (_, i) => 20_000 + i)];
const SIP = [5060];

const missing = labMissing();
const suite = missing === undefined ? describe : describe.skip;

/** The first byte behind the header of UDP. */
const FIRST = '@th,64,8';
/** What looks so, as a firewall sees it. */
const LOOKS = {
  stun: 'meta l4proto udp @th,96,32 0x2112a442',
  rtp: `meta l4proto udp ${FIRST} & 0xc0 == 0x80`,
  sip: `meta l4proto udp ${FIRST} 0x41-0x5a`,
  random: `meta l4proto udp ${FIRST} 4-15`,
};
const ALL = { stun: 'passed', rtp: 'passed', sip: 'passed', random: 'passed' };
/** @type {Record<string, string>} */
const FINDINGS = {
  stun: 'stun-filtered',
  rtp: 'rtp-filtered',
  sip: 'sip-filtered',
  random: 'unknown-filtered',
};

/** Linux's ALG, for the port of SIP. */
const ALG = `
table ip alg {
  ct helper over-udp { type "sip" protocol udp; }
  ct helper over-tcp { type "sip" protocol tcp; }
  chain pre {
    type filter hook prerouting priority 0;
    udp dport 5060 ct helper set "over-udp"
    tcp dport 5060 ct helper set "over-tcp"
  }
}`;

/** @param {string} namespace */
function startAlg(namespace) {
  const args = ['netns', 'exec', namespace, 'nft', '-f', '-'];
  execFileSync('ip', args, { input: ALG, stdio: ['pipe', 'ignore', 'pipe'] });
}

function tryAlg() {
  const name = `postern-${process.pid}-alg`;
  execFileSync('ip', ['netns', 'add', name]);
  try {
    startAlg(name);
    return true;
  } catch (error) {
    // nft has said no.
    if (/** @type {{ status?: number }} */ (error).status === 1) return false;
    throw error;
  } finally {
    execFileSync('ip', ['netns', 'delete', name]);
  }
}

/** Whether this kernel has the ALG. */
const hasAlg = missing === undefined && tryAlg();
const algTest = hasAlg ? test : test.skip;

/** @param {any} measurement */
const findingsOf = (measurement) =>
  createReport({
    createdAt: '2026-01-31T12:00:00Z',
    tool: { name: 'postern', version: '0' },
    platform: { name: 'node' },
    measurements: [measurement],
  }).findings.map(({ id }) => id);

suite(missing === undefined ? 'through a router' : `through a router (skipped: ${missing})`, () => {
  const lab = new NatLab();
  /** @type {LabProcess} */ let server;
  /** @type {LabProcess} */ let client;

  beforeAll(async () => {
    lab.open();
    lab.setKind(KINDS.linux);
    const options = { addresses: [SERVER], udp: UDP, sip: SIP };
    server = new LabProcess(lab, 'server', 'reflector-lab-server.js', HTTP_PORT, options);
    await server.next();
    const url = `http://${SERVER}:${HTTP_PORT}/`;
    client = new LabProcess(lab, 'client', 'reflector-lab-client.js', url);
  });

  afterAll(async () => {
    await client?.close();
    await server?.close();
    lab.close();
  });

  test.each(/** @type {const} */ (['none', 'linux', 'sym', 'firewall']))(
    'a router of kind %s blocks nothing and rewrites nothing',
    async (kind) => {
      lab.setKind(KINDS[kind]);
      const map = await client.ask({ measure: 'ports' });
      expect(map.ports).toHaveLength(UDP.length + SIP.length);
      for (const row of map.ports) expect(row).toMatchObject({ outwards: 'open', inwards: 'open' });
      const { patterns } = await client.ask({ measure: 'inspection' });
      expect(resultsOf(patterns)).toEqual(ALL);
      for (const transport of ['udp', 'tcp']) {
        const { result } = await client.ask({ measure: 'sip-alg', transport });
        expect([transport, result]).toEqual([transport, 'none']);
      }
    },
  );

  test.each([0, 0.2])(
    'ports that are blocked one way or the other, with a loss of %s',
    async (loss) => {
      const firewall = [
        'iifname "lan" udp dport { 443, 20005 } drop',
        'iifname "wan" udp sport 20007 drop',
      ];
      lab.setKind({ ...KINDS.linux, loss, firewall });
      const map = await client.ask({ measure: 'ports' });
      for (const { port, outwards, inwards } of map.ports) {
        const isClosed = port === 443 || port === 20_005;
        const expected = isClosed
          ? ['blocked', 'unknown']
          : ['open', port === 20_007 ? 'blocked' : 'open'];
        expect([port, outwards, inwards]).toEqual([port, ...expected]);
      }
      expect(findingsOf(map)).toEqual(
        expect.arrayContaining(['ports-blocked', 'ports-blocked-inwards']),
      );
    },
  );

  test.each(/** @type {(keyof typeof LOOKS)[]} */ (Object.keys(LOOKS)))(
    'a firewall that drops what looks like %s',
    async (look) => {
      lab.setKind({ ...KINDS.linux, firewall: [`${LOOKS[look]} drop`] });
      const inspection = await client.ask({ measure: 'inspection' });
      expect(inspection).toMatchObject({ status: 'ok', port: UDP[0] });
      expect(resultsOf(inspection.patterns)).toEqual({ ...ALL, [look]: 'blocked' });
      const filtered = findingsOf(inspection).filter((id) => Object.values(FINDINGS).includes(id));
      expect(filtered).toEqual([FINDINGS[look]]);
      // That is no port's fault.
      const map = await client.ask({ measure: 'ports' });
      for (const { outwards } of map.ports) expect(outwards).toBe('open');
    },
  );

  const algSkipped = hasAlg ? '' : ' (skipped: this kernel has none)';
  algTest.each(['udp', 'tcp'])(
    `Linux's own ALG rewrites SIP over %s${algSkipped}`,
    async (transport) => {
      lab.setKind(KINDS.linux);
      startAlg(lab.name('inner'));
      const measurement = await client.ask({ measure: 'sip-alg', transport });
      expect(measurement).toMatchObject({ status: 'ok', result: 'altered' });
      console.log(`${transport}: ${measurement.changes.join('; ')}`);
      for (const change of [
        'Via: the address was rewritten',
        'Contact: the address was rewritten',
        'SDP c=: the address was rewritten',
      ]) {
        expect(measurement.changes).toContain(change);
      }
      expect(findingsOf(measurement)).toContain('sip-alg');
    },
  );

  test('throughput is that of each way by itself, where they differ', async () => {
    lab.setKind(KINDS.linux);
    // Token buckets count Ethernet's frames (RFC 894): 14 bytes, and 28 of IP and UDP.
    const payload = 1000 / (1000 + 14 + 28);
    const links = /** @type {const} */ ([
      ['wan', 'up', 1000],
      ['lan', 'down', 3000],
    ]);
    for (const [link, , kbps] of links) {
      const bucket = ['rate', `${kbps}kbit`, 'burst', '5kb', 'latency', '50ms'];
      lab.run('inner', 'tc', 'qdisc', 'add', 'dev', link, 'root', 'tbf', ...bucket);
    }
    const found = await client.ask({ measure: 'flow', rate: { kbps: 5000, seconds: 2 } });
    for (const [link, way, kbps] of links) {
      lab.run('inner', 'tc', 'qdisc', 'delete', 'dev', link, 'root');
      const { throughput, sent, received } = found[way];
      const injected = kbps * payload;
      console.log(
        `${way}: ${injected.toFixed(0)} kbit/s injected, ${throughput.kbps.toFixed(0)} reported`,
      );
      expect(Math.abs(throughput.kbps / injected - 1)).toBeLessThan(0.1);
      expect(received).toBeLessThan(sent);
    }
  });

  test('where all of UDP is blocked, nothing is made up', async () => {
    lab.setKind({ ...KINDS.linux, firewall: ['meta l4proto udp drop'] });
    const map = await client.ask({ measure: 'ports' });
    for (const { outwards } of map.ports) expect(outwards).toBe('blocked');
    const inspection = await client.ask({ measure: 'inspection' });
    expect(inspection.status).toBe('unknown');
    expect(await client.ask({ measure: 'sip-alg', transport: 'udp' })).toMatchObject({
      result: 'blocked',
    });
    expect(await client.ask({ measure: 'sip-alg', transport: 'tcp' })).toMatchObject({
      result: 'none',
    });
  });
});

/** @param {{ looksLike: string, result: string }[]} patterns */
const resultsOf = (patterns) =>
  Object.fromEntries(patterns.map(({ looksLike, result }) => [looksLike, result]));
