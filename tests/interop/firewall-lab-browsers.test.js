// Network tests of pages, in browsers behind firewalls and NATs of the kernel's, in network namespaces: the same verdicts and
// asks as from Node.js, and of the NAT what the mirror tells.
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { findProgram } from '../../scripts/lib/process.js';
import { BROWSERS, reasonToSkip } from '../browser/browsers.js';
import { bundlePage } from '../browser/in-browsers.js';
import { FIREWALLS, KINDS, labMissing, ROUTERS } from '../support/nat-lab.js';
import { makeLabCertificate, planBy, TURN, WEB } from './lab-setting.js';
import { LabSite, PROXIES } from './lab-site.js';

/** @typedef {import('../support/nat-lab.js').NatKind} NatKind */
/** @typedef {import('../../js/report/index.js').Report} Report */
/** @typedef {import('./lab-process.js').LabProcess} LabProcess */

jest.setTimeout(120_000);

const missing = labMissing() ?? (findProgram('tinyproxy') ? undefined : 'tinyproxy: not installed');
const absent = BROWSERS.map(reasonToSkip).find((reason) => reason !== undefined);
// In CI the machine has what it takes, but for the right to make namespaces.
const skipped = missing === undefined ? absent : `skipped: ${missing}`;
const suite = skipped === undefined ? describe : describe.skip;

const PROGRAM = `
  import { diagnose } from './js/diagnose/index.js';

  globalThis.run = ({ plan, timeoutMs }) =>
    diagnose(plan, { timeoutMs, wasmUrl: '/engine.wasm' }).then(JSON.stringify, (error) =>
      JSON.stringify({ error: String(error.stack ?? error) }),
    );
`;

/** Of servers that do not answer. */
const TIMEOUT_MS = 2500;
const HOSTS = [TURN.address, WEB.address];

/** It is asked by HTTPS, since that passes most firewalls. */
const mirror = `https://${TURN.address}/mirror`;
const PLAN = { ...planBy('address'), reflector: undefined, natServer: undefined, mirror };
const GATEWAY = `wss://${WEB.address}/turn/main`;
const [{ urls, ...user }] = /** @type {{ urls: string[] }[]} */ (PLAN.iceServers);
/** How a NAT is tested where much is lost: no relay. */
const NAT_ONLY = { mirror, families: PLAN.families };

const ASK_UDP = [`udp-3478 ${TURN.address}`];
const UDP_BLOCKED = ['nat-unknown', 'relay-works', 'udp-blocked'];

/**
 * Firefox does not take the certificate of an authority of ours for TURN over TLS, and does not say so: there it cannot tell
 * what passes.
 *
 * @type {{ name: string, firewall: readonly string[], grade: string, findings: string[], inFirefox?: string[], asks: string[], asksInFirefox?: string[] }[]}
 */
const CASES = [
  {
    name: 'UDP dropped',
    firewall: FIREWALLS['UDP dropped'],
    grade: 'fair',
    findings: UDP_BLOCKED,
    asks: ASK_UDP,
  },
  {
    name: 'UDP rejected',
    firewall: FIREWALLS['UDP rejected'],
    grade: 'fair',
    findings: UDP_BLOCKED,
    asks: ASK_UDP,
  },
  {
    // A page sends nothing but STUN until ICE is done: to it that is all of UDP.
    name: 'STUN dropped',
    firewall: FIREWALLS['STUN dropped'],
    grade: 'fair',
    findings: UDP_BLOCKED,
    asks: ASK_UDP,
  },
  {
    name: 'only TCP 443',
    firewall: FIREWALLS['only TCP 443'],
    grade: 'fair',
    findings: [...UDP_BLOCKED, 'web-ports-only'],
    inFirefox: [...UDP_BLOCKED, 'server-partly-silent'],
    asks: ASK_UDP,
  },
  {
    name: 'payload inspection',
    firewall: FIREWALLS['payload inspection'],
    grade: 'fair',
    findings: [...UDP_BLOCKED, 'tls-only', 'web-ports-only'],
    inFirefox: UDP_BLOCKED,
    asks: ASK_UDP,
  },
  {
    name: 'nothing passes',
    firewall: FIREWALLS.nothing,
    grade: 'blocked',
    findings: ['nat-unknown', 'nothing-passes'],
    asks: [
      `signalling-443 ${WEB.address}`,
      ...['udp-3478', 'tls-443', 'tls-5349', 'tcp-443', 'tcp-3478', 'wss-443', 'ws-80'].map(
        (id) => `${id} ${TURN.address}`,
      ),
    ],
    asksInFirefox: [
      `signalling-443 ${WEB.address}`,
      ...['udp-3478', 'tcp-443', 'tcp-3478', 'wss-443', 'ws-80'].map(
        (id) => `${id} ${TURN.address}`,
      ),
    ],
  },
];

/** What is said of NATs where a relay works. @type {Record<string, string[]>} */
const NATS = {
  none: ['nat-direct', 'no-nat'],
  full: ['nat-direct', 'nat-no-hairpin'],
  port: ['nat-direct', 'nat-no-hairpin'],
  sym: ['nat-no-hairpin', 'nat-symmetric-relayed'],
  'adm-adf': ['nat-no-hairpin', 'nat-symmetric-relayed'],
};

/** @param {Report} report without which way the browser would choose */
const idsOf = ({ findings }) =>
  findings
    .map(({ id }) => id)
    .filter((id) => !id.startsWith('path-'))
    .sort();

/** @param {Report} report */
const asksOf = ({ asks }) => asks.map(({ id, addresses }) => `${id} ${addresses.join()}`);

suite(skipped === undefined ? 'behind a firewall' : `behind a firewall (${skipped})`, () => {
  const site = new LabSite();
  /** @type {ReturnType<typeof makeLabCertificate>} */ let certificate;
  /** @type {Awaited<ReturnType<typeof bundlePage>>} */ let bundle;
  /** @type {{ name: string, isProxied: boolean, page: LabProcess }[]} */ let clients;

  beforeAll(async () => {
    certificate = makeLabCertificate();
    bundle = await bundlePage(PROGRAM, 'diagnose');
    site.open();
    const proxy = { host: ROUTERS[0].lan, port: PROXIES[0].port };
    clients = [undefined, proxy].flatMap((way) =>
      BROWSERS.map((name) => {
        const options = { hosts: HOSTS, trustsAll: true, proxy: way };
        const page = site.start('client', 'lab-browser.js', name, bundle.directory, options);
        return { name, isProxied: way !== undefined, page };
      }),
    );
    const opened = await Promise.all(clients.map(({ page }) => page.next()));
    for (const { version } of opened.slice(0, BROWSERS.length)) console.log(version);
    const origins = opened.map(({ origin }) => origin);
    await site.serve(certificate.files, {
      mirror: { addresses: HOSTS, origins },
      gateway: {
        upstreams: {
          main: { url: `turn:${TURN.address}:3478?transport=udp`, allowPrivate: [TURN.address] },
        },
        origins,
        tickets: false,
        policy: { allow: [TURN.address] },
      },
    });
  });
  afterAll(async () => {
    await site.close();
    await bundle?.remove();
    certificate?.remove();
  });

  /**
   * What each of the browsers finds.
   *
   * @param {NatKind} kind
   * @param {object} [plan]
   * @param {boolean} [throughProxy]
   * @returns {Promise<{ name: string, report: Report }[]>}
   */
  const diagnose = (kind, plan = PLAN, throughProxy = false) => {
    site.lab.setKind(kind);
    return Promise.all(
      clients
        .filter(({ isProxied }) => isProxied === throughProxy)
        .map(async ({ name, page }) => {
          const report = await page.ask({ plan, timeoutMs: TIMEOUT_MS });
          if (report.error !== undefined) throw new Error(`${name}: ${report.error}`);
          return { name, report };
        }),
    );
  };

  /** @param {{ name: string, report: Report }[]} found */
  const verdictsOf = (found) =>
    found.map(({ name, report }) => ({
      name,
      grade: report.grade,
      findings: idsOf(report),
      asks: asksOf(report),
    }));

  test.each(CASES)('$name', async ({ firewall, grade, ...expected }) => {
    const { findings, inFirefox = findings, asks, asksInFirefox = asks } = expected;
    expect(verdictsOf(await diagnose({ ...KINDS.linux, firewall }))).toEqual([
      { name: 'chromium', grade, findings: findings.sort(), asks },
      { name: 'firefox', grade, findings: inFirefox.sort(), asks: asksInFirefox },
    ]);
  });

  test('only TCP 443, where there is nothing but a gateway', async () => {
    const plan = {
      ...PLAN,
      iceServers: [
        { ...user, urls: [...urls.filter((url) => !/(:443\?|^wss?:)/.test(url)), GATEWAY] },
      ],
      // The server is up.
      https: [...PLAN.https, `https://${TURN.address}/`],
    };
    const kind = { ...KINDS.linux, firewall: FIREWALLS['only TCP 443'] };
    expect(verdictsOf(await diagnose(kind, plan))).toEqual([
      {
        name: 'chromium',
        grade: 'fair',
        findings: [...UDP_BLOCKED, 'web-ports-only', 'websocket-only'].sort(),
        asks: [...ASK_UDP, `tls-5349 ${TURN.address}`],
      },
      { name: 'firefox', grade: 'fair', findings: UDP_BLOCKED, asks: ASK_UDP },
    ]);
  });

  test('nothing but a proxy: TURN over WebSocket goes through it', async () => {
    const kind = { ...KINDS.linux, firewall: FIREWALLS.nothing };
    for (const { name, report } of await diagnose(kind, PLAN, true)) {
      expect([name, report.grade, asksOf(report)]).toEqual([name, 'fair', ASK_UDP]);
      expect(idsOf(report)).toEqual(expect.arrayContaining(UDP_BLOCKED));
      const passing = report.measurements.flatMap((one) =>
        one.kind === 'reachability' && one.status === 'ok' ? [`${one.transport} ${one.port}`] : [],
      );
      expect(passing).toContain('wss 443');
      expect(passing.filter((way) => !way.endsWith(' 443'))).toEqual([]);
    }
  });

  test.each(Object.entries(NATS))('no firewall, NAT: %s', async (kind, ofNat) => {
    const findings = ['relay-works', 'udp-passes', ...ofNat].sort();
    expect(verdictsOf(await diagnose(KINDS[kind]))).toEqual(
      BROWSERS.map((name) => ({ name, grade: 'good', findings, asks: [] })),
    );
  });

  test.each([
    ['port', 'nat-direct'],
    ['sym', 'nat-symmetric'],
  ])('a fifth of the packets lost each way, NAT: %s', async (kind, expected) => {
    for (const { name, report } of await diagnose({ ...KINDS[kind], loss: 0.2 }, NAT_ONLY)) {
      const told = idsOf(report).filter((id) => /^nat-(direct|symmetric|unknown)/.test(id));
      expect([name, told]).toEqual([name, [expected]]);
    }
  });
});
