// Rows of a check as a table, and below it what went wrong.
import { formatTransportAddress } from '../address.js';
import { forCommandLine } from './advice.js';
import { EXIT } from './exit-codes.js';
import { printable } from './printable.js';
import { inMilliseconds, table } from './terminal.js';

/** @typedef {import('../check/check-ice-servers.js').CheckRow} CheckRow */
/** @typedef {import('./terminal.js').Style} Style */
/** @typedef {{ address: string, port: number }} Endpoint */

/**
 * What the table shows of a server: a row of checkIceServers(), or what was measured of one.
 *
 * @typedef {Pick<CheckRow, 'url' | 'transport' | 'code' | 'message' | 'hint' | 'software' | 'dataPath' | 'roundTripMs'
 *   | 'echoes'> & { state: 'ok' | 'failed' | 'unknown' | 'skipped', serverAddress?: Endpoint, mappedAddress?: Endpoint,
 *   relayedAddress?: Endpoint }} Row
 */

const TITLES = [
  '',
  'url',
  'via',
  'server',
  'mapped address',
  'relayed address',
  'data',
  'round trip',
  'software',
];

/** @type {Readonly<Record<Row['state'], keyof Style>>} */
const PAINTS = { ok: 'good', failed: 'bad', unknown: 'warn', skipped: 'dim' };

/** @param {Endpoint | undefined} address */
const addressOf = (address) => (address === undefined ? '' : formatTransportAddress(address));

/** @param {Row} row */
function describeData({ dataPath, echoes }) {
  if (dataPath === 'refused') return 'not allowed';
  if (dataPath === undefined || echoes === undefined) return '';
  return `${echoes.received} of ${echoes.sent}`;
}

/** @param {Row} row @param {Style} style */
function cellsOf(row, style) {
  const { url, transport, state, serverAddress, mappedAddress, relayedAddress, software } = row;
  return [
    { text: state, paint: style[PAINTS[state]] },
    printable(url),
    transport,
    addressOf(serverAddress),
    addressOf(mappedAddress),
    addressOf(relayedAddress),
    describeData(row),
    inMilliseconds(row.roundTripMs),
    printable(software ?? ''),
  ];
}

/** @param {Row} row @param {Style} style @returns {string | undefined} */
function remarkOf({ url, transport, message, code, hint }, style) {
  if (message === undefined && hint === undefined) return undefined;
  const via = transport === '' ? '' : ` (${transport})`;
  const words = [message, hint]
    .filter((part) => part !== undefined)
    .map((part) => printable(forCommandLine(part)));
  const suffix = code === undefined ? '' : ` ${style.dim(code)}`;
  return `${style.bold(printable(url) + via)}\n  ${words.join('\n  ')}${suffix}`;
}

/** @param {CheckRow} row @returns {Row} */
export const rowToShow = ({ ok, ...row }) => ({ ...row, state: ok ? 'ok' : 'failed' });

/**
 * @param {readonly Row[]} rows
 * @param {Style} style
 * @returns {string} lines, the last one without its end
 */
export function describeRows(rows, style) {
  const cells = rows.map((row) => cellsOf(row, style));
  const remarks = rows.map((row) => remarkOf(row, style)).filter((text) => text !== undefined);
  return [table(TITLES, cells, style), ...remarks].join('\n\n');
}

/** @param {readonly CheckRow[]} rows @param {number} exitCode */
export const jsonOfRows = (rows, exitCode) => ({
  ok: exitCode === EXIT.ok,
  rows: rows.map((row) => ({ ...row })),
});
