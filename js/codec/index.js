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
