// How many bytes a browser loads for each entry: the JavaScript that esbuild makes of it, minified,
// and the .wasm files that it fetches. And for the page of the network test, as it is built. Compressed file by file, as a
// server sends them.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

const ROOT = join(import.meta.dirname, '..');

/** @type {Record<string, string>} package entries by bench */
const ENTRIES = {
  'size-codec': 'postern/codec',
  'size-codec-inline': 'postern/codec/inline',
  'size-client': 'postern',
};
const WASM = 'size-wasm'; // the .wasm files alone

const PAGE = 'size-page'; // what it loads when it is opened
const PAGE_WHOLE = 'size-page-whole'; // all that a test with charts, WebSockets and reports loads
const PAGE_FOLDER = join(ROOT, 'dist/page');

export const SIZES = [...Object.keys(ENTRIES), WASM, PAGE, PAGE_WHOLE];

const WASM_URL = /new URL\(\s*['"]([^'"]+\.wasm)['"]\s*,\s*import\.meta\.url/g;

/** @type {Record<string, (bytes: Uint8Array) => number>} */
const ENCODINGS = {
  raw: (bytes) => bytes.length,
  gzip: (bytes) => gzipSync(bytes, { level: 9 }).length,
  brotli: (bytes) =>
    brotliCompressSync(bytes, {
      params: {
        [constants.BROTLI_PARAM_QUALITY]: 11,
        [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
      },
    }).length,
};

/**
 * @param {string} entry package specifier
 * @returns {Promise<{ js: Uint8Array, wasm: Uint8Array[] }>}
 */
async function bundle(entry) {
  const { build } = await import('esbuild');
  const { metafile, outputFiles } = await build({
    stdin: { contents: `export * from '${entry}';`, resolveDir: ROOT },
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    write: false,
    metafile: true,
    absWorkingDir: ROOT,
    logLevel: 'silent', // it throws what it would say
  });
  // esbuild leaves `new URL('x.wasm', import.meta.url)` as it is: the file is loaded beside the bundle.
  const kept = new Set([...outputFiles[0].text.matchAll(WASM_URL)].map(([, url]) => url));
  const files = new Set();
  const [output] = Object.values(metafile.outputs);
  for (const [input, { bytesInOutput }] of Object.entries(output.inputs)) {
    const path = join(ROOT, input);
    if (bytesInOutput === 0 || !existsSync(path)) continue; // left out, or our stdin
    for (const [, url] of readFileSync(path, 'utf8').matchAll(WASM_URL)) {
      if (kept.has(url)) files.add(resolve(dirname(path), url));
    }
  }
  return { js: outputFiles[0].contents, wasm: [...files].map((file) => readFileSync(file)) };
}

/** What index.html loads, and itself. @returns {string[]} names of files */
function firstLoad() {
  const html = readFileSync(join(PAGE_FOLDER, 'index.html'), 'utf8');
  const loaded = [...html.matchAll(/(?:src|href)="\.\/([^"]+)"/g)].map(([, name]) => name);
  return ['index.html', ...new Set(loaded)];
}

/** @param {boolean} isWhole */
function measurePage(isWhole) {
  const names = isWhole ? readdirSync(PAGE_FOLDER) : firstLoad();
  const files = names.map((name) => readFileSync(join(PAGE_FOLDER, name)));
  return Object.entries(ENCODINGS).map(([encoding, size]) => ({
    encoding,
    bytes: files.reduce((sum, file) => sum + size(file), 0),
    note: `${names.length} files of dist/page`,
  }));
}

/**
 * @param {string} name one of SIZES
 * @returns {Promise<{ encoding: string, bytes: number, note: string }[]>}
 */
export async function measureSize(name) {
  if (name === PAGE || name === PAGE_WHOLE) return measurePage(name === PAGE_WHOLE);
  const entry = ENTRIES[name] ?? ENTRIES['size-client'];
  const { js, wasm } = await bundle(entry);
  return Object.entries(ENCODINGS).map(([encoding, size]) => {
    const wasmBytes = wasm.reduce((sum, file) => sum + size(file), 0);
    if (name === WASM) return { encoding, bytes: wasmBytes, note: `what ${entry} fetches` };
    const jsBytes = size(js);
    const parts = wasm.length > 0 ? `JavaScript ${jsBytes} + wasm ${wasmBytes}` : 'JavaScript only';
    return { encoding, bytes: jsBytes + wasmBytes, note: `${entry}: ${parts}` };
  });
}
