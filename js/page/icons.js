// Signs beside words: each has a shape of its own, so that colour is never the only one.
import { drawn } from './dom.js';

/** In a square of 20. */
const SHAPES = /** @type {const} */ ({
  good: 'M4.5 10.5l3.7 3.7 7.3-8',
  warn: 'M10 5.2v5.6M10 14.6v.2',
  bad: 'M5.5 5.5l9 9m0-9l-9 9',
  unknown: 'M7.3 7.4a2.8 2.8 0 1 1 3.9 2.6c-.8.4-1.2.9-1.2 1.8M10 14.8v.1',
  info: 'M10 9.2v5.2M10 5.6v.1',
  skipped: 'M5.5 10h9',
  waiting: '',
  copy: 'M7 6.5V4h9v9h-2.5M4 7h9v9H4z',
  download: 'M10 3.5v9m-3.8-3.6L10 12.7l3.8-3.8M4 16.5h12',
  link: 'M8.5 11.5l3-3M7.5 8.2L5.4 10.3a3 3 0 0 0 4.3 4.3l2.1-2.1M12.5 11.8l2.1-2.1a3 3 0 0 0-4.3-4.3L8.2 7.5',
  light:
    'M10 6.5a3.5 3.5 0 1 1 0 7 3.5 3.5 0 0 1 0-7zM10 2v1.5M10 16.5V18M2 10h1.5M16.5 10H18M4.3 4.3l1.1 1.1M14.6 14.6l1.1 1.1M4.3 15.7l1.1-1.1M14.6 5.4l1.1-1.1',
  dark: 'M15.8 11.9A6.6 6.6 0 0 1 8.1 4.2a6.6 6.6 0 1 0 7.7 7.7z',
  system: 'M3 4.5h14v9H3zM7 16.5h6',
});

/** @typedef {keyof typeof SHAPES} IconName */

/** Those that tell how something went. @type {ReadonlySet<string>} */
const ROUND = new Set(['good', 'warn', 'bad', 'unknown', 'info', 'skipped', 'waiting']);

/**
 * @param {IconName} name
 * @param {number} [size] in CSS pixels
 * @returns {SVGSVGElement} hidden from screen readers: there are words beside it
 */
export function icon(name, size = 20) {
  const round = ROUND.has(name)
    ? drawn('circle', { cx: 10, cy: 10, r: 9, class: 'disc' })
    : undefined;
  return drawn(
    'svg',
    {
      viewBox: '0 0 20 20',
      width: size,
      height: size,
      class: `icon icon-${name}`,
      'aria-hidden': 'true',
    },
    round,
    drawn('path', {
      d: SHAPES[name],
      fill: 'none',
      stroke: 'currentColor',
      'stroke-width': 1.8,
      'stroke-linecap': 'round',
      'stroke-linejoin': 'round',
    }),
  );
}
