// A page learns what its NAT does, from a mirror.

import { argumentError, PosternError } from '../errors.js';
import { checkMilliseconds, checkSignal } from '../option-checks.js';
import { MirrorConnection } from './connection.js';
import { findHairpinning } from './hairpin.js';
import { checkSilences, findLifetime } from './lifetime.js';
import { MirrorClient, pause } from './mirror-client.js';
import { mapPorts } from './ports.js';
import { unknown } from './unknown.js';

/**
 * @template T
 * @typedef {import('./unknown.js').Finding<T>} Finding
 */
/** @typedef {import('../mirror/judge.js').Dependence} Dependence */
/** @typedef {import('../mirror/judge.js').NatVerdict} NatVerdict */
/** @typedef {import('../mirror/judge.js').PathVerdict} PathVerdict */
/** @typedef {import('./lifetime.js').Lifetime} Lifetime */
/** @typedef {import('./ports.js').PortFinding} PortFinding */

/**
 * What is being done, for those who wait.
 *
 * @typedef {'filtering' | 'mapping' | 'connecting' | 'confirming' | 'hairpinning' | 'ports' | 'lifetime'} NatStep
 */

/**
 * @typedef {object} DiagnoseOptions
 * @property {string | URL} url of the mirror, relative to the page's
 * @property {'IPv4' | 'IPv6'} [family] IPv4 when left out, where the mirror has it
 * @property {boolean} [confirm] does it all again, and calls unknown what comes out differently
 * @property {boolean} [hairpinning] true when left out
 * @property {boolean} [ports] true when left out
 * @property {readonly number[]} [lifetimeSeconds] silences to test, such as [20, 40, 80]; none when left out. Each takes its
 *   time and some 15 seconds more, all at once
 * @property {number} [timeoutMs] until the mirror has begun a test; default 10,000
 * @property {(step: NatStep) => void} [onProgress]
 * @property {AbortSignal} [signal]
 */

/**
 * @typedef {object} NatDiagnosis
 * @property {'client'} whose the NAT is on the client's way to the mirror
 * @property {Finding<import('../codec/values.js').TransportAddress>} publicAddress as the mirror saw it
 * @property {Finding<Dependence>} mapping RFC 4787 section 4.1
 * @property {Finding<Dependence>} filtering RFC 4787 section 5
 * @property {Finding<boolean>} behindNat
 * @property {Finding<boolean>} portPreservation RFC 4787 section 4.2.1
 * @property {Finding<boolean>} hairpinning RFC 4787 section 6
 * @property {Finding<Lifetime>} bindingLifetime RFC 4787 section 4.3
 * @property {Finding<PortFinding[]>} portMap
 * @property {PathVerdict[]} otherPaths where the browser has several network interfaces: what holds for the others
 * @property {boolean} confirmed whether a second run has said the same
 */

/** Until a check has succeeded, once the mirror answers. */
const CONNECT_MS = 4000;
const LOOK_EVERY_MS = 50;
/** One more where packets were lost. */
const MAX_RUNS = 2;
/** Findings that another run may change, as chance had a part in them. */
const BY_CHANCE = new Set(['loss', 'contradiction', 'check-missing', 'control-failed']);
const VERDICT_KEYS = /** @type {const} */ ([
  'mapping',
  'filtering',
  'behindNat',
  'portPreservation',
]);

/**
 * Learns what the NAT between this page and a mirror does: its mapping and filtering (RFC 4787), whether there is one,
 * hairpinning, and which UDP ports pass. Takes 2 to 5 seconds, and no permission. What cannot be known is 'unknown' and
 * says why: docs/mirror.md.
 *
 * @param {DiagnoseOptions} options
 * @returns {Promise<NatDiagnosis>}
 * @throws {TypeError} ERR_INVALID_ARGUMENT
 * @throws {PosternError} ERR_WEBRTC_UNAVAILABLE, ERR_MIRROR_UNREACHABLE, ERR_MIRROR_REFUSED; or `signal.reason`
 */
export async function diagnoseNat(options) {
  const {
    signal: outer,
    onProgress = () => {},
    family,
    confirm = false,
    hairpinning = true,
    ports = true,
    lifetimeSeconds = [],
    timeoutMs,
  } = options;
  checkMilliseconds(timeoutMs, 'options.timeoutMs');
  checkSignal(outer, 'options.signal');
  checkSilences(lifetimeSeconds, 'options.lifetimeSeconds');
  const url = urlOf(options.url);
  if (typeof RTCPeerConnection === 'undefined') throw new PosternError('ERR_WEBRTC_UNAVAILABLE');
  // Where one part fails, the others are in vain.
  const controller = new AbortController();
  const { signal } = controller;
  const abort = () => controller.abort(outer?.reason);
  if (outer?.aborted) abort();
  outer?.addEventListener('abort', abort, { once: true });
  const mirror = new MirrorClient(url, signal, timeoutMs);
  const asked = { mirror, family, signal, onProgress };
  try {
    const [verdict, hairpin, lifetime] = await Promise.all([
      run(asked, confirm),
      hairpinning ? softly(findHairpinning(asked), signal) : unknown('not-asked'),
      lifetimeSeconds.length > 0
        ? softly(findLifetime(asked, lifetimeSeconds), signal)
        : unknown('not-asked'),
    ]);
    const isReached = verdict.publicAddress.value !== 'unknown' || verdict.otherPaths.length > 0;
    const portMap =
      ports && isReached
        ? await softly(mapPorts(asked), signal)
        : unknown(ports ? 'no-check' : 'not-asked');
    const { confirmed, ...findings } = verdict;
    return {
      whose: 'client',
      ...findings,
      hairpinning: verdict.behindNat.value === false ? unknown('no-nat') : hairpin,
      bindingLifetime: lifetime,
      portMap,
      confirmed,
    };
  } finally {
    outer?.removeEventListener('abort', abort);
    controller.abort();
  }
}

/**
 * What fails in one part says nothing against the others.
 *
 * @template T
 * @param {Promise<Finding<T>>} finding
 * @param {AbortSignal} signal
 * @returns {Promise<Finding<T>>}
 */
const softly = (finding, signal) =>
  finding.catch(() => {
    signal.throwIfAborted();
    return unknown('failed');
  });

/** @param {unknown} url */
function urlOf(url) {
  try {
    const { protocol, href } = new URL(String(url), globalThis.location?.href);
    if (protocol === 'https:' || protocol === 'http:') return href;
  } catch {}
  throw argumentError('options.url', "the mirror's URL, https: or http:");
}

/**
 * @typedef {object} Asked
 * @property {MirrorClient} mirror
 * @property {'IPv4' | 'IPv6' | undefined} family
 * @property {AbortSignal} signal
 * @property {(step: NatStep) => void} onProgress
 */

/** @param {Asked} asked @param {boolean} confirm @returns {Promise<NatVerdict & { confirmed: boolean }>} */
async function run(asked, confirm) {
  let verdict = await runOnce(asked);
  for (let runs = 1; runs < MAX_RUNS && isByChance(verdict); runs += 1) {
    verdict = await runOnce(asked);
  }
  if (!confirm) return { ...verdict, confirmed: false };
  asked.onProgress('confirming');
  const second = await runOnce(asked);
  let confirmed = true;
  for (const key of VERDICT_KEYS) {
    if (second[key].value === verdict[key].value) continue;
    confirmed = false;
    Object.assign(verdict, { [key]: unknown('runs-differ') });
  }
  return { ...verdict, confirmed };
}

/** @param {NatVerdict} verdict */
const isByChance = ({ mapping, filtering }) =>
  [mapping, filtering].some((one) => 'reason' in one && BY_CHANCE.has(one.reason));

/** A fresh connection, and so a fresh socket and fresh bindings. @param {Asked} asked @returns {Promise<NatVerdict>} */
async function runOnce({ mirror, family, signal, onProgress }) {
  const connection = new MirrorConnection();
  let session;
  try {
    const page = await connection.offer();
    const start = await mirror.ask({ step: 'start', test: 'nat', family, page });
    session = start.session;
    await connection.accept(start, start.candidates);
    onProgress('filtering');
    const { seen, candidates } = await mirror.ask({ step: 'filtering', session });
    let { localType, hostPorts } = await connection.look();
    if (seen) {
      onProgress('mapping');
      await connection.add(candidates);
      await mirror.ask({ step: 'mapping', session });
      onProgress('connecting');
      const until = performance.now() + CONNECT_MS;
      for (;;) {
        ({ localType, hostPorts } = await connection.look());
        if (localType !== undefined || performance.now() > until) break;
        await pause(LOOK_EVERY_MS, signal);
      }
    }
    const { verdict } = await mirror.ask({ step: 'result', session, localType, hostPorts });
    session = undefined;
    return verdict;
  } finally {
    connection.close();
    if (session !== undefined) mirror.end(session);
  }
}
