// The files of the page: read once, so that no path of a request ever reaches the file system.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { extname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { argumentError } from '../errors.js';

/**
 * @typedef {object} PageFile
 * @property {Buffer} bytes
 * @property {Buffer | undefined} compressed by gzip, where that is shorter
 * @property {string} type
 * @property {string} etag
 * @property {boolean} isHashed its name changes with what is in it
 */

/** @type {Readonly<Record<string, string>>} */
const TYPES = Object.freeze({
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.wasm': 'application/wasm',
});

/** Of the build: a name, a hash, an ending. */
const HASHED = /-[\w-]{8}\.\w+$/;

/** Beside the bundle of which this is a part; or from the sources. */
const PLACES = ['./page/', '../../dist/page/'];

/** @returns {string | undefined} where the page is that comes with the package */
const ownDirectory = () =>
  PLACES.map((place) => fileURLToPath(new URL(place, import.meta.url))).find((directory) =>
    existsSync(join(directory, 'index.html')),
  );

/** @param {string} path @returns {PageFile} */
function readPageFile(path) {
  const bytes = readFileSync(path);
  const compressed = gzipSync(bytes, { level: 9 });
  return {
    bytes,
    compressed: compressed.length < bytes.length ? compressed : undefined,
    type: TYPES[extname(path)] ?? 'application/octet-stream',
    etag: createHash('sha256').update(bytes).digest('base64url').slice(0, 22),
    isHashed: HASHED.test(path),
  };
}

/**
 * @param {string | undefined} directory that of the package if left out
 * @returns {ReadonlyMap<string, PageFile>} by the path of the request; '/' too
 * @throws {TypeError} ERR_INVALID_ARGUMENT where there is no page
 */
export function readPage(directory = ownDirectory()) {
  if (directory === undefined || !existsSync(join(directory, 'index.html'))) {
    throw argumentError(
      'options.directory',
      'a folder with the page, which `npm run build` makes at dist/page',
    );
  }
  /** @type {Map<string, PageFile>} */
  const files = new Map();
  for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    files.set(`/${relative(directory, path).split(sep).join('/')}`, readPageFile(path));
  }
  files.set('/', /** @type {PageFile} */ (files.get('/index.html')));
  return files;
}
