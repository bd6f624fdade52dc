// The arguments of node:dgram's send(), which has many forms.
import { badPortError, connectedError, outOfBoundsError, typeError } from './dgram-errors.js';

/** @typedef {(error: Error | null, bytes?: number) => void} SendCallback */

/**
 * @typedef {object} SendArguments
 * @property {Buffer} bytes
 * @property {number} port 0 where the socket is connected
 * @property {string | undefined} address
 * @property {SendCallback | undefined} callback
 */

const BYTES = 'of type string or an instance of Buffer, TypedArray, or DataView';

/** @param {ArrayBufferView} view */
const bufferOf = ({ buffer, byteOffset, byteLength }) =>
  Buffer.from(/** @type {ArrayBuffer} */ (buffer), byteOffset, byteLength);

/** @param {unknown} part @returns {Buffer | undefined} undefined where it is no bytes */
function partOf(part) {
  if (typeof part === 'string') return Buffer.from(part);
  return ArrayBuffer.isView(part) ? bufferOf(part) : undefined;
}

/** @param {unknown} message @returns {Buffer} */
function messageOf(message) {
  if (!Array.isArray(message)) {
    const bytes = partOf(message);
    if (bytes === undefined) throw typeError('buffer', BYTES, message);
    return bytes;
  }
  const parts = message.map(partOf);
  if (parts.includes(undefined)) {
    throw typeError('buffer list arguments', BYTES, message);
  }
  return Buffer.concat(/** @type {Buffer[]} */ (parts));
}

/** @param {unknown} message @param {unknown} offset @param {unknown} length */
function sliceOf(message, offset, length) {
  const bytes = partOf(message);
  if (bytes === undefined) throw typeError('buffer', BYTES, message);
  // As dgram does: what is no number counts as 0.
  const start = Number(offset) >>> 0;
  const count = Number(length) >>> 0;
  if (start > bytes.length) throw outOfBoundsError('offset');
  if (start + count > bytes.length) throw outOfBoundsError('length');
  return bytes.subarray(start, start + count);
}

/** @param {unknown} port @returns {number} */
export function checkPort(port) {
  const isNumber = typeof port === 'number' || (typeof port === 'string' && port.trim() !== '');
  const number = isNumber ? Number(port) : Number.NaN;
  if (Number.isInteger(number) && number > 0 && number <= 0xffff) return number;
  throw badPortError(port);
}

/** @param {unknown} callback */
const callbackOf = (callback) =>
  typeof callback === 'function' ? /** @type {SendCallback} */ (callback) : undefined;

/**
 * send(message, callback?) and send(message, offset, length, callback?) of a connected socket.
 *
 * @param {unknown[]} args
 * @returns {SendArguments}
 */
function readConnected([message, offset, length, port, address, last]) {
  const isSlice = typeof length === 'number';
  const bytes = isSlice ? sliceOf(message, offset, length) : messageOf(message);
  const callback = isSlice ? (typeof port === 'function' ? port : last) : offset;
  const isAddressed = isSlice ? typeof port !== 'function' && (port || address) : port || address;
  if (isAddressed) throw connectedError();
  return { bytes, port: 0, address: undefined, callback: callbackOf(callback) };
}

/**
 * send(message, port, address?, callback?) and send(message, offset, length, port, address?, callback?).
 *
 * @param {unknown[]} args
 * @returns {SendArguments}
 */
function readAddressed([message, offset, length, port, address, callback]) {
  const isSlice = Boolean(address || (port && typeof port !== 'function'));
  const bytes = isSlice ? sliceOf(message, offset, length) : messageOf(message);
  const [wanted, where, done] = isSlice ? [port, address, callback] : [offset, length, port];
  const number = checkPort(wanted);
  if (typeof where === 'function') {
    return { bytes, port: number, address: undefined, callback: callbackOf(where) };
  }
  if (where !== undefined && where !== null && typeof where !== 'string') {
    throw typeError('address', 'of type string', where);
  }
  return { bytes, port: number, address: where ?? undefined, callback: callbackOf(done) };
}

/**
 * @param {unknown[]} args
 * @param {boolean} isConnected
 * @returns {SendArguments}
 * @throws the errors of node:dgram
 */
export const readSendArguments = (args, isConnected) =>
  isConnected ? readConnected(args) : readAddressed(args);
