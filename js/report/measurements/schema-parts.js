// What schemas are made of. `format` tells what a text is, which redact() goes by: 'x-url', 'x-host', 'x-address' and
// 'x-user' are ours; what has neither format, pattern nor enum is free text.

/**
 * The part of JSON Schema (2020-12) that is used.
 *
 * @typedef {object} Schema
 * @property {string | readonly string[]} [type]
 * @property {string | number} [const]
 * @property {readonly string[]} [enum]
 * @property {string} [format]
 * @property {string} [pattern]
 * @property {number} [minimum]
 * @property {number} [maximum]
 * @property {number} [maxLength]
 * @property {number} [maxItems]
 * @property {Readonly<Record<string, Schema>>} [properties]
 * @property {readonly string[]} [required]
 * @property {false | Schema} [additionalProperties]
 * @property {Schema} [propertyNames]
 * @property {Schema} [items]
 * @property {readonly Schema[]} [oneOf] of objects, which `kind` tells apart
 */

/**
 * A schema for each property of a type, so that the two lists can't differ.
 *
 * @template T
 * @typedef {{ [Key in keyof T]-?: Schema }} Properties
 */

/** Ours: enough for all that is written, little enough for whoever shows it. */
const MAX_TEXT = 10_000;
const MAX_ITEMS = 10_000;
const MAX_PORT = 65_535;

/** @type {Schema} */
export const text = { type: 'string', maxLength: MAX_TEXT };
export const id = { ...text, pattern: '^[!-~]+$' };
export const date = { ...text, format: 'date-time' };
export const url = { ...text, format: 'x-url' };
export const host = { ...text, format: 'x-host' };
export const address = { ...text, format: 'x-address' };
export const user = { ...text, format: 'x-user' };
export const number = { type: 'number' };
export const positive = { type: 'number', minimum: 0 };
export const nullable = { type: ['number', 'null'], minimum: 0 };
export const count = { type: 'integer', minimum: 0 };
export const ratio = { type: 'number', minimum: 0, maximum: 1 };
export const port = { type: 'integer', minimum: 0, maximum: MAX_PORT };

/** @param {...string} values @returns {Schema} */
export const oneOf = (...values) => ({ enum: values });
/** @param {Schema} items @returns {Schema} */
export const list = (items) => ({ type: 'array', maxItems: MAX_ITEMS, items });
/** @param {Readonly<Record<string, Schema>>} properties @param {readonly string[]} required @returns {Schema} */
export const object = (properties, required) => ({
  type: 'object',
  properties,
  required,
  additionalProperties: false,
});
/** The names of all properties but those. @param {Readonly<Record<string, Schema>>} properties @param {...string} names */
export const allBut = (properties, ...names) =>
  Object.keys(properties).filter((name) => !names.includes(name));
/** Nothing in it is optional. @param {Readonly<Record<string, Schema>>} properties */
export const whole = (properties) => object(properties, Object.keys(properties));

export const endpoint = whole({ address, port });
/** @param {...string} values */
export const answer = (...values) =>
  object({ value: oneOf(...values, 'unknown'), because: text }, ['value']);
export const yesOrNo = answer('yes', 'no');
export const behaviour = answer(
  'endpoint-independent',
  'address-dependent',
  'address-and-port-dependent',
);
