// How `postern check` writes its report down: formats, files, and what changed since another one.
import { writeFile } from 'node:fs/promises';
import {
  compareReports,
  fromJson,
  toHtml,
  toJson,
  toJUnit,
  toPrometheus,
  toText,
} from '../report/index.js';
import { UsageError } from './exit-codes.js';
import { choiceOf, readInputFile, textOf, textsOf } from './options.js';
import { printable } from './printable.js';

/** @typedef {import('../report/index.js').RedactOptions} RedactOptions */
/** @typedef {import('../report/index.js').Report} Report */
/** @typedef {import('./options.js').Values} Values */
/** @typedef {(report: Report, options: RedactOptions) => string} Write */

/** @type {Readonly<Record<string, Write>>} */
const FORMATS = {
  text: (report, options) => `${toText(report, options)}\n`,
  json: toJson,
  html: toHtml,
  junit: toJUnit,
  prometheus: toPrometheus,
};
/** By the ends of files' names. @type {Readonly<Record<string, keyof typeof FORMATS>>} */
const EXTENSIONS = {
  txt: 'text',
  json: 'json',
  html: 'html',
  htm: 'html',
  xml: 'junit',
  prom: 'prometheus',
};

/** @param {string} path */
function formatOf(path) {
  const extension = /\.([^./\\]+)$/.exec(path)?.[1].toLowerCase() ?? '';
  if (Object.hasOwn(EXTENSIONS, extension)) return EXTENSIONS[extension];
  const known = Object.keys(EXTENSIONS).map((one) => `.${one}`);
  throw new UsageError(`--report takes a file whose name ends in one of ${known.join(', ')}.`);
}

/** @param {string} path @returns {Promise<Report>} */
async function readOld(path) {
  const bytes = await readInputFile(path, 'The file of --compare');
  try {
    return fromJson(bytes.toString('utf8'));
  } catch (error) {
    const { message } = /** @type {Error} */ (error);
    throw new UsageError(`The file of --compare is no report: ${message}`);
  }
}

/**
 * Reads what the options say, so that what is wrong with them shows before the test and not after it.
 *
 * @param {Values} values
 * @throws {UsageError}
 */
export async function planOutputs(values) {
  const format = choiceOf(values, 'format', Object.keys(FORMATS));
  if (format !== undefined && format !== 'json' && values.json === true) {
    throw new UsageError('--json and --format exclude each other.');
  }
  const files = (textsOf(values, 'report') ?? []).map((path) => ({ path, format: formatOf(path) }));
  const compare = textOf(values, 'compare');
  const addresses = choiceOf(
    values,
    'addresses',
    /** @type {const} */ (['keep', 'prefix', 'drop']),
  );
  return {
    files,
    format: format === undefined ? undefined : FORMATS[format],
    old: compare === undefined ? undefined : await readOld(compare),
    addresses: addresses ?? /** @type {const} */ ('keep'),
  };
}

/**
 * Says what cannot be written, and goes on: the test is made.
 *
 * @param {Report} report
 * @param {readonly { path: string, format: keyof typeof FORMATS }[]} files
 * @param {RedactOptions} options
 * @param {Pick<import('./command.js').Io, 'err'>} io
 * @returns {Promise<boolean>} whether all is written
 */
export async function writeReports(report, files, options, io) {
  let isWritten = true;
  for (const { path, format } of files) {
    await writeFile(path, FORMATS[format](report, options)).catch(({ code }) => {
      isWritten = false;
      io.err(`postern: ${printable(path)} cannot be written (${code}).\n`);
    });
  }
  return isWritten;
}

/** @param {Report} old @param {Report} report @param {RedactOptions} options @returns {string} lines */
export const describeChanges = (old, report, options) =>
  compareReports(old, report, options).text.split('\n').map(printable).join('\n');
