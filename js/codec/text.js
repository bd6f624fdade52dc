// UTF-8 to and from memory. STUN's strings are short and nearly always ASCII: a loop beats the platform's
// encoder there by the cost of its call.

const encoder = new TextEncoder();
// A byte order mark is a character like any other: a nonce goes back as it came.
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** Longest text that is read by a loop of its own. */
const SHORT = 64;

/**
 * Writes text as UTF-8 and returns the number of bytes, or -1 where it does not fit.
 *
 * @param {Uint8Array} into
 * @param {number} at
 * @param {number} end
 * @param {string} text
 */
export function writeText(into, at, end, text) {
  const length = text.length;
  if (length > end - at) return -1;
  for (let i = 0; i < length; i += 1) {
    const unit = text.charCodeAt(i);
    if (unit >= 0x80) return writeUnicode(into, at, end, text);
    into[at + i] = unit;
  }
  return length;
}

/**
 * @param {Uint8Array} into
 * @param {number} at
 * @param {number} end
 * @param {string} text
 */
function writeUnicode(into, at, end, text) {
  const { read, written } = encoder.encodeInto(text, into.subarray(at, end));
  return read === text.length ? written : -1;
}

/**
 * Reads UTF-8; what is not well-formed becomes U+FFFD.
 *
 * @param {Uint8Array} from
 * @param {number} start
 * @param {number} end
 */
export function readText(from, start, end) {
  if (end - start > SHORT) return decoder.decode(from.subarray(start, end));
  let text = '';
  for (let i = start; i < end; i += 1) {
    const byte = from[i];
    if (byte >= 0x80) return decoder.decode(from.subarray(start, end));
    text += String.fromCharCode(byte);
  }
  return text;
}
