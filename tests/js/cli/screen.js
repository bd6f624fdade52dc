// A terminal, as far as postern writes to one: lines, colours, and the cursor going up to write them anew.

export class Screen {
  #columns;
  /** What stands there; the last one is that of the cursor. */
  #lines = [''];

  constructor(columns = 1000) {
    this.#columns = columns;
  }

  /** All lines but for the empty one that the cursor is on, as a terminal of so many columns shows them. */
  get lines() {
    const whole = this.#lines.at(-1) === '' ? this.#lines.slice(0, -1) : this.#lines;
    return whole.flatMap((line) => {
      // biome-ignore lint/suspicious/noControlCharactersInRegex: those that choose colours
      const { length } = line.replace(/\u001b\[\d+m/g, '');
      return Array.from({ length: Math.max(1, Math.ceil(length / this.#columns)) }, () => line);
    });
  }

  /** @param {string} text @returns {this} */
  write(text) {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what it reads
    for (const [piece] of text.matchAll(/\u001b\[\d*[A-Za-z]|\n|[^\u001b\n]+/g)) {
      // biome-ignore lint/suspicious/noControlCharactersInRegex: as above
      const [, count, letter] = /^\u001b\[(\d*)([A-Za-z])$/.exec(piece) ?? [];
      if (piece === '\n') this.#lines.push('');
      else if (letter === 'A') this.#up(Number(count));
      else if (letter === undefined || letter === 'm') this.#lines[this.#lines.length - 1] += piece;
      else if (letter !== 'J') throw new Error(`Not known here: ${JSON.stringify(piece)}`);
    }
    return this;
  }

  /** What is below is erased right after that. @param {number} count */
  #up(count) {
    if (count >= this.#lines.length) throw new Error('above the first line');
    this.#lines.splice(this.#lines.length - 1 - count, count + 1, '');
  }
}
