import { existsSync, mkdirSync, readdirSync, realpathSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

export const projectDirectory = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');

/** What clones share: the toolchain and locks. */
export function cacheDirectory() {
  // The XDG specification has relative paths ignored.
  const base = process.env.XDG_CACHE_HOME?.startsWith('/')
    ? process.env.XDG_CACHE_HOME
    : join(homedir(), '.cache');
  const directory = join(base, 'postern');
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  return directory;
}

/**
 * Whether a module is what Node.js was started with.
 * @param {string} url its import.meta.url
 */
export function isMain(url) {
  return (
    process.argv[1] !== undefined &&
    realpathSync(process.argv[1]) === realpathSync(fileURLToPath(url))
  );
}

/**
 * @param {string} directory from the project's
 * @returns {string[]} the files in it and below, as paths from the project's directory
 */
export function listFiles(directory) {
  const path = join(projectDirectory, directory);
  if (!existsSync(path)) return [];
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(projectDirectory, join(entry.parentPath, entry.name)))
    .sort();
}
