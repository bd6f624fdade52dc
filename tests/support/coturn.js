// A real coturn on loopback, for tests and benches.
import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { startLocalServer } from './local-server.js';

const { stdout: version, error } = spawnSync('turnserver', ['--version'], { encoding: 'utf8' });

/** Its version, or undefined where it is not installed. */
export const coturnVersion = error ? undefined : version.trim();

/** @typedef {import('./local-server.js').LocalServer} Coturn */

/**
 * @typedef {object} CoturnOptions
 * @property {readonly string[]} [hosts] addresses to listen on; default 127.0.0.1 and ::1. With several it
 *   opens the next port too, for the tests of RFC 5780
 * @property {readonly string[]} [relays] addresses to relay from; default the hosts
 * @property {readonly ('udp' | 'tcp')[]} [transports] what it must answer on to count as started; default both
 * @property {{ certificate: string, key: string }} [tls] files; TLS is off when left out
 * @property {import('./local-server.js').Ports} [ports] from reservePorts(), where they must be known before
 * @property {string} [realm] default example.org
 * @property {Record<string, string>} [users] passwords by name. Without users, a secret or oauth it is an open
 *   relay
 * @property {string} [secret] for short-lived credentials: user name `${expirySeconds}:${anything}`, password the
 *   base64 of HMAC-SHA1(secret, user name)
 * @property {{ serverName: string, keys: readonly OauthKey[] }} [oauth] RFC 7635; the server name is what
 *   THIRD-PARTY-AUTHORIZATION says
 * @property {boolean} [loopbackPeers] default true: the peers of tests are on loopback. False: they get 403
 * @property {readonly string[]} [deniedPeers] addresses or ranges A-B; they get 403
 * @property {boolean} [mobility] RFC 8016
 * @property {boolean} [tcpRelay] default true; false: 442 for RFC 6062
 * @property {boolean} [udpRelay] default true; false: 442
 * @property {number} [relayPortCount] relay only from so many ports, at most eight; when they are used up: 508
 * @property {number} [staleNonceSeconds] after which a nonce gets 438; default never
 * @property {number} [userQuota] allocations of one user, beyond which they get 486
 * @property {number} [totalQuota] the same for all users
 * @property {number} [maxAllocateLifetimeSeconds]
 * @property {number} [permissionLifetimeSeconds]
 * @property {number} [channelLifetimeSeconds]
 * @property {readonly string[]} [alternateServers] address:port that Allocate over UDP and TCP is sent on to (300)
 * @property {readonly string[]} [tlsAlternateServers] the same for TLS
 * @property {readonly string[]} [args] more arguments
 */

/**
 * @typedef {object} OauthKey
 * @property {string} kid
 * @property {Uint8Array} key shared between it and the authorization server: 32 bytes for A256GCM
 * @property {'A128GCM' | 'A256GCM'} algorithm
 */

/** @param {string} flag @param {string | number | undefined} value */
const valued = (flag, value) => (value === undefined ? [] : [`--${flag}=${value}`]);

/** @param {string} flag @param {boolean} isSet */
const plain = (flag, isSet) => (isSet ? [`--${flag}`] : []);

/** @param {string} flag @param {readonly string[]} [values] */
const repeated = (flag, values = []) => values.flatMap((value) => valued(flag, value));

/** @param {CoturnOptions} options @param {import('./local-server.js').Ports} ports */
function relayArguments(options, { relayPorts }) {
  const { relayPortCount: count } = options;
  if (count !== undefined && !(count >= 1 && count <= relayPorts.length)) {
    throw new RangeError(`relayPortCount must be 1 to ${relayPorts.length}`);
  }
  return [
    ...plain('allow-loopback-peers', options.loopbackPeers ?? true),
    ...repeated('denied-peer-ip', options.deniedPeers),
    ...plain('mobility', options.mobility ?? false),
    ...plain('no-tcp-relay', options.tcpRelay === false),
    ...plain('no-udp-relay', options.udpRelay === false),
    ...(count === undefined
      ? []
      : [`--min-port=${relayPorts[0]}`, `--max-port=${relayPorts[count - 1]}`]),
    ...valued('stale-nonce', options.staleNonceSeconds),
    ...valued('user-quota', options.userQuota),
    ...valued('total-quota', options.totalQuota),
    ...valued('max-allocate-lifetime', options.maxAllocateLifetimeSeconds),
    ...valued('permission-lifetime', options.permissionLifetimeSeconds),
    ...valued('channel-lifetime', options.channelLifetimeSeconds),
    ...repeated('alternate-server', options.alternateServers),
    ...repeated('tls-alternate-server', options.tlsAlternateServers),
  ];
}

/** @param {CoturnOptions} options */
function credentialArguments({ users = {}, secret, oauth }) {
  const names = Object.keys(users);
  return [
    ...plain('lt-cred-mech', names.length > 0 || oauth !== undefined),
    ...names.flatMap((name) => ['-u', `${name}:${users[name]}`]),
    ...(secret === undefined ? [] : ['--use-auth-secret', `--static-auth-secret=${secret}`]),
    ...(oauth ? ['--oauth', `--server-name=${oauth.serverName}`] : []),
  ];
}

/** coturn's own table; it makes what else is missing. */
const OAUTH_TABLE = `CREATE TABLE oauth_key (kid varchar(128), ikm_key varchar(256), timestamp bigint default 0,
  lifetime integer default 0, as_rs_alg varchar(64) default '', realm varchar(127), primary key (kid));`;

/** @param {string} database @param {readonly OauthKey[]} keys @param {string} realm */
function writeOauthKeys(database, keys, realm) {
  const text = (/** @type {string} */ value) => `'${value.replaceAll("'", "''")}'`;
  const rows = keys.map(({ kid, key, algorithm }) =>
    [kid, Buffer.from(key).toString('base64'), algorithm, realm].map(text).join(', '),
  );
  const inserts = rows.map(
    (row) => `INSERT INTO oauth_key (kid, ikm_key, as_rs_alg, realm) VALUES (${row});`,
  );
  execFileSync('sqlite3', [database, [OAUTH_TABLE, ...inserts].join('\n')]); // coturn depends on sqlite3
}

/**
 * Starts coturn, and waits until it answers. Several may run at once.
 *
 * @param {CoturnOptions} [options]
 * @returns {Promise<Coturn>}
 */
export function startCoturn(options = {}) {
  const { hosts = ['127.0.0.1', '::1'], relays = hosts, realm = 'example.org', tls } = options;
  return startLocalServer({
    name: 'coturn',
    command: 'turnserver',
    hosts,
    transports: [
      ...(options.transports ?? /** @type {const} */ (['udp', 'tcp'])),
      ...(tls ? [/** @type {const} */ ('tls')] : []),
    ],
    ports: options.ports,
    args(ports, folder) {
      const database = join(folder, 'turndb');
      if (options.oauth) writeOauthKeys(database, options.oauth.keys, realm);
      return [
        '-n', // no configuration file of the system
        '--no-cli',
        ...hosts.flatMap((host) => ['-L', host]),
        ...relays.flatMap((relay) => ['-E', relay]),
        ...['-p', String(ports.port), '-r', realm],
        ...['-l', 'stdout', '--simple-log'],
        ...['--pidfile', join(folder, 'turn.pid'), '--db', database],
        ...(tls
          ? [`--tls-listening-port=${ports.tlsPort}`, '--cert', tls.certificate, '--pkey', tls.key]
          : ['--no-tls']),
        '--no-dtls',
        ...credentialArguments(options),
        ...relayArguments(options, ports),
        ...(options.args ?? []),
      ];
    },
  });
}
