// What was found, the worst first.
import { element } from '../dom.js';
import { icon } from '../icons.js';

/** @typedef {import('../../report/index.js').Report} Report */
/** @typedef {import('../../report/index.js').ReportFinding} ReportFinding */

/** @type {Readonly<Record<ReportFinding['severity'], { sign: import('../icons.js').IconName, word: string }>>} */
const SEVERITIES = {
  error: { sign: 'bad', word: 'Problem' },
  warning: { sign: 'warn', word: 'Warning' },
  info: { sign: 'info', word: 'Note' },
  good: { sign: 'good', word: 'Good' },
};

/** @param {ReportFinding} finding */
function itemOf({ id, severity, title, text, advice, evidence }) {
  const { sign, word } = SEVERITIES[severity];
  return element(
    'li',
    { class: `finding finding-${sign}`, 'data-finding': id },
    icon(sign),
    element(
      'div',
      { class: 'finding-body' },
      element('h3', {}, element('span', { class: 'severity' }, `${word}: `), title),
      element('p', {}, text),
      advice === undefined ? undefined : element('p', { class: 'advice' }, advice),
      element(
        'details',
        { class: 'small dim' },
        element(
          'summary',
          {},
          `From ${evidence.length === 1 ? 'one measurement' : `${evidence.length} measurements`}`,
        ),
        element('ul', { class: 'evidence' }, ...evidence.map((one) => element('li', {}, one))),
      ),
    ),
  );
}

/** @param {HTMLElement} root @param {Report} report */
export function showFindings(root, { findings }) {
  root.hidden = findings.length === 0;
  root.replaceChildren(
    element('h2', { id: 'findings-title' }, 'What was found'),
    element('ul', { class: 'findings' }, ...findings.map(itemOf)),
  );
}
