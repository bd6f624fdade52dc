// The picture of the path: the device, the wall with its doors, the servers, and what passes on each way.
import { drawn, element } from '../dom.js';
import { barrierOf, lanesOf } from '../model/lanes.js';

/** @typedef {import('../../report/index.js').Measurement} Measurement */
/** @typedef {import('../model/lanes.js').Lane} Lane */

const LEAST_WIDTH = 220;
/** Below, names of nodes are short. */
const NARROW = 340;
const TOP = 84;
const LANE = 54;
const EDGE = 10;
const SIGN = 9;
const WALL = 14;

const GATEWAY_NOTE =
  'Over WebSocket a gateway talks to the server: up to the gateway it is the path of this device, beyond it the gateway’s.';

/** Pictures in a square of 32. */
const NODES = /** @type {const} */ ({
  device: ['M5 7h22v14H5z', 'M2 25h28'],
  wall: ['M5 28V6h22v22', 'M5 13h6m10 0h6M5 20h6m10 0h6M16 6v5m-5 2v15m10-15v15'],
  servers: ['M6 4h20v10H6zM6 18h20v10H6z', 'M10 9h.1M10 23h.1M15 9h7M15 23h7'],
});

/** @param {keyof typeof NODES} name @param {number} x of its middle @param {string} label @param {'start' | 'middle' | 'end'} anchor */
function node(name, x, label, anchor) {
  const left = { start: x, middle: x - 16, end: x - 32 }[anchor];
  return drawn(
    'g',
    { class: 'node' },
    drawn(
      'g',
      { transform: `translate(${left} 4)` },
      ...NODES[name].map((d) => drawn('path', { d, class: 'node-line' })),
    ),
    drawn('text', { x, y: 56, 'text-anchor': anchor, class: 'node-name' }, label),
  );
}

/** What the marks mean. @type {readonly [Lane['tone'], string][]} */
const LEGEND = [
  ['good', 'passes'],
  ['warn', 'in part'],
  ['bad', 'no answer'],
  ['unknown', 'not known'],
];

/** @param {Lane['tone']} tone @param {string} words */
const legendItem = (tone, words) =>
  element(
    'li',
    { class: `lane-${tone}` },
    drawn(
      'svg',
      { width: 40, height: 16, 'aria-hidden': 'true' },
      drawn('path', { d: `M2 8H${tone === 'bad' ? 24 : 36}`, class: 'lane-line' }),
      mark(tone, tone === 'bad' ? 31 : 36, 8),
    ),
    words,
  );

/** A mark at the end of a lane, of a shape of its own. @param {Lane['tone']} tone @param {number} x @param {number} y */
function mark(tone, x, y) {
  const shapes = {
    good: `M${x - 8} ${y - 6}L${x} ${y}L${x - 8} ${y + 6}`,
    warn: `M${x - 8} ${y + 5}L${x - 2} ${y - 6}L${x + 4} ${y + 5}Z`,
    bad: `M${x - 6} ${y - 6}l12 12m0-12l-12 12`,
    unknown: '',
  };
  return drawn('path', { d: shapes[tone], class: `mark mark-${tone}` });
}

/** The wall beside a lane: a door that stands open, half open, or is shut. @param {Lane['tone']} tone @param {number} x @param {number} y */
function wall(tone, x, y) {
  const gap = { good: 7, warn: 4, bad: 0, unknown: 0 }[tone];
  const half = 15;
  const left = x - WALL / 2;
  const brick = { x: left, width: WALL, rx: 2, class: `brick brick-${tone}` };
  if (gap === 0) return [drawn('rect', { ...brick, y: y - half, height: 2 * half })];
  return [
    drawn('rect', { ...brick, y: y - half, height: half - gap }),
    drawn('rect', { ...brick, y: y + gap, height: half - gap }),
  ];
}

/** @param {Lane} lane @param {number} i @param {number} width */
function drawLane({ id, name, tone, words, isTried, hasGateway }, i, width) {
  const y = TOP + i * LANE + 34;
  const middle = width / 2;
  const start = EDGE;
  const end = width - EDGE;
  const stop = tone === 'bad' ? middle - WALL / 2 - SIGN - 4 : end;
  const gateway = (middle + end) / 2;
  return drawn(
    'g',
    {
      class: `lane lane-${tone}`,
      'data-lane': id,
      'data-tone': tone,
      'data-tried': String(isTried),
    },
    drawn('text', { x: start, y: y - 12, class: 'lane-name' }, name),
    drawn('text', { x: end, y: y - 12, 'text-anchor': 'end', class: 'lane-words' }, words),
    tone === 'unknown'
      ? undefined
      : drawn('circle', { cx: start + 3, cy: y, r: 3, class: 'lane-end' }),
    drawn('path', { d: `M${start + 3} ${y}H${stop}`, class: 'lane-line' }),
    ...wall(tone, middle, y),
    hasGateway && tone !== 'bad'
      ? drawn('path', { d: `M${gateway} ${y - 7}l7 7l-7 7l-7 -7z`, class: 'gateway' })
      : undefined,
    mark(tone, tone === 'bad' ? stop + 3 : end, y),
  );
}

export class PathView {
  #root;
  /** @type {readonly Measurement[]} */ #measurements = [];
  #picture = element('div', { class: 'picture' });
  #list = element('ul', { class: 'visually-hidden' });
  #note = element('p', { class: 'small dim path-note' });
  #width = 0;

  /** @param {HTMLElement} root */
  constructor(root) {
    this.#root = root;
    root.append(
      element('h2', { id: 'path-title' }, 'The path of this device'),
      this.#picture,
      this.#list,
      element(
        'ul',
        { class: 'legend small', 'aria-hidden': 'true' },
        ...LEGEND.map(([tone, words]) => legendItem(tone, words)),
      ),
      this.#note,
    );
    new ResizeObserver(([{ contentRect }]) => {
      const width = Math.max(LEAST_WIDTH, Math.floor(contentRect.width));
      if (width === this.#width) return;
      this.#width = width;
      this.#draw();
    }).observe(this.#picture);
  }

  /** @param {readonly Measurement[]} measurements */
  show(measurements) {
    this.#measurements = measurements;
    this.#draw();
  }

  #draw() {
    const lanes = lanesOf(this.#measurements);
    const width = this.#width;
    const height = TOP + lanes.length * LANE;
    const barrier = barrierOf(this.#measurements);
    const isTried = lanes.some((lane) => lane.isTried);
    this.#root.dataset.tried = String(isTried);
    if (width > 0) {
      // The list beside it has the same in words.
      const svg = drawn(
        'svg',
        { viewBox: `0 0 ${width} ${height}`, width, height, 'aria-hidden': 'true' },
        node('device', EDGE, width < NARROW ? 'Device' : 'This device', 'start'),
        node('wall', width / 2, barrier, 'middle'),
        node('servers', width - EDGE, 'Servers', 'end'),
        drawn('path', { d: `M${width / 2} 66V${height}`, class: 'wall-line' }),
        ...lanes.map((lane, i) => drawLane(lane, i, width)),
      );
      this.#picture.replaceChildren(svg);
    }
    this.#list.replaceChildren(
      element('li', {}, `Between this device and the servers: ${barrier}.`),
      ...lanes.map(({ name, words }) => element('li', {}, `${name}: ${words}.`)),
    );
    this.#note.textContent = lanes.some(({ hasGateway }) => hasGateway) ? GATEWAY_NOTE : '';
    this.#note.hidden = this.#note.textContent === '';
  }
}
