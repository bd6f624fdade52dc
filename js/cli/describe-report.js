// A report for those who have just run the test: the verdict, the servers, and what else was measured.
import { tablesOf, withoutEmptyColumns } from '../report/output/tables.js';
import { toText } from '../report/output/text.js';
import { describeRows } from './describe-rows.js';
import { printable } from './printable.js';
import { table } from './terminal.js';

/** @typedef {import('../report/index.js').Measurement} Measurement */
/** @typedef {import('../report/index.js').Report} Report */
/** @typedef {import('../report/measurements/types.js').ReachabilityMeasurement} ReachabilityMeasurement */
/** @typedef {import('./describe-rows.js').Row} Row */
/** @typedef {import('./terminal.js').Style} Style */

/** Columns that tell nothing new to who looks on. */
const LEFT_OUT = new Set(['path of', 'took', 'id']);

/** @param {Measurement} one @returns {one is ReachabilityMeasurement} */
const isServer = (one) => one.kind === 'reachability';

/** @param {ReachabilityMeasurement} one @returns {Row} */
function rowOf({ status, because, error, family, proxy, transport, ...one }) {
  const via = [transport, family, proxy === undefined ? undefined : 'proxy'];
  return {
    ...one,
    state: status,
    transport: via.filter((word) => word !== undefined).join(', '),
    // What was not tried has its error for a reason.
    message: error?.message ?? because,
    hint: error?.hint,
    code: error?.code,
  };
}

/**
 * Whether a table of what one measurement has many of tells more than that all is well.
 *
 * @param {import('../report/output/tables.js').Table} table
 */
function isOfUse({ title, rows }) {
  if (!title.includes(': ')) return true;
  return rows.some((row) => row.some((cell) => typeof cell === 'object' && cell.tone !== 'good'));
}

/** @param {readonly Measurement[]} measurements @param {Style} style */
const describeOthers = (measurements, style) =>
  tablesOf(measurements)
    .filter(isOfUse)
    .map((whole) => {
      const kept = whole.columns.map((name) => !LEFT_OUT.has(name));
      const { title, columns, rows } = withoutEmptyColumns({
        title: whole.title,
        columns: whole.columns.filter((_, i) => kept[i]),
        rows: whole.rows.map((row) => row.filter((_, i) => kept[i])),
      });
      const cells = rows.map((row) =>
        row.map((cell) =>
          typeof cell === 'string'
            ? printable(cell)
            : { text: printable(cell.text), paint: style[cell.tone] },
        ),
      );
      return `${style.bold(printable(title))}\n${table(columns, cells, style)}`;
    });

/** @param {Report} report redacted @param {Style} style @returns {string} lines, the last one without its end */
export function describeReport(report, style) {
  // They come as they have ended, which is another order each time.
  const servers = report.measurements
    .filter(isServer)
    .sort((a, b) => Number(a.id > b.id) - Number(a.id < b.id));
  const others = report.measurements.filter((one) => !isServer(one));
  return [
    toText({ ...report, measurements: [] }, { style }),
    ...(servers.length === 0 ? [] : [describeRows(servers.map(rowOf), style)]),
    ...describeOthers(others, style),
  ].join('\n\n');
}
