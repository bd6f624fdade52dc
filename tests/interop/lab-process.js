// A program of ours in a namespace of the laboratory: it is spoken with in lines of JSON.
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** @typedef {import('../support/nat-lab.js').LabHost} LabHost */
/** @typedef {import('../support/nat-lab.js').NatLab} NatLab */

export class LabProcess {
  #child;
  #lines;

  /**
   * @param {NatLab} lab
   * @param {LabHost} host
   * @param {string} script beside this file; it ends when its input does
   * @param {...(string | object)} args objects as JSON
   */
  constructor(lab, host, script, ...args) {
    const path = fileURLToPath(new URL(script, import.meta.url));
    const texts = args.map((arg) => (typeof arg === 'string' ? arg : JSON.stringify(arg)));
    const stdio = /** @type {('pipe' | 'inherit')[]} */ (['pipe', 'pipe', 'inherit']);
    this.#child = lab.spawn(host, process.execPath, [path, ...texts], { stdio });
    const output = /** @type {import('node:stream').Readable} */ (this.#child.stdout);
    this.#lines = createInterface({ input: output })[Symbol.asyncIterator]();
    this.name = `${script} in ${host}`;
  }

  /** What it says next. @returns {Promise<any>} */
  async next() {
    const { value, done } = await this.#lines.next();
    if (done) throw new Error(`${this.name} has ended.`);
    return JSON.parse(value);
  }

  /** Says something, and waits for the answer. @param {object} line @returns {Promise<any>} */
  ask(line) {
    this.#child.stdin?.write(`${JSON.stringify(line)}\n`);
    return this.next();
  }

  /** Idempotent. */
  async close() {
    const { exitCode, signalCode } = this.#child;
    if (exitCode !== null || signalCode !== null) return;
    const ended = once(this.#child, 'exit');
    this.#child.stdin?.end();
    await ended;
  }
}
