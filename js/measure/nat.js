// The NAT on the way to a server, as discoverNat() finds it.
import { familyOf } from '../address.js';
import { discoverNat } from '../nat/index.js';
import { REASON_WORDS } from '../nat/words.js';
import { measurementId } from '../report/measurements/ids.js';
import { parseUri } from '../uri.js';
import { measured } from './measured.js';

/** @typedef {import('../nat/index.js').NatResult} NatResult */
/** @typedef {import('../report/measurements/types.js').NatMeasurement} NatMeasurement */
/** @typedef {import('./options.js').MeasureOptions} MeasureOptions */

/** What is found, in the words of reports. */
const ANSWERS = Object.freeze({
  supported: 'yes',
  'not-supported': 'no',
  preserved: 'yes',
  changed: 'no',
  pass: 'yes',
  blocked: 'no',
});

/** @typedef {{ behaviour: string, reason?: import('../nat/words.js').NatReason, runs?: readonly string[] }} Found */

/** @param {Found} finding */
function reasonOf({ reason = 'not-tested', runs = [] }) {
  return `${REASON_WORDS[reason]}${runs.length > 0 ? ` (${runs.join(', ')})` : ''}`;
}

/** @param {Found} finding @returns {{ value: any, because?: string }} */
function answer(finding) {
  const { behaviour } = finding;
  if (behaviour === 'unknown') return { value: 'unknown', because: reasonOf(finding) };
  return { value: ANSWERS[/** @type {keyof typeof ANSWERS} */ (behaviour)] ?? behaviour };
}

/** @param {NatResult} result */
function mappedAddressesOf({ publicAddress, tests }) {
  const all = [publicAddress, ...tests.map(({ mappedAddress }) => mappedAddress)];
  const places = all.flatMap((one) => (one ? [{ address: one.address, port: one.port }] : []));
  return [...new Map(places.map((one) => [`${one.address} ${one.port}`, one])).values()];
}

/** @param {NatResult['mappingLifetime']} lifetime @returns {NatMeasurement['lifetime']} */
function lifetimeOf({ reason, atLeastMs, atMostMs }) {
  if (reason === 'not-tested') return undefined;
  if (reason !== undefined) return { because: REASON_WORDS[reason] };
  return {
    ...(atLeastMs === null ? {} : { atLeastMs }),
    ...(atMostMs === null ? {} : { atMostMs }),
  };
}

/** @param {NatResult} result @returns {Partial<NatMeasurement>} over UDP */
function allOf(result) {
  const { fragments, hairpinning, portPreservation, filtering, mappingLifetime } = result;
  return {
    ...mappingOf(result),
    filtering: answer(filtering),
    hairpinning: answer(hairpinning),
    portPreservation: answer(portPreservation),
    requestFragments: answer(fragments.outgoing),
    answerFragments: answer(fragments.incoming),
    lifetime: lifetimeOf(mappingLifetime),
  };
}

/** @param {NatResult} result @returns {Partial<NatMeasurement>} */
function mappingOf(result) {
  const { behindNat, mapping } = result;
  const isNothingKnown = behindNat === null && mapping.behaviour === 'unknown';
  return {
    ...(isNothingKnown ? { status: 'unknown', because: reasonOf(mapping) } : {}),
    behindNat:
      behindNat === null
        ? { value: 'unknown', because: REASON_WORDS['no-answer'] }
        : { value: behindNat ? 'yes' : 'no' },
    mapping: answer(mapping),
    mappedAddresses: mappedAddressesOf(result),
  };
}

/** A server that has no address of a family, or none that there is a way to. */
const NO_WAY = new Set(['ERR_DNS', 'ERR_TRANSPORT_CONNECT', 'ERR_STUN_TIMEOUT']);

/**
 * @param {string} url stun: or turn: URI
 * @param {readonly (4 | 6 | undefined)[]} families the first over which there is an answer counts
 * @param {MeasureOptions} options
 * @param {Pick<import('../nat/index.js').NatOptions, 'lifetime' | 'transport'>} own
 * @returns {Promise<NatResult>}
 */
async function discover(url, [family, ...others], options, own) {
  const { signal, resolver, timeoutMs } = options;
  try {
    return await discoverNat(url, { signal, resolver, timeoutMs, family, ...own });
  } catch (error) {
    signal.throwIfAborted();
    const { code = '' } = /** @type {{ code?: string }} */ (error);
    if (others.length === 0 || !NO_WAY.has(code)) throw error;
    return discover(url, others, options, own);
  }
}

/** @param {string} url @param {readonly import('../address.js').AddressFamily[]} families @returns {(4 | 6 | undefined)[]} */
function versionsFor(url, families) {
  // An address has its own.
  if (familyOf(parseUri(url).host) !== undefined) return [undefined];
  return /** @type {const} */ ([4, 6]).filter((version) => families.includes(`IPv${version}`));
}

/**
 * Finds out how the NATs on the way behave (RFC 5780): all over UDP, and the mapping over TCP too where the server has
 * a second address.
 *
 * @param {string} url stun: or turn: URI of a server, without ?transport=
 * @param {MeasureOptions} options
 * @param {{ families: readonly import('../address.js').AddressFamily[], longestSilenceMs?: number,
 *   report: (measurement: NatMeasurement) => void }} own `families`: IPv4 comes first, since that has NATs.
 *   `longestSilenceMs`: how long the lifetime of a mapping is looked for; it is not measured if left out
 * @returns {Promise<void>}
 * @throws `signal.reason`
 */
export async function measureNat(url, options, { families, longestSilenceMs, report }) {
  /** @param {'udp' | 'tcp'} transport */
  const what = (transport) => ({
    id: measurementId('nat', 'discovery', transport === 'udp' ? undefined : transport),
    kind: /** @type {const} */ ('nat'),
    method: /** @type {const} */ ('discovery'),
    transport,
  });
  const lifetime = longestSilenceMs === undefined ? false : { longestMs: longestSilenceMs };
  let hasSecondAddress = false;
  let versions = versionsFor(url, families);
  report(
    await measured(what('udp'), options.signal, async () => {
      const result = await discover(url, versions, options, { lifetime });
      hasSecondAddress = result.server.otherAddress !== null;
      versions = [result.server.family === 'IPv4' ? 4 : 6];
      return allOf(result);
    }),
  );
  if (!hasSecondAddress) return;
  report(
    await measured(what('tcp'), options.signal, async () => {
      const result = await discover(url, versions, options, { transport: 'tcp' });
      return { ...mappingOf(result), portPreservation: answer(result.portPreservation) };
    }),
  );
}
