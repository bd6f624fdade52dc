// What runs the test: which browser.

/** The more special ones first: most call themselves several things. @type {readonly [name: string, pattern: RegExp][]} */
const BROWSERS = [
  ['edge', /Edg(?:e|A|iOS)?\/([\d.]+)/],
  ['opera', /OPR\/([\d.]+)/],
  ['firefox', /(?:Firefox|FxiOS)\/([\d.]+)/],
  ['chromium', /(?:Chrome|Chromium|CriOS)\/([\d.]+)/],
  ['safari', /Version\/([\d.]+).*Safari\//],
];

/**
 * @param {string} userAgent as navigator.userAgent
 * @param {string} [system] as navigator.platform
 * @returns {import('../report/measurements/types.js').ReportHead['platform']}
 */
export function platformOf(userAgent, system) {
  for (const [name, pattern] of BROWSERS) {
    const version = pattern.exec(userAgent)?.[1];
    if (version !== undefined) return system ? { name, version, system } : { name, version };
  }
  return system ? { name: 'browser', system } : { name: 'browser' };
}
