// A report that can be given away.
import { argumentError } from '../../errors.js';
import { checkOneOf } from '../../option-checks.js';
import { REPORT_SCHEMA } from '../measurements/schema.js';
import { checkSchema } from '../measurements/validate.js';
import { scrubText, scrubUrl, scrubUser, userOf } from './scrub.js';

/** @typedef {import('../measurements/schema-parts.js').Schema} Schema */
/** @typedef {import('../measurements/types.js').Report} Report */
/** @typedef {import('./scrub.js').Scrubbing} Scrubbing */

/**
 * @typedef {object} RedactOptions
 * @property {import('./scrub.js').AddressMode} [addresses] 'keep' (the default); 'prefix': /24 of IPv4, /48 of IPv6; 'drop'
 * @property {readonly string[]} [secrets] such as the passwords of the test: texts that are to stand nowhere
 */

/** @typedef {Scrubbing & { ids: Map<string, string> }} Context */

/** @param {string} id @param {Scrubbing} scrubbing */
function scrubId(id, scrubbing) {
  const parts = id.split('/').map((part) => {
    let text = part;
    try {
      text = decodeURIComponent(part);
    } catch {
      // Not of measurementId(): it stands for itself.
    }
    const scrubbed = text.includes(':') ? scrubUrl(text, scrubbing) : text;
    const clean = scrubText(scrubbed, scrubbing);
    return clean === text ? part : encodeURIComponent(clean).replaceAll('%3A', ':');
  });
  return parts.join('/');
}

/**
 * What an address was cut from may have made two ids one.
 *
 * @param {Report} report
 * @param {Scrubbing} scrubbing
 */
function scrubbedIds({ measurements }, scrubbing) {
  /** @type {Map<string, string>} */
  const ids = new Map();
  const taken = new Set();
  for (const { id } of measurements) {
    const base = scrubId(id, scrubbing);
    let free = base;
    for (let i = 2; taken.has(free); i += 1) free = `${base}/${i}`;
    taken.add(free);
    ids.set(id, free);
  }
  return ids;
}

/** @param {string} text @param {Schema} schema @param {Context} context @returns {string} */
function redactText(text, { format, pattern, enum: values, maxLength }, context) {
  if (values !== undefined || format === 'date-time') return text;
  if (pattern !== undefined) return context.ids.get(text) ?? scrubId(text, context);
  if (format === 'x-user') return scrubUser(text, context.salt);
  if (format === 'x-address' && context.addresses === 'drop') return '[address]';
  // What stands for a secret may be longer than that was.
  const scrub = format === 'x-url' ? scrubUrl : scrubText;
  return scrub(text, context).slice(0, maxLength);
}

/** @param {Record<string, unknown>} value @param {Schema} schema @param {Context} context */
function redactObject(value, { properties = {}, additionalProperties }, context) {
  const entries = Object.keys(properties)
    .filter((name) => value[name] !== undefined)
    .map((name) => [name, redactValue(value[name], properties[name], context)]);
  if (additionalProperties) {
    for (const name of Object.keys(value).sort()) {
      entries.push([name, redactValue(value[name], additionalProperties, context)]);
    }
  }
  return Object.fromEntries(entries);
}

/** @param {unknown} value of the right form @param {Schema} schema @param {Context} context @returns {unknown} */
function redactValue(value, schema, context) {
  if (typeof value === 'string')
    return schema.const === undefined ? redactText(value, schema, context) : value;
  if (Array.isArray(value)) {
    return value.map((item) => redactValue(item, schema.items ?? {}, context));
  }
  if (typeof value !== 'object' || value === null) return value;
  const object = /** @type {Record<string, unknown>} */ (value);
  const of = schema.oneOf?.find(({ properties }) => properties?.kind.const === object.kind);
  return redactObject(object, of ?? schema, context);
}

/**
 * A copy without passwords, tokens, nonces, keys, users and queries of URLs; names of users are hashed, salted with the
 * time of the report. What is in a text is found by its looks or by the word before it; `secrets` are found in any case.
 * Redacting twice is as once. Keys are in the order of the schema.
 *
 * @param {Report} report
 * @param {RedactOptions} [options]
 * @returns {Report}
 * @throws {PosternError | TypeError} ERR_INVALID_ARGUMENT, with the path if the report has another form
 */
export function redact(report, { addresses = 'keep', secrets = [] } = {}) {
  checkOneOf(addresses, 'options.addresses', ['keep', 'prefix', 'drop']);
  if (!Array.isArray(secrets) || !secrets.every((one) => typeof one === 'string')) {
    throw argumentError('options.secrets', 'an array of strings');
  }
  checkSchema(report, REPORT_SCHEMA, 'report');
  const users = report.measurements.flatMap((one) =>
    one.kind === 'reachability' && one.username ? [userOf(one.username)] : [],
  );
  const scrubbing = {
    addresses,
    // The longest first: one may be a part of another.
    secrets: secrets.filter((one) => one !== '').sort((a, b) => b.length - a.length),
    users: [...new Set(users)].filter((user) => user !== ''),
    salt: report.createdAt,
  };
  const context = { ...scrubbing, ids: scrubbedIds(report, scrubbing) };
  return /** @type {Report} */ (redactValue(report, REPORT_SCHEMA, context));
}
