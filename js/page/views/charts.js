// The live charts, and the same numbers as tables.
import { button, drawn, element } from '../dom.js';
import { METRICS, Series } from '../model/series.js';
import { DASHES } from './dashes.js';

/** @typedef {import('../../network-test/events.js').QualitySample} QualitySample */
/** @typedef {import('./chart.js').Chart} Chart */
/** @typedef {import('../model/series.js').Metric} Metric */

/**
 * @typedef {object} Figure
 * @property {(typeof METRICS)[number]} of
 * @property {HTMLElement} place
 * @property {HTMLElement} table
 * @property {HTMLElement} note where there is nothing to see
 * @property {Chart} [chart]
 */

/** What a chart without lines says. @type {Readonly<Record<Metric, string>>} */
const NOTHING = {
  roundTripMs: 'No packet has come back.',
  jitterMs: 'Not measured yet.',
  lossPercent: 'Not measured: over streams such as TCP nothing is lost, it comes late.',
  kbps: 'Not measured yet.',
};

/** @param {number | null} value */
const shown = (value) => (value === null ? 'none' : String(Number(value.toFixed(1))));

/** @param {string} name @param {number} look */
const keyOf = (name, look) =>
  element(
    'li',
    { class: `key series-${look + 1}` },
    drawn(
      'svg',
      { width: 28, height: 8, 'aria-hidden': 'true' },
      drawn('path', {
        d: 'M0 4H28',
        stroke: 'currentColor',
        'stroke-width': 3,
        'stroke-dasharray': DASHES[look].join(' ') || undefined,
      }),
    ),
    element('span', {}, name),
  );

export class ChartsView {
  #root;
  #series = new Series();
  /** @type {Figure[]} */ #figures = [];
  #keys = element('ul', { class: 'keys' });
  /** @type {Promise<typeof import('./chart.js') | undefined> | undefined} */ #loading;
  #isDue = false;
  #areTablesShown = false;

  /** @param {HTMLElement} root */
  constructor(root) {
    this.#root = root;
  }

  begin() {
    for (const { chart } of this.#figures) chart?.destroy();
    this.#series = new Series();
    this.#figures = [];
    this.#root.hidden = true;
    this.#root.replaceChildren();
  }

  /** @param {QualitySample} sample */
  take(sample) {
    this.#series.add(sample);
    if (this.#figures.length === 0) this.#build();
    if (this.#isDue) return;
    this.#isDue = true;
    requestAnimationFrame(() => {
      this.#isDue = false;
      this.#draw();
    });
  }

  repaint() {
    for (const { chart } of this.#figures) chart?.repaint();
  }

  #build() {
    this.#figures = METRICS.map((of) => ({
      of,
      place: element('div', { class: 'chart', 'aria-hidden': 'true' }),
      note: element('p', { class: 'small dim chart-note' }),
      table: element('div', {
        class: 'scroll',
        role: 'region',
        'aria-label': `${of.title}, numbers`,
        tabindex: 0,
        hidden: !this.#areTablesShown,
      }),
    }));
    const toggle = button('Show as tables', () => {
      this.#areTablesShown = !this.#areTablesShown;
      toggle.setAttribute('aria-pressed', String(this.#areTablesShown));
      for (const { table } of this.#figures) table.hidden = !this.#areTablesShown;
      this.#draw();
    });
    toggle.setAttribute('aria-pressed', String(this.#areTablesShown));
    this.#root.replaceChildren(
      element(
        'div',
        { class: 'row spread' },
        element('h2', { id: 'charts-title' }, 'How well it passes'),
        toggle,
      ),
      this.#keys,
      element(
        'div',
        { class: 'charts' },
        ...this.#figures.map(({ of, place, table, note }) =>
          element(
            'figure',
            { 'data-metric': of.metric },
            element('figcaption', {}, `${of.title}, ${of.unit}`),
            place,
            note,
            table,
          ),
        ),
      ),
    );
    this.#root.hidden = false;
    // Most of what charts need is loaded for them only. Without, there are tables.
    this.#loading ??= import('./chart.js').catch(() => undefined);
    const figures = this.#figures;
    void this.#loading.then((loaded) => {
      if (figures !== this.#figures) return;
      if (loaded === undefined) {
        for (const { place } of figures) place.textContent = 'The chart could not be loaded.';
        return;
      }
      for (const figure of figures) figure.chart = new loaded.Chart(figure.place, figure.of);
      this.#draw();
    });
  }

  #draw() {
    const { names, looks } = this.#series;
    if (this.#keys.childElementCount !== names.length) {
      this.#keys.replaceChildren(...names.map((name, i) => keyOf(name, looks[i])));
    }
    for (const { chart, of, table, note } of this.#figures) {
      chart?.show(this.#series);
      note.textContent = this.#series.has(of.metric) ? '' : NOTHING[of.metric];
      if (this.#areTablesShown) table.replaceChildren(this.#tableOf(of.metric, of));
    }
  }

  /** @param {Metric} metric @param {{ title: string, unit: string }} of */
  #tableOf(metric, { title, unit }) {
    const { names } = this.#series;
    const rows = this.#series.rows(metric);
    return element(
      'table',
      {},
      element('caption', {}, `${title} in ${unit}, mean of each second`),
      element(
        'thead',
        {},
        element(
          'tr',
          {},
          ...['second', ...names].map((name) => element('th', { scope: 'col' }, name)),
        ),
      ),
      element(
        'tbody',
        {},
        ...rows.map(({ second, values }) =>
          element(
            'tr',
            {},
            element('th', { scope: 'row' }, String(second)),
            ...values.map((value) => element('td', {}, shown(value))),
          ),
        ),
      ),
    );
  }
}
