// The page in every state that a network can put it in, in each browser; its screenshots are kept in build/page-screenshots.
import { afterEach, expect, test } from '@jest/globals';
import { describeInBrowsers } from '../browser/in-browsers.js';
import { inspect, runTest, textOf, visit, waitForState } from './page-driver.js';
import { LAUNCH, ownAddress, startSite } from './page-site.js';

/** @typedef {import('puppeteer-core').Page} Page */

const LONG = 180_000;
const missing = ownAddress === undefined && 'this machine has no address but loopback';

/** @type {(() => unknown)[]} */
const cleanUps = [];
afterEach(async () => {
  for (const end of cleanUps.splice(0).reverse()) await end();
});

/** @param {import('puppeteer-core').Browser} browser @param {import('./page-site.js').World} world */
async function open(browser, world) {
  const site = await startSite(world);
  cleanUps.push(site.close);
  const visited = await visit(browser, `${site.origin}/`);
  cleanUps.push(() => visited.page.close());
  const hosts = JSON.stringify(site.plan).match(/127\.0\.0\.1:\d+/g) ?? [];
  return { site, ...visited, expectClean: () => visited.expectClean(hosts) };
}

/** What an element says of itself. @param {Page} page @param {string} selector @param {string} name */
const dataOf = (page, selector, name) =>
  page.$eval(selector, (one, key) => /** @type {HTMLElement} */ (one).dataset[key], name);

/** @param {Page} page */
const gradeOf = (page) => dataOf(page, '#verdict', 'grade');

/** What the picture shows. @param {Page} page @returns {Promise<Record<string, string>>} */
const lanesOf = (page) =>
  page.$$eval('[data-lane]', (lanes) =>
    Object.fromEntries(
      lanes.map((lane) => {
        const { lane: id, tone } = /** @type {SVGElement} */ (lane).dataset;
        return [id, tone];
      }),
    ),
  );

describeInBrowsers(
  (running) => {
    test(
      'while it runs, steps tick off one by one, and charts have numbers',
      async () => {
        const { page, expectClean } = await open(running.browser, 'good');
        await inspect(page, `${running.name}-ready`);
        expect(await textOf(page, 'scope')).toContain('127.0.0.1');

        await page.click('#start');
        await page.waitForSelector('[data-step="quality/udp"][data-state="running"]');
        await page.waitForSelector('#charts canvas');
        expect(await dataOf(page, '[data-step="relays"]', 'state')).toBe('done');
        expect(await dataOf(page, '[data-step="quality/ws"]', 'state')).toBe('waiting');
        expect(await page.$eval('progress', (bar) => bar.value)).toBeGreaterThan(0);
        await inspect(page, `${running.name}-running`);

        await waitForState(page, 'done');
        // Of each way its numbers, as a table too.
        await page.click('#charts button');
        for (const metric of ['roundTripMs', 'jitterMs', 'kbps']) {
          const heads = await page.$$eval(`[data-metric="${metric}"] thead th`, (cells) =>
            cells.map(({ textContent }) => textContent),
          );
          expect(heads).toEqual(['second', 'UDP', 'TCP', 'WebSocket']);
          const cells = await page.$$eval(`[data-metric="${metric}"] tbody td`, (all) =>
            all.map(({ textContent }) => Number(textContent)),
          );
          expect(cells.some((value) => value > 0)).toBe(true);
        }
        await inspect(page, `${running.name}-charts`);
        await expectClean();
      },
      LONG,
    );

    test(
      'all is well: the verdict is good, and every way is green',
      async () => {
        const { site, page, urls, expectClean } = await open(running.browser, 'good');
        // How quick this machine is today is not what is tested.
        site.plan.quality = false;
        await runTest(page);
        expect(await gradeOf(page)).toBe('good');
        expect(await lanesOf(page)).toEqual({
          udp: 'good',
          tcp: 'good',
          tls: 'unknown',
          ws: 'good',
          https: 'good',
        });
        expect(await textOf(page, 'path')).toContain('Firewall, no NAT');
        expect(await textOf(page, 'verdict')).toContain('Calls will work well');
        expect(await textOf(page, 'findings')).toContain('UDP passes');
        // The heading of the verdict is where who uses a keyboard goes on.
        expect(await page.evaluate(() => document.activeElement?.id)).toBe('verdict-title');
        expect(urls.filter((url) => url.endsWith('.wasm'))).toHaveLength(1);
        await page.click('#measurements summary');
        expect(await textOf(page, 'measurements')).toContain('turn:127.0.0.1');
        await inspect(page, `${running.name}-good`);
        await expectClean();
      },
      LONG,
    );

    test(
      'UDP is blocked: the picture shows it, and there is something to ask IT for',
      async () => {
        const { page, expectClean } = await open(running.browser, 'udp-blocked');
        await runTest(page);
        expect(['fair', 'poor']).toContain(await gradeOf(page));
        expect(await lanesOf(page)).toMatchObject({ udp: 'bad', tcp: 'good', ws: 'good' });
        expect(await textOf(page, 'verdict')).toMatch(/UDP \d+ to 127\.0\.0\.1/);
        expect(await textOf(page, 'findings')).toContain('UDP is blocked');
        await inspect(page, `${running.name}-udp-blocked`);
        await expectClean();
      },
      LONG,
    );

    test(
      'nothing passes',
      async () => {
        const { page, expectClean } = await open(running.browser, 'nothing');
        await runTest(page);
        expect(await gradeOf(page)).toBe('blocked');
        expect(await lanesOf(page)).toMatchObject({
          udp: 'bad',
          tcp: 'bad',
          ws: 'bad',
          https: 'bad',
        });
        expect(await textOf(page, 'findings')).toContain('Nothing gets through');
        expect(await page.$eval('#charts', (one) => /** @type {HTMLElement} */ (one).hidden)).toBe(
          true,
        );
        await inspect(page, `${running.name}-nothing`);
        await expectClean();
      },
      LONG,
    );

    test(
      'a wrong password is no fault of the network',
      async () => {
        const { page, expectClean } = await open(running.browser, 'wrong-password');
        await runTest(page);
        expect(await lanesOf(page)).toMatchObject({
          udp: 'warn',
          tcp: 'warn',
          ws: 'warn',
          https: 'good',
        });
        expect(await textOf(page, 'findings')).toContain('The server refuses the credentials');
        expect(await page.$('#verdict .ask')).toBe(null);
        await inspect(page, `${running.name}-wrong-password`);
        await expectClean();
      },
      LONG,
    );
  },
  { missing, launch: LAUNCH },
);
