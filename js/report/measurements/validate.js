// Whether a value has the form that a schema asks for: the part of JSON Schema that ours uses.
import { PosternError } from '../../errors.js';

/** @typedef {import('./schema-parts.js').Schema} Schema */

/** The error for what is not as it must be. @param {string} path @param {string} expected */
export const wrong = (path, expected) =>
  Object.assign(new PosternError('ERR_INVALID_ARGUMENT', `${path} must be ${expected}.`), {
    argument: path,
  });

/** @param {unknown} value */
function typeOf(value) {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  return typeof value;
}

/** @param {unknown} value @param {string} type */
const hasType = (value, type) =>
  type === 'integer'
    ? Number.isInteger(value)
    : typeOf(value) === type && (type !== 'number' || Number.isFinite(value));

/** ISO 8601, as Date.prototype.toISOString() writes it; an offset counts too (RFC 3339). */
const DATE = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/;

/** @param {string} value @param {Schema} schema @param {string} path */
function checkText(value, { maxLength, pattern, format }, path) {
  if (maxLength !== undefined && value.length > maxLength) {
    throw wrong(path, `at most ${maxLength} characters long`);
  }
  if (pattern !== undefined && !new RegExp(pattern).test(value)) {
    throw wrong(path, `a text that matches ${pattern}`);
  }
  if (format === 'date-time' && !(DATE.test(value) && Number.isFinite(Date.parse(value)))) {
    throw wrong(path, 'a time such as 2026-01-31T12:00:00Z');
  }
}

/** @param {number} value @param {Schema} schema @param {string} path */
function checkNumber(value, { minimum = Number.NEGATIVE_INFINITY, maximum }, path) {
  if (value < minimum) throw wrong(path, `${minimum} or more`);
  if (maximum !== undefined && value > maximum) throw wrong(path, `${maximum} or less`);
}

/** @param {Record<string, unknown>} value @param {Schema} schema @param {string} path */
function checkObject(value, schema, path) {
  const { properties = {}, required = [], additionalProperties, propertyNames } = schema;
  for (const name of required) {
    if (!Object.hasOwn(value, name) || value[name] === undefined) {
      throw wrong(`${path}.${name}`, 'there');
    }
  }
  for (const [name, one] of Object.entries(value)) {
    // As JSON has it: what is undefined is not there.
    if (one === undefined) continue;
    if (propertyNames) checkText(name, propertyNames, `a name in ${path}`);
    const own = Object.hasOwn(properties, name) ? properties[name] : additionalProperties;
    if (own === false) throw wrong(`${path}.${name}`, 'left out: version 1 has no such field');
    if (own !== undefined) checkSchema(one, own, `${path}.${name}`);
  }
}

/** By `kind`, which all of them have. @param {Record<string, unknown>} value @param {readonly Schema[]} schemas @param {string} path */
function chooseSchema(value, schemas, path) {
  const kinds = schemas.map((schema) => schema.properties?.kind?.const);
  const at = typeOf(value) === 'object' ? kinds.indexOf(/** @type {string} */ (value.kind)) : -1;
  if (at < 0) throw wrong(`${path}.kind`, `one of ${kinds.join(', ')}`);
  return schemas[at];
}

/**
 * @param {unknown} value
 * @param {Schema} schema
 * @param {string} path as the caller knows the value, such as 'report'
 * @throws {PosternError} ERR_INVALID_ARGUMENT with the path of what is wrong as `argument`, such as
 *   'report.measurements[3].status'
 */
export function checkSchema(value, schema, path) {
  if (schema.oneOf) {
    const object = /** @type {Record<string, unknown>} */ (value);
    checkObject(object, chooseSchema(object, schema.oneOf, path), path);
    return;
  }
  if (schema.const !== undefined && value !== schema.const) {
    throw wrong(path, JSON.stringify(schema.const));
  }
  if (schema.enum && !schema.enum.includes(/** @type {string} */ (value))) {
    throw wrong(path, `one of ${schema.enum.join(', ')}`);
  }
  const types = [schema.type ?? []].flat();
  if (types.length > 0 && !types.some((type) => hasType(value, type))) {
    throw wrong(path, `of type ${types.join(' or ')}`);
  }
  if (typeof value === 'string') checkText(value, schema, path);
  if (typeof value === 'number') checkNumber(value, schema, path);
  if (Array.isArray(value)) {
    const { items, maxItems = Number.POSITIVE_INFINITY } = schema;
    if (value.length > maxItems) throw wrong(path, `at most ${maxItems} long`);
    if (items) for (const [i, item] of value.entries()) checkSchema(item, items, `${path}[${i}]`);
  } else if (typeOf(value) === 'object') {
    checkObject(/** @type {Record<string, unknown>} */ (value), schema, path);
  }
}
