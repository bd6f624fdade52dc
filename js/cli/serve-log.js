// What `postern serve` tells: where it listens, and what happens there. Lines for people, or JSON with --json.
import { formatTransportAddress } from '../address.js';
import { countOf, printable } from './printable.js';

/** @typedef {import('../gateway/index.js').LogEntry} LogEntry */
/** @typedef {import('../server/index.js').AllocationEnd} AllocationEnd */
/** @typedef {import('../server/index.js').AllocationInfo} AllocationInfo */
/** @typedef {import('./command.js').Invocation} Invocation */

/** @param {AllocationInfo} info @param {Partial<AllocationEnd>} [end] */
function factsOf(
  { id, username, client, protocol, transport, relayedAddresses, lifetimeSeconds },
  end,
) {
  return {
    id,
    username,
    client: formatTransportAddress(client),
    protocol,
    transport,
    relayed: relayedAddresses.map(formatTransportAddress),
    ...(end ?? { lifetimeSeconds }),
  };
}

/** @param {AllocationInfo & Partial<AllocationEnd>} info */
function describe({ username, client, protocol, transport, relayedAddresses, ...end }) {
  const relayed = relayedAddresses.map(formatTransportAddress).join(' and ');
  const start = `${printable(username || '-')}, ${formatTransportAddress(client)} over ${protocol}`;
  const words = [`${start}, relayed ${relayed} (${transport})`];
  const { durationMs, sentMessages, sentBytes, receivedMessages, receivedBytes } = end;
  if (durationMs !== undefined) {
    words.push(
      `${(durationMs / 1000).toFixed(1)} s`,
      `${countOf(sentMessages ?? 0, 'message')} to peers (${sentBytes} bytes)`,
      `${receivedMessages} from peers (${receivedBytes} bytes)`,
    );
  }
  return words.join(', ');
}

/** @param {object} fields */
const inWords = (fields) =>
  Object.entries(fields)
    .map(([name, value]) => `${name} ${printable(String(value))}`)
    .join(', ');

/** @param {Invocation} invocation */
export function createServeLog({ values, io, style }) {
  const isJson = values.json === true;
  const isQuiet = values.quiet === true;
  /** @param {string} event @param {object} facts @param {string} text */
  const line = (event, facts, text) => {
    const time = new Date(io.now()).toISOString();
    io.out(
      isJson
        ? `${JSON.stringify({ time, event, ...facts })}\n`
        : `${style.dim(time)} ${event}${text && `: ${text}`}\n`,
    );
  };
  return {
    line,
    /** Many lines for people, one object. @param {object} facts @param {string} text */
    listening: (facts, text) => {
      if (isJson) line('listening', facts, '');
      else io.out(`${text}\n`);
    },
    /** @param {'allocation' | 'move'} event @param {AllocationInfo} info */
    allocation: (event, info) => {
      if (!isQuiet) line(event, factsOf(info), describe(info));
    },
    /** @param {AllocationInfo & AllocationEnd} info */
    end: (info) => {
      const { durationMs, sentMessages, sentBytes, receivedMessages, receivedBytes } = info;
      const end = {
        durationMs: Math.round(durationMs),
        sentMessages,
        sentBytes,
        receivedMessages,
        receivedBytes,
      };
      if (!isQuiet) line('end', factsOf(info, end), describe({ ...info, ...end }));
    },
    /** @param {LogEntry} entry */
    gateway: ({ time: _, event, ...facts }) => {
      // That it listens is told with the rest.
      if (!isQuiet && event !== 'listening') line(`gateway-${event}`, facts, inWords(facts));
    },
  };
}

/** @typedef {ReturnType<typeof createServeLog>} ServeLog */
