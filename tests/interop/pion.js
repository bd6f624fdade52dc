// A TURN server made of Pion's Go library, on loopback.
import { fileURLToPath } from 'node:url';
import { buildGo, goLibraryVersion, goMissing, pionTurn } from '../../scripts/lib/go.js';
import { startLocalServer } from '../support/local-server.js';
import { describeWith } from './describe-with.js';

const SOURCE = fileURLToPath(new URL('pion-server/main.go', import.meta.url));
const PROGRAM = fileURLToPath(new URL('../../build/interop/pion-server', import.meta.url));

const missing = goMissing(pionTurn);

/** describe() where Go and Pion's library are installed; elsewhere the tests are skipped, and it is said why. */
export const describeWithPion = describeWith(
  missing ? 'pion' : `pion ${goLibraryVersion(pionTurn)}`,
  missing,
);

/** @typedef {import('../support/local-server.js').LocalServer} Pion */

/**
 * Builds the server where that is needed, starts it, and waits until it answers. It relays from 127.0.0.1 only,
 * over UDP only, and lets its clients send to any peer.
 *
 * @param {object} [options]
 * @param {readonly string[]} [options.hosts] addresses to listen on; default 127.0.0.1 and ::1
 * @param {{ certificate: string, key: string }} [options.tls] files; TLS is off when left out
 * @param {string} [options.realm] default example.org
 * @param {Record<string, string>} [options.users] passwords by name
 * @param {string} [options.secret] for short-lived credentials instead of users: the user name is the bare time of
 *   expiry in seconds, the password the base64 of HMAC-SHA1(secret, user name)
 * @param {number} [options.channelLifetimeSeconds]
 * @returns {Promise<Pion>}
 */
export async function startPion({
  hosts = ['127.0.0.1', '::1'],
  tls,
  realm = 'example.org',
  users = {},
  secret,
  channelLifetimeSeconds,
} = {}) {
  const problem = buildGo({ source: SOURCE, program: PROGRAM, library: pionTurn });
  if (problem) throw new Error(problem);
  return startLocalServer({
    name: 'pion',
    command: PROGRAM,
    hosts,
    transports: tls ? ['udp', 'tcp', 'tls'] : ['udp', 'tcp'],
    args: ({ port, tlsPort }) => [
      ...hosts.map((host) => `-host=${host}`),
      ...[`-port=${port}`, `-tls-port=${tlsPort}`, `-realm=${realm}`],
      ...(tls ? [`-cert=${tls.certificate}`, `-key=${tls.key}`] : []),
      ...Object.entries(users).map(([name, password]) => `-user=${name}:${password}`),
      ...(secret === undefined ? [] : [`-secret=${secret}`]),
      ...(channelLifetimeSeconds ? [`-channel-lifetime=${channelLifetimeSeconds}s`] : []),
    ],
  });
}
