// Reports for continuous integration: JUnit's XML, one test case for each measurement and each finding.
import { redact } from './redact.js';

/** @typedef {import('../measurements/types.js').Measurement} Measurement */
/** @typedef {import('../measurements/types.js').Report} Report */
/** @typedef {import('../measurements/types.js').ReportFinding} ReportFinding */

/** What XML 1.0 has no way to write (section 2.2), and half surrogate pairs. */
const UNWRITABLE = /[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu;
/** @type {Readonly<Record<string, string>>} */
const ENTITIES = Object.freeze({
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\t': '&#9;',
  '\n': '&#10;',
  '\r': '&#13;',
});

/** @param {string} text */
const escapeXml = (text) =>
  text.replace(UNWRITABLE, '\u{fffd}').replace(/[&<>"\t\n\r]/g, (one) => ENTITIES[one]);

/** @param {string} name @param {Readonly<Record<string, string | number>>} attributes @param {string} [content] */
function element(name, attributes, content = '') {
  const list = Object.entries(attributes).map(
    ([key, value]) => ` ${key}="${escapeXml(String(value))}"`,
  );
  const head = `<${name}${list.join('')}`;
  return content === '' ? `${head}/>` : `${head}>${content}</${name}>`;
}

/** @param {number | undefined} elapsedMs */
const seconds = (elapsedMs = 0) => (elapsedMs / 1000).toFixed(3);

/** @param {Measurement} measurement */
function caseOfMeasurement({ id, kind, whose, status, because = '', error, elapsedMs }) {
  const { code = '', message = because } = error ?? {};
  let outcome = '';
  if (status === 'failed') outcome = element('failure', { type: code || 'failed', message });
  if (status === 'skipped' || status === 'unknown') {
    outcome = element('skipped', { message: `${status}: ${because}` });
  }
  return element(
    'testcase',
    { classname: `${whose}.${kind}`, name: id, time: seconds(elapsedMs) },
    outcome,
  );
}

/** An error is a failure; a warning is none, but said. @param {ReportFinding} finding */
function caseOfFinding({ id, severity, about, title, text, advice }) {
  const words = [title, text, advice].filter(Boolean).join('\n');
  const outcome =
    severity === 'error'
      ? element('failure', { type: id, message: title }, escapeXml(words))
      : element('system-out', {}, escapeXml(`${severity}: ${words}`));
  return element(
    'testcase',
    { classname: `finding.${about}`, name: id, time: seconds(0) },
    outcome,
  );
}

/** @param {string} name @param {string} timestamp @param {readonly string[]} cases */
const suite = (name, timestamp, cases) =>
  element(
    'testsuite',
    {
      name,
      timestamp,
      tests: cases.length,
      failures: cases.filter((one) => one.includes('<failure ')).length,
      skipped: cases.filter((one) => one.includes('<skipped ')).length,
      errors: 0,
    },
    `\n${cases.join('\n')}\n`,
  );

/**
 * @param {Report} report
 * @param {import('./redact.js').RedactOptions} [options]
 * @returns {string} a whole document, UTF-8
 * @throws {PosternError | TypeError} as redact() does
 */
export function toJUnit(report, options) {
  const { name = 'network test', createdAt, measurements, findings } = redact(report, options);
  const suites = [
    suite('measurements', createdAt, measurements.map(caseOfMeasurement)),
    suite('findings', createdAt, findings.map(caseOfFinding)),
  ];
  const all = element('testsuites', { name }, `\n${suites.join('\n')}\n`);
  return `<?xml version="1.0" encoding="UTF-8"?>\n${all}\n`;
}
