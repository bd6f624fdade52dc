// What bundlers make of the package, in browsers, under the policy of a strict site.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { openPage } from '../browser/browsers.js';
import { describeInBrowsers } from '../browser/in-browsers.js';
import { serve } from '../browser/server.js';
import { bundleWithEsbuild, bundleWithVite } from './bundles.js';
import { installPackage } from './consumer.js';

/** @typedef {import('./bundles.js').Bundle} Bundle */

/** @type {import('./consumer.js').Consumer} */
let consumer;
/** @type {Map<string, Bundle>} */
const bundles = new Map();

const codecCases = /** @type {const} */ ([
  ['Vite', 'postern/codec', bundleWithVite],
  ['Vite', 'postern/codec/inline', bundleWithVite],
  ['esbuild', 'postern/codec', bundleWithEsbuild],
  ['esbuild', 'postern/codec/inline', bundleWithEsbuild],
]);
const clientCases = /** @type {const} */ ([
  ['Vite', 'postern', bundleWithVite],
  ['esbuild', 'postern', bundleWithEsbuild],
]);
const credentialsCases = /** @type {const} */ ([
  ['Vite', 'postern/credentials', bundleWithVite],
  ['esbuild', 'postern/credentials', bundleWithEsbuild],
]);
// esbuild copies no files, and it takes two: that of the codec and that of the clients.
const testingCases = /** @type {const} */ ([['Vite', 'postern/testing', bundleWithVite]]);
const cases = [...codecCases, ...clientCases, ...credentialsCases, ...testingCases];

beforeAll(async () => {
  consumer = await installPackage();
  for (const [bundler, entry, bundle] of cases)
    bundles.set(`${bundler} ${entry}`, await bundle(consumer, entry));
}, 120_000);
afterAll(() => consumer?.remove());

/** @param {string} bundler @param {string} entry */
const bundleOf = (bundler, entry) => /** @type {Bundle} */ (bundles.get(`${bundler} ${entry}`));

describe.each(cases)('%s and %s', (bundler, entry) => {
  test('bundles without a warning', () => {
    expect(bundleOf(bundler, entry).output).toBe('');
  });

  test('leaves nothing to Node.js, and nothing to eval', () => {
    const { code } = bundleOf(bundler, entry);
    expect(code).not.toMatch(/["']node:|__vite-browser-external|\brequire\(/);
    expect(code).not.toMatch(/\beval\(|new Function\b/);
  });
});

describe.each(codecCases)('%s and %s', (bundler, entry) => {
  test('has the WebAssembly once', () => {
    const { files, code } = bundleOf(bundler, entry);
    const wasm = files.filter((file) => /codec[\w-]*\.wasm$/.test(file)).length;
    // "\0asm" in base64.
    const embedded = code.match(/AGFzbQ/g)?.length ?? 0;
    expect({ wasm, embedded }).toEqual(
      entry.endsWith('/inline') ? { wasm: 0, embedded: 1 } : { wasm: 1, embedded: 0 },
    );
  });
});

const expected = {
  username: 'evtj:h6vY',
  iceControlled: String(0x932ff9b151263b36n),
  fingerprint: 'valid',
  isAuthentic: true,
  isForged: false,
  again: { address: '2001:db8::1', port: 3478, family: 'IPv6' },
  software: '\u00E9',
  isAgainAuthentic: true,
  truncated: 'ERR_STUN_TRUNCATED',
};

describeInBrowsers((running) => {
  /** Loads a site and waits for what its page reports. @param {string} directory */
  async function visit(directory) {
    const site = await serve(directory);
    const { page, problems, urls } = await openPage(running.browser);
    try {
      const report = site.nextReport();
      await page.goto(`${site.origin}/`);
      // A page that cannot report has said why in the console.
      const result = await Promise.race([
        report,
        deadline(20_000).then(() => ({ error: problems.join('\n') })),
      ]);
      // What the browser has to tell of the page so far comes before its answer to this.
      await page.title();
      const elsewhere = urls.filter((url) => !url.startsWith(`${site.origin}/`));
      const wasm = site.requests.filter((path) => path.endsWith('.wasm')).length;
      return { ...result, problems: [...problems], elsewhere, wasm };
    } finally {
      await page.close();
      await site.close();
    }
  }

  test.each(codecCases)(
    '%s and %s: decode, verify, encode',
    async (bundler, entry) => {
      const { directory } = bundleOf(bundler, entry);
      const visited = await visit(directory);
      const isInline = entry.endsWith('/inline');
      expect(visited).toEqual({
        result: { ...expected, beforeInit: isInline ? 'none' : 'ERR_NOT_READY' },
        violations: [],
        problems: [],
        elsewhere: [],
        wasm: isInline ? 0 : 1,
      });
    },
    30_000,
  );

  test.each(clientCases)(
    '%s and %s: getMappedAddress says that a page cannot, and loads nothing for it',
    async (bundler, entry) => {
      expect(await visit(bundleOf(bundler, entry).directory)).toEqual({
        result: { code: 'ERR_TRANSPORT_UNSUPPORTED', hint: expect.any(String) },
        violations: [],
        problems: [],
        elsewhere: [],
        wasm: 0,
      });
    },
    30_000,
  );

  test.each(credentialsCases)(
    '%s and %s: credentials made and explained, without WebAssembly',
    async (bundler, entry) => {
      expect(await visit(bundleOf(bundler, entry).directory)).toEqual({
        result: {
          turn: {
            urls: ['turn:turn.example.org'],
            username: '1700003600:alice',
            credential: 'wjwSXO2ch1B6VaLTLMy2Avn5O9o=',
          },
          valid: false,
          ids: ['wrong-secret'],
          format: 'rtc-configuration',
        },
        violations: [],
        problems: [],
        elsewhere: [],
        wasm: 0,
      });
    },
    30_000,
  );

  test.each(testingCases)(
    '%s and %s: a client behind a simulated NAT, in virtual time',
    async (bundler, entry) => {
      expect(await visit(bundleOf(bundler, entry).directory)).toEqual({
        result: { isMapped: true, isVirtual: true, code: 'ERR_TRANSPORT_UNSUPPORTED' },
        violations: [],
        problems: [],
        elsewhere: [],
        wasm: 2,
      });
    },
    30_000,
  );

  test('the policy holds: eval is refused, and said to be', async () => {
    const directory = join(consumer.directory, `policy-${running.name}`);
    await mkdir(directory);
    await writeFile(
      join(directory, 'index.html'),
      '<!doctype html><script type="module" src="./main.js"></script>\n',
    );
    await writeFile(
      join(directory, 'main.js'),
      `const violations = [];
         const seen = new Promise((resolve) => addEventListener('securitypolicyviolation', (event) => {
           violations.push(event.effectiveDirective);
           resolve();
         }));
         let error;
         try { (0, eval)('1'); } catch ({ name }) { error = name; }
         await seen;
         await fetch('/report', { method: 'POST', body: JSON.stringify({ error, violations }) });`,
    );
    expect(await visit(directory)).toMatchObject({
      error: 'EvalError',
      violations: ['script-src'],
    });
  }, 30_000);
});

/** @param {number} ms */
function deadline(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}
