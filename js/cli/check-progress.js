// What a network test is doing, while it does it: lines that change in place at a terminal, one line a step elsewhere.
import { printable } from './printable.js';

/** @typedef {import('../network-test/events.js').OnEvent} OnEvent */
/** @typedef {import('../network-test/events.js').QualitySample} QualitySample */
/** @typedef {import('../network-test/events.js').TestEvent} TestEvent */
/** @typedef {import('../report/index.js').Measurement['status']} Status */
/** @typedef {import('./terminal.js').Paint} Paint */
/** @typedef {import('./terminal.js').Style} Style */

/**
 * @typedef {object} Running
 * @property {string} title
 * @property {number} expectedMs
 * @property {number} startedAt
 * @property {Record<Status, number>} counts of measurements
 * @property {QualitySample} [sample] the newest
 */

/**
 * What has been said of a step, once it is over or while it runs.
 *
 * @typedef {{ word: string, paint: Paint, text: string }} Line
 */

/** Cursor up, and erase from there to the end (ECMA-48 sections 8.3.22 and 8.3.39). @param {number} lines */
const eraseLines = (lines) => (lines === 0 ? '' : `\u001b[${lines}A\u001b[J`);

const WORD_WIDTH = 'skipped'.length;
/** What is over sooner needs no word about when. */
const LONG_MS = 3000;
const REDRAW_EVERY_MS = 500;
/** Where the terminal does not say. */
const COLUMNS = 80;

/** @param {number} kbps */
const throughput = (kbps) =>
  kbps >= 1000 ? `${(kbps / 1000).toFixed(1)} Mbit/s` : `${kbps.toFixed(0)} kbit/s`;

/** @param {QualitySample} sample */
function describeSample({ roundTripMs, jitterMs, lossRatio, kbps }) {
  const parts = [
    roundTripMs === null ? '' : `round trip ${roundTripMs.toFixed(1)} ms`,
    jitterMs === null ? '' : `jitter ${jitterMs.toFixed(1)} ms`,
    lossRatio === null ? '' : `loss ${(lossRatio * 100).toFixed(1)} %`,
    kbps === null ? '' : throughput(kbps),
  ];
  return parts.filter((part) => part !== '').join(', ');
}

/** @param {Running['counts']} counts */
const describeCounts = (counts) =>
  Object.entries(counts)
    .filter(([, count]) => count > 0)
    .map(([status, count]) => `${count} ${status}`)
    .join(', ');

/** How a step went, in a word. @param {Running['counts']} counts @param {Style} style @returns {[string, Paint]} */
function wordOf({ ok, failed, unknown }, style) {
  if (failed > 0) return ok > 0 ? ['partly', style.warn] : ['failed', style.bad];
  if (ok > 0) return ['ok', style.good];
  return unknown > 0 ? ['unknown', style.warn] : ['skipped', style.dim];
}

/**
 * @param {object} options
 * @param {(text: string) => void} options.out
 * @param {boolean} options.inPlace whether lines may change: at a terminal
 * @param {() => number | undefined} options.columns of the terminal
 * @param {() => number} options.now in ms
 * @param {Style} options.style
 * @returns {{ onEvent: OnEvent, end: () => void }} `end` takes away what was not to stay
 */
export function createProgress({ out, inPlace, columns, now, style }) {
  /** @type {Map<string, Running>} */
  const running = new Map();
  /** @type {Map<string, import('../network-test/events.js').StepInfo>} */
  const steps = new Map();
  /** Of lines that are to change. */
  let shown = 0;

  /** @param {Line} line */
  const draw = ({ word, paint, text }) => {
    // A line that the terminal broke in two could not be taken back.
    const room = (columns() || COLUMNS) - WORD_WIDTH - 3;
    const whole = inPlace ? text.slice(0, Math.max(room, 0)) : text;
    return `${paint(word)}${' '.repeat(WORD_WIDTH - word.length)}  ${whole}\n`;
  };
  /** @param {Running} step @param {boolean} isOver @returns {string} */
  const textOf = ({ title, expectedMs, startedAt, counts, sample }, isOver) => {
    const elapsed = `${((now() - startedAt) / 1000).toFixed(1)} s`;
    const isLong = !isOver && expectedMs >= LONG_MS;
    const seconds = isLong ? `${elapsed} of about ${Math.round(expectedMs / 1000)} s` : elapsed;
    const live = sample === undefined ? '' : describeSample(sample);
    return [title, live || describeCounts(counts), seconds]
      .filter((part) => part !== '')
      .join(', ');
  };
  const erase = () => {
    const text = eraseLines(shown);
    shown = 0;
    return text;
  };
  const redraw = (done = '') => {
    if (running.size === 0 && done === '' && shown === 0) return;
    if (!inPlace) {
      if (done !== '') out(done);
      return;
    }
    const lines = [...running.values()].map((step) =>
      draw({ word: '...', paint: style.dim, text: textOf(step, false) }),
    );
    // In one piece, so that nothing flickers.
    out(erase() + done + lines.join(''));
    shown = lines.length;
  };

  /** @param {Extract<TestEvent, { type: 'step' }>} event */
  const onStep = ({ id, state }) => {
    if (state === 'running') {
      const counts = { ok: 0, failed: 0, unknown: 0, skipped: 0 };
      const { title = id, expectedMs = 0 } = steps.get(id) ?? {};
      running.set(id, { title: printable(title), expectedMs, startedAt: now(), counts });
      redraw();
      return;
    }
    const step = running.get(id);
    running.delete(id);
    if (step === undefined) return;
    const [word, paint] = wordOf(step.counts, style);
    redraw(draw({ word, paint, text: textOf({ ...step, sample: undefined }, true) }));
  };

  // Steps are silent for seconds, and are not to look as if they hung.
  const timer = inPlace ? setInterval(redraw, REDRAW_EVERY_MS).unref() : undefined;

  return {
    onEvent: (event) => {
      if (event.type === 'plan') {
        for (const step of event.steps) steps.set(step.id, step);
      } else if (event.type === 'step') onStep(event);
      else if (event.type === 'measurement') {
        const step = running.get(event.step);
        if (step !== undefined) step.counts[event.measurement.status] += 1;
        redraw();
      } else if (event.type === 'sample') {
        const step = running.get(event.step);
        if (step !== undefined) step.sample = event.sample;
        redraw();
      }
    },
    end: () => {
      clearInterval(timer);
      running.clear();
      if (shown > 0) out(erase());
    },
  };
}
