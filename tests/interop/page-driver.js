// What tests of the page do with it: open it under watch, look at it in all sizes and colours, and ask axe-core.
import { mkdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { expect } from '@jest/globals';
import { openPage } from '../browser/browsers.js';

/** @typedef {import('puppeteer-core').Page} Page */
/** @typedef {'light' | 'dark'} Theme */

const FOLDER = fileURLToPath(new URL('../../build/page-screenshots/', import.meta.url));
export const SIZES = /** @type {const} */ ({
  wide: { width: 1280, height: 900 },
  phone: { width: 320, height: 640 },
});
/** What browsers say of requests that get no answer, as they do where nothing passes. */
const UNANSWERED =
  /ERR_CONNECTION_REFUSED|NS_ERROR_CONNECTION_REFUSED|can.t establish a connection|WebSocket connection to .* failed|ICE failed|ICE server|STUN server|TURN server|CORS request did not succeed/i;
/** An answer without a body, whose reading ends before it begins. */
const EMPTY_ANSWER = /\/ping net::ERR_ABORTED$/;
const LONG = 60_000;

let axe = '';

/** @param {Page} page @param {string} id */
export const textOf = (page, id) => page.$eval(`#${id}`, ({ textContent }) => textContent ?? '');

/**
 * Opens the page of a site, and keeps account of what it does.
 *
 * @param {import('puppeteer-core').Browser} browser
 * @param {string} url
 */
export async function visit(browser, url) {
  const { page, problems, urls } = await openPage(browser);
  await page.setViewport(SIZES.wide);
  await page.evaluateOnNewDocument(() => {
    /** @type {string[]} */
    const violations = [];
    Object.assign(globalThis, { violations });
    addEventListener('securitypolicyviolation', ({ effectiveDirective, blockedURI, sourceFile }) =>
      violations.push([effectiveDirective, blockedURI, sourceFile].join(' ')),
    );
  });
  await page.goto(url);
  await page.waitForFunction(
    () => document.body.dataset.state === 'ready' && document.querySelector('#scope')?.textContent,
  );
  return {
    page,
    urls,
    problems,
    /** Nothing went wrong, nothing was forbidden, and nobody was asked but the servers of the plan. @param {string[]} [hosts] */
    expectClean: async (hosts = []) => {
      const allowed = [new URL(url).host, ...hosts];
      const foreign = urls.filter(
        (one) => /^(http|ws)s?:/.test(one) && !allowed.includes(new URL(one).host),
      );
      expect(foreign).toEqual([]);
      expect(problems.filter((one) => !UNANSWERED.test(one) && !EMPTY_ANSWER.test(one))).toEqual(
        [],
      );
      // @ts-expect-error: of the page
      expect(await page.evaluate(() => globalThis.violations)).toEqual([]);
    },
  };
}

/** @param {Page} page @param {string} state @param {number} [timeout] */
export const waitForState = (page, state, timeout = LONG) =>
  page.waitForFunction((wanted) => document.body.dataset.state === wanted, { timeout }, state);

/** Runs the test to its end. @param {Page} page */
export async function runTest(page) {
  await page.click('#start');
  await waitForState(page, 'done');
}

/** By the page's own button. @param {Page} page @param {Theme} theme */
export async function choose(page, theme) {
  for (let clicks = 0; clicks < 3; clicks += 1) {
    if ((await page.evaluate(() => document.documentElement.dataset.theme)) === theme) return;
    await page.click('#theme');
  }
  throw new Error(`no theme ${theme}`);
}

/** What axe-core finds wrong. @param {Page} page @returns {Promise<string[]>} */
async function violationsOf(page) {
  axe ||= await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
  // What a debugger runs is not the page's: its policy stays as it is.
  await page.evaluate(axe);
  return page.evaluate(async () => {
    // @ts-expect-error: axe-core's
    const { violations } = await globalThis.axe.run(document, { resultTypes: ['violations'] });
    return violations.flatMap((/** @type {any} */ { id, nodes }) =>
      nodes.map(
        (/** @type {any} */ { target, failureSummary }) => `${id}: ${target} ${failureSummary}`,
      ),
    );
  });
}

/**
 * In both colours and both sizes: a picture is kept, axe-core finds nothing, and nothing is wider than the screen.
 *
 * @param {Page} page
 * @param {string} name of the state and the browser
 */
export async function inspect(page, name) {
  mkdirSync(FOLDER, { recursive: true });
  for (const theme of /** @type {Theme[]} */ (['light', 'dark'])) {
    await choose(page, theme);
    for (const [size, viewport] of Object.entries(SIZES)) {
      await page.setViewport(viewport);
      // What observes sizes has drawn.
      await page.evaluate(
        () => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))),
      );
      expect([theme, size, await violationsOf(page)]).toEqual([theme, size, []]);
      const overhang = await page.evaluate(() => {
        const { scrollWidth, clientWidth } = document.documentElement;
        return scrollWidth - clientWidth;
      });
      expect([theme, size, overhang]).toEqual([theme, size, 0]);
      const path = /** @type {`${string}.png`} */ (`${FOLDER}${name}-${theme}-${size}.png`);
      await page.screenshot({ path, fullPage: true });
    }
  }
  await page.setViewport(SIZES.wide);
}
