// A capture file that cannot be read.

/** The file is cut short, or not of the form that its first bytes promise; `offset` is where in the file. */
export class CaptureError extends Error {
  /** @param {string} sentence without its full stop @param {number} offset */
  constructor(sentence, offset) {
    super(`${sentence} (at byte ${offset} of the file).`);
    this.offset = offset;
  }
}
