// The driver's end of the line protocol (README.md).

import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { onInterruption } from './interruption.js';

const READY_MS = 20_000;
const ANSWER_MS = 20_000; // beyond the time that a `run` was asked to take

/**
 * @typedef {object} Hello
 * @property {string} impl
 * @property {string} version
 * @property {Record<string, string>} benches name -> note
 * @property {Record<string, string>} [skipped] name -> reason
 */

/** A process that speaks the line protocol. One question at a time. */
export class LineChild {
  /**
   * Starts the process and waits for its first line.
   *
   * @param {string} command
   * @param {string[]} args
   */
  static async start(command, args) {
    const child = new LineChild(command, args);
    try {
      child.hello = /** @type {Hello} */ (await child.nextLine(READY_MS));
    } catch (error) {
      child.kill();
      throw error;
    }
    return child;
  }

  /** @param {string} command @param {string[]} args */
  constructor(command, args) {
    /** @type {Hello} */
    this.hello = { impl: '', version: '', benches: {} };
    /** @type {string[]} */
    this.lines = [];
    /** @type {Error | undefined} */
    this.ended = undefined;
    this.wake = () => {};
    this.process = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    const forget = onInterruption(() => this.kill());
    this.process.on('error', (error) => this.end(error));
    this.process.on('close', (code, signal) => {
      forget();
      this.end(new Error(`ended (${signal ?? code})`));
    });
    this.process.stdin.on('error', () => {}); // the exit says it
    createInterface({ input: this.process.stdout }).on('line', (line) => {
      this.lines.push(line);
      this.wake();
    });
  }

  /** @param {Error} error */
  end(error) {
    this.ended ??= error;
    this.wake();
  }

  /** @param {number} timeoutMs @returns {Promise<any>} */
  async nextLine(timeoutMs) {
    if (this.lines.length === 0 && !this.ended) {
      /** @type {NodeJS.Timeout | undefined} */
      let timer;
      await new Promise((resolve) => {
        this.wake = () => resolve(undefined);
        timer = setTimeout(resolve, timeoutMs);
      });
      clearTimeout(timer);
    }
    const line = this.lines.shift();
    if (line === undefined) throw this.ended ?? new Error(`no answer within ${timeoutMs} ms`);
    const answer = JSON.parse(line);
    if (answer.error) throw new Error(answer.error);
    return answer;
  }

  /** @param {string} line @param {number} timeoutMs @returns {Promise<any>} what answers it */
  ask(line, timeoutMs) {
    this.process.stdin.write(`${line}\n`);
    return this.nextLine(timeoutMs);
  }

  /** @param {string} bench @param {string} [messageHex] @returns {Promise<any[]>} */
  async once(bench, messageHex) {
    return (await this.ask(`once ${bench}${messageHex ? ` ${messageHex}` : ''}`, ANSWER_MS))
      .results;
  }

  /** @param {string} bench @param {number} ms @returns {Promise<number>} nanoseconds per message */
  async run(bench, ms) {
    return (await this.ask(`run ${bench} ${ms}`, ms + ANSWER_MS)).ns_per_op;
  }

  kill() {
    this.process.kill();
  }
}
