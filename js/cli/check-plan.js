// What `postern check` is to try: a file, standard input or URIs, and the options of the command line, as one plan.
import { normalizeIceServers } from '../credentials/normalize.js';
import { PLAN_FIELDS } from '../network-test/plan.js';
import { proxyFromEnv } from '../transports/proxy/proxy-from-env.js';
import { iceCredentials, readCredentials } from './credentials.js';
import { UsageError } from './exit-codes.js';
import { choiceOf, integerOf, readInputFile, textOf, textsOf } from './options.js';

/** @typedef {import('../ice-server.js').IceServer} IceServer */
/** @typedef {import('../network-test/plan.js').NetworkPlan} NetworkPlan */
/** @typedef {import('./command.js').Io} Io */
/** @typedef {import('./options.js').Values} Values */

const URI = /^(?:stuns?|turns?|wss?):/i;
/** Ours: far more than any configuration has. */
const MAX_JSON_BYTES = 1024 * 1024;
/** As the plan takes them. */
const QUALITY_SECONDS = { least: 2, most: 300 };

/** @param {AsyncIterable<Uint8Array>} stdin */
async function readStdin(stdin) {
  const parts = [];
  let length = 0;
  for await (const part of stdin) {
    length += part.length;
    if (length > MAX_JSON_BYTES) throw new UsageError('The JSON is longer than 1 MiB.');
    parts.push(part);
  }
  return Buffer.concat(parts);
}

/** @param {unknown} value @returns {value is Record<string, unknown>} */
const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);

/** What only a plan has. @param {Record<string, unknown>} value */
const isPlan = (value) =>
  Object.keys(value).some((key) => key !== 'iceServers' && PLAN_FIELDS.has(key));

/**
 * @param {unknown} document
 * @returns {NetworkPlan}
 * @throws {UsageError | TypeError} that quotes nothing: the document holds passwords
 */
function planOf(document) {
  // What `postern serve --page` tells its page.
  const whole = isObject(document) && isObject(document.plan) ? document.plan : document;
  if (isObject(whole) && isPlan(whole)) return whole;
  const servers = isObject(whole) && 'iceServers' in whole ? whole.iceServers : whole;
  const list = Array.isArray(servers) ? servers : [servers];
  if (list.every((server) => isObject(server) && 'urls' in server)) {
    if (list.length === 0) throw new UsageError('There are no ICE servers in the file.');
    return { iceServers: list };
  }
  if (isObject(servers)) return { iceServers: normalizeIceServers(servers).iceServers };
  throw new UsageError(
    'The JSON is to be an array of { urls, username, credential }, an object with iceServers, or a plan.',
  );
}

/**
 * @param {Buffer} bytes
 * @returns {NetworkPlan}
 * @throws {UsageError | TypeError} that quotes nothing
 */
function parsePlan(bytes) {
  let document;
  try {
    document = JSON.parse(bytes.toString('utf8').replace(/^\uFEFF/, ''));
  } catch (error) {
    const { message } = /** @type {Error} */ (error);
    const position = /position (\d+)/.exec(message)?.[1];
    const where = position === undefined ? '' : ` (at character ${position})`;
    throw new UsageError(`The ICE servers are no JSON${where}.`);
  }
  return planOf(document);
}

/**
 * @param {readonly string[]} names
 * @param {Values} values
 * @param {AsyncIterable<Uint8Array>} stdin
 * @returns {Promise<NetworkPlan>}
 */
async function readPlan(names, values, stdin) {
  if (names.length === 0) {
    const isSaid = ['signalling', 'https', 'reflector', 'nat-server'].some((name) => values[name]);
    if (isSaid) return {};
    throw new UsageError("Which servers? A JSON file, '-' for stdin, or URIs.");
  }
  if (names.every((name) => URI.test(name))) {
    return { iceServers: names.map((urls) => ({ urls })) };
  }
  if (names.length > 1) throw new UsageError('Give one file, or URIs only.');
  const [name] = names;
  return parsePlan(
    name === '-' ? await readStdin(stdin) : await readInputFile(name, 'The file of ICE servers'),
  );
}

/** The proxy of the environment as a URL. @param {Record<string, string | undefined>} env */
function proxyOfEnvironment(env) {
  const proxy = proxyFromEnv(env);
  if (proxy === undefined) return undefined;
  const { protocol, credentials } = proxy;
  const login =
    credentials &&
    `${encodeURIComponent(credentials.username)}:${encodeURIComponent(credentials.password)}@`;
  return `${protocol}://${login ?? ''}${proxy}`;
}

/** @param {Values} values @param {NetworkPlan['quality']} planned */
function qualityOf(values, planned) {
  const seconds = integerOf(values, 'quality', QUALITY_SECONDS);
  const isOff = values['no-quality'] === true || values.quick === true;
  if (seconds !== undefined && isOff) {
    throw new UsageError('--quality excludes --no-quality and --quick.');
  }
  if (isOff) return false;
  return seconds === undefined ? planned : { ...(planned || {}), seconds };
}

/** Those of `values` that are there. @template {object} T @param {T} values @returns {T} */
const given = (values) =>
  /** @type {T} */ (
    Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined))
  );

/**
 * @param {readonly string[]} names
 * @param {Values} values
 * @param {Pick<Io, 'env' | 'now' | 'stdin'>} io
 * @returns {Promise<NetworkPlan>} not checked yet
 * @throws {UsageError | TypeError}
 */
export async function planCheck(names, values, io) {
  const credentials = iceCredentials(await readCredentials(values, io.env, io.now()));
  const plan = await readPlan(names, values, io.stdin);
  const { iceServers } = plan;
  const family = choiceOf(values, 'family', ['4', '6']);
  const proxy = textOf(values, 'proxy');
  const quick = values.quick === true ? /** @type {const} */ (false) : undefined;
  return given({
    ...plan,
    // What is no array is refused with the plan.
    iceServers: Array.isArray(iceServers)
      ? iceServers.map((server) => withCredentials(server, credentials))
      : iceServers,
    name: textOf(values, 'name') ?? plan.name,
    signalling: textsOf(values, 'signalling') ?? plan.signalling,
    https: textsOf(values, 'https') ?? plan.https,
    reflector: textOf(values, 'reflector') ?? plan.reflector,
    origin: textOf(values, 'origin') ?? plan.origin,
    natServer: quick ?? textOf(values, 'nat-server') ?? plan.natServer,
    proxy: (proxy === 'env' ? proxyOfEnvironment(io.env) : proxy) ?? plan.proxy,
    families:
      family === undefined
        ? plan.families
        : [family === '4' ? /** @type {const} */ ('IPv4') : /** @type {const} */ ('IPv6')],
    quality: qualityOf(values, plan.quality),
  });
}

/** @param {string | IceServer} server @param {{ username: string, credential: string } | undefined} credentials @returns {IceServer} */
function withCredentials(server, credentials) {
  const one = typeof server === 'string' ? { urls: server } : server;
  return one?.username || one?.credential ? one : { ...one, ...credentials };
}

/** Ours: what is shorter stands in other words too. */
const LEAST_SECRET = 4;

/** @param {string} text of a URL */
function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/**
 * What is to stand in no output.
 *
 * @param {NetworkPlan} plan that was tested
 * @returns {string[]}
 */
export function secretsOf({ iceServers = [], proxy, signalling = [], https = [], reflector }) {
  const passwords = iceServers.map(({ credential }) => credential ?? '');
  const logins = [proxy, reflector, ...signalling, ...https].flatMap((url) => {
    const { password = '' } = url === undefined ? {} : new URL(url);
    return [password, decoded(password)];
  });
  return [...new Set([...passwords, ...logins])].filter((one) => one.length >= LEAST_SECRET);
}
