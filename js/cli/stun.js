// postern stun: what servers say this machine's address is.
import { checkBinding } from '../check/check-binding.js';
import { hintsFor } from '../check/hints.js';
import { failedRow } from '../check/row-failure.js';
import { planServers } from '../ice-server.js';
import { chooseTransports } from '../resolve/choose-transports.js';
import { checkStunOptions } from '../stun-options.js';
import { describeRows, jsonOfRows, rowToShow } from './describe-rows.js';
import { exitCodeOfRows, UsageError } from './exit-codes.js';
import { integerOf, NETWORK, networkOptions } from './options.js';

/** @typedef {import('../check/check-ice-servers.js').CheckRow} CheckRow */
/** @typedef {import('../ice-server.js').PlannedServer} PlannedServer */
/** @typedef {import('../stun-options.js').StunOptions} StunOptions */

const MAX_COUNT = 1000;
/** Ours: shorter than the 39.5 s of RFC 8489, which nobody at a terminal waits for. */
const TIMEOUT_MS = 10_000;
/** What each further question may take on top. */
const FURTHER_TIMEOUT_MS = 1000;

/**
 * @param {PlannedServer} server
 * @param {StunOptions} options checked
 * @param {number} count
 * @returns {Promise<CheckRow>}
 */
async function ask(server, options, count) {
  const { url, uri } = server;
  // A wrong --transport shows before anything is sent.
  const [transport] = chooseTransports(
    uri,
    /** @type {Parameters<typeof chooseTransports>[1]} */ (options.transport),
  );
  try {
    return { url, transport, ...(await checkBinding(server, options, count)) };
  } catch (error) {
    options.signal?.throwIfAborted();
    return { url, transport, ...failedRow(error) };
  }
}

/** @type {import('./command.js').Command} */
export const stun = {
  summary: "asks servers for this machine's public address",
  usage: 'URI... [--count N]',
  notes: 'URI: stun:host[:port], stuns:, turn:, turns:, ws:// or wss://.',
  options: {
    count: { type: 'string', short: 'c', value: 'N', help: 'ask so often, for the median' },
    ...NETWORK,
  },

  async run({ values, positionals, io, style, print }) {
    if (positionals.length === 0) {
      throw new UsageError('Which server? Such as: postern stun stun:stun.example.org');
    }
    const count = integerOf(values, 'count', { least: 1, most: MAX_COUNT }) ?? 1;
    const network = await networkOptions(values);
    const { timeoutMs = TIMEOUT_MS + (count - 1) * FURTHER_TIMEOUT_MS } = network;
    const options = { ...network, timeoutMs, signal: io.signal };
    checkStunOptions(options);
    const servers = planServers(positionals, { name: 'URI' });
    const found = await Promise.all(servers.map((server) => ask(server, options, count)));
    const facts = found.map((row, i) => ({
      ...row,
      kind: /** @type {const} */ ('stun'),
      host: servers[i].uri.host,
    }));
    const hints = hintsFor(facts, io.now());
    const rows = found.map((row, i) => (hints[i] === undefined ? row : { ...row, hint: hints[i] }));
    const exitCode = exitCodeOfRows(rows);
    print(describeRows(rows.map(rowToShow), style), exitCode);
    return { exitCode, json: jsonOfRows(rows, exitCode) };
  },
};
