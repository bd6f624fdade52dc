// `postern serve` inside the test's process: what it tells, as it tells it, and the signals that it gets.
import { runCommand } from './support.js';

/** @typedef {{ event: string } & Record<string, any>} Entry */

/**
 * Starts it with --json, unless told otherwise.
 *
 * @param {string[]} args
 * @param {{ env?: Record<string, string>, isJson?: boolean, isTerminal?: boolean }} [world]
 */
export function startServe(args, { env = {}, isJson = true, isTerminal = false } = {}) {
  const interrupt = new AbortController();
  /** @type {Map<string, Set<() => void>>} */
  const listeners = new Map();
  /** @type {Entry[]} */
  const entries = [];
  /** @type {Set<() => void>} */
  const waiting = new Set();
  let stdout = '';
  let stderr = '';
  const ended = runCommand(['serve', ...args, ...(isJson ? ['--json'] : [])], {
    env,
    isTerminal,
    signal: interrupt.signal,
    onSignal: (name, listener) => {
      const all = listeners.get(name) ?? new Set();
      listeners.set(name, all.add(listener));
      return () => void all.delete(listener);
    },
    onOutput: (text) => {
      stdout += text;
      if (isJson) entries.push(JSON.parse(text));
      for (const look of waiting) look();
    },
    onDiagnostics: (text) => {
      stderr += text;
      for (const look of waiting) look();
    },
  });
  return {
    entries,
    ended,
    /** What the system would do. @param {'SIGINT' | 'SIGTERM' | 'SIGHUP'} name */
    signal: (name) => {
      if (name === 'SIGINT' && !interrupt.signal.aborted) interrupt.abort(new Error('interrupted'));
      else for (const listener of [...(listeners.get(name) ?? [])]) listener();
    },
    /** Signals that somebody listens to. */
    listening: () => [...listeners.keys()].filter((name) => listeners.get(name)?.size),
    /** The nth of its kind, counted from 0. @param {string} event @returns {Promise<Entry>} rejects when it ends without */
    when: (event, nth = 0) =>
      until(waiting, ended, () => entries.filter((entry) => entry.event === event)[nth]),
    /** The whole text, once that is in it. @param {string} text @returns {Promise<string>} */
    told: (text) => until(waiting, ended, () => (stdout.includes(text) ? stdout : undefined)),
    /** The same of stderr. @param {string} text @returns {Promise<string>} */
    complained: (text) => until(waiting, ended, () => (stderr.includes(text) ? stderr : undefined)),
  };
}

/**
 * @template T
 * @param {Set<() => void>} waiting
 * @param {Promise<{ stderr: string }>} ended
 * @param {() => T | undefined} find
 * @returns {Promise<T>}
 */
function until(waiting, ended, find) {
  return new Promise((resolve, reject) => {
    const look = () => {
      const found = find();
      if (found === undefined) return;
      waiting.delete(look);
      resolve(found);
    };
    waiting.add(look);
    look();
    void ended.then(({ stderr }) => reject(new Error(`It has ended: ${stderr}`)));
  });
}
