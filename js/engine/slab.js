// Copies out of the core's memory, as slices of one larger buffer: a buffer of its own costs more than the message. No
// slice is used twice, so that whoever sends it may take their time.

const SLAB_BYTES = 64 * 1024;
/** What is longer gets a buffer of its own: a slab is not given up for it. */
const LONGEST_SLICE = SLAB_BYTES / 8;
/** Up to here a loop beats the call that copies. */
const SHORT_BYTES = 96;

let slab = new ArrayBuffer(0);
let slabBytes = new Uint8Array(slab);
let slabWords = new Uint32Array(slab);
let used = 0;

/**
 * @param {import('./base-core.js').AnyCore} core
 * @param {number} from a multiple of 4
 * @param {number} length
 * @returns {Uint8Array}
 */
export function copyOut(core, from, length) {
  if (length > LONGEST_SLICE) return core.bytes.slice(from, from + length);
  const room = (length + 3) & ~3;
  // A slab that somebody transferred away has no length any more.
  if (used + room > slab.byteLength) {
    slab = new ArrayBuffer(SLAB_BYTES);
    slabBytes = new Uint8Array(slab);
    slabWords = new Uint32Array(slab);
    used = 0;
  }
  const start = used;
  used += room;
  if (length > SHORT_BYTES) {
    slabBytes.set(core.bytes.subarray(from, from + length), start);
  } else {
    const { words } = core;
    const end = (from + room) >> 2;
    for (let word = from >> 2, to = start >> 2; word < end; word += 1, to += 1) {
      slabWords[to] = words[word];
    }
  }
  return new Uint8Array(slab, start, length);
}
