// What a server counts, for Prometheus.

import { exposition } from '../metrics/exposition.js';

/** @typedef {import('./server.js').ServerStats} ServerStats */
/** @typedef {import('../metrics/exposition.js').Metric} Metric */

/** @param {string} label @param {Record<string, number>} values @returns {Metric['samples']} */
const by = (label, values) =>
  Object.entries(values).map(([name, value]) => /** @type {const} */ ([{ [label]: name }, value]));

/** @param {ServerStats} stats @returns {string} */
export function serverMetrics(stats) {
  /** @param {string} name @param {Metric['type']} type @param {string} help @param {Metric['samples'] | number} samples @returns {Metric} */
  const metric = (name, type, help, samples) => ({
    name: `postern_server_${name}`,
    type,
    help,
    samples: typeof samples === 'number' ? [[{}, samples]] : samples,
  });
  return exposition([
    metric('allocations', 'gauge', 'Allocations that there are.', stats.allocations),
    metric(
      'connections',
      'gauge',
      'Connections of clients over streams and WebSocket.',
      stats.connections,
    ),
    metric('relay_sockets', 'gauge', 'Sockets of relayed transport addresses.', stats.relaySockets),
    metric('core_memory_bytes', 'gauge', "The WebAssembly core's memory.", stats.coreMemoryBytes),
    metric(
      'allocations_made_total',
      'counter',
      'Allocations that were made.',
      stats.allocationsMade,
    ),
    metric(
      'allocations_expired_total',
      'counter',
      'Allocations whose lifetime ran out.',
      stats.allocationsExpired,
    ),
    metric(
      'relayed_messages_total',
      'counter',
      'Datagrams that were relayed.',
      by('direction', { 'to-peer': stats.relayedToPeers, 'to-client': stats.relayedToClients }),
    ),
    metric(
      'relayed_bytes_total',
      'counter',
      'Bytes of data in them.',
      by('direction', {
        'to-peer': stats.relayedToPeersBytes,
        'to-client': stats.relayedToClientsBytes,
      }),
    ),
    metric(
      'authentications_total',
      'counter',
      'Requests by what came of their credentials.',
      by('result', {
        accepted: stats.authenticated,
        challenged: stats.challenged,
        'bad-form': stats.badForm,
        'unknown-user': stats.unknownUser,
        'expired-user': stats.expiredUser,
        'wrong-password': stats.wrongPassword,
        'stale-nonce': stats.staleNonce,
      }),
    ),
    metric(
      'questions_total',
      'counter',
      'Passwords that the function of `credentials` was to find: asked for, dropped as too many waited, never answered.',
      by('result', {
        asked: stats.questionsAsked,
        dropped: stats.questionsDropped,
        lapsed: stats.questionsLapsed,
      }),
    ),
    metric(
      'refused_total',
      'counter',
      'Requests of authentic clients that were refused.',
      stats.refused,
    ),
    metric(
      'dropped_total',
      'counter',
      'What was dropped, by reason.',
      by('reason', {
        malformed: stats.malformed,
        unexpected: stats.unexpected,
        'rate-limited': stats.rateLimited,
        'without-allocation': stats.withoutAllocation,
        'without-permission': stats.withoutPermission,
        'unknown-channel': stats.unknownChannel,
        'bad-indication': stats.badIndication,
        'stray-peer-data': stats.strayPeerData,
        'own-address': stats.ownAddress,
        'slow-client': stats.slowClient,
      }),
    ),
    metric(
      'forbidden_peers_total',
      'counter',
      'Peers that requests named and the policy forbids.',
      stats.forbiddenPeers,
    ),
    metric(
      'broken_streams_total',
      'counter',
      'Streams that were closed as they made no sense.',
      stats.brokenStreams,
    ),
    metric(
      'refused_connections_total',
      'counter',
      'Connections over a limit.',
      stats.refusedConnections,
    ),
  ]);
}
