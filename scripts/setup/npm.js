// The project's npm packages, exactly as package-lock.json has them.

import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { withCloneLock } from '../lib/lock.js';
import { projectDirectory } from '../lib/paths.js';
import { mustRun } from '../lib/process.js';
import { SetupError, step } from '../lib/steps.js';

const manifest = JSON.parse(readFileSync(join(projectDirectory, 'package.json'), 'utf8'));

export function checkNodeVersion() {
  const floor = manifest.engines.node.replace('>=', '');
  if (!atLeast(process.versions.node, floor)) {
    throw new SetupError(
      `postern needs Node.js ${floor} or newer; this is ${process.versions.node} (${process.execPath}).`,
    );
  }
}

/** Installs node_modules when package-lock.json or the platform has changed since it was installed. */
export async function installNpmPackages() {
  if (isInstalled()) return;
  await withCloneLock(async () => {
    if (isInstalled()) return; // by the process that had the lock before
    await step('npm packages', async () => {
      // No install scripts: none of these packages needs one.
      const [program, ...args] = npm('ci', '--ignore-scripts', '--no-audit', '--no-fund');
      await mustRun(program, args, {
        cwd: projectDirectory,
        advice:
          'The npm packages could not be installed: is the npm registry reachable (npm ping)?',
      });
      writeFileSync(stamp, wanted());
    });
  });
}

/**
 * @param {...string} args
 * @returns {[string, ...string[]]} program and arguments that run npm with this Node.js
 */
export function npm(...args) {
  const npmCli = process.env.npm_execpath;
  if (npmCli?.endsWith('npm-cli.js')) return [process.execPath, npmCli, ...args];
  const beside = join(dirname(process.execPath), 'npm');
  return [existsSync(beside) ? beside : 'npm', ...args];
}

const stamp = join(projectDirectory, 'node_modules/.postern-installed');

function isInstalled() {
  try {
    return readFileSync(stamp, 'utf8') === wanted();
  } catch {
    return false;
  }
}

function wanted() {
  const hash = createHash('sha256');
  hash.update(readFileSync(join(projectDirectory, 'package-lock.json')));
  return `${hash.digest('hex')} ${process.platform}-${process.arch}\n`;
}

/**
 * @param {string} version dotted numbers
 * @param {string} floor
 */
export function atLeast(version, floor) {
  const [a, b] = [version, floor].map((text) => text.split('.').map(Number));
  for (let i = 0; i < b.length; i++) {
    if ((a[i] ?? 0) !== b[i]) return (a[i] ?? 0) > b[i];
  }
  return true;
}
