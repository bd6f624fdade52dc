// What was found in an input, for people and for JSON.
import { formatTransportAddress } from '../address.js';
import { PosternError } from '../errors.js';
import { describeData, describeValue, toJsonValue } from './describe-value.js';
import { countOf, hexOf, printable } from './printable.js';

/** @typedef {import('../codec/index.js').Attribute} Attribute */
/** @typedef {import('../codec/index.js').Message} Message */
/** @typedef {import('./capture/find-messages.js').Entry} Entry */
/** @typedef {import('./capture/find-messages.js').Origin} Origin */
/** @typedef {import('./capture/integrity.js').Integrity} Integrity */
/** @typedef {import('./terminal.js').Style} Style */

const CLASS_WORDS = {
  request: 'request',
  indication: 'indication',
  success: 'success response',
  error: 'error response',
};
const INTEGRITY_WORDS = {
  valid: 'valid',
  wrong: 'not signed with these credentials',
  unchecked: 'not checked: no key was given',
};
const INTEGRITY_ATTRIBUTES = new Set(['MESSAGE-INTEGRITY', 'MESSAGE-INTEGRITY-SHA256']);

/** @param {number} number */
const sixteenBits = (number) => `0x${number.toString(16).padStart(4, '0')}`;

/** @param {number} seconds since 1970 */
const timeOf = (seconds) => {
  const date = new Date(seconds * 1000);
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString();
};

/** @param {Origin} origin @returns {string} empty where there is nothing to say */
function describeOrigin({ packet, seconds, transport, source, destination, offset }) {
  const parts = [];
  if (packet !== undefined) parts.push(`packet ${packet}`);
  if (seconds !== undefined) parts.push(timeOf(seconds));
  if (transport !== undefined) parts.push(transport.toUpperCase());
  if (source !== undefined && destination !== undefined) {
    parts.push(`${formatTransportAddress(source)} > ${formatTransportAddress(destination)}`);
  }
  if (offset !== undefined && offset > 0) parts.push(`at byte ${offset}`);
  return parts.filter(Boolean).join('  ');
}

/** Why a value could not be read. @param {Message} message @param {Attribute} attribute @returns {PosternError | undefined} */
function faultOf(message, { type, offset }) {
  try {
    message.getAll(type);
  } catch (error) {
    // Of several of this type, the one that is at fault.
    if (!(error instanceof PosternError)) throw error;
    const fault = /** @type {PosternError} */ (error);
    return fault.offset === undefined || fault.offset <= offset ? fault : undefined;
  }
  return undefined;
}

/** @param {Message} message @param {Attribute} attribute @param {Integrity} integrity @param {Style} style */
function describeAttribute(message, attribute, integrity, style) {
  const { name, value, counts } = attribute;
  if (!counts) return `${describeValue(name, value)} (ignored: stands behind the integrity)`;
  if (value === undefined) {
    const fault = faultOf(message, attribute);
    return style.bad(`malformed: ${fault?.message ?? 'its value cannot be read.'}`);
  }
  const text = describeValue(name, value);
  if (name === 'FINGERPRINT') {
    const { fingerprint } = message;
    return `${text} (${fingerprint === 'valid' ? style.good('valid') : style.bad(fingerprint)})`;
  }
  if (name !== undefined && INTEGRITY_ATTRIBUTES.has(name) && integrity !== 'absent') {
    const words = INTEGRITY_WORDS[integrity];
    const styled = { valid: style.good, wrong: style.bad, unchecked: style.dim }[integrity](words);
    return `${text} (${styled})`;
  }
  return text;
}

/** @param {Message} message @param {Integrity} integrity @param {Style} style @returns {string[]} */
function describeStun(message, integrity, style) {
  const { method, transactionId, unknownRequired } = message;
  const name = typeof method === 'number' ? `Method ${sixteenBits(method)}` : method;
  const classic = message.isClassic ? ', RFC 3489' : '';
  const lines = [
    `${style.bold(`${name} ${CLASS_WORDS[message.class]}`)}  ${countOf(message.bytes.length, 'byte')}, ` +
      `transaction ${hexOf(transactionId)}${classic}`,
  ];
  const attributes = [...message];
  const names = attributes.map((attribute) => attribute.name ?? sixteenBits(attribute.type));
  const width = Math.max(0, ...names.map((one) => one.length));
  for (const [i, attribute] of attributes.entries()) {
    const text = describeAttribute(message, attribute, integrity, style);
    const unknown = unknownRequired.includes(attribute.type)
      ? ' (unknown, and has to be understood)'
      : '';
    lines.push(`  ${names[i].padEnd(width)}  ${text}${unknown}`);
  }
  return lines;
}

/**
 * @param {Entry} entry
 * @param {Integrity} integrity
 * @param {Style} style
 * @returns {string} lines, the last one without its end
 */
export function describeEntry(entry, integrity, style) {
  const origin = describeOrigin(entry.origin);
  const head = origin === '' ? [] : [style.dim(origin)];
  if (entry.type === 'stun') {
    return [...head, ...describeStun(entry.message, integrity, style)].join('\n');
  }
  if (entry.type === 'channel-data') {
    const title = style.bold(`ChannelData ${sixteenBits(entry.channel)}`);
    return [...head, `${title}  ${describeData(entry.data)}`].join('\n');
  }
  const where = entry.code === 'ERR_CAPTURE' ? '' : ` (at byte ${entry.offset})`;
  return [
    ...head,
    `${style.bad('Malformed')}  ${printable(entry.sentence)}${where} ${style.dim(entry.code)}`,
  ].join('\n');
}

/** @param {Origin} origin */
function jsonOrigin({ seconds, ...origin }) {
  return seconds === undefined ? origin : { ...origin, time: timeOf(seconds) };
}

/**
 * @param {Entry} entry
 * @param {Integrity} integrity
 * @returns {Record<string, unknown>}
 */
export function jsonOfEntry(entry, integrity) {
  const origin = jsonOrigin(entry.origin);
  if (entry.type === 'channel-data') {
    const { type, channel, data } = entry;
    return { type, ...origin, channel, length: data.length, data: hexOf(data) };
  }
  if (entry.type === 'malformed') {
    const { type, code, sentence, offset } = entry;
    return { type, ...origin, code, message: sentence, at: offset };
  }
  const { message } = entry;
  return {
    type: 'stun',
    ...origin,
    class: message.class,
    method: message.method,
    transactionId: hexOf(message.transactionId),
    length: message.bytes.length,
    isClassic: message.isClassic,
    fingerprint: message.fingerprint,
    integrity,
    unknownRequired: message.unknownRequired,
    attributes: [...message].map((attribute) => {
      const { type, name, offset, length, counts, value } = attribute;
      const fault = value === undefined ? faultOf(message, attribute)?.code : undefined;
      return { type, name, offset, length, counts, value: toJsonValue(value), error: fault };
    }),
  };
}
