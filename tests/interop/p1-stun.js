// ProcessOne's p1_stun, the server in ejabberd and eturnal, on loopback.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { escript, p1StunVersion } from '../../scripts/lib/p1-stun.js';
import { startLocalServer } from '../support/local-server.js';
import { describeWith } from './describe-with.js';

const SCRIPT = fileURLToPath(new URL('p1-stun.escript', import.meta.url));

const version = p1StunVersion();

/** describe() where p1_stun is installed; elsewhere the tests are skipped, and it is said why. */
export const describeWithP1Stun = describeWith(
  version ? `p1_stun ${version}` : 'p1_stun',
  version ? undefined : 'p1_stun is not installed (Debian: apt-get install erlang-p1-stun)',
);

/** @typedef {import('../support/local-server.js').LocalServer} P1Stun */

/**
 * Starts p1_stun, and waits until it answers. It relays over UDP only, and lets its clients send to any peer.
 *
 * @param {object} [options]
 * @param {readonly string[]} [options.hosts] addresses to listen on; default 127.0.0.1 and ::1
 * @param {string} [options.relay4] default 127.0.0.1
 * @param {string} [options.relay6] none when left out: then a relay of that family gets 440
 * @param {{ certificate: string, key: string }} [options.tls] files; TLS is off when left out
 * @param {string} [options.realm] default example.org
 * @param {Record<string, string>} [options.users] passwords by name
 * @returns {Promise<P1Stun>}
 */
export function startP1Stun({
  hosts = ['127.0.0.1', '::1'],
  relay4 = '127.0.0.1',
  relay6,
  tls,
  realm = 'example.org',
  users = {},
} = {}) {
  return startLocalServer({
    name: 'p1_stun',
    command: escript,
    hosts,
    transports: tls ? ['udp', 'tcp', 'tls'] : ['udp', 'tcp'],
    args({ port, tlsPort }, folder) {
      const certificate = join(folder, 'key-and-certificate.pem');
      if (tls)
        writeFileSync(certificate, `${readFileSync(tls.key)}\n${readFileSync(tls.certificate)}`);
      return [
        SCRIPT,
        ...hosts.map((host) => `host=${host}`),
        ...[`port=${port}`, `tls-port=${tlsPort}`, `realm=${realm}`, `relay4=${relay4}`],
        ...(relay6 === undefined ? [] : [`relay6=${relay6}`]),
        ...(tls ? [`certificate=${certificate}`] : []),
        ...Object.entries(users).map(([name, password]) => `user=${name}:${password}`),
      ];
    },
  });
}
