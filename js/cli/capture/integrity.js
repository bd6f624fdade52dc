// Whether the messages of a capture are signed with the credentials that the user has.
import { prepareKey, verify } from '../../codec/index.js';

/** @typedef {import('../../codec/index.js').Message} Message */
/** @typedef {import('../../codec/index.js').PreparedKey} PreparedKey */

/**
 * @typedef {object} DecodeCredentials
 * @property {Uint8Array} [key] of the HMAC, as it is
 * @property {string} [password]
 * @property {string} [username] default: the USERNAME of each message
 * @property {string} [realm] default: those that the messages name
 */

/** 'absent': the message is not signed. 'unchecked': no key was given. @typedef {'absent' | 'valid' | 'wrong' | 'unchecked'} Integrity */

/** Ours: realms and user names that are remembered, so that a capture cannot make this process try for ever. */
const MAX_KEYS = 64;
const ALGORITHMS = /** @type {const} */ (['MD5', 'SHA-256']);

/** Answers carry neither realm nor user name: those of the requests before them are tried. */
export class IntegrityChecker {
  #credentials;
  /** By what they were made of; the last that fitted comes first. @type {Map<string, PreparedKey>} */
  #keys = new Map();
  #hasKey = false;

  /** @param {DecodeCredentials} credentials */
  constructor(credentials) {
    this.#credentials = credentials;
    const { key, password } = credentials;
    this.#hasKey = key !== undefined || password !== undefined;
    if (key !== undefined) this.#keys.set('key', prepareKey({ password: key }));
    if (password !== undefined) this.#keys.set('short-term', prepareKey({ password }));
  }

  /** @param {Message} message @returns {Integrity} */
  check(message) {
    this.#learn(message);
    const isSigned =
      message.raw('MESSAGE-INTEGRITY') !== undefined ||
      message.raw('MESSAGE-INTEGRITY-SHA256') !== undefined;
    if (!isSigned) return 'absent';
    if (!this.#hasKey) return 'unchecked';
    for (const key of this.#keys.values()) {
      if (verify(message, key, { leastLength: 16 })) return 'valid';
    }
    return 'wrong';
  }

  /** @param {Message} message */
  #learn(message) {
    const { password } = this.#credentials;
    if (password === undefined) return;
    const username = this.#credentials.username ?? textIn(message, 'USERNAME');
    const realm = this.#credentials.realm ?? textIn(message, 'REALM');
    if (username === undefined || realm === undefined) return;
    for (const algorithm of ALGORITHMS) {
      const name = JSON.stringify([username, realm, algorithm]);
      if (this.#keys.has(name) || this.#keys.size >= MAX_KEYS) continue;
      try {
        this.#keys.set(name, prepareKey({ username, realm, password, algorithm }));
      } catch {
        // A name that cannot be prepared signs nothing.
      }
    }
  }
}

/** @param {Message} message @param {'USERNAME' | 'REALM'} name @returns {string | undefined} */
function textIn(message, name) {
  try {
    return /** @type {string | undefined} */ (message.get(name)) || undefined;
  } catch {
    return undefined;
  }
}
