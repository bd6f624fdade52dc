// Reads the files of `postern serve --config` and `postern check --watch`. Their values are quoted in no error: some are secrets.
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { UsageError } from './exit-codes.js';
import { printable } from './printable.js';
import { CONFIG } from './serve-schema.js';

/** @typedef {import('./serve-schema.js').Shape} Shape */

/**
 * @typedef {object} Source
 * @property {string} name of the file, for errors
 * @property {string} directory that the paths in it start from
 * @property {Record<string, string | undefined>} env
 */

/** @param {unknown} value @returns {value is Record<string, unknown>} */
const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);

/** @param {string} path @param {string} key */
export const below = (path, key) =>
  /^[\w-]+$/.test(key) ? (path === '' ? key : `${path}.${key}`) : `${path}['${printable(key)}']`;

/** @param {Source} source @param {string} path of a key @param {string} sentence */
const fault = ({ name }, path, sentence) => new UsageError(`${name}: ${path} ${sentence}`);

/** Edits that make one text of the other (Levenshtein). @param {string} a @param {string} b */
function distance(a, b) {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (const [i, one] of [...a].entries()) {
    const next = [i + 1];
    for (const [j, other] of [...b].entries()) {
      next.push(Math.min(next[j] + 1, row[j + 1] + 1, row[j] + Number(one !== other)));
    }
    row = next;
  }
  return row[b.length];
}

/** @param {string} key @param {string[]} known @returns {string | undefined} the one that was probably meant */
export function nearest(key, known) {
  const [best] = known
    .map((name) => ({ name, far: distance(key.toLowerCase(), name.toLowerCase()) }))
    .sort((a, b) => a.far - b.far);
  return best !== undefined && best.far <= Math.max(2, best.name.length / 3)
    ? best.name
    : undefined;
}

/**
 * Text that stands in the file, in another one, or in the environment.
 *
 * @param {Source} source
 * @param {unknown} value
 * @param {string} path
 * @param {boolean} isLine whether it has one line only
 * @returns {Promise<string>}
 */
async function readText(source, value, path, isLine) {
  if (typeof value === 'string') return value;
  const [entry, ...more] = isObject(value) ? Object.entries(value) : [];
  const [kind, name] = entry ?? [];
  if ((kind !== 'file' && kind !== 'env') || typeof name !== 'string' || more.length > 0) {
    throw fault(source, path, 'takes a string, { "file": "path" } or { "env": "NAME" }.');
  }
  if (kind === 'env') {
    const text = source.env[name];
    if (text) return text;
    throw fault(source, path, `names the variable ${printable(name)}, which is not set.`);
  }
  const text = await readFile(resolve(source.directory, name), 'utf8').catch((error) => {
    throw fault(source, path, `names a file that cannot be read (${error.code}).`);
  });
  const content = isLine ? text.replace(/\r?\n$/, '') : text;
  if (content === '') throw fault(source, path, 'names a file that is empty.');
  if (isLine && /[\r\n]/.test(content)) {
    throw fault(source, path, 'names a file that has more than one line.');
  }
  return content;
}

/** @param {Source} source @param {string} text @param {string} path */
function fromBase64(source, text, path) {
  if (/^[\w+/-]+=*$/.test(text)) return Buffer.from(text, 'base64');
  throw fault(source, path, 'takes base64.');
}

/** @param {Source} source @param {Shape} shape @param {unknown} value @param {string} path @returns {Promise<unknown>} */
async function read(source, shape, value, path) {
  if (value === null) throw fault(source, path, 'is null; leave it out instead.');
  switch (shape.kind) {
    case 'secret':
      return readText(source, value, path, true);
    case 'pem':
      return readText(source, value, path, false);
    case 'bytes':
      return fromBase64(source, await readText(source, value, path, true), path);
    case 'items':
      if (!Array.isArray(value)) return read(source, shape.of, value, path);
      return Promise.all(value.map((one, i) => read(source, shape.of, one, `${path}[${i}]`)));
    case 'names':
      if (!isObject(value)) throw fault(source, path, 'takes an object.');
      return readAll(source, value, path, () => shape.of);
    case 'keys':
      if (!isObject(value)) break;
      return readAll(source, value, path, (key) => {
        if (Object.hasOwn(shape.rows, key)) return shape.rows[key];
        const known = Object.keys(shape.rows);
        const meant = nearest(key, known);
        const advice =
          meant === undefined
            ? `these are: ${known.join(', ')}.`
            : `did you mean ${below(path, meant)}?`;
        throw fault(source, below(path, key), `is no key that is known; ${advice}`);
      });
    default:
  }
  if (isObject(value) || (Array.isArray(value) && value.some(isNested))) {
    throw fault(source, path, 'takes no object.');
  }
  if (shape.kind === 'keys' && Array.isArray(value)) throw fault(source, path, 'takes an object.');
  return value;
}

/** @param {unknown} value */
const isNested = (value) => typeof value === 'object';

/**
 * @param {Source} source
 * @param {Record<string, unknown>} value
 * @param {string} path
 * @param {(key: string) => Shape} shapeOf
 */
async function readAll(source, value, path, shapeOf) {
  const entries = Object.entries(value).map(
    async ([key, one]) =>
      /** @type {const} */ ([key, await read(source, shapeOf(key), one, below(path, key))]),
  );
  // Each becomes a property of its own, '__proto__' too.
  return Object.fromEntries(await Promise.all(entries));
}

/** Where JSON.parse() stopped; its own words quote the text. @param {string} text @param {unknown} error */
function placeOf(text, error) {
  const [, position] = /position (\d+)/.exec(/** @type {Error} */ (error).message) ?? [];
  if (position === undefined) return '';
  const lines = text.slice(0, Number(position)).split('\n');
  return `, at line ${lines.length}, column ${/** @type {string} */ (lines.at(-1)).length + 1}`;
}

/**
 * @param {string} path
 * @param {Record<string, string | undefined>} env
 * @param {{ shape?: Shape, flag?: string }} [options] what may stand in it, and the option that named it
 * @returns {Promise<Record<string, any>>} with the secrets in place
 * @throws {UsageError} that names the key
 */
export async function readConfig(path, env, { shape = CONFIG, flag = '--config' } = {}) {
  const name = printable(path);
  const text = await readFile(path, 'utf8').catch((error) => {
    throw new UsageError(`The file of ${flag} cannot be read (${error.code}).`);
  });
  let value;
  try {
    value = JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (error) {
    throw new UsageError(`${name} is no JSON${placeOf(text, error)}.`);
  }
  if (!isObject(value)) throw new UsageError(`${name} takes an object.`);
  const source = { name, directory: dirname(resolve(path)), env };
  return /** @type {Promise<Record<string, any>>} */ (read(source, shape, value, ''));
}
