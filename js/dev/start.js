// The main job, for now: "what is my public address?", asked of a responder of our own on this machine and of each
// server that is named.
//
//   node js/dev/start.js [stun:host:port ...]
import { init as initCodec } from '../codec/index.js';
import { getMappedAddress, init } from '../index.js';
import { startStunResponder } from './stun-responder.js';

/** @typedef {import('../get-mapped-address.js').MappedAddressResult} MappedAddressResult */

const COLUMNS = /** @type {const} */ ([
  'server',
  'via',
  'mapped address',
  'port',
  'round trip',
  'software',
]);

/** @param {number | null} milliseconds */
const inMilliseconds = (milliseconds) =>
  milliseconds === null ? 'unknown (sent again)' : `${milliseconds.toFixed(2)} ms`;

/**
 * @param {string} label
 * @param {string} url
 * @param {import('../stun-options.js').StunOptions} [options]
 * @returns {Promise<{ ok: boolean, cells: string[] }>}
 */
async function ask(label, url, options) {
  try {
    const result = await getMappedAddress(url, options);
    const { transport, address, port, roundTripMs, software = '' } = result;
    return {
      ok: true,
      cells: [label, transport, address, String(port), inMilliseconds(roundTripMs), software],
    };
  } catch (error) {
    const { code = '', message, hint } = /** @type {import('../errors.js').PosternError} */ (error);
    const text = [code, message, hint].filter(Boolean).join(' ');
    return { ok: false, cells: [label, '-', text] };
  }
}

/** @param {{ cells: string[] }[]} rows */
function print(rows) {
  const whole = rows.filter(({ cells }) => cells.length === COLUMNS.length);
  const widths = COLUMNS.map((title, i) => {
    const cells = (i < 2 ? rows : whole).map(({ cells: row }) => row[i] ?? '');
    return Math.max(title.length, ...cells.map((cell) => cell.length));
  });
  for (const cells of [[...COLUMNS], ...rows.map((row) => row.cells)]) {
    console.log(
      cells
        .map((cell, i) => cell.padEnd(widths[i] ?? 0))
        .join('  ')
        .trimEnd(),
    );
  }
}

const servers = process.argv.slice(2);
if (servers.includes('--help') || servers.includes('-h')) {
  console.log(
    'npm start [-- stun:host:port ...]\n\nPrints the public address of this machine as each server sees it.',
  );
} else {
  // Compiled beforehand, so that the round trips below are of the network.
  await Promise.all([init(), initCodec()]);
  const responder = await startStunResponder();
  const { host, udpPort, tcpPort } = responder;
  const own = [
    ask('postern, on this machine', `stun:${host}:${udpPort}`),
    ask('postern, on this machine', `stun:${host}:${tcpPort}`, { transport: 'tcp' }),
  ];
  const rows = await Promise.all([...own, ...servers.map((url) => ask(url, url))]);
  await responder.close();
  print(rows);
  const answered = rows.filter(({ ok }) => ok).length;
  console.log(`\n${answered} of ${rows.length} answered.`);
  const asked = servers.length > 0 ? rows.slice(own.length) : rows;
  if (!asked.some(({ ok }) => ok)) process.exitCode = 1;
}
