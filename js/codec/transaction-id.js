// Transaction IDs: 96 bits from the platform's cryptographic source (RFC 8489 section 5), drawn many
// at a time: a call of that source costs as much as many messages.

const POOL_WORDS = 3 * 1024;
const pool = new Uint32Array(POOL_WORDS);
let next = POOL_WORDS;

/**
 * Writes a fresh transaction ID as three words.
 *
 * @param {Uint32Array} words
 * @param {number} at
 */
export function writeTransactionId(words, at) {
  if (next === POOL_WORDS) {
    crypto.getRandomValues(pool);
    next = 0;
  }
  for (let i = 0; i < 3; i += 1, next += 1) {
    words[at + i] = pool[next];
    pool[next] = 0;
  }
}
