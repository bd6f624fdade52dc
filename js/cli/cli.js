#!/usr/bin/env node
// The process around the command: its streams, its signals and its exit code.
import { addAbortSignal } from 'node:stream';
import { run } from './run.js';

const interrupt = new AbortController();
// Once: whoever cannot wait for relays to be closed presses it again.
process.once('SIGINT', () => interrupt.abort(new Error('interrupted')));

for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (/** @type {NodeJS.ErrnoException} */ error) => {
    // Nobody reads any more, as behind `| head`: there is no more to do.
    if (error.code === 'EPIPE') process.exit();
    throw error;
  });
}

process.exitCode = await run(process.argv.slice(2), {
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  // Only opened when it is read: an open one may keep the process alive.
  get stdin() {
    return addAbortSignal(interrupt.signal, process.stdin);
  },
  isTerminal: process.stdout.isTTY === true,
  get columns() {
    return process.stdout.columns;
  },
  env: process.env,
  signal: interrupt.signal,
  onSignal: (name, listener) => {
    process.on(name, listener);
    return () => void process.off(name, listener);
  },
  now: () => Date.now(),
});
