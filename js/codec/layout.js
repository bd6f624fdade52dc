// What JavaScript knows about the memory of the codec's core: the mirror of bindings/codec_port.h.
// tests/js/codec/layout.test.js holds the two together.

/** Arguments of the core's place(): where things lie in its memory, and how large they are. */
export const PLACES = /** @type {const} */ ({
  input: 0,
  output: 1,
  words: 2,
  text: 3,
  batch: 4,
  key: 5,
  keyBytes: 6,
  inputBytes: 7,
  maxBatch: 8,
});

/** Words at PLACES.words. */
export const VALUE_OFFSET = 0;
export const VALUE_LENGTH = 1;
export const NUMBERS = 2;

/** decode(): its flag, and the fields of its result. */
export const ALLOW_CLASSIC = 1;
export const MESSAGE_TYPE_MASK = 0xffff;
export const FINGERPRINT_SHIFT = 16;
export const CLASSIC_BIT = 1 << 18;
export const UNKNOWN_REQUIRED_BIT = 1 << 19;

/** encode(): words of a job's header, then one header and its bytes for each record. */
export const JOB_WORDS = 7;
export const RECORD_WORDS = 7;
export const FORM_RAW = 1;
export const OPTION_FINGERPRINT = 1;
export const OPTION_SHA1 = 2;
export const OPTION_SHA256 = 4;
export const OPTION_CLASSIC = 8;
export const SHA256_LENGTH_SHIFT = 8;

/** A negative result: -(number of the error | detail << 8). */
export const ERROR_MASK = 0xff;
export const DETAIL_SHIFT = 8;
