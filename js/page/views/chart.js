// One live chart. uPlot draws on a canvas; who cannot see that has the table.
import uPlot from 'uplot';
import { element } from '../dom.js';
import { DASHES } from './dashes.js';

/** @typedef {import('../model/series.js').Metric} Metric */
/** @typedef {import('../model/series.js').Series} Series */

const HEIGHT = 170;
const FONT = '12px system-ui, sans-serif';

/** The colour that a class gives, as canvases take it. @param {string} name */
function colourOf(name) {
  const probe = element('span', { class: name, hidden: true });
  document.body.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}

/** @param {number} value */
const shown = (value) =>
  value >= 100 ? String(Math.round(value)) : String(Number(value.toFixed(1)));

export class Chart {
  #plot;
  #metric;
  #count = 0;
  /** @type {Map<string, string>} */ #colours = new Map();

  /**
   * @param {HTMLElement} place
   * @param {{ metric: Metric, least: number }} options
   */
  constructor(place, { metric, least }) {
    this.#metric = metric;
    const axis = {
      font: FONT,
      stroke: () => this.#colour('dim'),
      grid: { stroke: () => this.#colour('chart-grid'), width: 1 },
      ticks: { stroke: () => this.#colour('chart-grid'), width: 1, size: 4 },
    };
    this.#plot = new uPlot(
      {
        width: Math.max(place.clientWidth, 100),
        height: HEIGHT,
        legend: { show: false },
        cursor: { drag: { x: false, y: false }, y: false },
        padding: [8, 8, 0, 0],
        scales: {
          x: { time: false, range: (_, __, max) => [0, Math.max(max ?? 0, 5)] },
          y: { range: (_, __, max) => [0, Math.max((max ?? 0) * 1.15, least)] },
        },
        axes: [
          { ...axis, size: 28, values: (_, ticks) => ticks.map((at) => `${at} s`) },
          { ...axis, size: 46, values: (_, ticks) => ticks.map(shown) },
        ],
        series: [{}],
      },
      [[0]],
      place,
    );
    new ResizeObserver(([{ contentRect }]) => {
      const width = Math.floor(contentRect.width);
      if (width > 0 && width !== this.#plot.width) this.#plot.setSize({ width, height: HEIGHT });
    }).observe(place);
  }

  /** @param {string} name */
  #colour(name) {
    const known = this.#colours.get(name) ?? colourOf(name);
    this.#colours.set(name, known);
    return known;
  }

  /** @param {Series} series */
  show(series) {
    const { names, looks } = series;
    for (; this.#count < names.length; this.#count += 1) {
      const look = looks[this.#count];
      this.#plot.addSeries({
        label: names[this.#count],
        stroke: () => this.#colour(`series-${look + 1}`),
        dash: [...DASHES[look]],
        width: 2,
        spanGaps: true,
        points: { show: false },
      });
    }
    this.#plot.setData(series.columns(this.#metric));
  }

  /** Colours are others now. */
  repaint() {
    this.#colours.clear();
    this.#plot.redraw(false, true);
  }

  destroy() {
    this.#plot.destroy();
  }
}
