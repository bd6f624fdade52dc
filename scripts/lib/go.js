// Builds our Go programs against the libraries that Debian packages as sources.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { findProgram } from './process.js';

const GO_LIBRARIES = '/usr/share/gocode'; // where Debian's golang-*-dev packages put them

/**
 * @typedef {object} GoLibrary
 * @property {string} importPath
 * @property {string} debianPackage
 */

/** @type {GoLibrary} */
export const pionStun = {
  importPath: 'github.com/pion/stun',
  debianPackage: 'golang-github-pion-stun-dev',
};

/** @type {GoLibrary} */
export const pionTurn = {
  importPath: 'github.com/pion/turn/v2',
  debianPackage: 'golang-github-pion-turn.v2-dev',
};

/** @param {GoLibrary} library */
export const goLibraryDirectory = ({ importPath }) => join(GO_LIBRARIES, 'src', importPath);

/**
 * Why a program that uses the library can't be built here, as a clause, or undefined if it can.
 *
 * @param {GoLibrary} library
 */
export function goMissing(library) {
  if (!findProgram('go')) return 'Go is not installed (Debian: apt-get install golang-go)';
  if (!existsSync(goLibraryDirectory(library)))
    return `Debian's ${library.debianPackage} is not installed`;
  return undefined;
}

/**
 * Builds one file of Go, unless the program is newer than it and than the library.
 *
 * @param {object} what
 * @param {string} what.source
 * @param {string} what.program where to put it
 * @param {GoLibrary} what.library
 * @returns {string | undefined} why it is not there, as a clause, or undefined when it is
 */
export function buildGo({ source, program, library }) {
  const missing = goMissing(library);
  if (missing) return missing;
  // The time of the change of its inode: packages bring files that are older than their installation.
  const inputs = [source, goLibraryDirectory(library)].map((path) => statSync(path).ctimeMs);
  if (existsSync(program) && statSync(program).mtimeMs > Math.max(...inputs)) return undefined;

  mkdirSync(dirname(program), { recursive: true });
  const draft = `${program}.${process.pid}`; // others may be building, or running, the same
  const { status } = spawnSync('go', ['build', '-o', draft, source], {
    // Without modules nothing is fetched, and the library is the one that Debian installed.
    env: { ...process.env, GO111MODULE: 'off', GOPATH: GO_LIBRARIES, GOFLAGS: '' },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (status !== 0) {
    rmSync(draft, { force: true });
    return `go build of ${source} failed`;
  }
  renameSync(draft, program);
  return undefined;
}

/**
 * The version of Debian's package of a library.
 *
 * @param {GoLibrary} library
 */
export function goLibraryVersion({ debianPackage }) {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg-query's own syntax
  const args = ['-W', '-f', '${Version}', debianPackage];
  const { status, stdout } = spawnSync('dpkg-query', args, { encoding: 'utf8' });
  return status === 0 ? stdout : 'unknown';
}
