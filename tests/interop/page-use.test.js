// What people do with the page, in each browser: by keyboard alone, with servers of their own, by a link, to a stop, and with
// the report.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from '@jest/globals';
import { fragmentOf, planOfFragment } from '../../js/page/model/plan-link.js';
import { fromJson } from '../../js/report/index.js';
import { describeInBrowsers } from '../browser/in-browsers.js';
import { inspect, runTest, textOf, visit, waitForState } from './page-driver.js';
import { LAUNCH, ownAddress, startSite, USER } from './page-site.js';

/** @typedef {import('puppeteer-core').Page} Page */

const LONG = 120_000;
const missing = ownAddress === undefined && 'this machine has no address but loopback';
const downloads = mkdtempSync(join(tmpdir(), 'postern-downloads-'));
/** Firefox is told where downloads go when it starts; Chromium by the context. */
const launch = {
  preferences: {
    ...LAUNCH.preferences,
    // A person who likes it dark and still.
    'layout.css.prefers-color-scheme.content-override': 0,
    'ui.prefersReducedMotion': 1,
    'browser.download.folderList': 2,
    'browser.download.dir': downloads,
    'browser.download.useDownloadDir': true,
    'browser.download.always_ask_before_handling_new_types': false,
  },
};

/** @type {(() => unknown)[]} */
const cleanUps = [];
afterEach(async () => {
  for (const end of cleanUps.splice(0).reverse()) await end();
  for (const name of readdirSync(downloads)) rmSync(join(downloads, name));
});

/** @param {import('../browser/in-browsers.js').Running} running @param {(site: Awaited<ReturnType<typeof startSite>>) => string} [hashOf] */
async function open({ browser, name }, hashOf = () => '') {
  const site = await startSite('good');
  cleanUps.push(site.close);
  site.plan.quality = false;
  const context = await browser.createBrowserContext(
    name === 'chromium'
      ? { downloadBehavior: { policy: 'allow', downloadPath: downloads } }
      : undefined,
  );
  cleanUps.push(() => context.close());
  const visited = await visit(/** @type {any} */ (context), `${site.origin}/${hashOf(site)}`);
  const hosts = JSON.stringify(site.plan).match(/127\.0\.0\.1:\d+/g) ?? [];
  return { site, ...visited, expectClean: () => visited.expectClean(hosts) };
}

/** @param {Page} page */
const focused = (page) => page.evaluate(() => document.activeElement?.id);

/** Tab until an element has the focus, which can be seen on the way. @param {Page} page @param {string} selector */
async function tabTo(page, selector) {
  for (let presses = 0; presses < 40; presses += 1) {
    await page.keyboard.press('Tab');
    const { isThere, outline } = await page.evaluate((wanted) => {
      const active = document.activeElement ?? document.body;
      return { isThere: active.matches(wanted), outline: getComputedStyle(active).outlineStyle };
    }, selector);
    expect(outline).not.toBe('none');
    if (isThere) return;
  }
  throw new Error(`Tab does not lead to ${selector}`);
}

/** What was copied, by pasting it. @param {Page} page @returns {Promise<string>} */
async function pasted(page) {
  await page.$eval('#own details', (one) => {
    one.open = true;
  });
  await page.$eval('#own-urls', (one) => {
    /** @type {HTMLTextAreaElement} */ (one).value = '';
  });
  await page.focus('#own-urls');
  await page.keyboard.down('Control');
  await page.keyboard.press('v', { commands: ['Paste'] });
  await page.keyboard.up('Control');
  await page.waitForFunction(
    () => /** @type {HTMLTextAreaElement} */ (document.querySelector('#own-urls')).value !== '',
  );
  return page.$eval('#own-urls', (one) => /** @type {HTMLTextAreaElement} */ (one).value);
}

/** @param {Page} page @param {string} text on a button */
async function press(page, text) {
  const found = await page.waitForSelector(`button ::-p-text(${text})`);
  await found?.click();
}

/** @param {RegExp} name @returns {Promise<string>} of a file that was downloaded, once it is there */
async function downloaded(name) {
  const deadline = Date.now() + 20_000;
  for (;;) {
    const file = readdirSync(downloads).find((one) => name.test(one));
    const text = file === undefined ? '' : readFileSync(join(downloads, file), 'utf8');
    if (text !== '') return text;
    if (Date.now() > deadline) throw new Error(`${readdirSync(downloads)}: no ${name}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

describeInBrowsers(
  (running) => {
    test(
      'by keyboard alone: to the button, through the test, to the report',
      async () => {
        const { page, expectClean } = await open(running);
        await tabTo(page, '.skip');
        await tabTo(page, '#start');
        await page.keyboard.press('Enter');
        await waitForState(page, 'running');
        expect(await focused(page)).toBe('stop');
        await waitForState(page, 'done');
        expect(await focused(page)).toBe('verdict-title');
        expect(await textOf(page, 'announcer')).toContain('Verdict: good');
        expect(await textOf(page, 'findings')).toContain('127.0.0.1');
        await tabTo(page, '#hide-addresses');
        await page.keyboard.press(' ');
        // What was under the finger is again.
        expect(await focused(page)).toBe('hide-addresses');
        expect(await textOf(page, 'findings')).not.toContain('127.0.0.1');
        expect(await textOf(page, 'measurements')).not.toContain('127.0.0.1');
        await tabTo(page, '#measurements summary');
        await page.keyboard.press('Enter');
        await tabTo(page, '#measurements .scroll');
        await tabTo(page, '#own summary');
        await page.keyboard.press('Enter');
        await tabTo(page, '#own-urls');
        await expectClean();
      },
      LONG,
    );

    test(
      'the report is copied and downloaded, and no secret is in it',
      async () => {
        const { page, expectClean } = await open(running);
        await runTest(page);
        await press(page, 'Download as JSON');
        const report = fromJson(await downloaded(/\.json$/));
        expect(report).toMatchObject({ grade: 'good', name: 'office, second floor' });
        await press(page, 'Download as HTML');
        const html = await downloaded(/\.html$/);
        expect(html).toContain('Calls will work well');
        const copy = async () => {
          await page.evaluate(() => document.querySelector('#announcer')?.replaceChildren());
          await press(page, 'Copy report');
          await page.waitForFunction(
            () => document.querySelector('#announcer')?.textContent === 'The report was copied.',
          );
          return pasted(page);
        };
        const text = await copy();
        expect(text).toMatch(/^good office, second floor/);
        for (const output of [JSON.stringify(report), html, text]) {
          expect(output).toContain('127.0.0.1');
          expect(output).not.toContain(USER.credential);
          expect(output).not.toContain(USER.username);
        }

        await page.click('#hide-addresses');
        expect(await copy()).not.toContain('127.0.0.1');
        await expectClean();
      },
      LONG,
    );

    test(
      'servers of one’s own, by the form; a link to the test, with secrets only if wanted',
      async () => {
        const { site, page, urls, expectClean } = await open(running);
        const { iceServers = [] } = site.plan;
        const [turn] = /** @type {string[]} */ (iceServers[1].urls).filter((url) =>
          /tcp/.test(url),
        );
        await page.click('#own summary');
        await press(page, 'Test these servers');
        expect(await focused(page)).toBe('own-urls');
        expect(await textOf(page, 'own-urls-problem')).toContain('at least one server');

        await page.type('#own-urls', 'turn:127.0.0.1:none');
        await press(page, 'Test these servers');
        await page.waitForFunction(() => document.querySelector('#own-urls-problem')?.textContent);
        await inspect(page, `${running.name}-form`);

        await page.$eval('#own-urls', (one) => {
          /** @type {HTMLTextAreaElement} */ (one).value = '';
        });
        await page.type('#own-urls', turn);
        await page.type('#own-username', USER.username);
        await page.type('#own-credential', USER.credential);
        await page.click('#own-quality');
        await press(page, 'Test these servers');
        await waitForState(page, 'done');
        expect(await page.$$eval('[data-lane][data-tried=true]', (all) => all.length)).toBe(1);
        expect(await textOf(page, 'findings')).toContain('The relay works');
        // What only servers behind a WebSocket need is not loaded for others.
        expect(urls.filter((url) => url.endsWith('.wasm'))).toEqual([]);
        expect(await textOf(page, 'measurements')).toContain(turn);

        await press(page, 'Copy link to this test');
        const link = new URL(await pasted(page));
        expect(link.origin).toBe(site.origin);
        const plan = { iceServers: [{ urls: [turn] }], quality: false };
        expect(planOfFragment(link.hash)).toEqual(plan);
        expect(atob(link.hash.slice('#plan='.length))).not.toContain(USER.username);

        // What was pasted went over the servers.
        await page.$eval(
          '#own-urls',
          (one, url) => {
            /** @type {HTMLTextAreaElement} */ (one).value = url;
          },
          turn,
        );
        await page.click('#own-secrets');
        await press(page, 'Copy link to this test');
        const full = planOfFragment(new URL(await pasted(page)).hash);
        expect(full?.iceServers).toEqual([{ urls: [turn], ...USER }]);
        await expectClean();
      },
      LONG,
    );

    test(
      'a link brings servers: they are named, and tested when the button is pressed',
      async () => {
        const { site, page, urls, expectClean } = await open(
          running,
          ({ plan }) => `#${fragmentOf({ ...plan, mirror: undefined, https: undefined })}`,
        );
        expect(await textOf(page, 'scope')).toContain('the link that you have followed: 127.0.0.1');
        expect(await page.evaluate(() => document.body.dataset.state)).toBe('ready');
        // The way past the heading leaves the plan where it is.
        await page.focus('.skip');
        await page.keyboard.press('Enter');
        expect(await focused(page)).toBe('main');
        expect(await textOf(page, 'scope')).toContain('the link that you have followed');
        expect(urls.filter((url) => url.includes('plan'))).toEqual([
          `${site.origin}/${new URL(page.url()).hash}`,
        ]);
        await runTest(page);
        expect(
          await page.$eval(
            '[data-lane=https]',
            (one) => /** @type {SVGElement} */ (one).dataset.tried,
          ),
        ).toBe('false');
        expect(
          await page.$eval(
            '[data-lane=udp]',
            (one) => /** @type {SVGElement} */ (one).dataset.tone,
          ),
        ).toBe('good');
        await expectClean();
      },
      LONG,
    );

    test(
      'a link without a password asks for it; one that is no plan is told',
      async () => {
        const { page } = await open(
          running,
          () => `#${fragmentOf({ iceServers: [{ urls: ['turn:127.0.0.1'] }] })}`,
        );
        expect(await textOf(page, 'own-username-problem')).toContain('no user name');
        await page.evaluate(() => {
          location.hash = '#plan=bm8';
        });
        await page.waitForFunction(() => document.querySelector('#notice')?.textContent);
        expect(await textOf(page, 'notice')).toContain('cannot be read');
        expect(await textOf(page, 'scope')).toContain('this site');
        await inspect(page, `${running.name}-wrong-link`);
      },
      LONG,
    );

    test(
      'it stops midway: no verdict, what was measured stays, and it can be made again',
      async () => {
        const { site, page, expectClean } = await open(running);
        site.plan.quality = { seconds: 60 };
        await page.click('#start');
        await page.waitForSelector('[data-step="quality/udp"][data-state="running"]');
        await page.click('#stop');
        await waitForState(page, 'stopped');
        expect(await textOf(page, 'notice')).toContain('stopped');
        expect(await page.$eval('#verdict', (one) => /** @type {HTMLElement} */ (one).hidden)).toBe(
          true,
        );
        expect(await textOf(page, 'measurements')).toContain('turn:127.0.0.1');
        expect(await focused(page)).toBe('start');
        await inspect(page, `${running.name}-stopped`);
        site.plan.quality = false;
        await runTest(page);
        expect(await textOf(page, 'verdict')).toContain('Calls will work well');
        expect(await textOf(page, 'notice')).toBe('');
        await expectClean();
      },
      LONG,
    );

    test(
      'where pages may not use the clipboard of today, that of yesterday does',
      async () => {
        const { page } = await open(running);
        // As without TLS from another machine.
        await page.evaluate(() =>
          Object.defineProperty(navigator, 'clipboard', { value: undefined }),
        );
        await runTest(page);
        await press(page, 'Copy report');
        await page.waitForFunction(
          () => document.querySelector('#announcer')?.textContent === 'The report was copied.',
        );
        expect(await pasted(page)).toMatch(/^good office, second floor/);
      },
      LONG,
    );

    test(
      'it is dark and still where the system is, until a person says otherwise',
      async () => {
        const { page } = await open(running);
        if (running.name === 'chromium') {
          await page.emulateMediaFeatures([
            { name: 'prefers-color-scheme', value: 'dark' },
            { name: 'prefers-reduced-motion', value: 'reduce' },
          ]);
        }
        const look = () =>
          page.evaluate(() => {
            const [red] = getComputedStyle(document.body).backgroundColor.match(/\d+/g) ?? [];
            const spinner = document.body.appendChild(document.createElement('span'));
            spinner.className = 'spinner';
            const { animationName } = getComputedStyle(spinner);
            spinner.remove();
            return [Number(red) < 64 ? 'dark' : 'light', animationName];
          });
        expect(await look()).toEqual(['dark', 'none']);
        expect(await textOf(page, 'theme')).toContain('As system');
        await page.click('#theme');
        expect(await look()).toEqual(['light', 'none']);
        await page.reload();
        await page.waitForFunction(() => document.documentElement.dataset.theme === 'light');
        expect(await textOf(page, 'theme')).toContain('Light');
      },
      LONG,
    );

    test(
      'a site without a plan says so, and what else can be done',
      async () => {
        const { page, site } = await open(running);
        Object.assign(site.plan, { iceServers: 'none' });
        await page.click('#start');
        await page.waitForFunction(() => document.querySelector('#notice')?.textContent);
        expect(await textOf(page, 'notice')).toContain('could not be loaded');
        await inspect(page, `${running.name}-no-plan`);
      },
      LONG,
    );
  },
  { missing, launch },
);
