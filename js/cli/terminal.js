// What is written to the terminal: tables and colours.

/** @typedef {(text: string) => string} Paint */
/** @typedef {{ bold: Paint, dim: Paint, good: Paint, bad: Paint, warn: Paint }} Style */

/** @type {Paint} */
const plain = (text) => text;

/** Select Graphic Rendition (ECMA-48 section 8.3.117). @param {number} on @param {number} off @returns {Paint} */
const paint = (on, off) => (text) => `\u001b[${on}m${text}\u001b[${off}m`;

/** @param {boolean} hasColour @returns {Style} */
export function styleFor(hasColour) {
  if (!hasColour) return { bold: plain, dim: plain, good: plain, bad: plain, warn: plain };
  return {
    bold: paint(1, 22),
    dim: paint(2, 22),
    good: paint(32, 39),
    bad: paint(31, 39),
    warn: paint(33, 39),
  };
}

/**
 * A cell: text that is safe to print, and how it is painted.
 *
 * @typedef {string | { text: string, paint: Paint }} Cell
 */

/** @param {Cell} cell */
const textOf = (cell) => (typeof cell === 'string' ? cell : cell.text);

/**
 * Columns below their titles, each as wide as its widest cell; columns that are empty in all rows are left out.
 *
 * @param {readonly string[]} titles
 * @param {readonly (readonly Cell[])[]} rows
 * @param {Style} style
 * @returns {string} lines, the last one without its end
 */
export function table(titles, rows, style) {
  const kept = titles
    .map((_, i) => i)
    .filter((i) => rows.some((row) => textOf(row[i] ?? '') !== ''));
  const widths = kept.map((i) =>
    Math.max(titles[i].length, ...rows.map((row) => textOf(row[i] ?? '').length)),
  );
  const head = kept.map((i) => ({ text: titles[i], paint: style.dim }));
  const lines = [head, ...rows.map((row) => kept.map((i) => row[i] ?? ''))];
  return lines
    .map((cells) => {
      const painted = cells.map((cell, at) => {
        const text = textOf(cell);
        // The padding of the last one would be trailing space.
        const padding = at === cells.length - 1 ? '' : ' '.repeat(widths[at] - text.length);
        return (typeof cell === 'string' ? text : cell.paint(text)) + padding;
      });
      return painted.join('  ').trimEnd();
    })
    .join('\n');
}

/** @param {number | null | undefined} milliseconds */
export const inMilliseconds = (milliseconds) =>
  milliseconds === null || milliseconds === undefined ? '' : `${milliseconds.toFixed(2)} ms`;
