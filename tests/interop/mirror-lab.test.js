// Browsers behind NATs of every kind, in a laboratory of network namespaces: what the mirror tells their pages.
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { BROWSERS, reasonToSkip } from '../browser/browsers.js';
import { CLIENT_ADDRESS, KINDS, labMissing, NatLab, SERVER_ADDRESSES } from '../support/nat-lab.js';

/** @typedef {import('../support/nat-lab.js').NatKind} NatKind */

const HTTP_PORT = '8080';
const script = (/** @type {string} */ name) => fileURLToPath(new URL(name, import.meta.url));

const WELL_KNOWN = [443, 3478, 5004, 19_302];
const PORTS = [...WELL_KNOWN, 5060, ...Array.from({ length: 55 }, (_, i) => 20_000 + i)];

const missing = labMissing();
const absent = BROWSERS.map(reasonToSkip).find((reason) => reason !== undefined);
// In CI the machine has what it takes, but for the right to make namespaces.
const skipped = missing === undefined ? absent : `skipped: ${missing}`;
const suite = skipped === undefined ? describe : describe.skip;

const DEPENDENCE = {
  endpoint: 'endpoint-independent',
  address: 'address-dependent',
  port: 'address-and-port-dependent',
};

/** What is true of a router. @param {NatKind} kind */
const truthOf = ({ mapping = 'endpoint', filtering }) => ({
  mapping: { value: DEPENDENCE[mapping] },
  filtering: { value: DEPENDENCE[filtering === 'none' ? 'endpoint' : filtering] },
});

suite(skipped === undefined ? 'behind a NAT' : `behind a NAT (${skipped})`, () => {
  const lab = new NatLab();
  /** @type {{ name: string, child: import('node:child_process').ChildProcess, lines: AsyncIterator<string> }[]} */
  const clients = [];
  /** @type {import('node:child_process').ChildProcess} */
  let server;

  beforeAll(async () => {
    lab.open();
    lab.setKind(KINDS.none);
    const stdio = /** @type {const} */ (['pipe', 'pipe', 'inherit']);
    const origins = [];
    for (const name of BROWSERS) {
      const args = [script('mirror-lab-client.js'), name, SERVER_ADDRESSES[0], HTTP_PORT];
      const child = lab.spawn('client', process.execPath, args, { stdio: [...stdio] });
      const output = /** @type {import('node:stream').Readable} */ (child.stdout);
      const lines = createInterface({ input: output })[Symbol.asyncIterator]();
      clients.push({ name, child, lines });
      const { origin, version } = JSON.parse((await lines.next()).value);
      origins.push(origin);
      console.log(`${name}: ${version}`);
    }
    const options = { addresses: SERVER_ADDRESSES, origins, portMap: PORTS };
    const args = [script('mirror-lab-server.js'), HTTP_PORT, JSON.stringify(options)];
    server = lab.spawn('server', process.execPath, args, { stdio: [...stdio] });
    await once(/** @type {import('node:stream').Readable} */ (server.stdout), 'data');
  }, 120_000);

  afterAll(async () => {
    for (const child of [...clients.map(({ child }) => child), server]) {
      if (child === undefined || child.exitCode !== null) continue;
      const ended = once(child, 'exit');
      child.stdin?.end();
      await ended;
    }
    lab.close();
  }, 60_000);

  /**
   * What each of the browsers finds.
   *
   * @param {object} options of diagnoseNat()
   * @returns {Promise<[name: string, found: Awaited<ReturnType<typeof import('./mirror-page.js').diagnoseIn>>][]>}
   */
  const diagnose = (options) =>
    Promise.all(
      clients.map(async ({ name, child, lines }) => {
        child.stdin?.write(`${JSON.stringify(options)}\n`);
        return [name, JSON.parse((await lines.next()).value)];
      }),
    );

  test.each(Object.entries(KINDS))(
    '%s',
    async (_name, kind) => {
      lab.setKind(kind);
      for (const [, { diagnosis, problems }] of await diagnose({ ports: false })) {
        const isNat = kind.mapping !== undefined;
        expect(diagnosis).toEqual({
          whose: 'client',
          ...truthOf(kind),
          publicAddress: {
            value: {
              address: isNat ? '192.0.2.77' : CLIENT_ADDRESS,
              port: expect.any(Number),
              family: 'IPv4',
            },
          },
          behindNat: { value: isNat },
          portPreservation: isNat
            ? { value: kind.keepsPort === true }
            : expect.objectContaining({ value: 'unknown', reason: 'no-nat' }),
          hairpinning: isNat
            ? { value: false }
            : expect.objectContaining({ value: 'unknown', reason: 'no-nat' }),
          bindingLifetime: expect.objectContaining({ reason: 'not-asked' }),
          portMap: expect.objectContaining({ reason: 'not-asked' }),
          otherPaths: [],
          confirmed: false,
        });
        expect(problems).toEqual([]);
      }
    },
    60_000,
  );

  test('one behind another: what both do together', async () => {
    lab.setKind(KINDS.port, KINDS.sym);
    for (const [, { diagnosis }] of await diagnose({ ports: false, hairpinning: false })) {
      expect(diagnosis).toMatchObject({ ...truthOf(KINDS.sym), behindNat: { value: true } });
      expect(diagnosis.publicAddress.value.address).toBe('198.51.100.77');
    }
  }, 60_000);

  test.each(['full', 'port', 'sym'])(
    '%s with hairpinning',
    async (name) => {
      lab.setKind({ ...KINDS[name], hairpins: true });
      for (const [, { diagnosis }] of await diagnose({ ports: false })) {
        expect(diagnosis).toMatchObject({ ...truthOf(KINDS[name]), hairpinning: { value: true } });
      }
    },
    60_000,
  );

  test.each(['full', 'addr', 'sym'])(
    '%s, with a fifth of the packets lost each way',
    async (name) => {
      lab.setKind({ ...KINDS[name], loss: 0.2 });
      for (const [, { diagnosis }] of await diagnose({ ports: false, hairpinning: false })) {
        expect(diagnosis).toMatchObject({ ...truthOf(KINDS[name]), behindNat: { value: true } });
      }
    },
    60_000,
  );

  test.each([
    ['full, which keeps ports', { ...KINDS.full, keepsPort: true }],
    ['port, which answers what nobody asked for', { ...KINDS.port, answersUnsolicited: true }],
  ])(
    '%s',
    async (_name, kind) => {
      lab.setKind(kind);
      const found = await diagnose({ ports: false, hairpinning: false, confirm: true });
      for (const [, { diagnosis }] of found) {
        expect(diagnosis).toMatchObject({
          ...truthOf(kind),
          portPreservation: { value: kind.keepsPort === true },
          confirmed: true,
        });
      }
    },
    60_000,
  );

  test('ports that are blocked outwards, inwards, and not at all', async () => {
    const drops = ['iifname "lan" udp dport { 3478, 20010 }', 'iifname "wan" udp sport 5004'];
    lab.setKind({ ...KINDS.linux, drops });
    for (const [name, { diagnosis }] of await diagnose({ hairpinning: false })) {
      expect(diagnosis.portMap.value).toHaveLength(PORTS.length);
      const odd = diagnosis.portMap.value.filter(
        (/** @type {any} */ one) => !(one.isTestable && one.out && one.in),
      );
      expect({ name, odd }).toEqual({
        name,
        odd: [
          { port: 3478, isTestable: true, out: false, in: false },
          { port: 5004, isTestable: true, out: true, in: false },
          { port: 5060, isTestable: false },
          { port: 20_010, isTestable: true, out: false, in: false },
        ],
      });
    }
  }, 60_000);

  test.each([
    ['no UDP at all', 'meta l4proto udp'],
    ['no STUN', 'meta l4proto udp @th,96,32 0x2112a442'],
  ])(
    '%s',
    async (_name, drop) => {
      lab.setKind({ ...KINDS.linux, drops: [drop] });
      for (const [, { diagnosis }] of await diagnose({})) {
        for (const key of ['publicAddress', 'mapping', 'filtering', 'behindNat', 'hairpinning']) {
          expect(diagnosis[key]).toMatchObject({ value: 'unknown', reason: 'no-check' });
        }
        expect(diagnosis.portMap).toMatchObject({ value: 'unknown', reason: 'no-check' });
      }
    },
    60_000,
  );

  test('how long it keeps a binding', async () => {
    lab.setKind({ ...KINDS.linux, timeoutSeconds: 8 });
    const options = { ports: false, hairpinning: false, lifetimeSeconds: [5, 11] };
    for (const [, { diagnosis }] of await diagnose(options)) {
      expect(diagnosis.bindingLifetime).toEqual({
        value: { atLeastSeconds: 5, lessThanSeconds: 11 },
      });
    }
  }, 90_000);
});
