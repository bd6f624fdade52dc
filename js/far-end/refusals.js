// Why mirror and reflector do not do what they are asked for.

/** @typedef {(status: number, body: object) => void} Reply */

/** A word for each, and the status that says so. */
export const REFUSALS = /** @type {const} */ ({
  'bad-request': 400,
  origin: 403,
  'no-session': 404,
  method: 405,
  'wrong-step': 409,
  'too-large': 413,
  'too-many': 429,
  'too-often': 429,
  'not-offered': 501,
  busy: 503,
});

/** @typedef {keyof typeof REFUSALS} RefusalReason */

/** @param {Reply} reply @param {RefusalReason} reason */
export const refusal = (reply, reason) => reply(REFUSALS[reason], { refused: reason });
