/** Something that goes on when nobody holds it any more. Each holder has a bit. */
export class Hold {
  #holders = 0;
  #stop;
  #go;

  /** @param {() => void} stop @param {() => void} go */
  constructor(stop, go) {
    this.#stop = stop;
    this.#go = go;
  }

  get isHeld() {
    return this.#holders !== 0;
  }

  /** @param {number} bit */
  has(bit) {
    return (this.#holders & bit) !== 0;
  }

  /** @param {number} bit */
  add(bit) {
    const wasFree = this.#holders === 0;
    this.#holders |= bit;
    if (wasFree) this.#stop();
  }

  /** @param {number} bit */
  remove(bit) {
    if (!this.has(bit)) return;
    this.#holders &= ~bit;
    if (this.#holders === 0) this.#go();
  }
}
