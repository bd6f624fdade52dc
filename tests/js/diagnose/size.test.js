// What a page loads for its test: the client for WebSockets, which is large, comes only when it is needed.
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { expect, test } from '@jest/globals';
import { build } from 'esbuild';

const project = fileURLToPath(new URL('../../..', import.meta.url));
/** Ours: half of what the whole page may have. */
const MOST_KB = 60;
const KB = 1024;

test('diagnose() and reports are within their budget, without the client and its WebAssembly', async () => {
  const { outputFiles, metafile } = await build({
    absWorkingDir: project,
    stdin: {
      contents: "export * from './js/diagnose/index.js'; export * from './js/report/index.js';",
      resolveDir: project,
    },
    bundle: true,
    splitting: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    outdir: 'out',
    write: false,
    metafile: true,
    logLevel: 'silent',
  });
  const first = Object.keys(metafile.outputs).find((path) => path.endsWith('stdin.js'));
  /** What is there before anything is asked for. @type {Set<string>} */
  const loaded = new Set();
  const load = (/** @type {string} */ path) => {
    if (loaded.has(path)) return;
    loaded.add(path);
    for (const { path: other, kind } of metafile.outputs[path].imports) {
      if (kind === 'import-statement') load(other);
    }
  };
  load(/** @type {string} */ (first));
  const sources = [...loaded].flatMap((path) => Object.keys(metafile.outputs[path].inputs));
  expect(sources).toContain('js/diagnose/diagnose.js');
  expect(sources.filter((path) => /wasm|js\/(turn\/relay|engine)/.test(path))).toEqual([]);

  const bytes = outputFiles
    .filter(({ path }) => [...loaded].some((one) => path.endsWith(one)))
    .reduce((sum, { contents }) => sum + gzipSync(contents, { level: 9 }).length, 0);
  expect(bytes).toBeGreaterThan(0);
  expect(bytes).toBeLessThan(MOST_KB * KB);
});
