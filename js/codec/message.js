// A decoded message: a view on the caller's bytes. Attributes are read from the core when they are
// asked for.
import { argumentError, coreError } from '../errors.js';
import { ATTRIBUTES, METHODS } from '../generated/registry.js';
import { getCore } from './core.js';
import {
  ALLOW_CLASSIC,
  CLASSIC_BIT,
  DETAIL_SHIFT,
  ERROR_MASK,
  FINGERPRINT_SHIFT,
  MESSAGE_TYPE_MASK,
  NUMBERS,
  UNKNOWN_REQUIRED_BIT,
  VALUE_LENGTH,
  VALUE_OFFSET,
} from './layout.js';
import { READERS } from './read-value.js';

/** @typedef {import('./core.js').Core} Core */
/** @typedef {import('../generated/registry.js').MethodName} MethodName */
/** @typedef {import('../generated/registry.js').MessageAttributes} MessageAttributes */
/** @typedef {keyof MessageAttributes} AttributeProperty */
/** @typedef {'request' | 'indication' | 'success' | 'error'} MessageClass */

/**
 * What an attribute of this name is: known for the names of `attributes`.
 *
 * @template K
 * @typedef {K extends AttributeProperty ? MessageAttributes[K] : unknown} ValueOf
 */

/**
 * One attribute as it stands in a message.
 *
 * @typedef {object} Attribute
 * @property {number} type
 * @property {string | undefined} name the RFC's name, such as 'XOR-MAPPED-ADDRESS'; undefined for unknown types
 * @property {number} offset of the value, from the first byte of the message
 * @property {number} length of the value, without padding
 * @property {boolean} counts false where it stands behind an integrity attribute and is to be ignored
 * @property {unknown} value as `attributes` gives it; raw bytes for unknown types; undefined if malformed
 */

const HEADER_BYTES = 20;
const ATTRIBUTE_HEADER_BYTES = 4;
/** @type {readonly MessageClass[]} */
const CLASSES = ['request', 'indication', 'success', 'error'];
const FINGERPRINTS = /** @type {const} */ (['absent', 'valid', 'invalid']);

/** @type {ReadonlyMap<number, MethodName>} */
const methodNames = new Map(METHODS);

/**
 * @typedef {object} AttributeRow
 * @property {number} type
 * @property {AttributeProperty} property
 * @property {string} name
 * @property {string} kind
 */

/** @type {Map<number, AttributeRow>} */
const rowsByType = new Map();
/** By property and by the RFC's name. @type {Map<string, AttributeRow>} */
const rowsByName = new Map();
for (const [type, property, name, kind] of ATTRIBUTES) {
  const row = { type, property, name, kind };
  rowsByType.set(type, row);
  rowsByName.set(property, row);
  rowsByName.set(name, row);
}

/** @param {string | number} nameOrType */
function typeOf(nameOrType) {
  if (typeof nameOrType === 'string') return rowsByName.get(nameOrType)?.type;
  if (Number.isInteger(nameOrType) && nameOrType >= 0 && nameOrType <= 0xffff) return nameOrType;
  throw argumentError('nameOrType', "an attribute's name or its type, a 16-bit number");
}

/** The error for a negative result of decode() or read(). @param {number} result */
export function decodeError(result) {
  return coreError(-result & ERROR_MASK, { offset: -result >>> DETAIL_SHIFT });
}

/** Reads values on demand; each attribute of the registry is a getter on the prototype. */
class AttributeReader {
  /** @type {Message} */
  #message;

  /** @param {Message} message */
  constructor(message) {
    this.#message = message;
  }

  static {
    for (const [type, property, , kind] of ATTRIBUTES) {
      const read = /** @type {import('./read-value.js').Reader} */ (READERS[kind]);
      Object.defineProperty(AttributeReader.prototype, property, {
        enumerable: true,
        /** @this {AttributeReader} */
        get() {
          return this.#message.readFirst(type, read);
        },
      });
    }
  }

  /** The attributes that are there, as a plain object. */
  toJSON() {
    /** @type {Record<string, unknown>} */
    const present = {};
    for (const { type, counts, value } of this.#message) {
      const property = rowsByType.get(type)?.property;
      if (counts && property !== undefined && !(property in present)) present[property] = value;
    }
    return present;
  }
}

/** A STUN message that was read in place; see decode(). */
export class Message {
  /** The message, as it was given to decode(). @type {Uint8Array} @readonly */
  bytes;
  /** @type {number} @internal */
  head;
  /** Where the core holds the parsed message, while `generation` is the core's. @type {number} @internal */
  slot;
  /** @type {number} @internal */
  generation;
  /** @type {AttributeReader | undefined} @internal */
  reader;

  /**
   * @param {Uint8Array} bytes
   * @param {number} head
   * @param {number} slot
   * @param {number} generation
   * @internal
   */
  constructor(bytes, head, slot, generation) {
    this.bytes = bytes;
    this.head = head;
    this.slot = slot;
    this.generation = generation;
    this.reader = undefined;
  }

  /** RFC 8489 section 5. @returns {MessageClass} */
  get class() {
    return /** @type {MessageClass} */ (CLASSES[((this.head >> 7) & 2) | ((this.head >> 4) & 1)]);
  }

  /** The method's name, or its number where the registry has none. @returns {MethodName | number} */
  get method() {
    const type = this.head & MESSAGE_TYPE_MASK;
    const number = ((type & 0x3e00) >> 2) | ((type & 0x00e0) >> 1) | (type & 0x000f);
    return methodNames.get(number) ?? number;
  }

  /** The 16 bits that begin the message. */
  get type() {
    return this.head & MESSAGE_TYPE_MASK;
  }

  /** 12 bytes; 16 in a classic message. A view on `bytes`. */
  get transactionId() {
    return this.bytes.subarray(this.isClassic ? 4 : 8, HEADER_BYTES);
  }

  /** True for messages of RFC 3489, which have no magic cookie. */
  get isClassic() {
    return (this.head & CLASSIC_BIT) !== 0;
  }

  /** Whether FINGERPRINT is there and right (RFC 8489 section 14.7). */
  get fingerprint() {
    return /** @type {'absent' | 'valid' | 'invalid'} */ (
      FINGERPRINTS[(this.head >> FINGERPRINT_SHIFT) & 3]
    );
  }

  /** Comprehension-required attributes that are not known here (RFC 8489 section 6.3). @returns {number[]} */
  get unknownRequired() {
    if ((this.head & UNKNOWN_REQUIRED_BIT) === 0) return [];
    const core = this.load();
    const count = core.call.unknownRequired(this.slot);
    return Array.from(new Uint16Array(core.bytes.buffer, core.output, count));
  }

  /**
   * The values of the attributes, by name: `message.attributes.xorMappedAddress`. Undefined where the
   * message lacks the attribute; of repeated ones the first. Reading a malformed value throws
   * ERR_STUN_ATTRIBUTE_LENGTH or ERR_STUN_ATTRIBUTE_VALUE with its offset.
   *
   * @returns {MessageAttributes & { toJSON(): MessageAttributes }}
   */
  get attributes() {
    this.reader ??= new AttributeReader(this);
    return /** @type {any} */ (this.reader);
  }

  /**
   * The value of an attribute, the first of that type.
   *
   * @template {AttributeProperty | (string & {}) | number} K
   * @param {K} nameOrType such as 'lifetime', 'LIFETIME' or 0x000d
   * @returns {ValueOf<K>} undefined where there is none; raw bytes for types that the registry lacks
   * @throws {PosternError} as `attributes` does
   */
  get(nameOrType) {
    const type = typeOf(nameOrType);
    const value = type === undefined ? undefined : this.readFirst(type, readerOf(type));
    return /** @type {ValueOf<K>} */ (value);
  }

  /**
   * The values of all attributes of a type, such as the peers of a CreatePermission request.
   *
   * @template {AttributeProperty | (string & {}) | number} K
   * @param {K} nameOrType
   * @returns {Exclude<ValueOf<K>, undefined>[]}
   * @throws {PosternError} as `attributes` does
   */
  getAll(nameOrType) {
    const type = typeOf(nameOrType);
    const values = [];
    if (type !== undefined) {
      const read = readerOf(type);
      for (const attribute of this.walk()) {
        if (attribute.type === type && attribute.counts) values.push(this.readAt(attribute, read));
      }
    }
    return /** @type {Exclude<ValueOf<K>, undefined>[]} */ (values);
  }

  /**
   * The bytes of a value, without padding: a view on `bytes`.
   *
   * @param {AttributeProperty | (string & {}) | number} nameOrType
   * @returns {Uint8Array | undefined}
   */
  raw(nameOrType) {
    const type = typeOf(nameOrType);
    for (const attribute of this.walk()) {
      if (attribute.type === type && attribute.counts) {
        return this.bytes.subarray(attribute.offset, attribute.offset + attribute.length);
      }
    }
    return undefined;
  }

  /** Every attribute in order, unknown ones and those to be ignored too. @returns {Generator<Attribute>} */
  *[Symbol.iterator]() {
    for (const attribute of this.walk()) {
      const { type, offset, length, counts } = attribute;
      const row = rowsByType.get(type);
      /** @type {unknown} */
      let value = this.bytes.subarray(offset, offset + length);
      if (row !== undefined && counts) {
        try {
          value = this.readAt(attribute, readerOf(type));
        } catch {
          value = undefined;
        }
      }
      yield { type, name: row?.name, offset, length, counts, value };
    }
  }

  /** A plain object of what the message says, for logs and tests. */
  toJSON() {
    return {
      class: this.class,
      method: this.method,
      transactionId: Array.from(this.transactionId, (byte) =>
        byte.toString(16).padStart(2, '0'),
      ).join(''),
      fingerprint: this.fingerprint,
      attributes: this.attributes.toJSON(),
    };
  }

  /** @internal */
  *walk() {
    for (let next = HEADER_BYTES; ; ) {
      const core = this.load();
      const type = core.call.walk(this.slot, next);
      if (type < 0) return;
      const word = core.wordsWord;
      const offset = core.words[word + VALUE_OFFSET];
      const length = core.words[word + VALUE_LENGTH];
      const counts = core.words[word + NUMBERS] === 1;
      next = core.words[word + NUMBERS + 1];
      yield { type, offset, length, counts };
    }
  }

  /**
   * The first attribute of a type.
   *
   * @param {number} type
   * @param {import('./read-value.js').Reader} read
   * @internal
   */
  readFirst(type, read) {
    const core = this.load();
    const found = core.call.read(this.slot, type, 0);
    if (found === 0) return undefined;
    if (found < 0) throw decodeError(found);
    return read(core, this.bytes);
  }

  /**
   * @param {{ offset: number }} attribute from walk()
   * @param {import('./read-value.js').Reader} read
   * @internal
   */
  readAt({ offset }, read) {
    const core = this.load();
    const found = core.call.readAt(this.slot, offset - ATTRIBUTE_HEADER_BYTES);
    if (found < 0) throw decodeError(found);
    return read(core, this.bytes);
  }

  /**
   * The core, with this message in its slot: another decode() may have taken its place.
   *
   * @returns {Core}
   * @internal
   */
  load() {
    const core = getCore();
    if (this.generation !== core.generation) {
      this.generation = ++core.generation;
      this.slot = 0;
      const head = core.call.decode(core.copyIn(this.bytes), ALLOW_CLASSIC);
      // Only if the caller wrote into the bytes since.
      if (head < 0) throw decodeError(head);
    }
    return core;
  }
}

/** @param {number} type */
const readerOf = (type) =>
  /** @type {import('./read-value.js').Reader} */ (READERS[rowsByType.get(type)?.kind ?? 'Opaque']);

for (const Class of [Message, AttributeReader]) {
  Object.defineProperty(Class.prototype, Symbol.for('nodejs.util.inspect.custom'), {
    value: function inspect() {
      return this.toJSON();
    },
  });
}
