// The JavaScript end of the line protocol (README.md): node child.js NAME, NAME being a file of impl/.

import { createInterface } from 'node:readline';
import { BATCH_SIZE, BENCHES } from './inputs.js';

/**
 * One operation. Its argument is a message (decode, verify), a list of messages (their batch forms),
 * nothing (encode) or the number of messages to make (encode batch); it returns one result or a list.
 *
 * @typedef {{ address: string, port: number } | null} Mapped
 * @typedef {(input: any) => any} Operation
 * @typedef {object} ImplementedBench
 * @property {Operation} op
 * @property {string} [note] for the output
 * @property {(bytes: Buffer) => any} [input] a form of the message that this library reads faster
 *   than the Buffer which Node's sockets deliver
 * @typedef {object} Implementation
 * @property {string} version
 * @property {Record<string, ImplementedBench>} benches
 * @property {Record<string, string>} [skipped] what it cannot do, and why
 */

const CLOCK_MS = 2; // the clock is read about this often, so that reading it costs nothing

/**
 * What one result adds to the sum that proves the work was done.
 *
 * @type {Record<import('./inputs.js').Kind, (result: any) => number>}
 */
const weigh = {
  decode: (result) => result.port,
  verify: (result) => (result === true ? 1 : 0),
  encode: (result) => result.length,
};

/**
 * @param {Operation} op
 * @param {any} input
 * @param {(result: any) => number} weight
 * @param {number} calls
 */
function repeat(op, input, weight, calls) {
  let sum = 0;
  for (let i = 0; i < calls; i++) sum += weight(op(input));
  return sum;
}

/**
 * @param {Operation} op
 * @param {any} input
 * @param {(result: any) => number} weight
 * @param {number} calls
 */
function repeatBatch(op, input, weight, calls) {
  let sum = 0;
  for (let i = 0; i < calls; i++) {
    const results = op(input);
    for (let k = 0; k < results.length; k++) sum += weight(results[k]);
  }
  return sum;
}

/** @param {Uint8Array} bytes */
function hex(bytes) {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
}

/** A timed bench: the operation, its fixed input, and how many calls fill CLOCK_MS. */
class Timed {
  /**
   * @param {import('./inputs.js').Bench} bench
   * @param {ImplementedBench} implemented
   */
  constructor(bench, { op, input = (bytes) => bytes }) {
    this.bench = bench;
    this.op = op;
    this.form = input;
    this.input = this.inputOf(bench.inputHex);
    this.weight = weigh[bench.kind];
    this.repeat = bench.batch ? repeatBatch : repeat;
    this.messagesPerCall = bench.batch ? BATCH_SIZE : 1;
    this.calls = 1;
    this.sumPerCall = this.repeat(op, this.input, this.weight, 1);
  }

  /** @param {string | undefined} messageHex */
  inputOf(messageHex) {
    const { kind, batch } = this.bench;
    if (kind === 'encode') return batch ? BATCH_SIZE : undefined;
    const message = () => this.form(Buffer.from(messageHex ?? '', 'hex'));
    return batch ? Array.from({ length: BATCH_SIZE }, message) : message();
  }

  /** @param {string | undefined} messageHex */
  once(messageHex) {
    const result = this.op(this.inputOf(messageHex));
    const results = this.bench.batch ? Array.from(result) : [result];
    return { results: this.bench.kind === 'encode' ? results.map(hex) : results };
  }

  /** @param {number} ms */
  run(ms) {
    let calls = 0;
    let sum = 0;
    let elapsed = 0;
    const start = performance.now();
    do {
      sum += this.repeat(this.op, this.input, this.weight, this.calls);
      calls += this.calls;
      elapsed = performance.now() - start;
      if (elapsed < CLOCK_MS) this.calls *= 2;
    } while (elapsed < ms);
    if (sum !== calls * this.sumPerCall) throw new Error('a result was wrong while timing');
    const ops = calls * this.messagesPerCall;
    return { ns_per_op: (elapsed * 1e6) / ops, ops };
  }
}

/** @param {object} answer */
const write = (answer) => process.stdout.write(`${JSON.stringify(answer)}\n`);

const name = process.argv[2];
/** @type {Implementation} */
const implementation = (await import(`./impl/${name}.js`)).default;

/** @type {Map<string, Timed>} */
const timed = new Map();

/** @param {string} benchName */
function timedFor(benchName) {
  let entry = timed.get(benchName);
  if (!entry) {
    entry = new Timed(BENCHES[benchName], implementation.benches[benchName]);
    timed.set(benchName, entry);
  }
  return entry;
}

write({
  impl: name,
  version: implementation.version,
  benches: Object.fromEntries(
    Object.entries(implementation.benches).map(([bench, { note }]) => [bench, note ?? '']),
  ),
  skipped: implementation.skipped,
});

for await (const line of createInterface({ input: process.stdin })) {
  const [verb, bench, argument] = line.split(' ');
  try {
    if (!Object.hasOwn(implementation.benches, bench)) throw new Error(`no bench ${bench}`);
    if (verb === 'once') write({ bench, ...timedFor(bench).once(argument) });
    else if (verb === 'run') write({ bench, ...timedFor(bench).run(Number(argument)) });
    else throw new Error(`no command ${verb}`);
  } catch (error) {
    write({ bench, error: String(error) });
  }
}
