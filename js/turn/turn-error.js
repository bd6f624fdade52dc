// Why something that a relay asked for failed: an event of the engine as an error.
import { engineError } from '../engine/engine-error.js';
import { failureError } from '../event-error.js';

/** @typedef {import('../engine/turn-types.js').TurnEvent} TurnEvent */
/** @typedef {import('../errors.js').Phase} Phase */
/** @typedef {import('../errors.js').PosternError} PosternError */

/**
 * @param {TurnEvent} event
 * @param {Phase} phase
 * @param {unknown} [networkError] what the network had to say meanwhile, if anything
 * @returns {PosternError}
 */
export function turnError(event, phase, networkError) {
  const isResponse = engineError(event.errc).code === 'ERR_STUN_RESPONSE';
  return failureError({ ...event, isResponse }, networkError, phase);
}

/**
 * Why a relay ended, in one word: nobody answered, its lifetime ran out, the server refused to go on with it, the way
 * to the server was lost, or we failed.
 *
 * @typedef {'timeout' | 'expired' | 'refused' | 'transport' | 'internal'} LossReason
 */

/** @param {PosternError} error @returns {LossReason} */
export function lossReason({ code, errorCode }) {
  if (code === 'ERR_TURN_EXPIRED') return 'expired';
  if (code === 'ERR_STUN_TIMEOUT') return 'timeout';
  if (code === 'ERR_INTERNAL') return 'internal';
  if (code.startsWith('ERR_TRANSPORT_') || code.startsWith('ERR_STREAM_')) return 'transport';
  return errorCode === undefined && !code.startsWith('ERR_STUN_') ? 'internal' : 'refused';
}
