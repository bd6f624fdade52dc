// What is known, each with the measurements that say so: what the decision table is asked with.

/**
 * @typedef {object} Evidence
 * @property {string} id of a measurement
 * @property {string} words what it is about, for the text of a finding
 */

/** Facts have names and values; of one name several values can be true, each with its evidence. */
export class Facts {
  /** @type {Map<string, Map<string, Evidence[]>>} */ #values = new Map();

  /** @param {string} name @param {string} value @param {...Evidence} evidence */
  add(name, value, ...evidence) {
    const values = this.#values.get(name) ?? new Map();
    const known = values.get(value) ?? [];
    for (const one of evidence) known.push(one);
    values.set(value, known);
    this.#values.set(name, values);
  }

  /**
   * The first of some values that has evidence becomes a fact; none of them: 'unknown'.
   *
   * @param {string} name
   * @param {Readonly<Record<string, readonly Evidence[]>>} found in the order of their weight
   */
  decide(name, found) {
    const [value, evidence] = Object.entries(found).find(([, some]) => some.length > 0) ?? [
      'unknown',
      [],
    ];
    this.add(name, value, ...evidence);
  }

  /** @param {string} name @param {string} value */
  has(name, value) {
    return this.#values.get(name)?.has(value) ?? value === 'unknown';
  }

  /** @param {string} name @param {string | readonly string[]} values @returns {Evidence[]} each measurement once */
  evidence(name, values) {
    const known = this.#values.get(name);
    const all = [values].flat().flatMap((value) => known?.get(value) ?? []);
    return [...new Map(all.map((one) => [`${one.id} ${one.words}`, one])).values()];
  }

  /**
   * Whether all conditions hold.
   *
   * @param {Conditions} conditions
   */
  fulfil(conditions) {
    return Object.entries(conditions).every(([name, values]) =>
      [values].flat().some((value) => this.has(name, value)),
    );
  }
}

/**
 * For each fact, the value or one of the values that it must have.
 *
 * @typedef {Readonly<Record<string, string | readonly string[]>>} Conditions
 */
