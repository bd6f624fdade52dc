// Plans in links: after the #, which browsers never send.

import { resolvePlan } from '../../diagnose/diagnose.js';
import { argumentError } from '../../errors.js';
import { checkPlan } from '../../network-test/plan.js';

/** @typedef {import('../../network-test/plan.js').NetworkPlan} NetworkPlan */

const NAME = 'plan';
/** Longer than any plan that a person makes. */
const MAX_LENGTH = 64 * 1024;

/** What is after ? may be a token. @param {string} url of the web @returns {string} */
function plainUrl(url) {
  if (!URL.canParse(url) || !/^(wss?|https?):/i.test(url)) return url;
  const plain = new URL(url);
  plain.username = '';
  plain.password = '';
  plain.search = '';
  return plain.href;
}

/** @param {NetworkPlan} plan @returns {NetworkPlan} without user names, passwords, and queries of URLs */
export function withoutSecrets({ iceServers, signalling, https, mirror, ...rest }) {
  return {
    ...rest,
    ...(iceServers && {
      iceServers: iceServers.map(({ urls }) => ({ urls: [urls].flat().map(plainUrl) })),
    }),
    ...(signalling && { signalling: signalling.map(plainUrl) }),
    ...(https && { https: https.map(plainUrl) }),
    ...(mirror && { mirror: plainUrl(mirror) }),
  };
}

/** @param {NetworkPlan} plan @returns {string[]} what is to stand in no report */
export const secretsOf = ({ iceServers = [] }) =>
  iceServers.flatMap(({ credential }) => (credential ? [credential] : []));

/**
 * @param {unknown} given what may be a plan
 * @returns {NetworkPlan} the same, its servers as objects with a list of URLs
 * @throws {TypeError} ERR_INVALID_ARGUMENT; what the URLs are is not looked at
 */
export function readPlan(given) {
  const plan = /** @type {NetworkPlan} */ (given);
  checkPlan(resolvePlan(plan));
  if (plan.iceServers === undefined) return plan;
  const iceServers = plan.iceServers.map((one, i) => {
    const server = /** @type {unknown} */ (one);
    const { urls, username, credential } = /** @type {Record<string, unknown>} */ (
      typeof server === 'string' ? { urls: server } : (server ?? {})
    );
    const list = [urls].flat();
    const texts = [...list, username ?? '', credential ?? ''];
    if (list.length === 0 || !texts.every((text) => typeof text === 'string')) {
      throw argumentError(`plan.iceServers[${i}]`, 'an object with urls, username and credential');
    }
    return /** @type {import('../../ice-server.js').IceServer} */ ({
      urls: list,
      ...(username ? { username } : {}),
      ...(credential ? { credential } : {}),
    });
  });
  return { ...plan, iceServers };
}

/** @param {NetworkPlan} plan @returns {string} for after the # */
export function fragmentOf(plan) {
  const bytes = new TextEncoder().encode(JSON.stringify(plan));
  const binary = Array.from(bytes, (byte) => String.fromCharCode(byte)).join('');
  return `${NAME}=${btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '')}`;
}

/**
 * @param {string} hash of the location, with its #
 * @returns {NetworkPlan | undefined} undefined: there is none
 * @throws {Error} it is no plan
 */
export function planOfFragment(hash) {
  const text = new URLSearchParams(hash.replace(/^#/, '')).get(NAME);
  if (text === null) return undefined;
  if (text.length > MAX_LENGTH) throw new TypeError('the plan is too long');
  const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
  const bytes = Uint8Array.from(binary, (letter) => letter.charCodeAt(0));
  return readPlan(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)));
}

/** @param {NetworkPlan} plan @returns {string[]} the hosts that a test of it sends to, each once */
export function hostsOf(plan) {
  const { iceServers = [], signalling = [], https = [], webTransport = [], mirror } = plan;
  const urls = [
    ...iceServers.flatMap(({ urls }) => urls),
    ...signalling,
    ...https,
    ...webTransport,
    ...(mirror === undefined ? [] : [mirror]),
  ];
  const hosts = urls.map((url) => {
    // stun: and turn: are no URLs with an authority.
    const web = String(url).replace(/^(stun|turn)s?:(?!\/\/)/, 'https://');
    return URL.canParse(web) ? new URL(web).hostname : '';
  });
  return [...new Set(hosts)].filter((host) => host !== '');
}
