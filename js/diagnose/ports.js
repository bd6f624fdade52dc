// Which UDP ports pass, both ways.

import { PosternError } from '../errors.js';
import { MirrorConnection } from './connection.js';
import { unknown } from './unknown.js';
import { isTestable } from './untestable-ports.js';

/** @typedef {import('./mirror-client.js').Candidate} Candidate */
/** @typedef {import('./nat.js').Asked} Asked */

/**
 * `out`: packets of the page's reach the mirror at that port; `in`: what the mirror sends from there reaches the page, too;
 * null where the mirror's limits left that open. Ports to which this browser never sends are not testable.
 *
 * @typedef {{ port: number, isTestable: true, out: boolean, in: boolean | null } | { port: number, isTestable: false }}
 *   PortFinding
 */

/** Browsers take their time for each candidate of a connection; Firefox bears no more connections than a few at once. */
const CONNECTIONS = 4;
const LEAST_PER_CONNECTION = 8;

/**
 * @param {Asked} asked
 * @returns {Promise<import('./unknown.js').Finding<PortFinding[]>>}
 */
export async function mapPorts(asked) {
  asked.onProgress('ports');
  const first = new PortConnection(asked);
  let candidates;
  try {
    candidates = await first.open();
  } catch (error) {
    first.close();
    if (error instanceof PosternError && error.reason === 'not-offered') {
      return unknown('not-offered');
    }
    throw error;
  }
  const isGood = (/** @type {Candidate} */ { port, address }) => isTestable(port, address);
  const testable = candidates.filter(isGood);
  const count = Math.min(CONNECTIONS, Math.ceil(testable.length / LEAST_PER_CONNECTION));
  const connections = [first];
  while (connections.length < count) connections.push(new PortConnection(asked));
  try {
    const parts = await Promise.all(
      connections.map((connection, part) =>
        connection.test(testable.filter((_, i) => i % connections.length === part)),
      ),
    );
    /** @type {PortFinding[]} */
    const found = [
      ...parts.flat(),
      ...candidates
        .filter((candidate) => !isGood(candidate))
        .map(({ port }) => ({ port, isTestable: /** @type {const} */ (false) })),
    ];
    return { value: found.sort((a, b) => a.port - b.port) };
  } finally {
    for (const connection of connections) connection.close();
  }
}

class PortConnection {
  #asked;
  #connection = new MirrorConnection();
  /** @type {any} */ #start;

  /** @param {Asked} asked */
  constructor(asked) {
    this.#asked = asked;
  }

  /** @returns {Promise<Candidate[]>} the mirror's ports */
  async open() {
    const { mirror, family } = this.#asked;
    const page = await this.#connection.offer();
    this.#start = await mirror.ask({ step: 'start', test: 'ports', family, page });
    return this.#start.candidates;
  }

  /** @param {Candidate[]} candidates some of the mirror's ports @returns {Promise<PortFinding[]>} */
  async test(candidates) {
    if (candidates.length === 0) return [];
    if (this.#start === undefined) await this.open();
    await this.#connection.accept(this.#start, candidates);
    const ports = candidates.map(({ port }) => port);
    const { session } = this.#start;
    const answer = await this.#asked.mirror.ask({ step: 'ports', session, ports });
    this.#start = undefined;
    return answer.ports.map((/** @type {object} */ one) => ({ ...one, isTestable: true }));
  }

  close() {
    this.#connection.close();
    if (this.#start !== undefined) this.#asked.mirror.end(this.#start.session);
    this.#start = undefined;
  }
}
