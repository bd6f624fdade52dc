// A real tinyproxy on loopback: an HTTP proxy that others wrote.
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startLocalServer } from '../support/local-server.js';
import { describeWith } from './describe-with.js';

const { stdout, error } = spawnSync('tinyproxy', ['-v'], { encoding: 'utf8' });

/** describe() where tinyproxy is installed; elsewhere the tests are skipped, and it is said why. */
export const describeWithTinyproxy = describeWith(
  error ? 'tinyproxy' : stdout.trim(),
  error ? 'tinyproxy is not installed (Debian: apt-get install tinyproxy-bin)' : undefined,
);

/**
 * @typedef {object} ProxyOptions
 * @property {[string, string]} [login] user name and password that it asks for
 * @property {number[]} [connectPorts] the only ports that it connects to; all when left out
 */

/**
 * Writes its configuration.
 *
 * @param {string} folder
 * @param {ProxyOptions & { port: number, address: string, client: string }} options `client`: the address that it serves
 * @returns {string[]} its arguments
 */
export function tinyproxyArguments(folder, { port, address, client, login, connectPorts = [] }) {
  const lines = [
    `Port ${port}`,
    `Listen ${address}`,
    'Timeout 60',
    'MaxClients 50',
    `Allow ${client}`,
    ...(login ? [`BasicAuth ${login.join(' ')}`] : []),
    ...connectPorts.map((allowed) => `ConnectPort ${allowed}`),
  ];
  const file = join(folder, 'tinyproxy.conf');
  writeFileSync(file, `${lines.join('\n')}\n`);
  return ['-d', '-c', file];
}

/** @param {ProxyOptions} [options] @returns {Promise<import('../support/local-server.js').LocalServer>} */
export function startTinyproxy(options = {}) {
  const address = '127.0.0.1';
  return startLocalServer({
    name: 'tinyproxy',
    command: 'tinyproxy',
    hosts: [address],
    transports: ['tcp'],
    args: ({ port }, folder) =>
      tinyproxyArguments(folder, { port, address, client: address, ...options }),
  });
}
