// The keys of the file of `postern serve --config`: those of ServerOptions and GatewayOptions that JSON can say, and
// what is read from elsewhere.

/**
 * - plain: a value, or an array of values; the server judges it
 * - secret: text of one line, or where to find it
 * - pem: text, or where to find it
 * - bytes: as base64, or where to find that
 * - keys: an object of these keys; a value that is no object is plain
 * - names: an object whose keys are names of the user's
 * - items: an array, or one of it
 *
 * @typedef {{ kind: 'plain' | 'secret' | 'pem' | 'bytes' } | { kind: 'keys', rows: Readonly<Record<string, Shape>> }
 *   | { kind: 'names' | 'items', of: Shape }} Shape
 */

/** @type {Shape} */ export const plain = { kind: 'plain' };
/** @type {Shape} */ export const secret = { kind: 'secret' };
/** @type {Shape} */ const pem = { kind: 'pem' };
/** @type {Shape} */ const bytes = { kind: 'bytes' };
/** @param {Readonly<Record<string, Shape>>} rows @returns {Shape} */
export const keys = (rows) => ({ kind: 'keys', rows });
/** @param {...string} names @returns {Shape} */
const values = (...names) => keys(Object.fromEntries(names.map((name) => [name, plain])));
/** @param {Shape} of @returns {Shape} */
export const names = (of) => ({ kind: 'names', of });
/** @param {Shape} of @returns {Shape} */
export const items = (of) => ({ kind: 'items', of });

const tls = keys({
  cert: items(pem),
  key: items(pem),
  ca: items(pem),
  passphrase: secret,
  ciphers: plain,
  ecdhCurve: plain,
  minVersion: plain,
  maxVersion: plain,
});
const policy = values('allow', 'deny', 'nat64', 'only');
export const admin = values('port', 'address', 'exposed');

/** Of ServerOptions, besides `signal`. @type {Readonly<Record<string, Shape>>} */
export const SERVER_KEYS = {
  listen: items(values('protocol', 'address', 'port')),
  tls,
  origins: plain,
  relay: keys({ addresses: plain, external: names(plain), ports: plain, udp: plain, tcp: plain }),
  credentials: names(secret),
  secret: items(secret),
  tokens: keys({
    serverName: plain,
    keys: items(keys({ kid: plain, key: bytes, expiresAt: plain })),
  }),
  alternate: plain,
  alternateDomain: plain,
  authentication: plain,
  realm: plain,
  software: plain,
  policy,
  quota: values(
    'allocations',
    'allocationsPerUser',
    'allocationsPerHost',
    'permissions',
    'channels',
    'peerConnections',
    'connections',
    'connectionsPerHost',
    'unauthenticatedPerSecond',
    'unauthenticatedBurst',
  ),
  lifetime: values('default', 'max'),
  nonceLifetime: plain,
  mirror: keys({
    path: plain,
    addresses: plain,
    external: names(plain),
    ports: values('first', 'second', 'strange'),
    portMap: plain,
    origins: plain,
    trustProxy: plain,
    limits: names(plain),
  }),
  reflector: keys({
    path: plain,
    addresses: plain,
    external: names(plain),
    udp: plain,
    sip: plain,
    origins: plain,
    trustProxy: plain,
    limits: names(plain),
  }),
  mobility: plain,
  handshakeTimeoutMs: plain,
  idleTimeoutMs: plain,
};

/** Of GatewayOptions, besides `server`, `admin`, `log`, `resolver` and `signal`. @type {Readonly<Record<string, Shape>>} */
export const GATEWAY_KEYS = {
  port: plain,
  address: plain,
  tls,
  path: plain,
  upstreams: names(keys({ url: plain, allowPrivate: plain, tls, policy })),
  origins: plain,
  tickets: keys({ secret: items(secret) }),
  policy,
  limits: values(
    'connections',
    'connectionsPerIp',
    'connectionsPerUser',
    'connectsPerMinutePerIp',
    'messagesPerSecond',
    'bytesPerSecond',
    'messagesPerSecondPerIp',
    'bytesPerSecondPerIp',
    'messagesPerSecondPerUser',
    'bytesPerSecondPerUser',
    'bufferBytes',
    'requestMs',
    'connectMs',
    'firstMessageMs',
    'idleMs',
    'pingMs',
    'stuckMs',
    'sessionMs',
  ),
  trustProxy: plain,
  logAddresses: plain,
};

/** Of PageOptions. @type {Readonly<Record<string, Shape>>} */
export const PAGE_KEYS = {
  port: plain,
  address: plain,
  origins: plain,
  trustProxy: plain,
  mirror: SERVER_KEYS.mirror,
  reflector: SERVER_KEYS.reflector,
};

export const CONFIG = keys({
  ...SERVER_KEYS,
  metrics: admin,
  gateway: keys(GATEWAY_KEYS),
  page: keys(PAGE_KEYS),
});
