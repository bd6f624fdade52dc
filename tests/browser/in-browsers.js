// Tests that run in each browser, and the pages that they run.

import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe } from '@jest/globals';
import { build } from 'esbuild';
import { BROWSERS, launchBrowser, reasonToSkip } from './browsers.js';

const project = fileURLToPath(new URL('../..', import.meta.url));
const LAUNCH_TIMEOUT_MS = 60_000;

/**
 * @typedef {object} Running
 * @property {string} name
 * @property {import('puppeteer-core').Browser} browser once the tests run
 */

/**
 * A suite for each browser, which runs while its tests do.
 *
 * @param {(running: Running) => void} tests defines them
 * @param {object} [options]
 * @param {string | false} [options.missing] why they cannot run in any browser
 * @param {Parameters<typeof launchBrowser>[1]} [options.launch]
 */
export function describeInBrowsers(tests, { missing = false, launch } = {}) {
  for (const name of BROWSERS) {
    const skipped = reasonToSkip(name) ?? (missing || undefined);
    const suite = skipped === undefined ? describe : describe.skip;
    suite(skipped === undefined ? `in ${name}` : `in ${name} (${skipped})`, () => {
      const running = /** @type {Running} */ ({ name });
      beforeAll(async () => {
        running.browser = await launchBrowser(name, launch);
        console.log(`${name}: ${await running.browser.version()}`);
      }, LAUNCH_TIMEOUT_MS);
      afterAll(() => running.browser?.close());
      tests(running);
    });
  }
}

/**
 * A folder with a page that runs a program of the project's sources, and the engine's wasm beside it.
 *
 * @param {string} program a module; imports are from the project's directory
 * @param {string} title
 * @returns {Promise<{ directory: string, remove: () => Promise<void> }>}
 */
export async function bundlePage(program, title) {
  const directory = await mkdtemp(join(tmpdir(), 'postern-page-'));
  await build({
    absWorkingDir: project,
    stdin: { contents: program, resolveDir: project },
    bundle: true,
    outfile: join(directory, 'page.js'),
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    logLevel: 'silent',
  });
  await copyFile(join(project, 'dist/wasm/engine.wasm'), join(directory, 'engine.wasm'));
  const html = `<!doctype html><title>${title}</title><script type="module" src="page.js"></script>`;
  await writeFile(join(directory, 'index.html'), html);
  return { directory, remove: () => rm(directory, { recursive: true, force: true }) };
}
