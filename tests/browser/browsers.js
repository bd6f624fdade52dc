// Headless browsers for tests: those of the system, a fresh profile for each, and no way out of this machine.

import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** @typedef {'chromium' | 'firefox'} BrowserName */

/** Programs by browser, the best first. @type {Record<BrowserName, string[]>} */
const PROGRAMS = {
  chromium: ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome'],
  firefox: ['firefox-esr', 'firefox'],
};

/** An environment variable that names the program. @type {Record<BrowserName, string>} */
const VARIABLES = { chromium: 'CHROMIUM', firefox: 'FIREFOX' };

/** @type {BrowserName[]} */
export const BROWSERS = ['chromium', 'firefox'];

/**
 * @param {BrowserName} name
 * @returns {string | undefined} the program, where this machine has one
 */
export function findBrowser(name) {
  const chosen = process.env[VARIABLES[name]];
  if (chosen) return chosen;
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  return PROGRAMS[name]
    .flatMap((program) => folders.map((folder) => join(folder, program)))
    .find(existsSync);
}

/**
 * Why tests in this browser cannot run here, for the name of a skipped test. In CI nothing is skipped: the test
 * runs and fails.
 *
 * @param {BrowserName} name
 * @returns {string | undefined}
 */
export function reasonToSkip(name) {
  if (findBrowser(name) !== undefined || process.env.CI === 'true') return undefined;
  return `skipped: ${PROGRAMS[name].join(', ')}: none is on PATH, and $${VARIABLES[name]} is not set`;
}

// What a browser does of its own accord (updates, measurements, guesses) has no place in a test.
const CHROMIUM_FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-dev-shm-usage',
  '--disable-quic',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-default-apps',
  '--disable-domain-reliability',
  '--disable-sync',
  '--no-first-run',
  '--no-default-browser-check',
  '--no-pings',
];

const FIREFOX_PREFERENCES = {
  'app.normandy.enabled': false,
  'app.update.disabledForTesting': true,
  'browser.region.update.enabled': false,
  'browser.safebrowsing.update.enabled': false,
  'dom.push.connection.enabled': false,
  'extensions.systemAddon.update.enabled': false,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  'network.dns.disablePrefetch': true,
  'toolkit.telemetry.server': 'data:,',
};

const LOOPBACK = '127.0.0.1';

/** A proxy that is not there. */
const NOWHERE = { host: LOOPBACK, port: 9 };

/** @param {readonly string[]} hosts that may be reached @param {{ host: string, port: number }} [proxy] */
const chromiumWays = (hosts, proxy) => [
  // Names do not resolve: whatever else it wants to ask stays here.
  `--host-resolver-rules=${['MAP * ~NOTFOUND', ...hosts.map((host) => `EXCLUDE ${host}`)].join(', ')}`,
  ...(proxy ? [`--proxy-server=http://${proxy.host}:${proxy.port}`] : []),
];

/** @param {readonly string[]} hosts that are reached without a proxy @param {{ host: string, port: number }} proxy */
const firefoxWays = (hosts, { host, port }) => ({
  'network.proxy.type': 1,
  'network.proxy.http': host,
  'network.proxy.http_port': port,
  'network.proxy.ssl': host,
  'network.proxy.ssl_port': port,
  'network.proxy.no_proxies_on': hosts.join(', '),
});

/**
 * @typedef {object} LaunchOptions
 * @property {Record<string, boolean | number | string>} [preferences] more of Firefox's
 * @property {readonly string[]} [hosts] addresses that it may reach besides 127.0.0.1
 * @property {{ host: string, port: number }} [proxy] for all but 127.0.0.1
 * @property {boolean} [trustsAll] takes any certificate
 */

/**
 * Starts a browser with a fresh profile, which goes when it is closed.
 *
 * @param {BrowserName} name
 * @param {LaunchOptions} [options]
 * @returns {Promise<import('puppeteer-core').Browser>}
 */
export async function launchBrowser(name, options = {}) {
  const { preferences = {}, hosts = [], proxy, trustsAll = false } = options;
  const executablePath = findBrowser(name);
  if (executablePath === undefined)
    throw new Error(`${PROGRAMS[name].join(', ')}: none is on PATH`);
  const { default: puppeteer } = await import('puppeteer-core');
  const common = { executablePath, headless: true, acceptInsecureCerts: trustsAll };
  if (name === 'firefox') {
    const straight = proxy ? [LOOPBACK] : [LOOPBACK, ...hosts];
    return puppeteer.launch({
      ...common,
      browser: 'firefox',
      extraPrefsFirefox: {
        ...FIREFOX_PREFERENCES,
        ...firefoxWays(straight, proxy ?? NOWHERE),
        ...preferences,
      },
    });
  }
  return puppeteer.launch({
    ...common,
    browser: 'chrome',
    args: [
      ...CHROMIUM_FLAGS,
      ...chromiumWays([LOOPBACK, ...hosts, ...(proxy ? [proxy.host] : [])], proxy),
      // Also for what is no page.
      ...(trustsAll ? ['--ignore-certificate-errors'] : []),
    ],
  });
}

/**
 * @typedef {object} PageRecord
 * @property {import('puppeteer-core').Page} page
 * @property {string[]} problems what the console called an error, what was thrown, what could not be loaded
 * @property {string[]} urls all that the page asked for
 */

/**
 * Opens an empty page whose doings are written down.
 *
 * @param {import('puppeteer-core').Browser} browser
 * @returns {Promise<PageRecord>}
 */
export async function openPage(browser) {
  const page = await browser.newPage();
  /** @type {string[]} */
  const problems = [];
  /** @type {string[]} */
  const urls = [];
  page.on('console', (message) => {
    if (['error', 'warn'].includes(message.type())) problems.push(`console: ${message.text()}`);
  });
  page.on('pageerror', (error) => problems.push(`thrown: ${error}`));
  page.on('requestfailed', (request) =>
    problems.push(`failed: ${request.url()} ${request.failure()?.errorText}`),
  );
  page.on('request', (request) => urls.push(request.url()));
  return { page, problems, urls };
}
