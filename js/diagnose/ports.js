// Which UDP ports pass, both ways.

import { PosternError } from '../errors.js';
import { MirrorConnection } from './connection.js';
import { unknown } from './unknown.js';
import { isTestable } from './untestable-ports.js';

/** @typedef {import('./nat.js').Asked} Asked */

/**
 * `out`: packets of the page's reach the mirror at that port; `in`: answers from there reach the page, too.
 *
 * @typedef {{ port: number, isTestable: true, out: boolean, in: boolean } | { port: number, isTestable: false }} PortFinding
 */

/** Browsers take their time for each candidate of a connection; Firefox bears no more connections than a few at once. */
const CONNECTIONS = 4;

/**
 * @param {Asked} asked
 * @returns {Promise<import('./unknown.js').Finding<PortFinding[]>>}
 */
export async function mapPorts({ mirror, family, onProgress }) {
  onProgress('ports');
  /** @type {PortFinding[]} */
  const found = [];
  const parts = await Promise.all(
    Array.from({ length: CONNECTIONS }, async (_, part) => {
      const connection = new MirrorConnection();
      let session;
      try {
        const page = await connection.offer();
        const start = await mirror.ask({ step: 'start', test: 'ports', family, page });
        session = start.session;
        /** @type {import('./mirror-client.js').Candidate[]} */
        const mine = start.candidates.filter(
          (/** @type {unknown} */ _candidate, /** @type {number} */ i) => i % CONNECTIONS === part,
        );
        const testable = mine.filter(({ port, address }) => isTestable(port, address));
        for (const { port } of mine) {
          if (!testable.some((one) => one.port === port)) found.push({ port, isTestable: false });
        }
        if (testable.length === 0) return true;
        await connection.accept(start, testable);
        const ports = testable.map(({ port }) => port);
        const answer = await mirror.ask({ step: 'ports', session, ports });
        session = undefined;
        for (const one of answer.ports) found.push({ ...one, isTestable: true });
        return true;
      } catch (error) {
        if (error instanceof PosternError && error.reason === 'not-offered') return false;
        throw error;
      } finally {
        connection.close();
        if (session !== undefined) mirror.end(session);
      }
    }),
  );
  if (!parts.every(Boolean)) return unknown('not-offered');
  return { value: found.sort((a, b) => a.port - b.port) };
}
