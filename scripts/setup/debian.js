// Programs and headers that the machine itself has to provide, and the Debian packages they are in.

import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { goLibraryDirectory, pionStun, pionTurn } from '../lib/go.js';
import { withLock } from '../lib/lock.js';
import { p1StunVersion } from '../lib/p1-stun.js';
import { findProgram, run } from '../lib/process.js';
import { SetupError, say, step } from '../lib/steps.js';

/**
 * @typedef {object} Need
 * @property {string} what for the sentence about what is missing
 * @property {() => boolean | Promise<boolean>} isThere
 * @property {() => string[] | Promise<string[]>} packages
 * @property {() => Promise<void>} [afterInstall]
 */

/** @type {(name: string, debianPackage?: string) => Need} */
const program = (name, debianPackage = name) => ({
  what: name,
  isThere: () => findProgram(name) !== undefined,
  packages: () => [debianPackage],
});

/** @type {(path: string, debianPackage: string) => Need} */
const file = (path, debianPackage) => ({
  what: path,
  isThere: () => existsSync(path),
  packages: () => [debianPackage],
});

const cmake = program('cmake');
const ninja = program('ninja', 'ninja-build');

/** @type {Need} */
const coturn = {
  what: 'turnserver (coturn)',
  isThere: () => findProgram('turnserver') !== undefined,
  packages: () => ['coturn'],
  // The package starts a server with its own configuration; the tests start theirs.
  async afterInstall() {
    if (existsSync('/run/systemd/system'))
      await asRoot('systemctl', ['disable', '--now', 'coturn']);
    else if (existsSync('/etc/init.d/coturn')) await asRoot('/etc/init.d/coturn', ['stop']);
  },
};

/** @type {Need} */
const p1Stun = {
  what: 'p1_stun (ProcessOne)',
  isThere: () => p1StunVersion() !== undefined,
  packages: () => ['erlang-p1-stun'], // which brings Erlang
};

/** @type {Need} */
const sanitizerRuntime = {
  what: "Clang's libFuzzer and sanitizer runtime",
  async isThere() {
    if (!findProgram('clang++')) return false;
    const { output } = await run('clang++', ['-print-resource-dir']);
    const directory = join(output.trim(), 'lib');
    return (
      existsSync(directory) &&
      readdirSync(directory, { recursive: true }).some((name) =>
        /libclang_rt\.fuzzer[-.]/.test(String(name)),
      )
    );
  },
  // Named after the version of Clang; older releases have it inside libclang-common-VERSION-dev.
  async packages() {
    if (!findProgram('clang++')) return []; // next round
    const { output } = await run('clang++', ['-dumpversion']);
    const version = output.trim().split('.')[0];
    const candidates = [`libclang-rt-${version}-dev`, `libclang-common-${version}-dev`];
    for (const name of candidates) if (await isInArchive(name)) return [name];
    return candidates.slice(0, 1);
  },
};

/** What a part of the project needs, by name. Later ones may build on earlier ones. */
const groups = {
  /** @type {Need[]} */
  wasm: [cmake, ninja],
  native: [
    cmake,
    ninja,
    program('g++'),
    file('/usr/include/gtest/gtest.h', 'libgtest-dev'),
    file('/usr/include/gmock/gmock.h', 'libgmock-dev'),
    file('/usr/include/nlohmann/json.hpp', 'nlohmann-json3-dev'),
  ],
  check: [program('clang-format'), program('clang-tidy'), program('g++')], // g++ for its headers
  fuzz: [cmake, ninja, program('clang++', 'clang'), sanitizerRuntime],
  unicode: [file('/usr/share/unicode/UnicodeData.txt', 'unicode-data')],
  servers: [coturn, program('openssl'), program('sqlite3'), program('tinyproxy', 'tinyproxy-bin')],
  browsers: [program('chromium'), program('firefox', 'firefox-esr')],
  // Of the laboratory of NATs, in network namespaces.
  natLab: [program('ip', 'iproute2'), program('nft', 'nftables'), program('conntrack')],
  // Servers that only some systems have packages of; each is a group, so that coturn does not wait for them.
  pion: [
    program('go', 'golang-go'),
    ...[pionStun, pionTurn].map((library) =>
      file(goLibraryDirectory(library), library.debianPackage),
    ),
  ],
  p1Stun: [p1Stun],
};

/** @typedef {keyof typeof groups} Group */

/**
 * Installs what is missing of these groups.
 * @param {Group[]} names
 */
export async function installDebianPackages(names) {
  const needs = [...new Set(names.flatMap((name) => groups[name]))];
  if ((await missing(needs)).length === 0) return;
  await withLock('debian-packages', 'installs Debian packages', async () => {
    // Twice, because what one need is called can depend on what was installed for another.
    for (let round = 0; round < 2; round++) {
      const absent = await missing(needs);
      if (absent.length === 0) return;
      const packages = [
        ...new Set((await Promise.all(absent.map((need) => need.packages()))).flat()),
      ];
      await step(`Debian packages: ${packages.join(' ')}`, () => install(packages, absent));
      for (const need of absent) await need.afterInstall?.();
    }
    const absent = await missing(needs);
    if (absent.length > 0) throw new SetupError(`Still missing after installing: ${list(absent)}.`);
  });
}

/**
 * For what postern can do without: says what is missing and goes on.
 * @param {Group} name
 * @param {string} consequence what is left out without it
 * @returns {Promise<boolean>} whether it is there
 */
export async function installOptionalDebianPackages(name, consequence) {
  try {
    await installDebianPackages([name]);
    return true;
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    say(`  ${error.message.split('\n').at(-1)}\n  Going on without: ${consequence}`);
    return false;
  }
}

/** @param {Need[]} needs */
async function missing(needs) {
  const there = await Promise.all(needs.map((need) => need.isThere()));
  return needs.filter((_, i) => !there[i]);
}

/** @param {Need[]} needs */
const list = (needs) => needs.map((need) => need.what).join(', ');

/**
 * @param {string[]} packages
 * @param {Need[]} absent
 */
async function install(packages, absent) {
  if (!findProgram('apt-get')) {
    throw new SetupError(
      `Missing: ${list(absent)}. On Debian and Ubuntu this command would install them; here, please do it ` +
        `with your system's own package manager and try again.`,
    );
  }
  const byHand = `sudo apt-get update && sudo apt-get install ${packages.join(' ')}`;
  if (!(await canBeRoot())) {
    throw new SetupError(`Missing: ${list(absent)}. Installing needs root. Please run: ${byHand}`);
  }
  const options = ['-y', '--no-install-recommends', '-o', 'DPkg::Lock::Timeout=600'];
  const args = ['install', ...options, ...packages];
  if ((await asRoot('apt-get', args)).status === 0) return;
  // Not found, or no longer there: the lists of packages are missing or old.
  const update = await asRoot('apt-get', ['update']);
  const { status, output } = await asRoot('apt-get', args);
  if (status === 0) return;
  throw new SetupError(
    `${update.output}\n${output}\nMissing: ${list(absent)}, and installing failed. Try: ${byHand}`,
  );
}

/** @param {string} name */
async function isInArchive(name) {
  const { output } = await run('apt-cache', ['policy', name]);
  return /Candidate: (?!\(none\))/.test(output);
}

const isRoot = () => process.getuid?.() === 0;

const canBeRoot = async () =>
  isRoot() ||
  (findProgram('sudo') !== undefined && (await run('sudo', ['-n', 'true'])).status === 0);

/**
 * @param {string} command
 * @param {string[]} args
 */
function asRoot(command, args) {
  const plain = ['DEBIAN_FRONTEND=noninteractive', 'LC_ALL=C', command, ...args];
  return isRoot() ? run('env', plain) : run('sudo', ['-n', 'env', ...plain]);
}
