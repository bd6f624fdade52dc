// A laboratory of NATs: network namespaces with a client, two routers in a row and a server, and nftables that make each
// router a NAT of any kind of RFC 4787. It reaches nothing but itself.
import { execFileSync, spawn } from 'node:child_process';
import { findProgram } from '../../scripts/lib/process.js';

/**
 * @typedef {object} NatKind
 * @property {'endpoint' | 'address' | 'port'} [mapping] what an outside port depends on; none: no translation
 * @property {'none' | 'endpoint' | 'address' | 'port'} filtering of what comes in; 'endpoint': all that find a mapping
 * @property {boolean} [keepsPort] the outside port is the inside one; otherwise a random one
 * @property {boolean} [hairpins]
 * @property {number} [timeoutSeconds] of a binding that is used in one direction
 * @property {number} [loss] share of UDP packets lost, each way
 * @property {boolean} [answersUnsolicited] by ICMP, where others keep silent
 * @property {string[]} [drops] nft expressions of what the router passes on neither way, such as 'meta l4proto udp'
 */

/** The kinds that have names. @type {Record<string, NatKind>} */
export const KINDS = {
  none: { filtering: 'none' },
  firewall: { filtering: 'port' },
  full: { mapping: 'endpoint', filtering: 'endpoint' },
  addr: { mapping: 'endpoint', filtering: 'address' },
  port: { mapping: 'endpoint', filtering: 'port' },
  linux: { mapping: 'endpoint', filtering: 'port', keepsPort: true },
  sym: { mapping: 'port', filtering: 'port' },
  'adm-adf': { mapping: 'address', filtering: 'address' },
  'adm-eif': { mapping: 'address', filtering: 'endpoint' },
  'apdm-eif': { mapping: 'port', filtering: 'endpoint' },
  'apdm-adf': { mapping: 'port', filtering: 'address' },
};

/** Addresses of the server, of the inner router and of the client. */
export const SERVER_ADDRESSES = /** @type {const} */ (['198.51.100.1', '198.51.100.2']);
export const CLIENT_ADDRESS = '203.0.113.2';
const OUTER = { lan: '192.0.2.1', wan: '198.51.100.77' };
const INNER = { lan: '203.0.113.1', wan: '192.0.2.77' };

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

/** @typedef {'client' | 'inner' | 'outer' | 'server'} LabHost */

let labs = 0;

export class NatLab {
  #prefix = `postern-${process.pid}-${++labs}`;
  #isOpen = false;
  #atExit = () => this.close();

  /** Makes the namespaces and joins them; both routers translate nothing. */
  open() {
    this.#isOpen = true;
    process.once('exit', this.#atExit);
    const hosts = /** @type {LabHost[]} */ (['client', 'inner', 'outer', 'server']);
    for (const host of hosts) {
      execFileSync('ip', ['netns', 'add', this.name(host)]);
      this.run(host, 'ip', 'link', 'set', 'lo', 'up');
    }
    this.#join(['client', 'lan', `${CLIENT_ADDRESS}/24`], ['inner', 'lan', `${INNER.lan}/24`]);
    this.#join(['inner', 'wan', `${INNER.wan}/24`], ['outer', 'lan', `${OUTER.lan}/24`]);
    this.#join(
      ['outer', 'wan', `${OUTER.wan}/24`],
      ['server', 'wan', `${SERVER_ADDRESSES[0]}/24`, `${SERVER_ADDRESSES[1]}/24`],
    );
    this.run('client', 'ip', 'route', 'add', 'default', 'via', INNER.lan);
    this.run('inner', 'ip', 'route', 'add', 'default', 'via', OUTER.lan);
    this.run('outer', 'ip', 'route', 'add', '203.0.113.0/24', 'via', INNER.wan);
    this.run('server', 'ip', 'route', 'add', 'default', 'via', OUTER.wan);
    for (const router of /** @type {const} */ (['inner', 'outer'])) {
      this.run(router, 'sysctl', '-qw', 'net.ipv4.ip_forward=1');
    }
    return this;
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
   * Starts a program.
   *
   * @param {LabHost} host
   * @param {string} command
   * @param {readonly string[]} args
   * @param {import('node:child_process').SpawnOptions} [options]
   */
  spawn(host, command, args, options = {}) {
    return spawn('ip', ['netns', 'exec', this.name(host), command, ...args], options);
  }

  /**
   * Makes the inner router a NAT of a kind, and the outer one too where that is given; forgets all that they knew.
   *
   * @param {NatKind} inner
   * @param {NatKind} [outer]
   */
  setKind(inner, outer = KINDS.none) {
    this.#configure('inner', inner, INNER.wan);
    this.#configure('outer', outer, OUTER.wan);
  }

  /** @param {'inner' | 'outer'} router @param {NatKind} kind @param {string} outside */
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
    for (const host of /** @type {LabHost[]} */ (['client', 'inner', 'outer', 'server'])) {
      try {
        execFileSync('ip', ['netns', 'delete', this.name(host)], { stdio: 'pipe' });
      } catch {}
    }
  }
}

/**
 * The rules of nft for a kind. Conntrack by itself filters by address and port; looser filters, and mappings that outlast
 * one destination, are maps that the router learns from what it has sent out.
 *
 * @param {NatKind} kind
 * @param {string} outside its address there
 */
function rulesOf(kind, outside) {
  const { mapping, filtering, keepsPort, loss = 0, drops = [] } = kind;
  const isNat = mapping !== undefined;
  const remote = mapping === 'address' ? ' . ip daddr' : '';
  const remoteType = mapping === 'address' ? ' . ipv4_addr' : '';
  const isLearnt = isNat && mapping !== 'port' && keepsPort !== true;
  const lossRule = `meta l4proto udp numgen random mod 10000 < ${Math.round(loss * 10_000)} drop`;
  const isStateful = filtering !== 'none';
  const lines = [
    'table ip lab {',
    `  map mapping { type ipv4_addr . inet_service${remoteType} : ipv4_addr . inet_service; flags dynamic,timeout; timeout 5m; }`,
    '  map inside { type inet_service : ipv4_addr . inet_service; flags dynamic,timeout; timeout 5m; }',
    '  set permitted { type ipv4_addr . inet_service; flags dynamic,timeout; timeout 5m; }',
  ];
  if (isNat) {
    lines.push('  chain pre { type nat hook prerouting priority dstnat;');
    const dnat = 'dnat ip to udp dport map @inside';
    const sides = kind.hairpins ? '' : 'iifname "wan" ';
    if (filtering === 'endpoint') lines.push(`    ${sides}ip daddr ${outside} ${dnat}`);
    if (filtering === 'address') {
      lines.push(`    ${sides}ip daddr ${outside} ip saddr . udp dport @permitted ${dnat}`);
    }
    if (kind.hairpins && filtering === 'port') {
      lines.push(`    iifname "lan" ip daddr ${outside} ${dnat}`);
    }
    lines.push('  }', '  chain post { type nat hook postrouting priority srcnat;');
    const learnt = `snat ip to ip saddr . udp sport${remote} map @mapping`;
    if (kind.hairpins)
      lines.push(`    iifname "lan" oifname "lan" snat ip to ip saddr . udp sport map @mapping`);
    if (isLearnt) lines.push(`    oifname "wan" meta l4proto udp ${learnt}`);
    lines.push(`    oifname "wan" masquerade${keepsPort ? '' : ' fully-random'}`, '  }');
    const own = 'ct original ip saddr . ct original proto-src';
    const translated = 'ct reply ip daddr . ct reply proto-dst';
    const sent = 'oifname "wan" meta l4proto udp ct direction original update';
    lines.push(
      '  chain learn { type filter hook postrouting priority 200;',
      `    ${sent} @mapping { ${own}${mapping === 'address' ? ' . ct original ip daddr' : ''} : ${translated} }`,
      `    ${sent} @inside { ct reply proto-dst : ${own} }`,
      `    ${sent} @permitted { ip daddr . ct reply proto-dst }`,
      '  }',
    );
  }
  lines.push('  chain forward { type filter hook forward priority 0;');
  for (const drop of drops) lines.push(`    ${drop} drop`);
  if (loss > 0) lines.push(`    ${lossRule}`);
  if (isStateful) {
    lines.push('    ct state established,related accept', '    iifname "lan" accept');
    if (isNat) lines.push('    ct status dnat accept');
    lines.push('    drop');
  }
  lines.push('  }');
  // A router that keeps silent: what is not for those inside gets no answer.
  lines.push('  chain input { type filter hook input priority 0;');
  if (isStateful && !kind.answersUnsolicited) {
    lines.push('    iifname "wan" ct state new drop');
  }
  lines.push('  }', '}');
  return `${lines.join('\n')}\n`;
}
