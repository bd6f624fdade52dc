// What the kernel of a lab's router does to packets: loss by nftables, which counts what it drops, and a rate by tbf.

/** @typedef {import('./nat-lab.js').NatLab} NatLab */

/** Names of the links of routers in nat-lab.js: towards the client, towards the server. */
const SIDES = /** @type {const} */ ({ up: 'lan', down: 'wan' });

/**
 * Loses a share of the UDP packets of one length, each way, at random.
 *
 * @param {NatLab} lab
 * @param {'inner' | 'outer'} router
 * @param {{ share: number, bytes: number }} what `bytes` of payload
 */
export function losePackets(lab, router, { share, bytes }) {
  const UDP_HEADER = 8;
  const some = `udp length ${bytes + UDP_HEADER}`;
  const nft = (/** @type {string} */ command) => lab.run(router, 'nft', command);
  nft('add table ip impaired');
  nft('add chain ip impaired forward { type filter hook forward priority -10 ; }');
  for (const [way, from] of Object.entries(SIDES)) {
    const dice = `numgen random mod 10000 < ${Math.round(share * 10_000)}`;
    for (const counter of [`${way}_all`, `${way}_lost`]) nft(`add counter ip impaired ${counter}`);
    const rule = `add rule ip impaired forward iifname "${from}" ${some}`;
    nft(`${rule} counter name ${way}_all`);
    nft(`${rule} ${dice} counter name ${way}_lost drop`);
  }
}

/**
 * What losePackets() has done.
 *
 * @param {NatLab} lab
 * @param {'inner' | 'outer'} router
 * @returns {{ up: { all: number, lost: number }, down: { all: number, lost: number } }}
 */
export function countLost(lab, router) {
  const text = lab.run(router, 'nft', '-j', 'list', 'counters', 'table', 'ip', 'impaired');
  /** @type {{ counter?: { name: string, packets: number } }[]} */
  const objects = JSON.parse(text).nftables;
  const packets = (/** @type {string} */ name) =>
    objects.find(({ counter }) => counter?.name === name)?.counter?.packets ?? Number.NaN;
  return {
    up: { all: packets('up_all'), lost: packets('up_lost') },
    down: { all: packets('down_all'), lost: packets('down_lost') },
  };
}

/**
 * Lets no more bits pass than a rate, with a queue.
 *
 * @param {NatLab} lab
 * @param {'inner' | 'outer'} router
 * @param {{ way: 'up' | 'down', kbps: number, queueMs: number }} what `kbps` of whole frames of Ethernet
 */
export function limitRate(lab, router, { way, kbps, queueMs }) {
  // What goes up leaves by the side that what comes down arrives on.
  const link = SIDES[way === 'up' ? 'down' : 'up'];
  const tbf = ['rate', `${kbps}kbit`, 'burst', '3kb', 'latency', `${queueMs}ms`];
  lab.run(router, 'tc', 'qdisc', 'add', 'dev', link, 'root', 'tbf', ...tbf);
}
