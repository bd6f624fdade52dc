// What a relay has asked the engine for: promises, which the engine's events settle.
import { canonicalAddress } from '../address.js';
import { deferred } from './deferred.js';
import { turnError } from './turn-error.js';

/** @typedef {import('../engine/turn-types.js').TurnEvent} TurnEvent */
/** @typedef {import('../engine/turn-types.js').TurnEventType} TurnEventType */
/** @typedef {import('../errors.js').Phase} Phase */

/** @typedef {'allocate' | 'permit' | 'bind' | 'connect' | 'refresh' | 'move'} Command */

/** What ends which command, and in which phase it failed. @type {Partial<Record<TurnEventType, [Command, Phase?]>>} */
const ENDS = {
  allocated: ['allocate'],
  'allocate-failed': ['allocate', 'allocate'],
  permitted: ['permit'],
  'permission-failed': ['permit', 'permission'],
  'channel-bound': ['bind'],
  'channel-failed': ['bind', 'channel'],
  connected: ['connect'],
  'connect-failed': ['connect', 'peer'],
  refreshed: ['refresh'],
  'refresh-failed': ['refresh', 'refresh'],
  moved: ['move'],
  'move-failed': ['move', 'move'],
};

/**
 * What the commands of one kind are told apart with.
 *
 * @param {Command} command
 * @param {TurnEvent} event
 */
function detailOf(command, { number, token, peer }) {
  if (command === 'permit') return canonicalAddress(peer?.address ?? '') ?? '';
  if (command === 'bind') return number;
  return command === 'connect' ? token : '';
}

export class PendingCommands {
  /** @type {Map<string, import('./deferred.js').Deferred<TurnEvent>>} */ #waiting = new Map();

  /**
   * @param {Command} command
   * @param {string | number} [detail] a peer's canonical address, a channel, or a token
   * @returns {Promise<TurnEvent>} shared by all who ask for the same; rejects with what turnError() makes of the event
   */
  add(command, detail = '') {
    const key = `${command} ${detail}`;
    const waiting = this.#waiting.get(key) ?? deferred();
    this.#waiting.set(key, waiting);
    return waiting.promise;
  }

  /**
   * The end, good or bad, of a command of a kind of which there is one at a time.
   *
   * @param {'refresh' | 'move'} command
   * @returns {Promise<void> | undefined} undefined when there is none
   */
  endOf(command) {
    return this.#waiting.get(`${command} `)?.promise.then(ignore, ignore);
  }

  /**
   * @param {TurnEvent} event
   * @param {unknown} networkError what the network had to say meanwhile, if anything
   * @returns {'success' | 'failure' | undefined} undefined for an event that ends no command
   */
  settle(event, networkError) {
    const end = ENDS[event.type];
    if (end === undefined) return undefined;
    const [command, phase] = end;
    const key = `${command} ${detailOf(command, event)}`;
    const waiting = this.#waiting.get(key);
    this.#waiting.delete(key);
    if (phase === undefined) waiting?.resolve(event);
    else waiting?.reject(turnError(event, phase, networkError));
    return phase === undefined ? 'success' : 'failure';
  }

  /**
   * Ends one that nobody wants any more, and that may end without an event.
   *
   * @param {Command} command
   * @param {string | number} detail
   * @param {unknown} error
   */
  reject(command, detail, error) {
    const key = `${command} ${detail}`;
    this.#waiting.get(key)?.reject(error);
    this.#waiting.delete(key);
  }

  /** @param {unknown} error */
  rejectAll(error) {
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}

const ignore = () => {};
