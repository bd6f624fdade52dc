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

/** Each way. */
const LOSS = 0.1;
/** Up to the server and down again. */
const EXPECTED = 1 - (1 - LOSS) ** 2;
const VARIANCE = EXPECTED * (1 - EXPECTED);
/** Beyond that it is no chance. */
const DEVIATIONS = 5;

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
      // Relays of one server talk to each other here.
      policy: { allow: [`${FIRST}/32`] },
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

  /**
   * What each of the browsers finds.
   *
   * @param {import('../../js/diagnose/index.js').NetworkPlan} plan
   * @param {number} timeoutMs
   * @returns {Promise<Report[]>}
   */
  const reportsOf = (plan, timeoutMs) =>
    Promise.all(browsers.map((browser) => browser.ask({ plan, timeoutMs })));

  /** @param {readonly string[]} places @returns {Promise<NatMeasurement[]>} one of each browser */
  async function natOf(places) {
    const iceServers = places.map((place) => ({ urls: `stun:${place}` }));
    const reports = await reportsOf({ iceServers, quality: false }, 3000);
    return reports.flatMap(({ measurements }) =>
      measurements.flatMap((one) => (one.kind === 'nat' ? [one] : [])),
    );
  }

  test.each(Object.entries(KINDS))(
    '%s: what several STUN servers have seen, and no more',
    async (_, /** @type {NatKind} */ kind) => {
      lab.setKind(kind);
      for (const [places, mapping] of TRUTH[kind.mapping ?? 'endpoint']) {
        const found = await natOf(places);
        expect(found).toHaveLength(browsers.length);
        for (const nat of found) {
          expect(nat).toMatchObject({ method: 'ice', mapping, filtering: { value: 'unknown' } });
        }
      }
    },
    60_000,
  );

  test('where much is lost, relays work all the same, and the loss is told', async () => {
    lab.setKind({ ...KINDS.port, loss: LOSS });
    const urls = `turn:${FIRST}:3478?transport=udp`;
    const plan = {
      iceServers: [{ urls, username: 'user', credential: 'secret' }],
      quality: { seconds: 8, throughputSeconds: 0 },
    };
    for (const { measurements } of await reportsOf(plan, 20_000)) {
      const relay = measurements.find(({ kind }) => kind === 'reachability');
      expect(relay).toMatchObject({ status: 'ok', dataPath: 'proven' });
      const [quality] = measurements.flatMap((one) => (one.kind === 'quality' ? [one] : []));
      const { sent = 0, lossRatio } = quality.arrivals ?? {};
      // SCTP pauses after losses, and what is lost is not counted in pauses.
      expect(sent).toBeGreaterThan(50);
      expect(lossRatio).toBeGreaterThan(EXPECTED - DEVIATIONS * Math.sqrt(VARIANCE / sent));
      expect(lossRatio).toBeLessThan(EXPECTED + DEVIATIONS * Math.sqrt(VARIANCE / sent));
    }
  }, 180_000);

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
