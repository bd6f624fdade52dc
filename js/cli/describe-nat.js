// What discoverNat() has found, as a table.
import { formatTransportAddress } from '../address.js';
import { printable } from './printable.js';
import { inMilliseconds, table } from './terminal.js';

/** @typedef {import('../codec/values.js').TransportAddress} TransportAddress */
/** @typedef {import('../nat/read-records.js').NatTest} NatTest */
/** @typedef {import('../nat/result.js').NatResult} NatResult */
/** @typedef {import('./terminal.js').Style} Style */

/** @param {TransportAddress | null} address */
const addressOf = (address) => (address === null ? 'unknown' : formatTransportAddress(address));

/** @param {boolean | null} value */
const yesOrNo = (value) => (value === null ? 'unknown' : value ? 'yes' : 'no');

/** What each result means to those who want to be reached. @type {Record<string, Record<string, string>>} */
const MEANINGS = {
  mapping: {
    'endpoint-independent': 'one public address for all destinations: peers can be told it',
    'address-dependent': 'each destination address sees another public address',
    'address-and-port-dependent': 'each destination address and port sees another public address',
  },
  filtering: {
    'endpoint-independent': 'anybody can send to the public address',
    'address-dependent': 'only addresses that were sent something can answer',
    'address-and-port-dependent': 'only addresses and ports that were sent something can answer',
  },
  hairpinning: {
    supported: 'hosts behind the NAT reach each other by their public addresses',
    'not-supported': 'hosts behind the NAT do not reach each other by their public addresses',
  },
  ports: {
    preserved: 'the public port is the local one',
    changed: 'the public port is another than the local one',
  },
  fragments: {
    pass: 'datagrams longer than an Ethernet frame arrive',
    blocked: 'datagrams longer than an Ethernet frame do not arrive',
  },
};

/**
 * @param {string} title
 * @param {{ behaviour: string, message?: string }} finding
 * @param {Record<string, string>} meanings
 * @param {Style} style
 */
const rowOf = (title, { behaviour, message }, meanings, style) => [
  title,
  behaviour === 'unknown'
    ? { text: behaviour, paint: style.warn }
    : { text: behaviour, paint: style.bold },
  message === undefined ? meanings[behaviour] : message.replace('Unknown, because ', ''),
];

/** @param {NatResult['mappingLifetime']} finding */
function lifetimeOf({ behaviour, atLeastMs, atMostMs, message }) {
  if (behaviour === 'unknown' || atLeastMs === null) return { behaviour: 'unknown', message };
  const seconds = (/** @type {number} */ ms) => `${Math.round(ms / 100) / 10} s`;
  return {
    behaviour:
      atMostMs === null
        ? `more than ${seconds(atLeastMs)}`
        : `${seconds(atLeastMs)} to ${seconds(atMostMs)}`,
    message: 'so long without a packet, and the mapping is gone',
  };
}

/** @param {NatResult} result @param {Style} style @returns {string} lines, the last one without its end */
export function describeNat(result, style) {
  const { server, fragments, mappingLifetime } = result;
  const { mapping, filtering, hairpinning, ports, fragments: passing } = MEANINGS;
  const rows = [
    rowOf('mapping', result.mapping, mapping, style),
    rowOf('filtering', result.filtering, filtering, style),
    rowOf('hairpinning', result.hairpinning, hairpinning, style),
    rowOf('port', result.portPreservation, ports, style),
    rowOf('fragments out', fragments.outgoing, passing, style),
    rowOf('fragments in', fragments.incoming, passing, style),
  ];
  if (mappingLifetime.reason !== 'not-tested') {
    rows.push(rowOf('mapping lifetime', lifetimeOf(mappingLifetime), {}, style));
  }
  const facts = [
    ['server', `${printable(server.url)} (${addressOf(server)})`],
    ['its other address', server.otherAddress === null ? 'none' : addressOf(server.otherAddress)],
    ['public address', addressOf(result.publicAddress)],
    ['local address', addressOf(result.localAddress)],
    ['behind a NAT', yesOrNo(result.behindNat)],
    ...(result.classicName === null ? [] : [['RFC 3489 says', result.classicName]]),
  ];
  const width = Math.max(...facts.map(([name]) => name.length));
  const head = facts.map(([name, value]) => `${style.dim(name.padEnd(width))}  ${value}`);
  return [...head, '', table(['', 'behaviour', ''], rows, style)].join('\n');
}

/** @param {NatTest} test @returns {string} one line */
export function describeTest(test) {
  const { run, topic, name, from, to, outcome, mappedAddress, answeredFrom, roundTripMs } = test;
  const parts = [
    `${run === 0 ? '-' : run} ${topic} ${name}: ${addressOf(from)} to ${addressOf(to)}, ${outcome}`,
    answeredFrom === null ? '' : ` from ${addressOf(answeredFrom)}`,
    mappedAddress === null ? '' : `, mapped ${addressOf(mappedAddress)}`,
    roundTripMs === null ? '' : `, ${inMilliseconds(roundTripMs)}`,
  ];
  return parts.join('');
}
