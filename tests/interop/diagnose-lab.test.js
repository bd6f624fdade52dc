// Pages in browsers behind NATs of every kind, in a laboratory of network namespaces: what candidates alone tell of the mapping.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { BROWSERS, reasonToSkip } from '../browser/browsers.js';
import { bundlePage } from '../browser/in-browsers.js';
import { KINDS, labMissing, NatLab, SERVER_ADDRESSES } from '../support/nat-lab.js';
import { LabProcess } from './lab-process.js';

/** @typedef {import('../../js/report/measurements/types.js').NatMeasurement} NatMeasurement */
/** @typedef {import('../../js/report/index.js').Report} Report */
/** @typedef {import('../support/nat-lab.js').NatKind} NatKind */

const PROGRAM = `
  import { diagnose } from './js/diagnose/index.js';
  globalThis.run = async ({ plan, timeoutMs }) => JSON.stringify(await diagnose(plan, { timeoutMs }));
`;

const missing = labMissing();
const absent = BROWSERS.map(reasonToSkip).find((reason) => reason !== undefined);
const skipped = missing === undefined ? absent : `skipped: ${missing}`;
const suite = skipped === undefined ? describe : describe.skip;

const PORTS = [3478, 3479];
const [FIRST, SECOND] = SERVER_ADDRESSES;
/** Servers that are asked: of two addresses; and two ports of one of these. */
const TWO = [`${FIRST}:3478`, `${SECOND}:3478`];
const THREE = [...TWO, `${FIRST}:3479`];
const ONE_ADDRESS = [`${FIRST}:3478`, `${FIRST}:3479`];

const EXACT = { value: 'address-and-port-dependent' };
const AT_LEAST = { value: 'address-dependent', because: expect.stringMatching(/^at least/) };
const UNKNOWN = { value: 'unknown', because: expect.stringMatching(/one address/) };
/** What can be known of a mapping by asking those. @type {Record<string, [readonly string[], object][]>} */
const TRUTH = {
  endpoint: [
    [TWO, { value: 'endpoint-independent' }],
    [THREE, { value: 'endpoint-independent' }],
    [ONE_ADDRESS, UNKNOWN],
  ],
  address: [
    [TWO, AT_LEAST],
    [THREE, { value: 'address-dependent' }],
    [ONE_ADDRESS, UNKNOWN],
  ],
  port: [
    [TWO, AT_LEAST],
    [THREE, EXACT],
    [ONE_ADDRESS, EXACT],
  ],
};

suite(skipped === undefined ? 'behind a NAT' : `behind a NAT (${skipped})`, () => {
  const lab = new NatLab();
  /** @type {LabProcess[]} */
  const processes = [];
  /** @type {LabProcess[]} */
  const browsers = [];
  /** @type {Awaited<ReturnType<typeof bundlePage>>} */
  let bundle;

  beforeAll(async () => {
    bundle = await bundlePage(PROGRAM, 'diagnose');
    lab.open();
    lab.setKind(KINDS.none);
    const listen = SERVER_ADDRESSES.flatMap((address) =>
      PORTS.map((port) => `udp://${address}:${port}`),
    );
    const server = new LabProcess(lab, 'server', 'lab-server.js', {
      listen,
      credentials: { user: 'secret' },
      realm: 'example.org',
      relay: { addresses: [FIRST] },
    });
    processes.push(server);
    await server.next();
    for (const name of BROWSERS) {
      const options = { hosts: [] };
      const browser = new LabProcess(
        lab,
        'client',
        'lab-browser.js',
        name,
        bundle.directory,
        options,
      );
      processes.push(browser);
      browsers.push(browser);
      console.log((await browser.next()).version);
    }
  }, 120_000);

  afterAll(async () => {
    await Promise.all(processes.map((one) => one.close()));
    lab.close();
    await bundle?.remove();
  }, 60_000);

  /** What each of the browsers finds. @param {readonly string[]} places @returns {Promise<NatMeasurement[]>} */
  const natOf = (places) =>
    Promise.all(
      browsers.map(async (browser) => {
        const plan = {
          iceServers: places.map((place) => ({ urls: `stun:${place}` })),
          quality: false,
        };
        const { outcome } = /** @type {{ outcome: Report }} */ (
          await browser.ask({ plan, timeoutMs: 3000 })
        );
        const [nat] = outcome.measurements.flatMap((one) => (one.kind === 'nat' ? [one] : []));
        return nat;
      }),
    );

  test.each(Object.entries(KINDS))(
    '%s: what several STUN servers have seen, and no more',
    async (_, /** @type {NatKind} */ kind) => {
      lab.setKind(kind);
      for (const [places, mapping] of TRUTH[kind.mapping ?? 'endpoint']) {
        for (const nat of await natOf(places)) {
          expect(nat).toMatchObject({ method: 'ice', mapping, filtering: { value: 'unknown' } });
        }
      }
    },
    60_000,
  );

  test('where UDP is blocked nothing is known', async () => {
    lab.setKind({ ...KINDS.port, firewall: ['iifname "lan" meta l4proto udp drop'] });
    for (const nat of await natOf(TWO)) {
      expect(nat).toMatchObject({
        status: 'unknown',
        because: 'no STUN server answered over UDP',
      });
    }
  }, 60_000);
});
