// All that was measured, as tables.
import { tablesOf, withoutEmptyColumns } from '../../report/output/tables.js';
import { element } from '../dom.js';

/** @typedef {import('../../report/index.js').Measurement} Measurement */
/** @typedef {import('../../report/output/tables.js').Table} Table */

/** Longer texts may take several lines. */
const LONG_TEXT = 36;

/** @param {import('../../report/output/tables.js').Cell} cell */
function cellOf(cell) {
  const { text, tone } = typeof cell === 'string' ? { text: cell, tone: '' } : cell;
  const look = `${tone} ${text.length > LONG_TEXT ? 'long' : ''}`.trim();
  return element('td', { class: look || undefined }, text);
}

/** @param {Table} table */
function tableOf({ title, columns, rows }) {
  const head = columns.map((name) => element('th', { scope: 'col' }, name || 'status'));
  const body = rows.map((row) => element('tr', {}, ...row.map(cellOf)));
  return element(
    'div',
    { class: 'scroll', role: 'region', 'aria-label': title, tabindex: 0 },
    element(
      'table',
      {},
      element('caption', {}, title),
      element('thead', {}, element('tr', {}, ...head)),
      element('tbody', {}, ...body),
    ),
  );
}

/** @param {HTMLElement} root @param {readonly Measurement[]} measurements */
export function showMeasurements(root, measurements) {
  const tables = tablesOf(measurements).map(withoutEmptyColumns);
  const wasOpen = root.querySelector('details')?.open ?? false;
  root.hidden = tables.length === 0;
  root.replaceChildren(
    element(
      'details',
      { open: wasOpen },
      element(
        'summary',
        {},
        element(
          'h2',
          { id: 'measurements-title' },
          `All that was measured (${measurements.length})`,
        ),
      ),
      element('div', { class: 'tables' }, ...tables.map(tableOf)),
    ),
  );
}
