// Builds bench/pion against Debian's Go library of Pion.

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

const BENCH = import.meta.dirname;
const PROGRAM = join(BENCH, '..', 'build', 'bench', 'pion');
const GO_LIBRARIES = '/usr/share/gocode'; // where Debian's golang-*-dev packages put their sources
const PION = join(GO_LIBRARIES, 'src', 'github.com', 'pion', 'stun');
const DEBIAN_PACKAGE = 'golang-github-pion-stun-dev';

/**
 * @param {(sentence: string) => void} say
 * @returns {{ command: string, args: string[] } | { reason: string }}
 */
export function buildPion(say) {
  if (spawnSync('go', ['version']).status !== 0) return { reason: 'Go is not installed' };
  if (!existsSync(PION)) return { reason: `Debian's ${DEBIAN_PACKAGE} is not installed` };

  say('building bench/pion');
  const build = spawnSync('go', ['build', '-o', PROGRAM, join(BENCH, 'pion', 'main.go')], {
    // Without modules nothing is fetched, and the library is the one that Debian installed.
    env: { ...process.env, GO111MODULE: 'off', GOPATH: GO_LIBRARIES, GOFLAGS: '' },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (build.status !== 0) return { reason: 'go build failed' };

  // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg-query's own syntax
  const version = spawnSync('dpkg-query', ['-W', '-f', '${Version}', DEBIAN_PACKAGE], {
    encoding: 'utf8',
  });
  return { command: PROGRAM, args: [version.status === 0 ? version.stdout : 'unknown'] };
}
