// What a gateway counts, as numbers and in the text format of Prometheus.

import { Traffic } from './traffic.js';

/** @typedef {import('./connection.js').Connection} Connection */
/** @typedef {import('./stats.js').GatewayStats} GatewayStats */

/** Labels come from lists of ours, but for these: more than this many are one, called 'other'. */
const MAX_LABELS = 64;

/** A counter with one label. */
class Labelled {
  /** @type {Map<string, number>} */ #counts = new Map();

  /** @param {string} label */
  add(label) {
    const key = this.#counts.has(label) || this.#counts.size < MAX_LABELS ? label : 'other';
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
  }

  get total() {
    let total = 0;
    for (const count of this.#counts.values()) total += count;
    return total;
  }

  toObject() {
    return Object.fromEntries(this.#counts);
  }
}

class Histogram {
  /** @type {number[]} */ counts;
  sum = 0;
  count = 0;

  /** @param {readonly number[]} bounds */
  constructor(bounds) {
    this.bounds = bounds;
    this.counts = bounds.map(() => 0);
  }

  /** @param {number} value */
  observe(value) {
    this.sum += value;
    this.count++;
    this.bounds.forEach((bound, i) => {
      if (value <= bound) this.counts[i]++;
    });
  }
}

export class Metrics {
  opened = 0;
  refused = new Labelled();
  endings = new Labelled();
  denied = new Labelled();
  dropped = new Labelled();
  stunErrors = new Labelled();
  connectSeconds = new Histogram([0.005, 0.02, 0.1, 0.5, 1, 2, 5]);
  sessionSeconds = new Histogram([1, 10, 60, 300, 900, 3600, 14_400]);
  /** Of connections that have ended. */
  #past = new Traffic();

  /** @param {Connection} connection @param {string} reason @param {number} seconds */
  ended(connection, reason, seconds) {
    this.endings.add(reason);
    this.sessionSeconds.observe(seconds);
    this.#past.add(connection.traffic);
  }

  /** @param {Iterable<Connection>} connections open now */
  #traffic(connections) {
    const all = new Traffic();
    all.add(this.#past);
    for (const { traffic } of connections) all.add(traffic);
    return all;
  }

  /** @param {ReadonlySet<Connection>} connections @returns {GatewayStats} */
  stats(connections) {
    const { dataIn, controlIn, dataOut, controlOut, bytesIn, bytesOut } =
      this.#traffic(connections);
    const list = [...connections];
    return {
      connections: list.length,
      allocations: list.filter(({ holdsAllocation }) => holdsAllocation).length,
      opened: this.opened,
      messagesIn: dataIn + controlIn,
      messagesOut: dataOut + controlOut,
      bytesIn,
      bytesOut,
      bufferedBytes: list.reduce((sum, { bufferedBytes }) => sum + bufferedBytes, 0),
      refused: this.refused.toObject(),
      ended: this.endings.toObject(),
      denied: this.denied.toObject(),
      dropped: this.dropped.toObject(),
      stunErrors: this.stunErrors.toObject(),
    };
  }

  /**
   * @param {ReadonlySet<Connection>} connections open now
   * @param {boolean} isReady
   * @returns {string} in the text format of Prometheus, version 0.0.4
   */
  text(connections, isReady) {
    const { dataIn, controlIn, dataOut, controlOut } = this.#traffic(connections);
    const stats = this.stats(connections);
    /** @type {Record<string, number>} */
    const byUpstream = {};
    for (const { upstreamName } of connections) {
      byUpstream[upstreamName] = (byUpstream[upstreamName] ?? 0) + 1;
    }
    return [
      gauge('ready', 'Whether new connections are taken.', Number(isReady)),
      labelled('connections', 'gauge', 'Open connections.', 'upstream', byUpstream),
      gauge('allocations', 'Connections whose server holds an allocation.', stats.allocations),
      gauge('buffered_bytes', 'Bytes that wait for clients.', stats.bufferedBytes),
      single('opened_total', 'counter', 'Connections so far.', this.opened),
      labelled('refused_total', 'counter', 'Upgrades refused.', 'reason', stats.refused),
      labelled('ended_total', 'counter', 'Connections ended.', 'reason', stats.ended),
      metric('messages_total', 'counter', 'Messages passed on.', [
        ['{direction="in",kind="data"}', dataIn],
        ['{direction="in",kind="control"}', controlIn],
        ['{direction="out",kind="data"}', dataOut],
        ['{direction="out",kind="control"}', controlOut],
      ]),
      metric('bytes_total', 'counter', 'Bytes of these messages.', [
        ['{direction="in"}', stats.bytesIn],
        ['{direction="out"}', stats.bytesOut],
      ]),
      labelled('denied_total', 'counter', 'Messages refused.', 'rule', stats.denied),
      labelled('dropped_total', 'counter', 'Messages dropped.', 'reason', stats.dropped),
      labelled('stun_errors_total', 'counter', "Servers' errors.", 'code', stats.stunErrors),
      histogram('session_seconds', 'How long connections lasted.', this.sessionSeconds),
      histogram('connect_seconds', 'Until servers had answered.', this.connectSeconds),
    ].join('');
  }
}

/**
 * @param {string} name
 * @param {'counter' | 'gauge' | 'histogram'} type
 * @param {string} help
 * @param {[suffix: string, value: number][]} samples
 */
function metric(name, type, help, samples) {
  const full = `postern_gateway_${name}`;
  const lines = samples.map(([suffix, value]) => `${full}${suffix} ${value}\n`);
  return `# HELP ${full} ${help}\n# TYPE ${full} ${type}\n${lines.join('')}`;
}

/** @param {string} name @param {'counter' | 'gauge'} type @param {string} help @param {number} value */
const single = (name, type, help, value) => metric(name, type, help, [['', value]]);

/** @param {string} name @param {string} help @param {number} value */
const gauge = (name, help, value) => single(name, 'gauge', help, value);

/**
 * @param {string} name
 * @param {'counter' | 'gauge'} type
 * @param {string} help
 * @param {string} label
 * @param {Record<string, number>} counts its keys need no escape: they are words and numbers of ours
 */
const labelled = (name, type, help, label, counts) =>
  metric(
    name,
    type,
    help,
    Object.entries(counts).map(([key, count]) => [`{${label}="${key}"}`, count]),
  );

/** @param {string} name @param {string} help @param {Histogram} values */
const histogram = (name, help, { bounds, counts, sum, count }) =>
  metric(name, 'histogram', help, [
    ...bounds.map(
      (bound, i) => /** @type {[string, number]} */ ([`_bucket{le="${bound}"}`, counts[i]]),
    ),
    ['_bucket{le="+Inf"}', count],
    ['_sum', sum],
    ['_count', count],
  ]);
