// The last step of the WebAssembly build: from Emscripten's output to what the package ships.
//
//   node scripts/embed-wasm.js build/wasm/bindings/postern dist/wasm
//
//   postern.wasm          the core
//   postern.mjs           its glue, minified; names no file, so that no bundler copies one for it
//   postern.d.mts         the types of the glue
//   postern.base64.js     the core as a string, for entries that start without loading a file
//   postern.base64.d.ts

import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { transform } from 'esbuild';

const [input, directory] = process.argv.slice(2);
const name = basename(input);

const [wasm, glue, types] = await Promise.all([
  readFile(`${input}.wasm`),
  readFile(`${input}.mjs`, 'utf8'),
  readFile(`${input}.d.mts`, 'utf8'),
]);

const minified = await transform(glue, {
  format: 'esm',
  target: 'es2022',
  minify: true,
  // The glue would look for the wasm beside itself, but is always given the bytes.
  define: { 'import.meta.url': '"file:///"' },
});

const notice = '// Made by scripts/embed-wasm.js; do not edit.\n';

await mkdir(directory, { recursive: true });
await Promise.all([
  write(`${name}.wasm`, wasm),
  write(`${name}.mjs`, notice + minified.code),
  write(`${name}.d.mts`, notice + typesOfGlue(types)),
  write(`${name}.base64.js`, `${notice}export const base64 =\n  '${wasm.toString('base64')}';\n`),
  write(`${name}.base64.d.ts`, `${notice}export const base64: string;\n`),
]);

/**
 * Emscripten describes the bound classes, but neither the memory nor what the factory takes.
 * @param {string} emitted
 * @returns {string}
 */
function typesOfGlue(emitted) {
  const bindings = /^interface WasmModule {\n}\n+(.*)^export type MainModule/ms.exec(emitted)?.[1];
  if (!bindings)
    throw new Error(`${input}.d.mts: Emscripten's declarations have changed their form`);
  return `${bindings}export type MainModule = EmbindModule & {
  readonly wasmMemory: { readonly buffer: ArrayBuffer };
};

/**
 * Compiles the bytes and fills \`module\` with what they export before the first await: whoever keeps
 * \`module\` can use it at once. The promise rejects when the bytes are no WebAssembly.
 */
export default function createModule(module: { wasmBinary: Uint8Array }): Promise<MainModule>;
`;
}

/**
 * Replaces a file in one step: another process may be reading the old one.
 * @param {string} file
 * @param {string | Uint8Array} content
 */
async function write(file, content) {
  const path = join(directory, file);
  const draft = `${path}.${process.pid}`;
  await writeFile(draft, content);
  await rename(draft, path);
}
