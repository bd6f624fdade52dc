// The steps of a test, which tick off one by one.
import { element } from '../dom.js';
import { icon } from '../icons.js';

/** @typedef {import('../../network-test/events.js').StepInfo} StepInfo */
/** @typedef {import('../../network-test/events.js').TestEvent} TestEvent */
/** @typedef {import('../../report/index.js').Measurement['status']} Status */
/** @typedef {import('../icons.js').IconName} IconName */

/**
 * @typedef {object} Row
 * @property {StepInfo} info
 * @property {HTMLLIElement} item
 * @property {HTMLElement} sign
 * @property {HTMLElement} said
 * @property {'waiting' | 'running' | 'done' | 'stopped'} state
 * @property {number} startedAt
 * @property {Record<Status, number>} counts
 */

const TICK_MS = 250;
/** A step that takes longer than expected is not yet done. */
const NEARLY = 0.95;

/** @param {Record<Status, number>} counts @returns {[IconName, string]} */
function outcomeOf({ ok, failed, unknown, skipped }) {
  const all = ok + failed;
  if (failed > 0 && ok > 0) return ['warn', `${ok} of ${all} answered`];
  if (failed > 0) return ['bad', failed === 1 ? 'no success' : `none of ${failed} succeeded`];
  if (ok > 0) return ['good', ok === 1 ? 'done' : `${ok} of ${ok} answered`];
  if (unknown > 0) return ['unknown', 'could not be told'];
  return skipped > 0 ? ['skipped', 'skipped'] : ['good', 'done'];
}

export class ProgressView {
  #root;
  #say;
  /** @type {Row[]} */ #rows = [];
  #bar = element('progress', { max: 100, value: 0, 'aria-labelledby': 'progress-title' });
  #title = element('h2', { id: 'progress-title' }, 'Testing');
  /** @type {ReturnType<typeof setInterval> | undefined} */ #timer;

  /** @param {HTMLElement} root @param {(text: string) => void} say to screen readers */
  constructor(root, say) {
    this.#root = root;
    this.#say = say;
  }

  begin() {
    this.#rows = [];
    this.#title.textContent = 'Testing';
    this.#bar.value = 0;
    this.#root.replaceChildren(this.#title, this.#bar, element('ol', { class: 'steps' }));
    this.#root.hidden = false;
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
  }

  /** @param {TestEvent} event */
  take(event) {
    if (event.type === 'plan') this.#list(event.steps);
    if (event.type === 'step') this.#step(event.id, event.state);
    if (event.type === 'measurement') this.#count(event.step, event.measurement.status);
  }

  /** @param {'done' | 'stopped'} how */
  end(how) {
    clearInterval(this.#timer);
    this.#title.textContent = how === 'done' ? 'What was tested' : 'Stopped';
    for (const row of this.#rows) {
      if (row.state === 'done') continue;
      row.state = 'stopped';
      this.#show(row, 'skipped', 'not finished');
    }
    if (how === 'done') this.#bar.remove();
    else this.#tick();
  }

  /** @param {readonly StepInfo[]} steps */
  #list(steps) {
    this.#rows = steps.map((info) => {
      const sign = element('span', { class: 'step-sign' }, icon('waiting'));
      const said = element('span', { class: 'step-said' });
      const item = element(
        'li',
        { class: 'step', 'data-step': info.id, 'data-state': 'waiting' },
        sign,
        element('span', { class: 'step-title' }, info.title),
        said,
      );
      const counts = { ok: 0, failed: 0, unknown: 0, skipped: 0 };
      return { info, item, sign, said, state: 'waiting', startedAt: 0, counts };
    });
    this.#root.querySelector('ol')?.replaceChildren(...this.#rows.map(({ item }) => item));
  }

  /** @param {string} id @param {'running' | 'done'} state */
  #step(id, state) {
    const row = this.#rows.find(({ info }) => info.id === id);
    if (row === undefined) return;
    row.state = state;
    if (state === 'running') {
      row.startedAt = performance.now();
      row.item.dataset.state = 'running';
      row.sign.replaceChildren(element('span', { class: 'spinner' }));
      row.said.textContent = 'testing';
      // Steps that run at once are one sentence.
      const running = this.#rows.filter((one) => one.state === 'running');
      const words = running.map(({ info }) => info.title).join(', ');
      const done = this.#rows.filter((one) => one.state === 'done').length;
      this.#say(`Testing: ${words}. ${done} of ${this.#rows.length} done.`);
    } else {
      this.#show(row, ...outcomeOf(row.counts));
    }
    this.#tick();
  }

  /** @param {string} id @param {Status} status */
  #count(id, status) {
    const row = this.#rows.find(({ info }) => info.id === id);
    if (row === undefined) return;
    row.counts[status] += 1;
    const { ok, failed } = row.counts;
    if (ok + failed > 0) row.said.textContent = `${ok} of ${ok + failed} so far`;
  }

  /** @param {Row} row @param {IconName} name @param {string} words */
  #show(row, name, words) {
    row.item.dataset.state = row.state;
    row.sign.replaceChildren(icon(name));
    row.said.textContent = words;
  }

  #tick() {
    const all = this.#rows.reduce((sum, { info }) => sum + info.expectedMs, 0);
    if (all === 0) return;
    const now = performance.now();
    const done = this.#rows.reduce((sum, { info, state, startedAt }) => {
      if (state === 'done') return sum + info.expectedMs;
      if (state !== 'running') return sum;
      return sum + Math.min(now - startedAt, info.expectedMs * NEARLY);
    }, 0);
    this.#bar.value = (done / all) * 100;
  }
}
