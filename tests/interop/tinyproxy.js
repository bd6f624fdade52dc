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
 * @param {object} [options]
 * @param {[string, string]} [options.login] user name and password that it asks for
 * @param {number[]} [options.connectPorts] the only ports that it connects to; all when left out
 * @returns {Promise<import('../support/local-server.js').LocalServer>}
 */
export function startTinyproxy({ login, connectPorts = [] } = {}) {
  return startLocalServer({
    name: 'tinyproxy',
    command: 'tinyproxy',
    hosts: ['127.0.0.1'],
    transports: ['tcp'],
    args: ({ port }, folder) => {
      const lines = [
        `Port ${port}`,
        'Listen 127.0.0.1',
        'Timeout 60',
        'MaxClients 10',
        'Allow 127.0.0.1',
        ...(login ? [`BasicAuth ${login.join(' ')}`] : []),
        ...connectPorts.map((allowed) => `ConnectPort ${allowed}`),
      ];
      const file = join(folder, 'tinyproxy.conf');
      writeFileSync(file, `${lines.join('\n')}\n`);
      return ['-d', '-c', file];
    },
  });
}
