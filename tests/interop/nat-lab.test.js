// NAT discovery through NATs of the kernel: network namespaces in which nftables are a NAT of each kind.
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { coturnVersion } from '../support/coturn.js';
import { KINDS, labMissing, NatLab, SERVER_ADDRESSES } from '../support/nat-lab.js';
import { describeWith } from './describe-with.js';
import { NAT_TOOL, readNatTool } from './nat-tool.js';

/** @typedef {import('../support/nat-lab.js').NatKind} NatKind */

jest.setTimeout(400_000);

const PORT = 3478;
const CLI = fileURLToPath(new URL('../../js/cli/cli.js', import.meta.url));
const SERVER = fileURLToPath(new URL('nat-lab-server.js', import.meta.url));

const BEHAVIOURS = {
  endpoint: 'endpoint-independent',
  address: 'address-dependent',
  port: 'address-and-port-dependent',
};

/**
 * @typedef {object} Question
 * @property {string} name
 * @property {NatKind} inner
 * @property {NatKind} [outer]
 * @property {'postern' | 'coturn'} [server]
 * @property {string[]} [args]
 * @property {boolean} [hasTool] coturn's own program is asked, too
 * @property {object} expected
 */

/** What stands before the server in a lab of its own. Kinds are asked at the same time: most of it is waiting. */
class Case {
  lab = new NatLab();
  folder = mkdtempSync(join(tmpdir(), 'postern-nat-'));
  /** @type {import('node:child_process').ChildProcess[]} */ processes = [];

  /**
   * @param {Pick<Question, 'inner' | 'outer' | 'args' | 'server' | 'hasTool'>} question
   */
  async ask({ inner, outer, args = [], server = 'postern', hasTool = false }) {
    this.lab.open().setKind(inner, outer);
    await (server === 'coturn' ? this.#startCoturn() : this.#startServer());
    const uri = `stun:${SERVER_ADDRESSES[0]}:${PORT}`;
    const child = this.#spawn('client', process.execPath, [CLI, 'nat', uri, '--json', ...args]);
    const [stdout, stderr, [exitCode]] = await Promise.all([
      textOf(child.stdout),
      textOf(child.stderr),
      once(child, 'close'),
    ]);
    // What coturn's own program says of the same NAT.
    const tool = hasTool ? readNatTool(await this.#askTool()) : undefined;
    return { exitCode, stderr, tool, json: stdout === '' ? undefined : JSON.parse(stdout) };
  }

  #askTool() {
    const args = ['-m', '-f', '-p', String(PORT), SERVER_ADDRESSES[0]];
    return textOf(this.#spawn('client', NAT_TOOL, args).stdout);
  }

  async #startServer() {
    const child = this.#spawn('server', process.execPath, [
      SERVER,
      String(PORT),
      ...SERVER_ADDRESSES,
    ]);
    await once(/** @type {import('node:stream').Readable} */ (child.stdout), 'data');
  }

  async #startCoturn() {
    const hosts = SERVER_ADDRESSES.flatMap((address) => ['-L', address, '-E', address]);
    const child = this.#spawn('server', 'turnserver', [
      ...['-n', '--no-cli', ...hosts, '-p', String(PORT), '-r', 'example.org'],
      ...['-l', 'stdout', '--simple-log', '--no-tls', '--no-dtls'],
      ...['--pidfile', join(this.folder, 'turn.pid'), '--db', join(this.folder, 'turndb')],
    ]);
    const places = SERVER_ADDRESSES.flatMap((address) =>
      [PORT, PORT + 1].map((port) => `${address}:${port}`),
    );
    for (let open = ''; !places.every((place) => open.includes(place)); ) {
      if (child.exitCode !== null) throw new Error(`coturn has ended with ${child.exitCode}`);
      const ss = this.#spawn('server', 'ss', ['-Hlun']);
      open = await textOf(ss.stdout);
    }
  }

  /** @param {import('../support/nat-lab.js').LabHost} host @param {string} command @param {string[]} args */
  #spawn(host, command, args) {
    const child = this.lab.spawn(host, command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    this.processes.push(child);
    return child;
  }

  /** For the end of this process. */
  kill() {
    for (const child of this.processes) child.kill('SIGKILL');
  }

  async close() {
    const running = this.processes.filter(
      ({ exitCode, signalCode }) => exitCode === null && signalCode === null,
    );
    await Promise.all(
      running.map((child) => {
        child.kill('SIGKILL');
        return once(child, 'exit');
      }),
    );
    this.lab.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** @param {import('node:stream').Readable | null} stream */
async function textOf(stream) {
  let text = '';
  for await (const part of stream ?? []) text += part;
  return text;
}

/** Those that coturn's own program is asked about, before both servers. */
const KINDS_OF_TOOL = ['none', 'full', 'addr', 'port', 'sym'];
/**
 * That program sends its third request where the second answer's OTHER-ADDRESS says. Of coturn that is the other port of the
 * same address; of our server it is the first address again, as RFC 5780 section 7.4 has it, which tells nothing of a mapping
 * for each address.
 */
const KINDS_OF_TOOL_AND_COTURN = [...KINDS_OF_TOOL, 'adm-adf'];

/** @type {Question[]} */
const CASES = [
  ...Object.entries(KINDS).map(([name, inner]) => ({
    name,
    inner,
    hasTool: coturnVersion !== undefined && KINDS_OF_TOOL.includes(name),
    expected: expectedOf(inner),
  })),
  ...['full', 'port'].map((name) => ({
    name: `${name}, hairpins`,
    inner: { ...KINDS[name], hairpins: true },
    expected: { ...expectedOf(KINDS[name]), hairpinning: { behaviour: 'supported' } },
  })),
  {
    name: 'addr, a tenth lost each way',
    inner: { ...KINDS.addr, loss: 0.1 },
    // Too many losses make it unknown; never another verdict.
    expected: {
      ...expectedOf(KINDS.addr),
      filtering: { behaviour: expect.stringMatching(/^(address-dependent|unknown)$/) },
    },
  },
  {
    name: 'port, which answers what nobody asked for',
    inner: { ...KINDS.port, answersUnsolicited: true },
    expected: expectedOf(KINDS.port),
  },
  {
    name: 'port behind sym',
    inner: KINDS.port,
    outer: KINDS.sym,
    expected: expectedOf(KINDS.sym),
  },
  {
    name: 'linux, lifetime of 4 s',
    inner: { ...KINDS.linux, timeoutSeconds: 4 },
    args: ['--lifetime', '--longest', '10', '--once'],
    expected: expectedOf(KINDS.linux),
  },
  ...(coturnVersion === undefined
    ? []
    : KINDS_OF_TOOL_AND_COTURN.map((name) => ({
        name: `${name}, with coturn`,
        inner: KINDS[name],
        server: /** @type {const} */ ('coturn'),
        hasTool: true,
        expected: expectedOf(KINDS[name]),
      }))),
  // The tables of the lab are for UDP: over TCP a router that picks ports picks one for each connection.
  ...(coturnVersion === undefined
    ? []
    : /** @type {const} */ ([
        ['linux', 'endpoint-independent'],
        ['sym', 'address-and-port-dependent'],
      ]).map(([name, mapping]) => ({
        name: `${name}, over TCP`,
        inner: KINDS[name],
        server: /** @type {const} */ ('coturn'),
        args: ['--transport', 'tcp'],
        expected: {
          behindNat: true,
          mapping: { behaviour: mapping },
          filtering: { behaviour: 'unknown', reason: 'not-over-tcp' },
        },
      }))),
];

/** @param {NatKind} kind */
function expectedOf({ mapping, filtering, keepsPort = false }) {
  const isNat = mapping !== undefined;
  return {
    behindNat: isNat,
    mapping: { behaviour: BEHAVIOURS[mapping ?? 'endpoint'] },
    filtering: { behaviour: BEHAVIOURS[filtering === 'none' ? 'endpoint' : filtering] },
    portPreservation: { behaviour: !isNat || keepsPort ? 'preserved' : 'changed' },
    fragments: { outgoing: { behaviour: 'pass' }, incoming: { behaviour: 'pass' } },
  };
}

/** @type {Question} */
const BLOCKED = {
  name: 'UDP blocked',
  expected: {},
  inner: { ...KINDS.linux, drops: ['meta l4proto udp'] },
  args: ['--timeout', '2000'],
};

/** Labs at a time: each has some six processes. */
const AT_A_TIME = 6;

describeWith('NATs of nftables', labMissing())('discovery from inside', () => {
  /** @type {Map<string, Awaited<ReturnType<Case['ask']>>>} */
  const results = new Map();
  /** @type {Set<Case>} */
  const open = new Set();

  const killAll = () => {
    for (const one of open) one.kill();
  };

  beforeAll(async () => {
    process.once('exit', killAll);
    const waiting = [...CASES, BLOCKED];
    const work = async () => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        const one = new Case();
        open.add(one);
        try {
          results.set(next.name, await one.ask(next));
        } finally {
          await one.close();
          open.delete(one);
        }
      }
    };
    await Promise.all(Array.from({ length: AT_A_TIME }, work));
  });
  afterAll(async () => {
    for (const one of open) await one.close();
    process.off('exit', killAll);
  });

  test.each(CASES)('$name', ({ name, expected }) => {
    const result = results.get(name);
    expect(result?.stderr).toBe('');
    expect(result?.json).toMatchObject(expected);
    // Where a tenth is lost, some of it may be unknown.
    const { transport, mapping, filtering } = result?.json ?? {};
    const asked = transport === 'tcp' ? [mapping] : [mapping, filtering];
    const known = asked.filter(({ behaviour }) => behaviour !== 'unknown').length;
    const some = known > 0 ? 1 : 2;
    expect(result?.exitCode).toBe(known === asked.length ? 0 : some);
  });

  test('no UDP gets through: nobody answered, and exit code 4', () => {
    const result = results.get(BLOCKED.name);
    expect(result?.stderr).toMatch(/ERR_STUN_TIMEOUT/);
    expect([result?.exitCode, result?.json]).toEqual([4, undefined]);
  });

  test.each(CASES.filter(({ hasTool }) => hasTool))(
    '$name: the program of coturn says the same',
    ({ name }) => {
      const { json, tool } = results.get(name) ?? {};
      expect([tool?.output, tool?.filtering]).toEqual([
        expect.anything(),
        json.filtering.behaviour,
      ]);
      // Of a mapping that is none it has other words.
      if (json.behindNat) expect(tool?.mapping).toBe(json.mapping.behaviour);
    },
  );

  test('without a NAT there is no hairpinning to test', () => {
    expect(results.get('none')?.json).toMatchObject({
      classicName: 'open Internet',
      hairpinning: { behaviour: 'unknown', reason: 'no-nat' },
    });
    expect(results.get('firewall')?.json.classicName).toBe('symmetric UDP firewall');
  });

  test('a NAT that does not hairpin', () => {
    expect(results.get('full')?.json.hairpinning.behaviour).toBe('not-supported');
  });

  test('silence was the filter, where the mapping lets that be proven', () => {
    for (const name of ['addr', 'port', 'linux', 'firewall']) {
      expect([name, results.get(name)?.json.filtering.serverProven]).toEqual([name, true]);
    }
    expect(results.get('sym')?.json.filtering.serverProven).toBe(false);
  });

  test('classic names', () => {
    const names = ['full', 'addr', 'port', 'sym', 'adm-adf', 'apdm-eif'];
    expect(names.map((name) => results.get(name)?.json.classicName)).toEqual([
      'full cone',
      'restricted cone',
      'port restricted cone',
      'symmetric',
      null,
      null,
    ]);
  });

  test('the lifetime of a mapping lies in the range that is told', () => {
    const { atLeastMs, atMostMs, behaviour } =
      results.get('linux, lifetime of 4 s')?.json.mappingLifetime ?? {};
    expect(behaviour).toBe('measured');
    expect(atLeastMs).toBeLessThanOrEqual(4000);
    // The mapping was last used a moment before the wait began.
    expect(atMostMs).toBeGreaterThanOrEqual(3900);
  });
});
