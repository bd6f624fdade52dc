// Runs in the laboratory's namespace of a client: a browser, and a page that tests the network from there. Arguments: the
// browser; the folder of the page; a JSON object of launchBrowser()'s options. Says { origin, version }; then for each line
// { plan, timeoutMs } the report, or { error }.
import { createInterface } from 'node:readline';
import { launchBrowser } from '../browser/browsers.js';
import { serve } from '../browser/server.js';

const [name, folder, options] = process.argv.slice(2);
const { hosts, ...others } = JSON.parse(options);
const connections = ["'self'"].concat(
  ...['https', 'wss', 'ws'].map((scheme) =>
    hosts.map((/** @type {string} */ host) => `${scheme}://${host}:*`),
  ),
);
const policy =
  "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; img-src 'self'; " +
  `connect-src ${connections.join(' ')}`;
const site = await serve(folder, { policy });
const browser = await launchBrowser(
  /** @type {import('../browser/browsers.js').BrowserName} */ (name),
  { hosts, ...others },
);
const opened = { origin: site.origin, version: await browser.version() };
process.stdout.write(`${JSON.stringify(opened)}\n`);
for await (const line of createInterface({ input: process.stdin })) {
  const page = await browser.newPage();
  await page.goto(site.origin);
  const outcome = await page.evaluate(
    (given) => /** @type {any} */ (globalThis).run(given),
    JSON.parse(line),
  );
  await page.close();
  process.stdout.write(`${outcome}\n`);
}
await browser.close();
await site.close();
