// postern/credentials: TURN credentials that run out, and the ICE servers that providers hand out. It needs no
// WebAssembly, and nothing of a platform but WebCrypto, which Node.js, browsers, Workers, Deno and Bun have.
//
// What signs is asynchronous, as WebCrypto is; what only reads is not.

export { PosternError } from '../errors.js';
export { createAccessToken } from './access-token.js';
export { createCredentials } from './create.js';
export { explainCredentials } from './explain.js';
export { createIceServers } from './ice-servers.js';
export { normalizeIceServers } from './normalize.js';
export { verifyCredentials } from './verify.js';

// The types of what goes in and comes out.
/** @typedef {import('./access-token.js').AccessToken} AccessToken */
/** @typedef {import('./access-token.js').AccessTokenOptions} AccessTokenOptions */
/** @typedef {import('./create.js').CreateOptions} CreateOptions */
/** @typedef {import('./create.js').TimedCredentials} TimedCredentials */
/** @typedef {import('./explain.js').ExplainOptions} ExplainOptions */
/** @typedef {import('./explain.js').Explanation} Explanation */
/** @typedef {import('./findings.js').Finding} Finding */
/** @typedef {import('./findings.js').FindingId} FindingId */
/** @typedef {import('./hmac.js').HmacAlgorithm} HmacAlgorithm */
/** @typedef {import('./hmac.js').Secret} Secret */
/** @typedef {import('./ice-servers.js').IceServerEntry} IceServerEntry */
/** @typedef {import('./ice-servers.js').IceServerSet} IceServerSet */
/** @typedef {import('./normalize.js').NormalizedIceServers} NormalizedIceServers */
/** @typedef {import('./normalize.js').ResponseFormat} ResponseFormat */
/** @typedef {import('./verify.js').InvalidReason} InvalidReason */
/** @typedef {import('./verify.js').NotVerified} NotVerified */
/** @typedef {import('./verify.js').Verified} Verified */
/** @typedef {import('./verify.js').VerifyOptions} VerifyOptions */
