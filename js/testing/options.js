// What the functions of postern/testing take, checked and completed.

import { canonicalAddress, familyOf } from '../address.js';
import { isTrue, requireObject } from '../codec/arguments.js';
import { argumentError } from '../errors.js';
import { checkInteger, checkOneOf } from '../option-checks.js';
import { DEPENDENCES, POOLINGS, PORT_ASSIGNMENTS, REFRESHES } from './nat-words.js';

/** @typedef {import('./nat-words.js').Blocks} Blocks */
/** @typedef {import('./nat-words.js').NatOptions} NatOptions */
/** @typedef {import('./nat-words.js').ScreenedPacket} ScreenedPacket */

/**
 * How the network treats each packet, on its whole way.
 *
 * @typedef {object} Conditions
 * @property {number} latencyMs each way; default 10
 * @property {number} jitterMs the most that a packet takes longer, by chance: packets overtake each other; default 0
 * @property {number} loss of 0 to 1; default 0
 * @property {number} duplication the share of packets that arrive twice; default 0
 * @property {number} reordering the share of packets that are held back for `heldBackMs`; default 0
 * @property {number} heldBackMs default 50
 */

/**
 * @typedef {object} OwnNetworkOptions
 * @property {number} [seed] of all that is left to chance: the same seed, the same run; an integer, default 1
 * @property {'virtual' | 'platform' | import('../clock.js').Clock} [clock] 'virtual': time goes on only while somebody waits for
 *   it, by run(), advance() and runUntil(); 'platform': it is that of the machine, or of a test framework's fake timers.
 *   Default 'virtual'
 */

/** @typedef {OwnNetworkOptions & Partial<Conditions>} NetworkOptions */

/**
 * @typedef {object} HostOptions
 * @property {string | readonly string[]} [address] IP addresses; default one that is made up
 * @property {string} [name] in the log, and for URIs of hosts that look names up: 'turn.example.org'
 * @property {import('./nat.js').Nat} [nat] the NAT or firewall behind which it is; default none: it is on the Internet
 */

/** @typedef {ReturnType<typeof checkNatOptions>} NatSettings */

/** @type {Conditions} */
const DEFAULT_CONDITIONS = {
  latencyMs: 10,
  jitterMs: 0,
  loss: 0,
  duplication: 0,
  reordering: 0,
  heldBackMs: 50,
};
const LONGEST_MS = 0x7fffffff;
const SHARES = /** @type {const} */ (['loss', 'duplication', 'reordering']);
const TIMES = /** @type {const} */ (['latencyMs', 'jitterMs', 'heldBackMs']);
/** RFC 4787 section 4.3 wants two minutes at least. */
const DEFAULT_LIFETIME_MS = 120_000;
/** RFC 6335 section 6: those above the system ports. */
const DEFAULT_PORTS = /** @type {const} */ ([1024, 65_535]);

/** @param {unknown} value @param {string} name @param {number} most */
function checkNumber(value, name, most) {
  if (typeof value === 'number' && value >= 0 && value <= most) return value;
  throw argumentError(name, `a number from 0 to ${most}`);
}

/**
 * @param {Partial<Conditions>} options
 * @param {Conditions} [others] what those are that are left out
 * @returns {Conditions}
 */
export function checkConditions(options, others = DEFAULT_CONDITIONS) {
  requireObject(options, 'options');
  const conditions = { ...others };
  for (const name of SHARES) {
    conditions[name] = checkNumber(options[name] ?? others[name], `options.${name}`, 1);
  }
  for (const name of TIMES) {
    conditions[name] = checkNumber(options[name] ?? others[name], `options.${name}`, LONGEST_MS);
  }
  return conditions;
}

/** @param {unknown} seed @returns {number} */
export function checkSeed(seed = 1) {
  if (Number.isSafeInteger(seed)) return /** @type {number} */ (seed);
  throw argumentError('options.seed', 'an integer');
}

/** @param {unknown} clock @returns {'virtual' | 'platform' | import('../clock.js').Clock} */
export function checkClock(clock = 'virtual') {
  if (clock === 'virtual' || clock === 'platform') return clock;
  const { now, setTimeout, clearTimeout } = /** @type {Record<string, unknown>} */ (clock ?? {});
  if ([now, setTimeout, clearTimeout].every((one) => typeof one === 'function')) {
    return /** @type {import('../clock.js').Clock} */ (clock);
  }
  throw argumentError(
    'options.clock',
    "'virtual' or 'platform', or an object with now(), setTimeout() and clearTimeout()",
  );
}

/** @param {unknown} value @param {string} name @returns {string} canonical */
export function checkAddress(value, name) {
  const address = typeof value === 'string' ? canonicalAddress(value) : undefined;
  if (address !== undefined && !/^[0:.]+$/.test(address)) return address;
  throw argumentError(name, 'an IP address, such as 192.0.2.1 or 2001:db8::1');
}

/** @param {unknown} value @param {string} name @returns {string[]} */
export function checkAddresses(value, name) {
  const all = Array.isArray(value) ? value : [value];
  if (all.length === 0) throw argumentError(name, 'at least one IP address');
  return all.map((one, i) => checkAddress(one, Array.isArray(value) ? `${name}[${i}]` : name));
}

/** @param {unknown} value @param {string} name @returns {import('./nat-words.js').Place} */
export function checkPlace(value, name) {
  const { address, port } = requireObject(
    /** @type {{ address?: unknown, port?: unknown }} */ (value),
    name,
  );
  const canonical = checkAddress(address, `${name}.address`);
  return { address: canonical, port: checkPort(port, `${name}.port`, 1) };
}

/** @param {unknown} value @param {string} name @param {0 | 1} least @returns {number} */
export function checkPort(value, name, least) {
  if (value === undefined) throw argumentError(name, `an integer from ${least} to 65535`);
  return checkInteger(value, name, least, 65_535);
}

/** @param {unknown} name @param {string} otherwise @returns {string} */
export function checkName(name, otherwise) {
  if (name === undefined) return otherwise;
  if (typeof name === 'string' && name !== '') return name;
  throw argumentError('options.name', 'a text');
}

/** @param {unknown} value @param {string} name @param {0 | 1} [least] @returns {readonly [number, number]} */
function checkPorts(value, name, least = 1) {
  const [first, last] = Array.isArray(value) && value.length === 2 ? value : [];
  const isGood =
    Number.isInteger(first) && Number.isInteger(last) && first >= least && last <= 65_535;
  if (isGood && first <= last) return [first, last];
  throw argumentError(name, 'the first and the last port, such as [1024, 65535]');
}

/**
 * @param {unknown} value
 * @param {string} [name]
 * @returns {(packet: ScreenedPacket) => boolean}
 */
export function checkBlocks(value, name = 'options.blocks') {
  if (value === undefined) return () => false;
  if (value === 'udp') return () => true;
  if (typeof value === 'function')
    return /** @type {(packet: ScreenedPacket) => boolean} */ (value);
  if (!Array.isArray(value)) {
    throw argumentError(name, "'udp', an array of { address, port, direction }, or a function");
  }
  const rules = value.map((rule, i) => readRule(rule, `${name}[${i}]`));
  return (packet) => rules.some((matches) => matches(packet));
}

/** @param {unknown} value @param {string} name @returns {(packet: ScreenedPacket) => boolean} */
function readRule(value, name) {
  const rule = requireObject(/** @type {import('./nat-words.js').BlockRule} */ (value), name);
  for (const key of Object.keys(rule)) {
    if (!['address', 'port', 'direction'].includes(key)) {
      throw argumentError(`${name}.${key}`, 'left out: rules have address, port and direction');
    }
  }
  const { port, direction } = rule;
  checkOneOf(direction, `${name}.direction`, ['out', 'in']);
  const address =
    rule.address === undefined ? undefined : checkAddress(rule.address, `${name}.address`);
  const [first, last] =
    port === undefined
      ? [0, 65_535]
      : Array.isArray(port)
        ? checkPorts(port, `${name}.port`)
        : [checkPort(port, `${name}.port`, 1), /** @type {number} */ (port)];
  return ({ direction: way, remote }) =>
    (direction === undefined || direction === way) &&
    (address === undefined || address === remote.address) &&
    remote.port >= first &&
    remote.port <= last;
}

/**
 * @param {NatOptions} options
 * @param {object} what
 * @param {string} what.name where the options have none
 * @param {boolean} what.translates false: of a firewall
 * @param {() => string} what.address where the options have none
 */
export function checkNatOptions(options, { name, translates, address }) {
  const { mapping, filtering, portAssignment, pooling, refresh, fragments, ports } = requireObject(
    options,
    'options',
  );
  checkOneOf(mapping, 'options.mapping', DEPENDENCES);
  checkOneOf(filtering, 'options.filtering', DEPENDENCES);
  checkOneOf(portAssignment, 'options.portAssignment', PORT_ASSIGNMENTS);
  checkOneOf(pooling, 'options.pooling', POOLINGS);
  checkOneOf(refresh, 'options.refresh', REFRESHES);
  checkOneOf(fragments, 'options.fragments', ['pass', 'drop']);
  const lifetime = options.mappingLifetimeMs ?? DEFAULT_LIFETIME_MS;
  const addresses =
    options.addresses === undefined
      ? translates
        ? [address()]
        : []
      : checkAddresses(options.addresses, 'options.addresses');
  return {
    name: checkName(options.name, name),
    translates,
    addresses,
    mapping: mapping ?? 'endpoint-independent',
    filtering: filtering ?? 'address-and-port-dependent',
    hairpinning: isTrue(options.hairpinning, 'options.hairpinning'),
    portAssignment: portAssignment ?? 'random',
    portParity: isTrue(options.portParity, 'options.portParity'),
    ports: checkPorts(ports ?? [...DEFAULT_PORTS], 'options.ports'),
    pooling: pooling ?? 'paired',
    mappingLifetimeMs: checkNumber(lifetime, 'options.mappingLifetimeMs', LONGEST_MS),
    refresh: refresh ?? 'outbound',
    fragments: fragments ?? 'pass',
    blocks: checkBlocks(options.blocks),
  };
}

/** @param {string} address @param {readonly string[]} addresses */
export const ofSameFamily = (address, addresses) =>
  addresses.find((one) => familyOf(one) === familyOf(address));
