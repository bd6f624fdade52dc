// The arguments of the core's open() and command(): laid down at the start of the inbox. Each function returns how many
// bytes that are.

import { writeText } from '../codec/text.js';
import { PosternError } from '../errors.js';
import {
  ALLOCATE_WORDS,
  BINDING_WORDS,
  CREDENTIALS_WORDS,
  EVEN_PORT,
  MECHANISM,
  NO_RESPONSE_PORT,
  OPEN_WORDS,
  PEER_WORDS,
  RELAY_TRANSPORT,
} from './layout.js';

/** @typedef {import('./addresses.js').PackedAddress} PackedAddress */
/** @typedef {import('./core.js').Core} Core */
/** @typedef {import('./turn-types.js').TurnCredentials} TurnCredentials */

const NOTHING = new Uint8Array();

/** What follows the words of a request: bytes, one behind the other. */
class Tail {
  #core;
  #at;

  /** @param {Core} core @param {number} words of the request */
  constructor(core, words) {
    this.#core = core;
    this.#at = core.inbox + words * 4;
  }

  /** Of the whole request. */
  get bytes() {
    return this.#at - this.#core.inbox;
  }

  /** @param {PackedAddress} address */
  address({ bytes, a, b, c, d }) {
    // The first of all: it begins at a word.
    this.#core.words.set([a, b, c, d].slice(0, bytes / 4), this.#at >> 2);
    this.#at += bytes;
    return bytes;
  }

  /** @param {string} text */
  text(text) {
    const length = writeText(this.#core.bytes, this.#at, this.#core.inboxEnd, text);
    if (length < 0) throw new PosternError('ERR_STUN_MESSAGE_TOO_LONG');
    this.#at += length;
    return length;
  }

  /** @param {Uint8Array} part */
  part(part) {
    if (part.length > this.#core.inboxEnd - this.#at) {
      throw new PosternError('ERR_STUN_CREDENTIALS');
    }
    this.#core.bytes.set(part, this.#at);
    this.#at += part.length;
    return part.length;
  }

  /** The four lengths. @param {Omit<TurnCredentials, 'mechanism'>} credentials */
  credentials({ username, password, realm, accessToken = NOTHING }) {
    return [username, password, realm, accessToken].map((part) => this.part(part));
  }
}

const flag = (/** @type {boolean | undefined} */ value) => (value === true ? 1 : 0);

/** @param {Core} core @param {number[]} words */
function writeHead(core, words) {
  core.words.set(words, core.inbox >> 2);
}

/**
 * @param {Core} core
 * @param {PackedAddress} server
 * @param {import('./client-types.js').ClientSettings & Partial<import('./turn-types.js').TurnOnlySettings>} settings
 */
export function writeOpen(core, server, settings) {
  const tail = new Tail(core, OPEN_WORDS);
  const lengths = [
    tail.address(server),
    tail.text(settings.software),
    ...tail.credentials(settings),
  ];
  writeHead(core, [
    flag(settings.isReliable),
    settings.server.port,
    Math.round(settings.rtoMs * 1000),
    settings.rc,
    settings.rm,
    Math.round(settings.tiMs * 1000),
    MECHANISM[settings.mechanism],
    flag(settings.featureBitsFromLeft),
    ...lengths,
    flag(settings.fingerprint),
    flag(settings.padsChannelData),
    Math.round(settings.permissionLifetimeMs ?? 0),
    Math.round(settings.channelLifetimeMs ?? 0),
    Math.round(settings.refreshEveryMs ?? 0),
    Math.round(settings.keepAliveMs ?? 0),
  ]);
  return tail.bytes;
}

/** @param {Core} core @param {number[]} words */
export function writeWords(core, ...words) {
  writeHead(core, words);
  return words.length * 4;
}

/** @param {Core} core @param {import('./client-types.js').BindingOptions} options */
export function writeBinding(core, options) {
  writeHead(core, [
    flag(options.fingerprint),
    flag(options.changeIp),
    flag(options.changePort),
    options.responsePort ?? NO_RESPONSE_PORT,
    options.paddingBytes ?? 0,
  ]);
  return BINDING_WORDS * 4;
}

/** @param {Core} core @param {import('./turn-types.js').AllocateRequest} request */
export function writeAllocate(core, request) {
  const { transport = 'udp', family = 0, evenPort = false, reservationToken = NOTHING } = request;
  const tail = new Tail(core, ALLOCATE_WORDS);
  const tokenBytes = tail.part(reservationToken);
  const parity = evenPort === 'reserve' ? 'reserve' : evenPort ? 'even' : 'any';
  writeHead(core, [
    RELAY_TRANSPORT[transport],
    family === 'both' ? 0 : family,
    flag(family === 'both'),
    EVEN_PORT[parity],
    flag(request.dontFragment),
    request.lifetimeSeconds ?? 0,
    flag(request.mobility),
    tokenBytes,
  ]);
  return tail.bytes;
}

/** @param {Core} core @param {PackedAddress} address @param {number} port */
export function writePeer(core, address, port) {
  const tail = new Tail(core, PEER_WORDS);
  writeHead(core, [port, tail.address(address)]);
  return tail.bytes;
}

/** @param {Core} core @param {TurnCredentials} credentials */
export function writeCredentials(core, credentials) {
  const tail = new Tail(core, CREDENTIALS_WORDS);
  writeHead(core, [MECHANISM[credentials.mechanism], ...tail.credentials(credentials)]);
  return tail.bytes;
}
