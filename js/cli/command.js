// What every file of a command provides. Types only.

/**
 * The world outside, so that tests can bring their own.
 *
 * @typedef {object} Io
 * @property {(text: string) => void} out results
 * @property {(text: string) => void} err diagnostics
 * @property {AsyncIterable<Uint8Array>} stdin
 * @property {boolean} isTerminal whether results go to one
 * @property {number} [columns] of it
 * @property {Record<string, string | undefined>} env
 * @property {AbortSignal} signal the user wants it to end
 * @property {(name: NodeJS.Signals, listener: () => void) => () => void} onSignal what a signal of the system does from
 *   now on, until the function is called that comes back
 * @property {() => number} now milliseconds since 1970
 */

/**
 * @typedef {object} Invocation
 * @property {import('./options.js').Values} values
 * @property {string[]} positionals
 * @property {Io} io
 * @property {import('./terminal.js').Style} style
 * @property {(text: string, exitCode: number) => void} print a result for people, unless --quiet forbids
 */

/**
 * What a command has found.
 *
 * @typedef {object} Outcome
 * @property {number} exitCode
 * @property {unknown} [json] the document of --json; undefined where lines have gone out already
 */

/**
 * @typedef {object} Command
 * @property {string} summary
 * @property {string} usage what follows its name
 * @property {string} [notes]
 * @property {import('./options.js').OptionRows} options besides the common ones, or in place of their words
 * @property {(invocation: Invocation) => Promise<Outcome>} run
 */

export {};
