// A laboratory of NATs: network namespaces with a client, two routers in a row and a server, and nftables that make each
// router a NAT of any kind of RFC 4787. It reaches nothing but itself.
import { execFileSync, spawn } from 'node:child_process';
import { findProgram } from '../../scripts/lib/process.js';
import { KINDS, rulesOf } from './lab/nat-rules.js';

export { FIREWALLS } from './lab/firewalls.js';
export { KINDS } from './lab/nat-rules.js';

/** @typedef {import('./lab/nat-rules.js').NatKind} NatKind */

/** Addresses of the server and of the client. */
export const SERVER_ADDRESSES = /** @type {const} */ (['198.51.100.1', '198.51.100.2']);
export const CLIENT_ADDRESS = '203.0.113.2';
const OUTER = { lan: '192.0.2.1', lan2: '198.18.2.1', wan: '198.51.100.77' };

/** Inner routers and who is behind them; the second ones are there where a lab has two clients. */
const SITES = /** @type {const} */ ([
  {
    client: 'client',
    router: 'inner',
    uplink: 'lan',
    network: '203.0.113.0/24',
    address: CLIENT_ADDRESS,
    lan: '203.0.113.1',
    wan: '192.0.2.77',
  },
  {
    client: 'client2',
    router: 'inner2',
    uplink: 'lan2',
    network: '198.18.3.0/24',
    address: '198.18.3.2',
    lan: '198.18.3.1',
    wan: '198.18.2.77',
  },
]);

/** Addresses of the inner routers: inside, where a proxy may listen, and outside, where their NATs are. */
export const ROUTERS = SITES.map(({ lan, wan }) => ({ lan, wan }));

const TOOLS = ['ip', 'nft', 'conntrack'];

/** Why there can be no laboratory here, as a clause, or undefined. @returns {string | undefined} */
export function labMissing() {
  if (process.platform !== 'linux') return 'network namespaces are Linux only';
  if (process.getuid?.() !== 0) return 'network namespaces need root';
  const missing = TOOLS.filter((tool) => findProgram(tool) === undefined);
  if (missing.length > 0) return `${missing.join(', ')}: not installed`;
  const name = `postern-${process.pid}-try`;
  try {
    execFileSync('ip', ['netns', 'add', name], { stdio: 'pipe' });
    execFileSync('ip', ['netns', 'exec', name, 'nft', 'add', 'table', 'ip', 'try'], {
      stdio: 'pipe',
    });
    return undefined;
  } catch {
    return 'this system allows no network namespace, or no nftables in it';
  } finally {
    try {
      execFileSync('ip', ['netns', 'delete', name], { stdio: 'pipe' });
    } catch {}
  }
}

/** @typedef {'client' | 'inner' | 'client2' | 'inner2' | 'outer' | 'server'} LabHost */

let labs = 0;

export class NatLab {
  #prefix = `postern-${process.pid}-${++labs}`;
  #isOpen = false;
  #sites;
  /** @type {LabHost[]} */ #hosts;
  /** @type {Set<import('node:child_process').ChildProcess>} */ #running = new Set();
  /** Programs that do not read their input would go on for ever. */
  #atExit = () => {
    for (const child of this.#running) child.kill('SIGKILL');
    this.close();
  };

  /** @param {{ clients?: 1 | 2 }} [options] `clients`: each is behind a router of its own */
  constructor({ clients = 1 } = {}) {
    this.#sites = SITES.slice(0, clients);
    this.#hosts = [
      ...this.#sites.flatMap(({ client, router }) => [client, router]),
      'outer',
      'server',
    ];
  }

  /** Makes the namespaces and joins them; all routers translate nothing. */
  open() {
    this.#isOpen = true;
    process.once('exit', this.#atExit);
    for (const host of this.#hosts) {
      execFileSync('ip', ['netns', 'add', this.name(host)]);
      this.run(host, 'ip', 'link', 'set', 'lo', 'up');
    }
    this.#join(
      ['outer', 'wan', `${OUTER.wan}/24`],
      ['server', 'wan', `${SERVER_ADDRESSES[0]}/24`, `${SERVER_ADDRESSES[1]}/24`],
    );
    this.run('server', 'ip', 'route', 'add', 'default', 'via', OUTER.wan);
    this.#forward('outer');
    for (const { client, router, uplink, network, address, lan, wan } of this.#sites) {
      this.#join([client, 'lan', `${address}/24`], [router, 'lan', `${lan}/24`]);
      this.#join([router, 'wan', `${wan}/24`], ['outer', uplink, `${OUTER[uplink]}/24`]);
      this.run(client, 'ip', 'route', 'add', 'default', 'via', lan);
      this.run(router, 'ip', 'route', 'add', 'default', 'via', OUTER[uplink]);
      this.run('outer', 'ip', 'route', 'add', network, 'via', wan);
      this.#forward(router);
    }
    return this;
  }

  /** @param {LabHost} router */
  #forward(router) {
    this.run(router, 'sysctl', '-qw', 'net.ipv4.ip_forward=1');
  }

  /** Of the namespace. @param {LabHost} host */
  name(host) {
    return `${this.#prefix}-${host}`;
  }

  /**
   * @param {[host: LabHost, link: string, ...addresses: string[]]} one
   * @param {[host: LabHost, link: string, ...addresses: string[]]} other
   */
  #join([host, link, ...addresses], [otherHost, otherLink, ...otherAddresses]) {
    const peer = ['peer', 'name', otherLink, 'netns', this.name(otherHost)];
    this.run(host, 'ip', 'link', 'add', link, 'type', 'veth', ...peer);
    const ends = /** @type {const} */ ([
      [host, link, addresses],
      [otherHost, otherLink, otherAddresses],
    ]);
    for (const [at, name, own] of ends) {
      for (const address of own) this.run(at, 'ip', 'address', 'add', address, 'dev', name);
      this.run(at, 'ip', 'link', 'set', name, 'up');
    }
  }

  /**
   * Runs a program to its end.
   *
   * @param {LabHost} host
   * @param {string} command
   * @param {...string} args
   * @returns {string} its output
   */
  run(host, command, ...args) {
    const all = ['netns', 'exec', this.name(host), command, ...args];
    return execFileSync('ip', all, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  }

  /**
   * Starts a program, which ends with this process at the latest.
   *
   * @param {LabHost} host
   * @param {string} command
   * @param {readonly string[]} args
   * @param {import('node:child_process').SpawnOptions} [options]
   */
  spawn(host, command, args, options = {}) {
    const child = spawn('ip', ['netns', 'exec', this.name(host), command, ...args], options);
    this.#running.add(child);
    child.once('exit', () => this.#running.delete(child));
    return child;
  }

  /**
   * Makes the inner routers NATs of a kind, and the outer one too where that is given; forgets all that they knew.
   *
   * @param {NatKind} inner
   * @param {NatKind} [outer]
   */
  setKind(inner, outer = KINDS.none) {
    for (const { router, wan } of this.#sites) this.#configure(router, inner, wan);
    this.#configure('outer', outer, OUTER.wan);
  }

  /** @param {LabHost} router @param {NatKind} kind @param {string} outside */
  #configure(router, kind, outside) {
    const rules = rulesOf(kind, outside);
    const args = ['netns', 'exec', this.name(router), 'nft', '-f', '-'];
    execFileSync('ip', args, {
      input: `flush ruleset\n${rules}`,
      stdio: ['pipe', 'ignore', 'pipe'],
    });
    const seconds = String(kind.timeoutSeconds ?? 120);
    for (const which of ['udp_timeout', 'udp_timeout_stream']) {
      this.run(router, 'sysctl', '-qw', `net.netfilter.nf_conntrack_${which}=${seconds}`);
    }
    this.run(router, 'conntrack', '-F');
  }

  /** Idempotent. Programs in it must have ended. */
  close() {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    process.off('exit', this.#atExit);
    for (const host of this.#hosts) {
      try {
        execFileSync('ip', ['netns', 'delete', this.name(host)], { stdio: 'pipe' });
      } catch {}
    }
  }
}
