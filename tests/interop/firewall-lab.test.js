// Network tests from behind firewalls and NATs of the kernel's, in network namespaces: the grade, what is found, and what those
// who run the network are asked for.
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { findProgram } from '../../scripts/lib/process.js';
import { FIREWALLS, KINDS, labMissing } from '../support/nat-lab.js';
import { describeWith } from './describe-with.js';
import { makeLabCertificate, NAMES, planBy, TURN, WEB } from './lab-setting.js';
import { LabSite, LOGIN, proxyUrl } from './lab-site.js';

/** @typedef {import('../support/nat-lab.js').NatKind} NatKind */
/** @typedef {import('../../js/network-test/index.js').NetworkPlan} NetworkPlan */
/** @typedef {import('../../js/report/index.js').Report} Report */

jest.setTimeout(180_000);

const missing = labMissing() ?? (findProgram('tinyproxy') ? undefined : 'tinyproxy: not installed');

/** Behind what the firewall is. @type {Record<string, NatKind>} */
const NATS = { 'no NAT': KINDS.none, 'port-restricted': KINDS.port, symmetric: KINDS.sym };
/** What is said of each, where UDP passes and a relay works. @type {Record<string, string[]>} */
const NAT_FINDINGS = {
  'no NAT': ['nat-direct', 'no-nat'],
  'port-restricted': ['nat-direct', 'nat-no-hairpin'],
  symmetric: ['nat-symmetric-relayed'],
};
const MAPPINGS = ['nat-direct', 'nat-symmetric-relayed', 'nat-unknown'];

/** Of servers that do not answer; all others do it at once. */
const TIMEOUT_MS = 1500;
/** Six requests, of which a fifth is lost each way. */
const PATIENCE_MS = 20_000;
const LOSS = 0.2;

/** @type {NetworkPlan} */
const PLAN = planBy('name');
/** @type {NetworkPlan} */
const WITHOUT_REFLECTOR = { ...PLAN, reflector: undefined };
const [{ urls, ...user }] = /** @type {{ urls: string[] }[]} */ (PLAN.iceServers);
/** Proxies do not find the names. @type {NetworkPlan} */
const PROXIED = { ...planBy('address'), reflector: undefined };

/**
 * What is asked for of the TURN server: protocol, port, and the id where it is another.
 *
 * @param {'udp' | 'tcp'} protocol
 * @param {number} port
 * @param {string} [id]
 */
const ask = (protocol, port, id = `${protocol}-${port}`, { name, address } = TURN) => ({
  id,
  protocol,
  ports: [port],
  names: [name],
  addresses: [address],
});
const ASK_UDP = [ask('udp', 3478)];
const ASK_ALL = [
  ask('tcp', 443, 'signalling-443', WEB),
  ask('udp', 3478),
  ask('tcp', 443, 'tls-443'),
  ask('tcp', 5349, 'tls-5349'),
  ask('tcp', 443),
  ask('tcp', 3478),
  ask('tcp', 443, 'wss-443'),
  ask('tcp', 80, 'ws-80'),
];
/** By address, where the plan has no names. @param {ReturnType<typeof ask>[]} asks */
const withoutNames = (asks) => asks.map((one) => ({ ...one, names: [] }));

/**
 * @typedef {object} Case
 * @property {string} name
 * @property {readonly string[]} firewall
 * @property {NetworkPlan} plan
 * @property {string} grade
 * @property {string[]} findings all of them
 * @property {object[]} asks
 */

/** @type {Case[]} */
const CASES = [
  ...['UDP dropped', 'UDP rejected', 'UDP prohibited'].map((name, i) => ({
    name,
    firewall: FIREWALLS[/** @type {'UDP dropped'} */ (name)],
    // Where UDP is blocked, neither ports nor payloads nor SIP are to blame.
    plan: i === 0 ? PLAN : WITHOUT_REFLECTOR,
    grade: 'fair',
    findings: ['relay-works', 'udp-blocked'],
    asks: ASK_UDP,
  })),
  {
    name: 'UDP passes on port 443 only',
    firewall: ['iifname "lan" udp dport != 443 drop'],
    plan: {
      ...WITHOUT_REFLECTOR,
      iceServers: [{ ...user, urls: [...urls, `turn:${TURN.name}:443?transport=udp`] }],
    },
    grade: 'good',
    findings: ['relay-works', 'udp-443-only', 'udp-passes'],
    asks: ASK_UDP,
  },
  {
    name: 'STUN dropped',
    firewall: FIREWALLS['STUN dropped'],
    plan: PLAN,
    grade: 'fair',
    findings: ['relay-works', 'stun-filtered', 'udp-passes'],
    asks: [ask('udp', 3478, 'stun-udp-3478')],
  },
  ...['only TCP 443', 'only TCP 80 and 443'].map((name) => ({
    name,
    firewall: FIREWALLS[/** @type {'only TCP 443'} */ (name)],
    plan: WITHOUT_REFLECTOR,
    grade: 'fair',
    findings: ['relay-works', 'udp-blocked', 'web-ports-only'],
    asks: ASK_UDP,
  })),
  {
    name: 'only TCP 443, where there is nothing but WebSocket',
    firewall: FIREWALLS['only TCP 443'],
    plan: {
      ...WITHOUT_REFLECTOR,
      iceServers: [{ ...user, urls: urls.filter((url) => !/:443\?/.test(url)) }],
    },
    grade: 'fair',
    findings: ['relay-works', 'udp-blocked', 'web-ports-only', 'websocket-only'],
    asks: [...ASK_UDP, ask('tcp', 5349, 'tls-5349')],
  },
  {
    name: 'payload inspection',
    firewall: FIREWALLS['payload inspection'],
    plan: WITHOUT_REFLECTOR,
    grade: 'fair',
    findings: ['relay-works', 'tls-only', 'udp-blocked', 'web-ports-only'],
    asks: ASK_UDP,
  },
  {
    name: 'nothing passes',
    firewall: FIREWALLS.nothing,
    plan: WITHOUT_REFLECTOR,
    grade: 'blocked',
    findings: ['nothing-passes'],
    asks: ASK_ALL,
  },
  {
    name: 'nothing but a proxy',
    firewall: FIREWALLS.nothing,
    plan: { ...PROXIED, proxy: proxyUrl(3128) },
    grade: 'fair',
    findings: ['proxy-refuses-some', 'proxy-used', 'relay-works', 'udp-blocked'],
    asks: withoutNames(ASK_UDP),
  },
  {
    name: 'nothing but a proxy that asks for a login',
    firewall: FIREWALLS.nothing,
    plan: { ...PROXIED, proxy: proxyUrl(3129, `${LOGIN.join(':')}@`) },
    grade: 'fair',
    findings: ['proxy-refuses-some', 'proxy-used', 'relay-works', 'udp-blocked'],
    asks: withoutNames(ASK_UDP),
  },
  {
    name: 'nothing but a proxy, which does not know the login',
    firewall: FIREWALLS.nothing,
    plan: { ...PROXIED, proxy: proxyUrl(3129, 'user:wrong@') },
    grade: 'blocked',
    findings: ['nothing-passes', 'proxy-refuses'],
    asks: withoutNames([
      ...ASK_ALL.slice(0, 2),
      ...ASK_ALL.slice(2).flatMap((one) => [one, { ...one, id: `proxy-${one.id}` }]),
    ]),
  },
];

/** @param {Report} report */
const idsOf = ({ findings }) => findings.map(({ id }) => id).sort();

/** @param {Report} report */
const asksOf = ({ asks }) =>
  asks.map(({ id, protocol, ports, names, addresses }) => ({
    id,
    protocol,
    ports,
    names,
    addresses,
  }));

describeWith('firewalls of nftables', missing)('a network test from inside', () => {
  /** By NAT and case. @type {Map<string, Report>} */
  const reports = new Map();
  /** @type {ReturnType<typeof makeLabCertificate>} */ let certificate;
  /** @type {LabSite[]} */ const sites = [];

  /** @param {string} nat @param {string} name @returns {Report} */
  const reportOf = (nat, name) => {
    const report = reports.get(`${nat}/${name}`);
    if (report?.findings === undefined) throw new Error(`no report: ${JSON.stringify(report)}`);
    return report;
  };

  // Most of it is waiting, so labs wait at the same time.
  beforeAll(async () => {
    certificate = makeLabCertificate();
    /** @returns {Promise<(kind: NatKind, plan: NetworkPlan, timeoutMs?: number) => Promise<Report>>} */
    const open = async () => {
      const site = new LabSite();
      sites.push(site);
      site.open();
      await site.serve(certificate.files);
      const client = site.start('client', 'lab-check.js', NAMES, certificate.files.ca);
      return (kind, plan, timeoutMs = TIMEOUT_MS) => {
        site.lab.setKind(kind);
        return client.ask({ plan, timeoutMs });
      };
    };
    const works = Object.entries(NATS).flatMap(([nat, kind]) => [
      async () => {
        const check = await open();
        for (const { name, firewall, plan } of CASES) {
          reports.set(`${nat}/${name}`, await check({ ...kind, firewall }, plan));
        }
      },
      async () => {
        const check = await open();
        const plan = { ...PLAN, natServer: undefined };
        reports.set(`${nat}/open`, await check(kind, plan));
        const lossy = {
          iceServers: [{ ...user, urls: urls.slice(0, 2) }],
          natServer: `stun:${TURN.name}`,
          families: PLAN.families,
          quality: PLAN.quality,
        };
        reports.set(`${nat}/loss`, await check({ ...kind, loss: LOSS }, lossy, PATIENCE_MS));
      },
    ]);
    await Promise.all(works.map((work) => work()));
  });
  afterAll(async () => {
    await Promise.all(sites.map((site) => site.close()));
    certificate?.remove();
  });

  const each = CASES.flatMap((one) => Object.keys(NATS).map((nat) => ({ nat, ...one })));
  test.each(each)('$name, $nat', ({ nat, name, grade, findings, asks }) => {
    const report = reportOf(nat, name);
    expect({ grade: report.grade, findings: idsOf(report), asks: asksOf(report) }).toEqual({
      grade,
      findings,
      asks,
    });
  });

  test.each(Object.keys(NATS))(
    'no firewall, %s: what the NAT does, and nothing to ask for',
    (nat) => {
      const report = reportOf(nat, 'open');
      const expected = ['relay-works', 'udp-passes', ...NAT_FINDINGS[nat]];
      expect({ grade: report.grade, findings: idsOf(report), asks: report.asks }).toEqual({
        grade: 'good',
        findings: expected.sort(),
        asks: [],
      });
    },
  );

  test.each(Object.keys(NATS))(
    'a fifth of the packets lost each way, %s: the right mapping or none, and calls work',
    (nat) => {
      const report = reportOf(nat, 'loss');
      const [right] = NAT_FINDINGS[nat];
      const told = idsOf(report).filter((id) => MAPPINGS.includes(id));
      expect([[right], ['nat-unknown']]).toContainEqual(told);
      expect(['good', 'fair']).toContain(report.grade);
      expect(idsOf(report)).toContain('relay-works');
    },
  );

  test('payload inspection resets what is no TLS, and what is no HTTP', () => {
    const { measurements } = reportOf('no NAT', 'payload inspection');
    const tried = measurements.flatMap((one) =>
      one.kind === 'reachability' && [80, 443].includes(one.port)
        ? [[one.transport, one.port, one.error?.systemCode ?? one.status]]
        : [],
    );
    expect(tried.sort()).toEqual([
      ['tcp', 443, 'ECONNRESET'],
      ['tls', 443, 'ok'],
      ['ws', 80, 'ok'],
      ['wss', 443, 'ok'],
    ]);
  });
});
