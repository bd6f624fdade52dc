// Reports as a page: one file that loads nothing, runs nothing, and can be sent to those who help.
import { redact } from './redact.js';
import { tablesOf, withoutEmptyColumns } from './tables.js';

/** @typedef {import('../measurements/types.js').Report} Report */
/** @typedef {import('./tables.js').Table} Table */

/** @type {Readonly<Record<string, string>>} */
const ENTITIES = Object.freeze({
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
});
/** What no HTML may hold, and what turns the direction of writing or shows nothing. */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** @param {string} text @returns {string} for elements and quoted attributes */
const escapeHtml = (text) =>
  text.replace(UNSAFE, '\u{fffd}').replace(/[&<>"']/g, (one) => ENTITIES[one]);

const STYLE = `
:root { color-scheme: light dark; --back: #fff; --text: #1b1f24; --dim: #57606a; --line: #d0d7de;
  --good: #1a7f37; --warn: #9a6700; --bad: #cf222e; }
@media (prefers-color-scheme: dark) { :root { --back: #0d1117; --text: #e6edf3; --dim: #8d96a0; --line: #30363d;
  --good: #3fb950; --warn: #d29922; --bad: #f85149; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1rem; max-width: 70rem; background: var(--back); color: var(--text);
  font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
.grade { text-transform: capitalize; } .meta, .dim { color: var(--dim); }
.good { color: var(--good); } .warn { color: var(--warn); } .bad { color: var(--bad); }
.finding { border-left: .25rem solid var(--line); padding-left: .75rem; margin: 1rem 0; }
.finding p { margin: .25rem 0; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: .875rem; }
th, td { border-bottom: 1px solid var(--line); padding: .25rem .75rem .25rem 0; text-align: left; vertical-align: top;
  overflow-wrap: normal; }
th { color: var(--dim); font-weight: 600; white-space: nowrap; }
@media print { body { max-width: none; } .scroll { overflow: visible; } }
`;

/** @type {Readonly<Record<string, string>>} */
const TONES = Object.freeze({
  error: 'bad',
  warning: 'warn',
  info: 'dim',
  good: 'good',
  excellent: 'good',
  fair: 'warn',
  poor: 'bad',
  blocked: 'bad',
  unknown: 'dim',
});

/** @param {Table} table */
function htmlOfTable({ title, columns, rows }) {
  const head = columns.map((name) => `<th scope="col">${escapeHtml(name)}</th>`).join('');
  const body = rows.map((row) => {
    const cells = row.map((cell) =>
      typeof cell === 'string'
        ? `<td>${escapeHtml(cell)}</td>`
        : `<td class="${cell.tone}">${escapeHtml(cell.text)}</td>`,
    );
    return `<tr>${cells.join('')}</tr>`;
  });
  return `<h2>${escapeHtml(title)}</h2>
<div class="scroll" role="region" aria-label="${escapeHtml(title)}" tabindex="0"><table><thead><tr>${head}</tr></thead><tbody>
${body.join('\n')}
</tbody></table></div>`;
}

/** @param {import('../measurements/types.js').ReportFinding} finding */
function htmlOfFinding({ id, severity, title, text, advice, evidence }) {
  const more = advice === undefined ? '' : `\n<p>${escapeHtml(advice)}</p>`;
  return `<section class="finding">
<p><span class="${TONES[severity]}">${severity}</span> <strong>${escapeHtml(title)}</strong></p>
<p>${escapeHtml(text)}</p>${more}
<p class="dim"><small>${escapeHtml([id, ...evidence].join(' · '))}</small></p>
</section>`;
}

/** @param {Report['asks']} asks @returns {Table} */
const tableOfAsks = (asks) => ({
  title: 'Ask your IT for one of each purpose, the first if it can be had',
  columns: ['purpose', 'protocol', 'port', 'direction', 'names', 'addresses', 'for'],
  rows: asks.map(({ purpose, protocol, ports, direction, names, addresses, why }) => [
    purpose,
    protocol.toUpperCase(),
    ports.join(', '),
    direction,
    names.join(', '),
    addresses.join(', '),
    why,
  ]),
});

/**
 * @param {Report} report
 * @param {import('./redact.js').RedactOptions} [options]
 * @returns {string} a whole document, UTF-8: no script, no request to anywhere, and a policy that allows neither; dark or
 *   light as the reader's system is
 * @throws {PosternError | TypeError} as redact() does
 */
export function toHtml(report, options) {
  const { grade, name, createdAt, tool, platform, summary, findings, asks, measurements } = redact(
    report,
    options,
  );
  const title = name === undefined ? 'Network test' : `Network test: ${name}`;
  const made = [createdAt, `${tool.name} ${tool.version}`, ...Object.values(platform)].join(', ');
  const tables = [...(asks.length > 0 ? [tableOfAsks(asks)] : []), ...tablesOf(measurements)];
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="referrer" content="no-referrer">
<title>${escapeHtml(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<h1>${escapeHtml(title)}</h1>
<p class="meta">${escapeHtml(made)}</p>
<p class="grade ${TONES[grade]}"><strong>${grade}</strong></p>
<p>${escapeHtml(summary)}</p>
${findings.length > 0 ? '<h2>Findings</h2>' : ''}
${findings.map(htmlOfFinding).join('\n')}
${tables.map((one) => htmlOfTable(withoutEmptyColumns(one))).join('\n')}
</body>
</html>
`;
}
