// Text of others for a terminal: what a server or a capture says must not steer it.

/** Control characters of both sets, line separators, and what changes the direction of writing or shows nothing. */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

/** @param {string} text @returns {string} one line, each unsafe character as `\u{…}` */
export const printable = (text) =>
  text.replace(UNSAFE, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`);

/** @param {Uint8Array} bytes */
export const hexOf = (bytes) =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');

/** @param {number} count @param {string} noun in the singular */
export const countOf = (count, noun) => `${count} ${noun}${count === 1 ? '' : 's'}`;
