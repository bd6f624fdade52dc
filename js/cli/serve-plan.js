// What `postern serve` is to run: the file, the options of the command line, and the environment, put together.
import { parseListen } from '../server/listen.js';
import { checkServerOptions } from '../server/server-options.js';
import { prepareCredential } from '../strings/prepare-credential.js';
import { UsageError } from './exit-codes.js';
import { LOOPBACK_PEERS, loopbackListen } from './loopback.js';
import { readInputFile, textOf, textsOf } from './options.js';
import { checkPage } from './page-options.js';
import { printable } from './printable.js';
import { readConfig } from './serve-config.js';
import { explainer } from './serve-explain.js';

/** @typedef {import('../gateway/index.js').GatewayOptions} GatewayOptions */
/** @typedef {import('../metrics/admin-listener.js').AdminOptions} AdminOptions */
/** @typedef {import('../server/index.js').ServerOptions} ServerOptions */
/** @typedef {import('./options.js').Values} Values */
/** @typedef {import('./page-options.js').PageOptions} PageOptions */
/** @typedef {import('./serve-explain.js').Flags} Flags */

/**
 * @typedef {object} Plan
 * @property {(ServerOptions & { credentials?: Record<string, string> }) | undefined} server undefined: a gateway alone
 * @property {GatewayOptions | undefined} gateway
 * @property {AdminOptions | undefined} metrics
 * @property {PageOptions | undefined} page
 * @property {{ username: string, password: string } | undefined} made the user of a server for development
 * @property {import('./serve-explain.js').Explain} explain
 */

const DEVELOPMENT_PORT = 3478;
const DEVELOPER = 'dev';
const LOOPBACK = /^(127\.|::1$)/;

/** @param {string} line @param {string} what @returns {readonly [string, string]} that quotes nothing when it is wrong */
function userOf(line, what) {
  const [, name, password] = /^([^:]+):(.+)$/s.exec(line) ?? [];
  if (name !== undefined && password !== undefined) return [name, password];
  throw new UsageError(`${what} takes NAME:PASSWORD.`);
}

/** @param {string} path @param {string} flag @returns {Promise<[line: string, number: number][]>} that are not empty */
async function linesOf(path, flag) {
  const text = (await readInputFile(path, `The file of ${flag}`)).toString('utf8');
  const lines = text
    .split(/\r?\n/)
    .map((line, i) => /** @type {[string, number]} */ ([line, i + 1]));
  const kept = lines.filter(([line]) => line !== '' && !line.startsWith('#'));
  if (kept.length === 0) throw new UsageError(`The file of ${flag} is empty.`);
  return kept;
}

/** @param {Values} values @param {Record<string, string | undefined>} env not looked at where there is a file */
async function readUsers(values, env) {
  const file = textOf(values, 'users-file');
  const users = [
    ...(textsOf(values, 'user') ?? []).map((text) => userOf(text, '--user')),
    ...(file === undefined ? [] : await linesOf(file, '--users-file')).map(([line, number]) =>
      userOf(line, `Line ${number} of the file of --users-file`),
    ),
  ];
  const { POSTERN_USERNAME: name, POSTERN_PASSWORD: password } = env;
  if (users.length === 0 && name && password) return { [name]: password };
  return users.length === 0 ? undefined : Object.fromEntries(users);
}

/** @param {Values} values @param {Record<string, string | undefined>} env as above */
async function readSecrets(values, env) {
  const file = textOf(values, 'secret-file');
  if (file !== undefined) return (await linesOf(file, '--secret-file')).map(([line]) => line);
  return env.POSTERN_SECRET || undefined;
}

/** @param {Values} values */
async function readTls(values) {
  const [cert, key] = [textOf(values, 'cert'), textOf(values, 'key')];
  if (cert === undefined && key === undefined) return undefined;
  if (cert === undefined || key === undefined)
    throw new UsageError('--cert and --key go together.');
  return {
    cert: await readInputFile(cert, 'The file of --cert'),
    key: await readInputFile(key, 'The file of --key'),
  };
}

/** @param {Values} values */
function readPorts(values) {
  const text = textOf(values, 'ports');
  if (text === undefined) return undefined;
  const [, first, last] = /^(\d+)-(\d+)$/.exec(text) ?? [];
  if (first === undefined) throw new UsageError('--ports takes two ports, such as 49152-65535.');
  return /** @type {[number, number]} */ ([Number(first), Number(last)]);
}

/** @param {Values} values */
function readExternal(values) {
  const pairs = textsOf(values, 'external')?.map((text) => {
    const [own, outside, ...more] = text.split('=');
    if (own && outside && more.length === 0) return /** @type {const} */ ([own, outside]);
    throw new UsageError('--external takes OWN=PUBLIC, such as 10.0.0.5=203.0.113.5.');
  });
  return pairs && Object.fromEntries(pairs);
}

/** @param {Values} values @param {'metrics' | 'page'} name @returns {{ port: number, address?: string } | undefined} */
function readPlace(values, name) {
  const text = textOf(values, name);
  if (text === undefined) return undefined;
  const [, literal, plain, digits] =
    /^(?:(?:\[([\d:a-f.]+)\]|([^[\]:]+)):)?(\d+)$/i.exec(text) ?? [];
  const port = Number(digits);
  if (digits === undefined || port > 0xffff) {
    throw new UsageError(`--${name} takes PORT, ADDRESS:PORT or [ADDRESS]:PORT.`);
  }
  const address = literal ?? plain;
  return { port, ...(address === undefined ? {} : { address }) };
}

/** @param {Values} values @returns {AdminOptions | undefined} */
function readMetrics(values) {
  const place = readPlace(values, 'metrics');
  // Who names another address means it.
  return place?.address === undefined ? place : { ...place, exposed: true };
}

/** Those of `values` that are there. @template {object} T @param {T} values @returns {Partial<T>} */
const given = (values) =>
  /** @type {Partial<T>} */ (
    Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined))
  );

/** @param {Values} values @param {Record<string, string | undefined>} env as above @returns {Promise<Flags>} */
async function readFlags(values, env) {
  return given({
    listen: textsOf(values, 'listen'),
    credentials: await readUsers(values, env),
    secret: await readSecrets(values, env),
    realm: textOf(values, 'realm'),
    tls: await readTls(values),
    metrics: readMetrics(values),
    page: readPlace(values, 'page'),
    relay:
      values['stun-only'] === true
        ? false
        : given({
            addresses: textsOf(values, 'relay-address'),
            external: readExternal(values),
            ports: readPorts(values),
          }),
    policy: given({ allow: textsOf(values, 'allow'), deny: textsOf(values, 'deny') }),
  });
}

/** @param {any} listen as createServer() takes it */
const isOnLoopback = (listen) =>
  [listen]
    .flat()
    .every((one, i) => LOOPBACK.test(parseListen(one, `options.listen[${i}]`).address));

/**
 * What is made for this run: the password of the user of a server for development, and the secret of what pages get.
 *
 * @typedef {{ password: string, secret: string }} Made
 */

/**
 * @param {Values} values
 * @param {Record<string, string | undefined>} env
 * @param {Made} made the same each time
 * @returns {Promise<Plan>}
 * @throws {UsageError}
 */
export async function planServe(values, env, made) {
  const path = textOf(values, 'config');
  const file = path === undefined ? {} : await readConfig(path, env);
  const flags = await readFlags(values, path === undefined ? env : {});
  const explain = explainer(path, flags);
  try {
    return put(file, flags, { isFile: path !== undefined, made, explain });
  } catch (error) {
    throw explain(error);
  }
}

/**
 * @param {Record<string, any>} file
 * @param {Flags} flags
 * @param {{ isFile: boolean, made: Made, explain: Plan['explain'] }} world
 * @returns {Plan}
 */
function put(file, flags, { isFile, made, explain }) {
  const { gateway, metrics: fileMetrics, page: filePage, ...fromFile } = file;
  const { metrics = fileMetrics, page: flagPage, relay, policy, ...others } = flags;
  const page = flagPage || filePage ? { ...filePage, ...flagPage } : undefined;
  /** @type {Record<string, any>} */
  const server = { ...fromFile, ...others };
  if (relay === false) server.relay = false;
  else if (fromFile.relay !== false) server.relay = { ...fromFile.relay, ...relay };
  server.policy = { ...fromFile.policy, ...policy };
  const isGatewayAlone =
    gateway !== undefined && Array.isArray(server.listen) && server.listen.length === 0;
  if (isGatewayAlone) {
    if (page !== undefined)
      throw new UsageError('A page needs a server: name a place to listen at.');
    return { server: undefined, gateway, metrics, page, made: undefined, explain };
  }
  const user = isFile ? undefined : forDevelopment(server, made.password, page !== undefined);
  if (!isFile) checkCertificate(server);
  checkStrings(server);
  if (page !== undefined) forPage(server, page, isFile, made.secret);
  // Before anything is opened, and before anything that runs is changed.
  checkServerOptions(server);
  return { server, gateway, metrics, page, made: user, explain };
}

/**
 * Pages get credentials of the server's secret, and of one that is made where it has none.
 *
 * @param {Record<string, any>} server
 * @param {PageOptions} page
 * @param {boolean} isFile
 * @param {string} secret
 */
function forPage(server, page, isFile, secret) {
  const { address = '127.0.0.1' } = page;
  checkPage(page);
  if (!isFile && LOOPBACK.test(address)) page.isLocal = true;
  if (server.relay !== false && server.authentication !== false) server.secret ??= secret;
}

/**
 * Without users, a server on loopback gets one.
 *
 * @param {Record<string, any>} server
 * @param {string} password
 * @param {boolean} isForPage
 */
function forDevelopment(server, password, isForPage) {
  const { credentials, secret, relay } = server;
  if (credentials !== undefined || secret !== undefined || relay === false) return undefined;
  if (server.listen === undefined) {
    server.listen = loopbackListen(DEVELOPMENT_PORT, isForPage);
    server.relay = { addresses: ['127.0.0.1'], ...relay };
  }
  if (!isOnLoopback(server.listen)) {
    throw new UsageError(
      'Who may use it? Name --user, --users-file, --secret-file or POSTERN_SECRET; or --stun-only, to relay for nobody.',
    );
  }
  server.credentials = { [DEVELOPER]: password };
  server.policy = { allow: LOOPBACK_PEERS, ...server.policy };
  return { username: DEVELOPER, password };
}

/** @param {Record<string, any>} server */
function checkCertificate({ listen = [], tls }) {
  const needing = listen.find((/** @type {string} */ url) => /^(tls|wss):/.test(url));
  if (needing !== undefined && tls === undefined) {
    throw new UsageError(`--listen ${printable(needing)} needs --cert and --key.`);
  }
}

/**
 * What only the preparation of strings finds, by the option that it is in.
 *
 * @param {Record<string, any>} server
 */
function checkStrings({ credentials = {}, realm }) {
  for (const [username, password] of Object.entries(credentials)) {
    const argument = `options.credentials['${printable(username)}']`;
    checkString(username, 'username', argument);
    checkString(password, 'password', argument);
  }
  if (realm !== undefined) checkString(realm, 'realm', 'options.realm');
}

/** @param {unknown} text @param {'username' | 'password' | 'realm'} name @param {string} argument */
function checkString(text, name, argument) {
  // Others are refused with the options.
  if (typeof text !== 'string') return;
  try {
    prepareCredential(text, name);
  } catch (error) {
    const { message, code } = /** @type {import('../errors.js').PosternError} */ (error);
    throw wrong(argument, `${argument}: ${message} (${code})`);
  }
}

/** @param {string} argument @param {string} message */
const wrong = (argument, message) =>
  Object.assign(new TypeError(message), { code: 'ERR_INVALID_ARGUMENT', argument });
