// The errors that node:dgram throws, with its codes and sentences, for code that looks at them.
import { constants } from 'node:os';
import { inspect } from 'node:util';

/** @typedef {keyof typeof constants.errno} ErrnoName */

/**
 * @template {Error} E
 * @param {E} error
 * @param {string} code
 */
const withCode = (error, code) => Object.assign(error, { code });

export const notRunningError = () =>
  withCode(new Error('Not running'), 'ERR_SOCKET_DGRAM_NOT_RUNNING');
export const alreadyBoundError = () =>
  withCode(new Error('Socket is already bound'), 'ERR_SOCKET_ALREADY_BOUND');
export const connectedError = () =>
  withCode(new Error('Already connected'), 'ERR_SOCKET_DGRAM_IS_CONNECTED');
export const notConnectedError = () =>
  withCode(new Error('Not connected'), 'ERR_SOCKET_DGRAM_NOT_CONNECTED');

/** @param {string} name @param {string} expected @param {unknown} value */
export const typeError = (name, expected, value) =>
  withCode(
    new TypeError(
      `The "${name}" argument must be ${expected}. Received ${inspect(value, { depth: 0 })}`,
    ),
    'ERR_INVALID_ARG_TYPE',
  );

/** @param {string} name */
export const missingArgumentError = (name) =>
  withCode(new TypeError(`The "${name}" argument must be specified`), 'ERR_MISSING_ARGS');

/** @param {unknown} port */
export const badPortError = (port) =>
  withCode(
    new RangeError(`Port should be > 0 and < 65536. Received ${inspect(port, { depth: 0 })}.`),
    'ERR_SOCKET_BAD_PORT',
  );

/** @param {'offset' | 'length'} name */
export const outOfBoundsError = (name) =>
  withCode(new RangeError(`"${name}" is outside of buffer bounds`), 'ERR_BUFFER_OUT_OF_BOUNDS');

export const badBufferSizeError = () =>
  withCode(new TypeError('Buffer size must be a positive integer'), 'ERR_SOCKET_BAD_BUFFER_SIZE');

/** @param {string} call of libuv */
export const bufferSizeError = (call) =>
  withCode(
    new Error(`Could not get or set buffer size: ${call} returned EBADF (bad file descriptor)`),
    'ERR_SOCKET_BUFFER_SIZE',
  );

/**
 * An error of a call of the system.
 *
 * @param {string} syscall
 * @param {ErrnoName} name such as 'EBADF'
 * @param {{ address?: string, port?: number }} [place]
 * @param {unknown} [cause]
 */
export function systemError(syscall, name, place = {}, cause = undefined) {
  const errno = -constants.errno[name];
  const { address, port } = place;
  const where = address === undefined ? '' : ` ${address}:${port}`;
  const error = new Error(
    `${syscall} ${name}${where}`,
    cause === undefined ? undefined : { cause },
  );
  return Object.assign(error, { errno, code: name, syscall, ...place });
}
