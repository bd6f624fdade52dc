// Runs in the laboratory's namespace of the client: a browser with a page, which asks the mirror.
// Arguments: the browser, where the mirror's web server is. Says its page's origin; then for each line of options for
// diagnoseNat() there comes one with what the page found.
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { launchBrowser } from '../browser/browsers.js';
import { diagnoseIn, servePage } from './mirror-page.js';

const [name, host, port] = process.argv.slice(2);
/** @param {object} line */
const say = (line) => void process.stdout.write(`${JSON.stringify(line)}\n`);

// Browsers of tests may talk to loopback only, but for WebRTC.
const forwarder = createServer((socket) => {
  const onward = connect(Number(port), host);
  for (const [from, to] of [
    [socket, onward],
    [onward, socket],
  ]) {
    from.on('error', () => to.destroy());
    from.on('close', () => to.destroy());
    from.pipe(to);
  }
});
forwarder.listen(0, '127.0.0.1');
await once(forwarder, 'listening');
const { port: near } = /** @type {import('node:net').AddressInfo} */ (forwarder.address());
const url = `http://127.0.0.1:${near}/mirror`;

const site = await servePage(url);
const browser = await launchBrowser(
  /** @type {import('../browser/browsers.js').BrowserName} */ (name),
);
say({ origin: site.origin, version: await browser.version() });
for await (const line of createInterface({ input: process.stdin })) {
  say(await diagnoseIn(browser, site.origin, { url, ...JSON.parse(line) }));
}
await browser.close();
await site.close();
forwarder.close();
