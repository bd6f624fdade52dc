// One row of a stun: server: it is asked for the mapped address.
import { reachServer } from '../reach-server.js';
import { StunClient } from '../stun-client.js';
import { clientSettings } from '../stun-options.js';
import { median } from './median.js';

/** @typedef {import('../ice-server.js').PlannedServer} PlannedServer */
/** @typedef {import('../search.js').Way} Way */
/** @typedef {import('../stun-client.js').BindingResult} BindingResult */
/** @typedef {import('../stun-options.js').StunOptions} StunOptions */
/** @typedef {import('./check-ice-servers.js').CheckPhases} CheckPhases */
/** @typedef {import('./check-ice-servers.js').RowResult} RowResult */

/**
 * @typedef {object} BindingReport
 * @property {BindingResult} first
 * @property {CheckPhases} phases
 * @property {(number | null)[]} roundTripsMs null where a request had to be sent again, undefined answers left out
 * @property {number} sent requests asked, each with its retransmissions
 */

/**
 * Asks one server, over one transport, as often as wanted.
 *
 * @param {PlannedServer} server
 * @param {StunOptions} options checked
 * @param {number} count
 * @returns {Promise<BindingReport>}
 */
export async function askForBindings(server, options, count) {
  const settings = clientSettings(options, server);
  return reachServer([server], options, {
    use: async (way, signal) =>
      ask(await StunClient.over(way.transport, settings, way.clock), way, count, signal),
  });
}

/** @param {StunClient} client @param {Way} way @param {number} count @param {AbortSignal} signal @returns {Promise<BindingReport>} */
async function ask(client, { clock, dnsMs, connectMs, transport }, count, signal) {
  try {
    const start = clock.now();
    const first = await client.bind({ signal });
    const request = clock.now() - start;
    const roundTripsMs = [first.roundTripMs];
    let sent = 1;
    for (; sent < count; sent += 1) {
      try {
        roundTripsMs.push((await client.bind({ signal })).roundTripMs);
      } catch (error) {
        signal.throwIfAborted();
        if (/** @type {{ code?: string }} */ (error).code !== 'ERR_STUN_TIMEOUT') throw error;
      }
    }
    const phases = { dns: dnsMs, connect: connectMs, ...transport.phases, request };
    return { first, phases, roundTripsMs, sent };
  } finally {
    await client.close();
  }
}

/**
 * @param {PlannedServer} server
 * @param {StunOptions} options checked
 * @param {number} count
 * @returns {Promise<RowResult>}
 */
export async function checkBinding(server, options, count) {
  const { first, phases, roundTripsMs, sent } = await askForBindings(server, options, count);
  const { address, port, family, serverAddress, localAddress, software } = first;
  return {
    ok: true,
    serverAddress,
    localAddress,
    mappedAddress: { address, port, family },
    software,
    roundTripMs: median(roundTripsMs.filter((sample) => sample !== null)),
    echoes: { sent, received: roundTripsMs.length },
    phases,
  };
}
