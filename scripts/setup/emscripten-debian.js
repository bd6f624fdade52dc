// Emscripten from Debian's packages, unpacked into a folder of the user's cache. The machine's own
// packages are not touched, no root is needed, and all clones share it.
//
// Releases of Debian and Ubuntu in use have an Emscripten that is too old, so it comes from a later
// Debian, together with the C library and the Python that it wants: every program in the folder is
// changed to run on those.

import { existsSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { withLock } from '../lib/lock.js';
import { cacheDirectory } from '../lib/paths.js';
import { findProgram, mustRun, run } from '../lib/process.js';
import { SetupError, step } from '../lib/steps.js';
import { debianMirror } from './apt-sources.js';

const SUITE = 'forky';
const REVISION = 1; // of what this file makes out of the packages

// Emscripten's packages depend on these for uses that are not ours: compiling for this machine, and a
// Node.js of their own. Without them the download is 115 MB, with them 170 MB.
const NOT_NEEDED =
  /^(nodejs|libnode|libicu|libuv|libasan|liblsan|libtsan|libubsan|libhwasan|libgcc-\d+-dev|libstdc\+\+-\d+-dev|libc6-dev|libc-dev-bin|linux-libc-dev|binutils|libbinutils|libgprofng|libclang1-|ccache|libhiredis|debconf|perl)/;
const NOT_NEEDED_PATHS = [
  'share/doc',
  'share/man',
  'share/locale',
  'share/zoneinfo',
  'share/info',
  'lib/python3',
];

const ADVICE =
  'Please install Emscripten through emsdk (https://emscripten.org/docs/getting_started/downloads.html), ' +
  'activate it (source emsdk_env.sh) and try again.';

/** @returns {string} the folder with emcc, whether it is there or not */
export function whereFromDebian() {
  return join(installation(), 'usr/share/emscripten');
}

function installation() {
  return join(cacheDirectory(), `emscripten-${SUITE}-${process.arch}-${REVISION}`);
}

/**
 * @param {() => boolean} isDone asked again once the lock is held
 */
export async function installFromDebian(isDone) {
  const mirror = debianMirror();
  if (!mirror || !findProgram('apt-get') || !findProgram('dpkg-deb')) {
    throw new SetupError(
      `No emcc that is new enough is on PATH, and this is not a Debian whose packages could be used. ${ADVICE}`,
    );
  }
  await withLock('emscripten', 'installs Emscripten', async () => {
    if (isDone()) return;
    const target = installation();
    removeDrafts(target); // of processes that were killed; the lock is ours now
    const draft = await mkdtemp(`${target}.`);
    try {
      const root = join(draft, 'root');
      const packages = await step('Emscripten: downloading (about 115 MB)', () =>
        download(draft, mirror),
      );
      await step('Emscripten: unpacking', () => unpack(packages, root));
      await step('Emscripten: fitting it into its folder', async () => {
        await useOwnLibraries(root, target);
        configure(root, target);
      });
      rmSync(target, { recursive: true, force: true });
      renameSync(root, target); // from here on it is complete, for everybody
    } finally {
      await rm(draft, { recursive: true, force: true });
    }
    await mustRun(join(whereFromDebian(), 'emcc'), ['--version'], {
      advice: `The Emscripten in ${target} does not run on this machine. ${ADVICE}`,
    });
  });
}

/** @param {string} target */
function removeDrafts(target) {
  for (const name of readdirSync(dirname(target))) {
    if (!name.startsWith(`${basename(target)}.`)) continue;
    rmSync(join(dirname(target), name), { recursive: true, force: true });
  }
}

/**
 * Asks the machine's own apt, over its own proxy and with its own keys, but with lists and state of its
 * own in `directory`.
 * @param {string} directory
 * @param {{ uri: string, signedBy: string | undefined }} mirror
 * @returns {Promise<string[]>} the files
 */
async function download(
  directory,
  { uri, signedBy = '/usr/share/keyrings/debian-archive-keyring.gpg' },
) {
  const apt = join(directory, 'apt');
  for (const part of ['state/lists/partial', 'cache/archives/partial', 'packages']) {
    await mkdir(join(apt, part), { recursive: true });
  }
  await writeFile(join(apt, 'status'), '');
  const options = existsSync(signedBy) ? `[signed-by=${signedBy}] ` : '';
  await writeFile(join(apt, 'sources.list'), `deb ${options}${uri} ${SUITE} main\n`);

  const network =
    (await mustRun('apt-config', ['dump', 'Acquire'])).match(/^Acquire::.*;$/gm) ?? [];
  await writeFile(
    join(apt, 'apt.conf'),
    `${network.join('\n')}
Dir::Etc::main "-";
Dir::Etc::parts "-";
Dir::Etc::sourcelist "${apt}/sources.list";
Dir::Etc::sourceparts "-";
Dir::Etc::preferences "-";
Dir::Etc::preferencesparts "-";
Dir::State "${apt}/state";
Dir::State::status "${apt}/status";
Dir::Cache "${apt}/cache";
Acquire::Languages "none";
APT::Sandbox::User "";
Debug::NoLocking "true";
`,
  );
  const env = { APT_CONFIG: join(apt, 'apt.conf'), LC_ALL: 'C' };
  const advice = `Emscripten could not be downloaded from this machine's Debian mirror (suite ${SUITE}). ${ADVICE}`;

  await mustRun('apt-get', ['update', '-q'], { env, advice });
  const plan = await mustRun(
    'apt-get',
    ['install', '--simulate', '--no-install-recommends', 'emscripten', 'patchelf'],
    { env, advice },
  );
  const names = [...plan.matchAll(/^Inst (\S+)/gm)]
    .map((match) => match[1])
    .filter((name) => !NOT_NEEDED.test(name));
  const packages = join(apt, 'packages');
  await mustRun('apt-get', ['download', '-q', ...names], { env, advice, cwd: packages });
  return readdirSync(packages).map((name) => join(packages, name));
}

/**
 * @param {string[]} packages
 * @param {string} root
 */
async function unpack(packages, root) {
  const waiting = [...packages];
  const worker = async () => {
    for (let next = waiting.pop(); next; next = waiting.pop()) {
      await mustRun('dpkg-deb', ['--extract', next, root]);
      await rm(next);
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
  for (const path of NOT_NEEDED_PATHS)
    await rm(join(root, 'usr', path), { recursive: true, force: true });
}

/**
 * Has every program in `root` start with the C library and find the libraries that came with it, at
 * their places under `target`.
 * @param {string} root
 * @param {string} target
 */
async function useOwnLibraries(root, target) {
  const names = readdirSync(join(root, 'usr/lib'));
  const libraries = `usr/lib/${only(names, /^\w+-linux-gnu\w*$/)}`;
  const llvm = `usr/lib/${only(names, /^llvm-\d+$/)}`;
  const loader = `${libraries}/${only(readdirSync(join(root, libraries)), /^ld-linux.*\.so\.\d+$/)}`;

  const patchelf = [
    join(root, loader),
    '--library-path',
    join(root, libraries),
    join(root, 'usr/bin/patchelf'),
  ];
  /** @type {(paths: string[], ...args: string[]) => Promise<unknown>} */
  const change = (paths, ...args) =>
    mustRun(patchelf[0], [...patchelf.slice(1), ...args, ...paths]);
  /** @type {(directory: string, question: string) => Promise<string[]>} */
  const those = async (directory, question) => {
    const files = readdirSync(directory, { withFileTypes: true }).filter((entry) => entry.isFile());
    const paths = files.map((entry) => join(directory, entry.name));
    const answers = await Promise.all(
      paths.map((path) => run(patchelf[0], [...patchelf.slice(1), question, path])),
    );
    return paths.filter((_, i) => answers[i].status === 0 && answers[i].output.trim() !== '');
  };

  const programs = [
    ...(await those(join(root, 'usr/bin'), '--print-interpreter')),
    ...(await those(join(root, llvm, 'bin'), '--print-interpreter')),
  ].filter((path) => !/^(patchelf|python3\.\d+)$/.test(basename(path)));
  await change(
    programs,
    ...['--set-interpreter', join(target, loader)],
    // The old kind of path (DT_RPATH): it also holds for what the libraries themselves need ...
    ...['--force-rpath', '--set-rpath', `${join(target, libraries)}:${join(target, llvm, 'lib')}`],
  );
  // ... unless they have one of the new kind.
  await change(
    await those(join(root, libraries), '--print-rpath'),
    '--force-rpath',
    '--set-rpath',
    '$ORIGIN',
  );

  // Python is linked for a fixed address, and patchelf breaks such programs. It starts through the loader.
  const python = only(readdirSync(join(root, 'usr/bin')), /^python3\.\d+$/);
  rmSync(join(root, 'usr/bin/python3'));
  writeFileSync(
    join(root, 'usr/bin/python3'),
    `#!/bin/sh
exec '${join(target, loader)}' --argv0 "$0" --library-path '${join(target, libraries)}' '${join(target, 'usr/bin', python)}' "$@"
`,
    { mode: 0o755 },
  );
  rmSync(join(root, 'usr/lib', python, 'sitecustomize.py'), { force: true }); // leads to the machine's /etc
}

/**
 * Lets emcc work wherever it is called from, without a variable in the environment: all but Node.js is
 * found from its own folder, and Node.js on PATH, since it may move.
 * @param {string} root
 * @param {string} target
 */
function configure(root, target) {
  const emscripten = join(root, 'usr/share/emscripten');
  const llvm = only(readdirSync(join(root, 'usr/lib')), /^llvm-\d+$/);
  writeFileSync(
    join(emscripten, '.emscripten'),
    `LLVM_ROOT = '$CFGDIR/../../lib/${llvm}/bin'
BINARYEN_ROOT = '$CFGDIR/../..'
NODE_JS = 'node'
CACHE = '$CFGDIR/../../../cache'
`,
  );
  // Debian keeps acorn, which the linker's optimizer is written with, where only its own Node.js looks.
  symlinkSync('nodejs', join(root, 'usr/share/node_modules'));

  for (const name of readdirSync(emscripten)) {
    if (!existsSync(join(emscripten, `${name}.py`))) continue;
    writeFileSync(
      join(emscripten, name),
      `#!/bin/sh\nexec '${join(target, 'usr/bin/python3')}' -E "$(readlink -f "$0").py" "$@"\n`,
    );
  }
}

/**
 * @param {string[]} names
 * @param {RegExp} pattern
 */
function only(names, pattern) {
  const [name, ...others] = names.filter((candidate) => pattern.test(candidate));
  if (!name || others.length > 0) {
    throw new SetupError(
      `Debian's Emscripten packages have changed their form: ${pattern} does not name exactly one file. ${ADVICE}`,
    );
  }
  return name;
}
