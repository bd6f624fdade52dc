// postern turn: a relay, and data through it.
import { lookup } from 'node:dns/promises';
import { formatTransportAddress } from '../address.js';
import { ECHO_WAIT_MS, proveDataPath } from '../check/check-relay.js';
import { hintsFor } from '../check/hints.js';
import { measureEchoes } from '../check/measure-echoes.js';
import { median } from '../check/median.js';
import { failureOf } from '../check/row-failure.js';
import { PosternError } from '../errors.js';
import { allocate } from '../turn/allocate.js';
import { shownUri } from '../uri.js';
import { forCommandLine } from './advice.js';
import { iceCredentials, readCredentials } from './credentials.js';
import { EXIT, exitCodeOfFailure, UsageError } from './exit-codes.js';
import { CREDENTIALS, choiceOf, integerOf, NETWORK, networkOptions, textOf } from './options.js';
import { printable } from './printable.js';
import { echoConnections, measureTcpEchoes } from './tcp-echoes.js';
import { inMilliseconds } from './terminal.js';

/** @typedef {import('../check/measure-echoes.js').EchoResult} EchoResult */
/** @typedef {import('../turn/allocate-options.js').AllocateOptions} AllocateOptions */
/** @typedef {import('../turn/relay.js').Relay} Relay */
/** @typedef {import('./terminal.js').Style} Style */

const TIMEOUT_MS = 20_000;
const ECHOES = 5;
const MAX_ECHOES = 1000;

/** @typedef {'echo' | { host: string, port: number }} Peer */

/** @param {string | undefined} text @returns {Peer | undefined} */
function parsePeer(text) {
  if (text === undefined || text === 'echo') return text;
  const [, literal, name, port] = /^(?:\[([\da-f:.]+)\]|([^[\]:/\s]+)):(\d+)$/i.exec(text) ?? [];
  const number = Number(port);
  if (number >= 1 && number <= 0xffff) return { host: literal ?? name, port: number };
  throw new UsageError("--peer takes 'echo', host:port or [IPv6 address]:port.");
}

/**
 * @param {{ host: string, port: number }} peer
 * @param {Relay} relay
 */
async function resolvePeer({ host, port }, relay) {
  const families = relay.relayedAddresses.map(({ family }) => family);
  const family = families.length > 1 ? 0 : families[0] === 'IPv6' ? 6 : 4;
  try {
    return { address: (await lookup(host, { family })).address, port };
  } catch (cause) {
    const sentence = `The peer's name '${host}' could not be resolved.`;
    throw new PosternError('ERR_DNS', sentence, { phase: 'peer', cause });
  }
}

/**
 * What came back of what was sent. `permission`: how long the server took to give it, in milliseconds; not asked for by
 * who connects.
 *
 * @typedef {EchoResult & { peer: string, dataPath: 'proven' | 'refused' | 'lost', permission?: number }} Exchange
 */

/**
 * @param {Relay} relay
 * @param {Peer} peer
 * @param {() => Promise<Relay>} second
 * @param {import('../check/check-relay.js').ProofOptions} options
 * @returns {Promise<Exchange>}
 */
async function exchangeUdp(relay, peer, second, options) {
  if (peer === 'echo') {
    const { dataPath, via, echoes, permission } = await proveDataPath(relay, second, options);
    const name = via === 'self' ? 'the relay itself' : 'a second relay';
    return { peer: name, dataPath, permission, ...(echoes ?? { sent: 0, roundTripsMs: [] }) };
  }
  const place = await resolvePeer(peer, relay);
  const start = performance.now();
  await relay.permit(place, { signal: options.signal });
  const permission = performance.now() - start;
  const echoes = await measureEchoes(relay, place, options);
  const dataPath = echoes.roundTripsMs.length > 0 ? 'proven' : 'lost';
  return { peer: formatTransportAddress(place), dataPath, permission, ...echoes };
}

/**
 * @param {Relay} relay
 * @param {Peer} peer
 * @param {() => Promise<Relay>} allocateSecond
 * @param {import('../check/check-relay.js').ProofOptions} options
 * @returns {Promise<Exchange>}
 */
async function exchangeTcp(relay, peer, allocateSecond, options) {
  const { signal } = options;
  if (peer !== 'echo') {
    const place = await resolvePeer(peer, relay);
    const connection = await relay.connect(place, { signal });
    const echoes = await measureTcpEchoes(connection, options);
    return { peer: formatTransportAddress(place), dataPath: 'proven', ...echoes };
  }
  const second = await allocateSecond();
  try {
    await second.permit(relay.relayedAddress, { signal });
    echoConnections(second).catch(() => {});
    const connection = await relay.connect(second.relayedAddress, { signal });
    const echoes = await measureTcpEchoes(connection, options);
    return { peer: 'a second relay', dataPath: 'proven', ...echoes };
  } finally {
    await second.close();
  }
}

/** How long each step took, of those that there were. @param {Relay} relay @param {Exchange | undefined} exchange */
function phasesOf({ phases }, exchange) {
  const { permission, firstByteMs } = exchange ?? {};
  const all = Object.entries({ ...phases, permission, firstByte: firstByteMs });
  return all.filter(([, ms]) => ms !== undefined);
}

/** @param {Relay} relay @param {Exchange | undefined} exchange @returns {Record<string, unknown>} */
function jsonOf(relay, exchange) {
  const { url, transport, serverAddress, localAddress, mappedAddress, relayedAddresses } = relay;
  return {
    ok: exchange === undefined || exchange.dataPath === 'proven',
    url,
    transport,
    serverAddress,
    localAddress,
    mappedAddress,
    relayedAddresses,
    software: relay.software,
    lifetimeMs: relay.lifetimeMs,
    phases: Object.fromEntries(phasesOf(relay, exchange)),
    exchange: exchange && {
      peer: exchange.peer,
      dataPath: exchange.dataPath,
      sent: exchange.sent,
      received: exchange.roundTripsMs.length,
      roundTripMs: median(exchange.roundTripsMs),
      roundTripsMs: exchange.roundTripsMs,
    },
  };
}

/** @param {Exchange} exchange @param {Style} style */
function describeExchange({ peer, dataPath, sent, roundTripsMs }, style) {
  if (dataPath === 'refused') {
    return style.warn('the server gives no permission for its own addresses: not tried');
  }
  const count = `${roundTripsMs.length} of ${sent} came back from ${printable(peer)}`;
  if (dataPath === 'lost') return style.bad(count);
  const least = inMilliseconds(Math.min(...roundTripsMs));
  const most = inMilliseconds(Math.max(...roundTripsMs));
  return `${count}, round trip ${inMilliseconds(median(roundTripsMs))} (${least} to ${most})`;
}

/** @param {Relay} relay @param {Exchange | undefined} exchange @param {Style} style */
function describe(relay, exchange, style) {
  const phases = phasesOf(relay, exchange)
    .map(([name, ms]) => `${name} ${inMilliseconds(ms)}`)
    .join(', ');
  const { mappedAddress } = relay;
  /** @type {[string, string][]} */
  const lines = [
    ['server', `${formatTransportAddress(relay.serverAddress)} over ${relay.transport}`],
    ...(relay.software
      ? [/** @type {[string, string]} */ (['software', printable(relay.software)])]
      : []),
    ...relay.relayedAddresses.map(
      (address) =>
        /** @type {[string, string]} */ (['relayed address', formatTransportAddress(address)]),
    ),
    ...(mappedAddress
      ? [
          /** @type {[string, string]} */ ([
            'mapped address',
            formatTransportAddress(mappedAddress),
          ]),
        ]
      : []),
    ['local address', formatTransportAddress(relay.localAddress)],
    ['lifetime', `${relay.lifetimeMs / 1000} s`],
    ['phases', phases],
    ...(exchange
      ? [/** @type {[string, string]} */ (['data', describeExchange(exchange, style)])]
      : []),
  ];
  const width = Math.max(...lines.map(([name]) => name.length));
  return lines.map(([name, text]) => `${style.dim(name.padEnd(width))}  ${text}`).join('\n');
}

/** @type {import('./command.js').Command} */
export const turn = {
  summary: 'allocates a relay, and sends data through it and back',
  usage: 'URI [-u USER] [--peer echo | --peer HOST:PORT] [--tcp]',
  notes:
    "With '--peer echo' the relay sends to itself, or where the server does not let it, to a second\n" +
    'relay; with --peer HOST:PORT to a server there that sends back what it gets. POSTERN_SECRET is\n' +
    'the shared secret of TURN REST, of which credentials that run out in an hour are made.',
  options: {
    ...CREDENTIALS,
    peer: { type: 'string', value: 'echo|HOST:PORT', help: 'send data to it and back' },
    tcp: { type: 'boolean', help: 'relay TCP (RFC 6062)' },
    'relay-family': { type: 'string', value: '4|6|both', help: 'family of the relayed address' },
    count: {
      type: 'string',
      short: 'c',
      value: 'N',
      help: 'round trips to measure, 5 if left out',
    },
    ...NETWORK,
  },

  async run({ values, positionals, io, style, print }) {
    const [url, ...more] = positionals;
    if (url === undefined || more.length > 0) {
      throw new UsageError('One server, such as: postern turn turn:turn.example.org -u USER');
    }
    const peer = parsePeer(textOf(values, 'peer'));
    const count = integerOf(values, 'count', { least: 1, most: MAX_ECHOES }) ?? ECHOES;
    const { timeoutMs = TIMEOUT_MS, ...network } = await networkOptions(values);
    const relayFamily = choiceOf(values, 'relay-family', ['4', '6', 'both']);
    /** @type {AllocateOptions} */
    const options = {
      ...network,
      timeoutMs,
      signal: io.signal,
      relayTransport: values.tcp === true ? 'tcp' : undefined,
      relayFamily:
        relayFamily === 'both' ? 'both' : /** @type {any} */ (Number(relayFamily) || undefined),
    };
    const credentials = iceCredentials(await readCredentials(values, io.env, io.now()));
    const server = credentials === undefined ? url : { urls: url, ...credentials };
    try {
      const relay = await allocate(server, options);
      try {
        const second = () => allocate(server, options);
        const exchange = values.tcp === true ? exchangeTcp : exchangeUdp;
        const bounds = { count, waitMs: ECHO_WAIT_MS, signal: io.signal };
        const found = peer === undefined ? undefined : await exchange(relay, peer, second, bounds);
        const exitCode = found === undefined ? EXIT.ok : EXCHANGE_EXIT[found.dataPath];
        print(describe(relay, found, style), exitCode);
        return { exitCode, json: jsonOf(relay, found) };
      } finally {
        await relay.close();
      }
    } catch (error) {
      io.signal.throwIfAborted();
      return reportFailure(error, { url, username: credentials?.username, io });
    }
  },
};

const EXCHANGE_EXIT = { proven: EXIT.ok, refused: EXIT.degraded, lost: EXIT.unreachable };

/**
 * @param {unknown} error
 * @param {{ url: string, username: string | undefined, io: import('./command.js').Io }} context
 * @returns {import('./command.js').Outcome}
 */
function reportFailure(error, { url, username, io }) {
  // Wrong arguments are the user's; what is no failure of a server is thrown on.
  if (error instanceof PosternError && error.code === 'ERR_INVALID_URI') throw error;
  const failure = failureOf(error);
  const facts = {
    ...failure,
    host: '',
    kind: /** @type {const} */ ('turn'),
    transport: '',
    ok: false,
    username,
  };
  const [hint] = hintsFor([facts], io.now());
  const sentence = [failure.message, hint].filter((part) => part !== undefined).join(' ');
  io.err(`postern: ${printable(forCommandLine(sentence))} (${failure.code})\n`);
  return {
    exitCode: exitCodeOfFailure(failure),
    json: { ok: false, url: shownUri(url), ...failure, hint },
  };
}
