// The verdict in plain words, what to ask for, and what can be done with the report.
import { button, element } from '../dom.js';
import { icon } from '../icons.js';

/** @typedef {import('../../report/index.js').Ask} Ask */
/** @typedef {import('../../report/index.js').Grade} Grade */
/** @typedef {import('../../report/index.js').Report} Report */

/** @type {Readonly<Record<Grade, import('../icons.js').IconName>>} */
const SIGNS = {
  excellent: 'good',
  good: 'good',
  fair: 'warn',
  poor: 'bad',
  blocked: 'bad',
  unknown: 'unknown',
};

/** @type {Readonly<Record<Ask['purpose'], string>>} */
const PURPOSES = {
  signalling: 'To set calls up',
  media: 'For sound and picture',
};

/** @param {readonly Ask[]} asks @returns {string} to be sent to those who run the network */
export const textOfAsks = (asks) =>
  [
    'Calls need one of each of these, the first if it can be had:',
    ...Object.entries(PURPOSES).flatMap(([purpose, words]) => {
      const of = asks.filter((one) => one.purpose === purpose);
      return of.length === 0
        ? []
        : ['', `${words}:`, ...of.map(({ text }, i) => `${i + 1}. ${text}`)];
    }),
    '',
  ].join('\n');

/** @param {readonly Ask[]} asks @param {() => void} onCopy */
function asksOf(asks, onCopy) {
  if (asks.length === 0) return undefined;
  const groups = Object.entries(PURPOSES).flatMap(([purpose, words]) => {
    const of = asks.filter((one) => one.purpose === purpose);
    if (of.length === 0) return [];
    const items = of.map(({ protocol, ports, names, addresses, why }) =>
      element(
        'li',
        {},
        element('strong', { class: 'port' }, `${protocol.toUpperCase()} ${ports.join(', ')}`),
        ` to ${[...names, ...addresses].join(', ')}`,
        element('span', { class: 'small dim why' }, `for ${why}`),
      ),
    );
    const hint = of.length > 1 ? ', one of these, the first if it can be had' : '';
    return [
      element('p', { class: 'small dim' }, `${words}${hint}:`),
      element('ol', { class: 'asks' }, ...items),
    ];
  });
  return element(
    'section',
    { class: 'ask', 'aria-labelledby': 'ask-title' },
    element(
      'div',
      { class: 'row spread' },
      element('h3', { id: 'ask-title' }, 'Ask your IT to let out'),
      button('Copy this list', onCopy, '', icon('copy')),
    ),
    ...groups,
  );
}

/**
 * @param {HTMLElement} root
 * @param {Report} report
 * @param {object} actions
 * @param {() => void} actions.onCopyAsks
 * @param {Node} actions.share what can be done with the report
 * @returns {HTMLElement} the heading, for the focus
 */
export function showVerdict(root, { grade, summary, asks, name }, { onCopyAsks, share }) {
  const sign = SIGNS[grade];
  const heading = element(
    'h2',
    { class: 'grade', id: 'verdict-title', tabindex: -1 },
    element('span', { class: 'visually-hidden' }, 'Verdict: '),
    grade,
  );
  // The list says it better.
  const [words] = summary.split(' Ask your IT for: ');
  root.className = `card verdict verdict-${sign}`;
  root.setAttribute('aria-labelledby', 'verdict-title');
  root.dataset.grade = grade;
  root.hidden = false;
  root.replaceChildren(
    element('div', { class: 'verdict-sign' }, icon(sign, 56)),
    element(
      'div',
      { class: 'verdict-body' },
      heading,
      name === undefined ? undefined : element('p', { class: 'small dim' }, name),
      element('p', { class: 'summary' }, words),
      asksOf(asks, onCopyAsks),
      share,
    ),
  );
  return heading;
}
