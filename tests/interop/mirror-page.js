// A page that asks a mirror, under a policy that allows nothing else.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { openPage } from '../browser/browsers.js';
import { serve } from '../browser/server.js';

const project = fileURLToPath(new URL('../..', import.meta.url));

/**
 * Serves a page with postern/diagnose, and nothing else.
 *
 * @param {string} mirrorUrl
 */
export async function servePage(mirrorUrl) {
  const folder = mkdtempSync(join(tmpdir(), 'postern-mirror-'));
  await build({
    absWorkingDir: project,
    entryPoints: ['js/diagnose/index.js'],
    outdir: join(folder, 'diagnose'),
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    logLevel: 'silent',
  });
  const html = '<!doctype html><link rel="icon" href="data:,"><title>mirror</title>\n';
  writeFileSync(join(folder, 'index.html'), html);
  const { origin: mirror } = new URL(mirrorUrl);
  const policy = `default-src 'none'; script-src 'self'; img-src data:; connect-src ${mirror}`;
  const site = await serve(folder, { policy });
  return {
    origin: site.origin,
    close: async () => {
      await site.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/**
 * Runs diagnoseNat() in a fresh page.
 *
 * @param {import('puppeteer-core').Browser} browser
 * @param {string} origin
 * @param {object} options
 * @returns {Promise<{ diagnosis?: any, code?: string, error?: string, steps: string[], ms: number, problems: string[] }>}
 */
export async function diagnoseIn(browser, origin, options) {
  const { page, problems } = await openPage(browser);
  try {
    await page.goto(origin);
    const found = await page.evaluate(async (given) => {
      const path = '/diagnose/index.js';
      const { diagnoseNat } = await import(path);
      /** @type {string[]} */
      const steps = [];
      const start = performance.now();
      const onProgress = (/** @type {string} */ step) => steps.push(step);
      /** @type {any} */
      const outcome = await diagnoseNat({ ...given, onProgress }).then(
        (/** @type {any} */ diagnosis) => ({ diagnosis }),
        (/** @type {any} */ error) => ({
          code: error.code,
          error: `${error} ${error.cause ?? ''}`,
        }),
      );
      return { ...outcome, steps, ms: Math.round(performance.now() - start) };
    }, options);
    return { ...found, problems };
  } finally {
    await page.close();
  }
}
