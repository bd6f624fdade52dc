// Rows of a check as a table, and below it what went wrong.
import { formatTransportAddress } from '../address.js';
import { forCommandLine } from './advice.js';
import { EXIT } from './exit-codes.js';
import { printable } from './printable.js';
import { inMilliseconds, table } from './terminal.js';

/** @typedef {import('../check/check-ice-servers.js').CheckRow} CheckRow */
/** @typedef {import('../codec/values.js').TransportAddress} TransportAddress */
/** @typedef {import('./terminal.js').Style} Style */

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

/** @param {TransportAddress | undefined} address */
const addressOf = (address) => (address === undefined ? '' : formatTransportAddress(address));

/** @param {CheckRow} row */
function describeData({ dataPath, echoes }) {
  if (dataPath === 'refused') return 'not allowed';
  if (dataPath === undefined || echoes === undefined) return '';
  return `${echoes.received} of ${echoes.sent}`;
}

/** @param {CheckRow} row @param {Style} style */
function cellsOf(row, style) {
  const { url, transport, ok, serverAddress, mappedAddress, relayedAddress, software } = row;
  return [
    ok ? { text: 'ok', paint: style.good } : { text: 'failed', paint: style.bad },
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

/** @param {CheckRow} row @param {Style} style @returns {string | undefined} */
function remarkOf({ url, transport, message, code, hint }, style) {
  if (message === undefined && hint === undefined) return undefined;
  const via = transport === '' ? '' : ` (${transport})`;
  const words = [message, hint]
    .filter((part) => part !== undefined)
    .map((part) => printable(forCommandLine(part)));
  const suffix = code === undefined ? '' : ` ${style.dim(code)}`;
  return `${style.bold(printable(url) + via)}\n  ${words.join('\n  ')}${suffix}`;
}

/**
 * @param {readonly CheckRow[]} rows
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
