// User names of TURN REST (draft-uberti-behave-turn-rest-00 section 2.2): the UNIX time at which they run out, then a
// user ID if there is one, as in 1735689600:alice.

export const SEPARATOR = ':';

/** Twelve digits last for 30,000 years; milliseconds of today have thirteen. */
const SECONDS = /^\d{1,12}$/;

/**
 * @param {string} username
 * @param {string} [separator]
 * @returns {{ expiry: number, userId: string } | undefined} `expiry`: seconds since 1970; `userId`: may be empty. Undefined
 *   when it does not begin with a time
 */
export function parseRestUsername(username, separator = SEPARATOR) {
  const [time, ...user] = username.split(separator);
  if (SECONDS.test(time)) return { expiry: Number(time), userId: user.join(separator) };
  return undefined;
}

/** Whether a number is a time, between 1973 and 2286, and no number of a user. @param {number} seconds */
export const isLikelyTime = (seconds) => seconds >= 1e8 && seconds < 1e10;

const UNITS = /** @type {const} */ ([
  [86_400, 'd'],
  [3600, 'h'],
  [60, 'min'],
]);

/** @param {number} seconds @returns {string} such as '3 h', in the largest unit that is reached */
export function inWords(seconds) {
  for (const [length, unit] of UNITS) {
    if (seconds >= length) return `${Math.floor(seconds / length)} ${unit}`;
  }
  return `${Math.floor(seconds)} s`;
}
