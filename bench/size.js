// How many bytes a browser loads for each entry: the JavaScript that esbuild makes of it, minified,
// and the .wasm files that it fetches. Compressed file by file, as a server sends them.

import { existsSync, readFileSync } from 'node:fs';
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

export const SIZES = [...Object.keys(ENTRIES), WASM];

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

/**
 * @param {string} name one of SIZES
 * @returns {Promise<{ encoding: string, bytes: number, note: string }[]>}
 */
export async function measureSize(name) {
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
