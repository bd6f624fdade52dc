// NATs of each kind of RFC 4787 as rules of nftables.

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
 * @property {readonly string[]} [firewall] rules of nft for what the router passes on, as FIREWALLS has them
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

/**
 * The rules of nft for a kind. Conntrack by itself filters by address and port; looser filters, and mappings that outlast
 * one destination, are maps that the router learns from what it has sent out.
 *
 * @param {NatKind} kind
 * @param {string} outside its address there
 */
export function rulesOf(kind, outside) {
  const { mapping, filtering, keepsPort, loss = 0, drops = [], firewall = [] } = kind;
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
  for (const rule of firewall) lines.push(`    ${rule}`);
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
