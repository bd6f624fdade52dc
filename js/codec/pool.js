// Buffers for results: slices of one larger buffer, because a buffer of its own costs more than encoding
// a message.

/** @typedef {import('./core.js').Core} Core */

const SLAB_BYTES = 16 * 1024;

let slab = new ArrayBuffer(0);
let slabWords = new Uint32Array(slab);
let used = 0;

/**
 * Copies out of the core's memory. Both `from` and `length` are multiples of 4.
 *
 * @param {Core} core
 * @param {number} from
 * @param {number} length
 * @returns {Uint8Array}
 */
export function copyOut(core, from, length) {
  if (length > SLAB_BYTES / 4) return core.bytes.slice(from, from + length);
  // A slab that somebody transferred away has no length any more.
  if (used + length > slab.byteLength) {
    slab = new ArrayBuffer(SLAB_BYTES);
    slabWords = new Uint32Array(slab);
    used = 0;
  }
  const start = used;
  used += length;
  const { words } = core;
  let to = start >> 2;
  for (let word = from >> 2, end = (from + length) >> 2; word < end; word += 1, to += 1) {
    slabWords[to] = words[word];
  }
  return new Uint8Array(slab, start, length);
}
