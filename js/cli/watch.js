// postern check --watch: an exporter for Prometheus in the manner of its blackbox exporter. Who asks names a target of the
// file, never a server, so that nobody can have it connect to anything else.
import { listenForAdmin, shut } from '../metrics/admin-listener.js';
import { EXPOSITION_TYPE, exposition } from '../metrics/exposition.js';
import { runNetworkTest } from '../network-test/index.js';
import { toPrometheus } from '../report/index.js';
import { secretsOf } from './check-plan.js';
import { EXIT, exitCodeOfReport, UsageError } from './exit-codes.js';
import { choiceOf, networkOptions, textOf } from './options.js';
import { printable } from './printable.js';
import { readWatchConfig } from './watch-config.js';
import { ABANDONED, Runs } from './watch-runs.js';

/** @typedef {import('node:http').IncomingMessage} IncomingMessage */
/** @typedef {import('../metrics/admin-listener.js').Answer} Answer */
/** @typedef {import('../metrics/exposition.js').Metric} Metric */
/** @typedef {import('./command.js').Invocation} Invocation */
/** @typedef {import('./watch-config.js').WatchConfig} WatchConfig */

/** What a test has found: whether calls will work, and the text of its numbers. @typedef {{ ok: boolean, text: string }} Found */
/** @typedef {'success' | 'failure' | 'timeout' | 'error'} Outcome */

/** Of those who ask. */
const MAX_CONNECTIONS = 256;
/** What an answer may take to arrive, off the time that Prometheus waits. */
const SCRAPE_OFFSET_MS = 500;
const CONCERNS_WATCH = new Set([
  'watch',
  'addresses',
  'ca',
  'servername',
  'timeout',
  'json',
  'no-color',
  'quiet',
]);

/** @param {string} name @param {string} help @param {number} value @returns {Metric} */
const gauge = (name, help, value) => ({ name, type: 'gauge', help, samples: [[{}, value]] });

/** @param {{ ok: boolean, durationMs: number, ageMs: number, isTimedOut: boolean }} probe */
const describeProbe = ({ ok, durationMs, ageMs, isTimedOut }) =>
  exposition([
    gauge(
      'postern_probe_success',
      '1 where calls will work (grade excellent, good or fair).',
      Number(ok),
    ),
    gauge('postern_probe_duration_seconds', 'How long the test took.', durationMs / 1000),
    gauge('postern_probe_age_seconds', 'How long ago the test ended.', ageMs / 1000),
    gauge('postern_probe_timed_out', '1 where the test took too long.', Number(isTimedOut)),
  ]);

/** By what Prometheus says of its patience. @param {IncomingMessage} request @param {number} most */
function timeoutOf({ headers }, most) {
  const seconds = Number(headers['x-prometheus-scrape-timeout-seconds']);
  if (!(seconds > 0)) return most;
  const ms = seconds * 1000;
  return Math.min(most, Math.max(ms - SCRAPE_OFFSET_MS, ms / 2));
}

/** The one target that is asked for. @param {string} url */
function targetIn(url) {
  const named = new URLSearchParams(url.slice(url.indexOf('?') + 1)).getAll('target');
  return named.length === 1 ? named[0] : undefined;
}

/** Signals of the system, and that of all commands. @param {import('./command.js').Io} io */
function endOf(io) {
  return new Promise((/** @type {(name: 'SIGINT' | 'SIGTERM') => void} */ resolve) => {
    io.onSignal('SIGTERM', () => resolve('SIGTERM'));
    io.signal.addEventListener('abort', () => resolve('SIGINT'), { once: true });
    if (io.signal.aborted) resolve('SIGINT');
  });
}

class Exporter {
  #config;
  #runs;
  #complain;
  /** @type {Map<string, Map<Outcome | 'cached', number>>} */ #counts = new Map();
  #unknown = 0;

  /**
   * @param {WatchConfig} config
   * @param {(name: string, signal: AbortSignal) => Promise<Found>} test
   * @param {(text: string) => void} complain of what is wrong with a target
   */
  constructor(config, test, complain) {
    this.#config = config;
    this.#runs = new Runs(test, config);
    this.#complain = complain;
  }

  close() {
    return this.#runs.close();
  }

  /** @param {IncomingMessage} request @param {Answer} answer */
  route(request, answer) {
    const { url = '' } = request;
    if (!/^\/probe(\?|$)/.test(url)) return false;
    const name = targetIn(url);
    if (name === undefined) answer(400, 'name one target: /probe?target=NAME\n');
    else if (!this.#config.targets.has(name)) {
      this.#unknown += 1;
      answer(404, 'no such target\n');
    } else void this.#probe(name, request, answer);
    return true;
  }

  /** @param {string} name @param {IncomingMessage} request @param {Answer} answer */
  async #probe(name, request, answer) {
    const startedAt = performance.now();
    const patience = AbortSignal.timeout(timeoutOf(request, this.#config.timeoutMs));
    const gone = new AbortController();
    const onclose = () => gone.abort(ABANDONED);
    request.socket.once('close', onclose);
    try {
      const run = await this.#runs.ask(name, AbortSignal.any([patience, gone.signal]));
      const { result, atMs, durationMs, isNew } = run;
      this.#count(name, isNew ? (result.ok ? 'success' : 'failure') : 'cached');
      const ageMs = performance.now() - atMs;
      const probe = { ok: result.ok, durationMs, ageMs, isTimedOut: false };
      answer(200, describeProbe(probe) + result.text, EXPOSITION_TYPE);
    } catch (error) {
      const isTimedOut = patience.aborted || error === ABANDONED;
      this.#count(name, isTimedOut ? 'timeout' : 'error');
      if (!isTimedOut) {
        const { message } = /** @type {Error} */ (error);
        this.#complain(`target '${name}': ${message}`);
      }
      const durationMs = performance.now() - startedAt;
      answer(200, describeProbe({ ok: false, durationMs, ageMs: 0, isTimedOut }), EXPOSITION_TYPE);
    } finally {
      request.socket.off('close', onclose);
    }
  }

  /** @param {string} name @param {Outcome | 'cached'} outcome */
  #count(name, outcome) {
    const counts = this.#counts.get(name) ?? new Map();
    this.#counts.set(name, counts.set(outcome, (counts.get(outcome) ?? 0) + 1));
  }

  /** Of itself. @returns {string} */
  metrics() {
    const { running, waiting } = this.#runs.counts;
    /** @type {Metric['samples'][number][]} */
    const probes = [...this.#counts].flatMap(([target, counts]) =>
      [...counts].map(
        ([result, count]) => /** @type {Metric['samples'][number]} */ ([{ target, result }, count]),
      ),
    );
    return exposition([
      gauge('postern_exporter_targets', 'Targets of the file.', this.#config.targets.size),
      gauge('postern_exporter_running', 'Tests that are under way.', running),
      gauge('postern_exporter_waiting', 'Tests that wait for others to end.', waiting),
      {
        name: 'postern_exporter_unknown_targets_total',
        type: 'counter',
        help: 'Requests for targets that are not in the file.',
        samples: [[{}, this.#unknown]],
      },
      {
        name: 'postern_exporter_probes_total',
        type: 'counter',
        help: 'Answers, by what they told; cached: the result of a test that had ended before.',
        samples: probes,
      },
    ]);
  }
}

/** @param {Invocation} invocation @returns {Promise<import('./command.js').Outcome>} when it has ended */
export async function watch({ values, positionals, io, style }) {
  const other = Object.keys(values).find((name) => !CONCERNS_WATCH.has(name));
  if (other !== undefined || positionals.length > 0) {
    throw new UsageError(`--watch takes all from its file${other ? `: not --${other}` : ''}.`);
  }
  const addresses = choiceOf(
    values,
    'addresses',
    /** @type {const} */ (['keep', 'prefix', 'drop']),
  );
  const { tls, timeoutMs } = await networkOptions(values);
  const config = await readWatchConfig(/** @type {string} */ (textOf(values, 'watch')), io.env);
  const exporter = new Exporter(
    config,
    async (name, signal) => {
      const plan = await /** @type {(nowMs: number) => Promise<any>} */ (config.targets.get(name))(
        io.now(),
      );
      const report = await runNetworkTest(plan, { signal, tls, timeoutMs });
      const code = exitCodeOfReport(report);
      return {
        ok: code === EXIT.ok || code === EXIT.degraded,
        text: toPrometheus(report, { addresses, secrets: secretsOf(plan) }),
      };
    },
    (text) => io.err(`postern: ${printable(text)}\n`),
  );
  const server = await listenForAdmin(config.listen, {
    isReady: () => true,
    metrics: () => exporter.metrics(),
    route: (request, answer) => exporter.route(request, answer),
  });
  server.maxConnections = MAX_CONNECTIONS;
  const { address, port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  const url = `http://${address.includes(':') ? `[${address}]` : address}:${port}`;
  const targets = [...config.targets.keys()];
  if (values.json === true) {
    io.out(`${JSON.stringify({ event: 'listening', url, targets })}\n`);
  } else if (values.quiet !== true) {
    const lines = targets.map((name) => `${url}/probe?target=${encodeURIComponent(name)}`);
    io.out(`${[...lines, style.dim(`${url}/metrics`)].join('\n')}\n`);
  }
  const signal = await endOf(io);
  await Promise.all([exporter.close(), shut(server)]);
  return { exitCode: signal === 'SIGINT' ? EXIT.interrupted : EXIT.ok };
}
