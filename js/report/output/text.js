// Reports for terminals.
import { printable } from '../../cli/printable.js';
import { styleFor, table } from '../../cli/terminal.js';
import { redact } from './redact.js';
import { tablesOf } from './tables.js';

/** @typedef {import('../measurements/types.js').Report} Report */
/** @typedef {import('../../cli/terminal.js').Style} Style */

/** @type {Readonly<Record<import('../measurements/types.js').Severity, keyof Style>>} */
const PAINTS = Object.freeze({ error: 'bad', warning: 'warn', info: 'dim', good: 'good' });
/** @type {Readonly<Record<import('../measurements/types.js').Grade, keyof Style>>} */
const GRADE_PAINTS = Object.freeze({
  excellent: 'good',
  good: 'good',
  fair: 'warn',
  poor: 'bad',
  blocked: 'bad',
  unknown: 'dim',
});

/**
 * @param {Report} report
 * @param {import('./redact.js').RedactOptions & { style?: Style }} [options] `style`: of js/cli/terminal.js; without colours
 *   if left out
 * @returns {string} lines, the last one without its end. Control characters of others stand as `\u{…}`
 * @throws {PosternError | TypeError} as redact() does
 */
export function toText(report, { style = styleFor(false), ...options } = {}) {
  const { grade, name, createdAt, tool, platform, summary, findings, asks, measurements } = redact(
    report,
    options,
  );
  const made = [createdAt, `${tool.name} ${tool.version}`, ...Object.values(platform)].join(', ');
  const title = name === undefined ? '' : ` ${printable(name)}`;
  const head = [
    `${style.bold(style[GRADE_PAINTS[grade]](grade))}${title} ${style.dim(printable(made))}`,
    printable(summary),
  ];
  const found = findings.map((one) =>
    [
      `${style[PAINTS[one.severity]](one.severity)}  ${style.bold(printable(one.title))} ${style.dim(one.id)}`,
      `  ${printable(one.text)}`,
      ...(one.advice === undefined ? [] : [`  ${printable(one.advice)}`]),
    ].join('\n'),
  );
  const asked = asks.map(({ text }, i) => `${i + 1}. ${printable(text)}`);
  const tables = tablesOf(measurements).map(({ title: name, columns, rows }) => {
    const cells = rows.map((row) =>
      row.map((cell) =>
        typeof cell === 'string'
          ? printable(cell)
          : { text: printable(cell.text), paint: style[cell.tone] },
      ),
    );
    return `${style.bold(printable(name))}\n${table(columns, cells, style)}`;
  });
  const asking =
    asked.length === 0 ? [] : [`${style.bold('Ask your IT for')}\n${asked.join('\n')}`];
  return [head.join('\n'), ...found, ...asking, ...tables].join('\n\n');
}
