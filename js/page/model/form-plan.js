// What a person writes into the form, as a plan, and back.

/** @typedef {import('../../network-test/plan.js').NetworkPlan} NetworkPlan */

/**
 * @typedef {object} FormValues texts as they were written
 * @property {string} urls one a line: stun:, turn:
 * @property {string} username
 * @property {string} credential
 * @property {string} gateway ws: or wss:
 * @property {string} mirror
 * @property {string} signalling
 * @property {string} https
 * @property {string} name
 * @property {boolean} quality
 */

/** @typedef {Exclude<keyof FormValues, 'quality'>} FormField */

/** Fields of a plan, and where they are written; the first that fits an argument counts. @type {readonly (readonly [RegExp, FormField])[]} */
const FIELDS = [
  [/credential/, 'credential'],
  [/username/, 'username'],
  [/iceServers/, 'urls'],
  [/mirror/, 'mirror'],
  [/signalling/, 'signalling'],
  [/https/, 'https'],
  [/name/, 'name'],
];

/** @param {string} argument of an error, such as 'plan.iceServers[0].credential' @returns {FormField | undefined} */
export const fieldOf = (argument) => FIELDS.find(([pattern]) => pattern.test(argument))?.[1];

/** @param {string} text @returns {string[]} */
const linesOf = (text) => text.split(/[\s,]+/).filter((line) => line !== '');

/** @param {string} url */
const isStun = (url) => /^stuns?:/i.test(url);

/** @param {FormValues} values @returns {NetworkPlan} what was left empty is not in it */
export function planOfForm({
  urls,
  username,
  credential,
  gateway,
  mirror,
  signalling,
  https,
  name,
  quality,
}) {
  const all = [...linesOf(urls), ...linesOf(gateway)];
  const stun = all.filter(isStun);
  const turn = all.filter((url) => !isStun(url));
  const user = username.trim();
  const credentials = user === '' && credential === '' ? {} : { username: user, credential };
  const iceServers = [
    ...(stun.length > 0 ? [{ urls: stun }] : []),
    ...(turn.length > 0 ? [{ urls: turn, ...credentials }] : []),
  ];
  const lists = { signalling: linesOf(signalling), https: linesOf(https) };
  return {
    ...(name.trim() === '' ? {} : { name: name.trim() }),
    ...(iceServers.length > 0 ? { iceServers } : {}),
    ...(lists.signalling.length > 0 ? { signalling: lists.signalling } : {}),
    ...(lists.https.length > 0 ? { https: lists.https } : {}),
    ...(mirror.trim() === '' ? {} : { mirror: mirror.trim() }),
    ...(quality ? {} : { quality: /** @type {const} */ (false) }),
  };
}

/**
 * @param {NetworkPlan} plan
 * @returns {FormValues} of plans for several users, the first one's name and password
 */
export function formOfPlan({
  iceServers = [],
  mirror = '',
  signalling = [],
  https = [],
  name = '',
  quality,
}) {
  const urls = iceServers.flatMap((one) => one.urls);
  const known = iceServers.find(({ username }) => username);
  const isWebSocket = (/** @type {string} */ url) => /^wss?:/i.test(url);
  return {
    urls: urls.filter((url) => !isWebSocket(url)).join('\n'),
    username: known?.username ?? '',
    credential: known?.credential ?? '',
    gateway: urls.filter(isWebSocket).join(' '),
    mirror,
    signalling: signalling.join(' '),
    https: https.join(' '),
    name,
    quality: quality !== false,
  };
}

/** @param {NetworkPlan} plan @returns {boolean} whether it has relays for which it has no user */
export const lacksCredentials = ({ iceServers = [] }) =>
  iceServers.some(
    ({ urls, username }) => !username && [urls].flat().some((url) => /^turns?:/i.test(url)),
  );
