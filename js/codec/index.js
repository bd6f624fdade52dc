// postern/codec: STUN and TURN messages, read and written, without any input or output.
//
// In Node everything is ready at once. In a browser, await init() first; or import
// 'postern/codec/inline', which carries its WebAssembly inside.

export { PosternError } from '../errors.js';
export { classify } from './classify.js';
export { init } from './core.js';
export { decode, decodeBatch, verify, verifyBatch } from './decode.js';
export { encode, encodeBatch, encodeInto } from './encode.js';
export { PreparedKey, prepareKey, userhash } from './key.js';
export { Message } from './message.js';
export { nonceFeatures } from './nonce.js';
export { StreamDeframer } from './stream-deframer.js';

// The types of what goes in and comes out.
/** @typedef {import('./message.js').Attribute} Attribute */
/** @typedef {import('./message.js').AttributeProperty} AttributeProperty */
/** @typedef {import('./message.js').MessageClass} MessageClass */
/** @typedef {import('./encode.js').MessageInput} MessageInput */
/** @typedef {import('./encode.js').RawAttribute} RawAttribute */
/** @typedef {import('./decode.js').DecodeOptions} DecodeOptions */
/** @typedef {import('./decode.js').VerifyOptions} VerifyOptions */
/** @typedef {import('./classify.js').ClassifyOptions} ClassifyOptions */
/** @typedef {import('./key.js').KeyInput} KeyInput */
/** @typedef {import('./nonce.js').NonceFeatures} NonceFeatures */
/** @typedef {import('./stream-deframer.js').Frame} Frame */
/** @typedef {import('../generated/registry.js').AttributesInput} AttributesInput */
/** @typedef {import('../generated/registry.js').MessageAttributes} MessageAttributes */
/** @typedef {import('../generated/registry.js').MethodName} MethodName */
/** @typedef {import('./values.js').TransportAddress} TransportAddress */
/** @typedef {import('./values.js').TransportAddressInput} TransportAddressInput */
/** @typedef {import('./values.js').PasswordAlgorithm} PasswordAlgorithm */
