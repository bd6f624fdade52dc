// What can be done with a report: copied, kept, given away without addresses.
import { button, element } from '../dom.js';
import { icon } from '../icons.js';

/** @typedef {import('../../report/index.js').RedactOptions} RedactOptions */
/** @typedef {import('../../report/index.js').Report} Report */

/** Writers of reports are loaded when one is wanted. */
const loadWriters = () => import('../writers.js');

/** @param {string} text */
function copyByHand(text) {
  const area = element('textarea', {
    readonly: true,
    class: 'visually-hidden',
    'aria-hidden': 'true',
  });
  area.value = text;
  document.body.append(area);
  const before = document.activeElement;
  area.select();
  // Pages without TLS have no other way.
  const isDone = document.execCommand('copy');
  area.remove();
  if (before instanceof HTMLElement) before.focus();
  return isDone;
}

/** @param {string} text @returns {Promise<boolean>} */
export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyByHand(text);
  }
}

/** @param {string} text @param {string} type @param {string} name */
function download(text, type, name) {
  const url = URL.createObjectURL(new Blob([text], { type }));
  const link = element('a', { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  // The browser has begun to read it by then.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/** @param {Report} report @param {string} ending */
const fileName = ({ createdAt }, ending) =>
  `network-test-${createdAt.slice(0, 19).replaceAll(':', '-')}.${ending}`;

/**
 * @param {Report} report
 * @param {object} options
 * @param {() => RedactOptions} options.redacting
 * @param {(text: string) => void} options.say
 * @param {(hidden: boolean) => void} options.onHide
 * @param {boolean} options.isHidden
 */
export function shareOf(report, { redacting, say, onHide, isHidden }) {
  /** @param {(writers: Awaited<ReturnType<typeof loadWriters>>) => void | Promise<void>} use */
  const withWriters = async (use) => {
    try {
      await use(await loadWriters());
    } catch {
      say('The report could not be written. Is this device still online?');
    }
  };
  const copy = () =>
    withWriters(async ({ toText }) => {
      const isDone = await copyText(toText(report, redacting()));
      say(
        isDone
          ? 'The report was copied.'
          : 'This browser lets nothing be copied. Download it instead.',
      );
    });
  const json = () =>
    withWriters(({ toJson }) => {
      download(toJson(report, redacting()), 'application/json', fileName(report, 'json'));
      say('The report was downloaded.');
    });
  const html = () =>
    withWriters(({ toHtml }) => {
      download(toHtml(report, redacting()), 'text/html', fileName(report, 'html'));
      say('The report was downloaded.');
    });
  const box = element('input', { type: 'checkbox', id: 'hide-addresses' });
  box.checked = isHidden;
  box.addEventListener('change', () => onHide(box.checked));
  return element(
    'div',
    { class: 'share', role: 'group', 'aria-label': 'The report' },
    element(
      'div',
      { class: 'row' },
      button('Copy report', () => void copy(), '', icon('copy')),
      button('Download as JSON', () => void json(), '', icon('download')),
      button('Download as HTML', () => void html(), '', icon('download')),
    ),
    element('label', { class: 'check' }, box, 'Hide IP addresses, here and in what is copied'),
  );
}
