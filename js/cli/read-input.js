// What decode is to read: hexadecimal digits, a file, or standard input.
import { open } from 'node:fs/promises';
import { UsageError } from './exit-codes.js';

/** Ours: what a process may hold without anybody being surprised. */
export const MAX_INPUT_BYTES = 256 * 1024 * 1024;
const TOO_LONG = `The input is longer than ${MAX_INPUT_BYTES / 1024 / 1024} MiB: cut it, as with editcap.`;

/** Digits in pairs, with what programs put between: white space, colons, commas, 0x and \x. */
const SEPARATORS = /(?:\\x|0x)(?=[\da-f]{2})|[\s:,]+/gi;

/**
 * @param {string} text
 * @returns {Uint8Array | undefined} undefined when these are no hexadecimal digits
 */
export function parseHex(text) {
  const digits = text.replace(SEPARATORS, '');
  if (digits === '' || digits.length % 2 === 1 || !/^[\da-f]+$/i.test(digits)) return undefined;
  return Buffer.from(digits, 'hex');
}

/** @param {Uint8Array} bytes of a file: text of hexadecimal digits counts as what it says */
function fromText(bytes) {
  // The first bytes of messages and captures are no digits.
  const isText = bytes
    .subarray(0, 64)
    .every((byte) => byte < 0x7f && (byte >= 0x20 || (byte >= 9 && byte <= 13)));
  return (isText ? parseHex(Buffer.from(bytes).toString('latin1')) : undefined) ?? bytes;
}

/** @param {AsyncIterable<Uint8Array>} chunks */
async function readAll(chunks) {
  const parts = [];
  let length = 0;
  for await (const chunk of chunks) {
    length += chunk.length;
    if (length > MAX_INPUT_BYTES) throw new UsageError(TOO_LONG);
    parts.push(chunk);
  }
  return Buffer.concat(parts);
}

/** @param {string} path @returns {Promise<Uint8Array | undefined>} undefined when there is no such file */
async function readFileOf(path) {
  try {
    const file = await open(path);
    try {
      if ((await file.stat()).size > MAX_INPUT_BYTES) throw new UsageError(TOO_LONG);
      // Counted as well: a device or a pipe has no size.
      return await readAll(file.createReadStream({ autoClose: false }));
    } finally {
      await file.close();
    }
  } catch (error) {
    if (error instanceof UsageError) throw error;
    const { code } = /** @type {NodeJS.ErrnoException} */ (error);
    if (code === 'ENOENT' || code === 'ENAMETOOLONG') return undefined;
    throw new UsageError(`The file cannot be read (${code}).`);
  }
}

/**
 * @param {readonly string[]} names '-' for standard input; a file; or digits, which may come in several arguments
 * @param {AsyncIterable<Uint8Array>} stdin
 * @returns {Promise<Uint8Array>}
 * @throws {UsageError}
 */
export async function readInput(names, stdin) {
  if (names.length === 0) {
    throw new UsageError("What is to be decoded? Hexadecimal digits, a file, or '-' for stdin.");
  }
  const [name] = names;
  const read = name === '-' ? await readAll(stdin) : undefined;
  const bytes = read ?? (names.length === 1 ? await readFileOf(name) : undefined);
  if (bytes !== undefined) {
    if (bytes.length === 0) throw new UsageError('The input is empty.');
    return fromText(bytes);
  }
  const digits = parseHex(names.join(' '));
  if (digits === undefined) {
    throw new UsageError('This is neither a file nor an even number of hexadecimal digits.');
  }
  return digits;
}
