// The talk of mirror and reflector with their clients over HTTP: POST with JSON, and JSON back.

import { clientAddressOf } from '../gateway/client-address.js';
import { refusal } from './refusals.js';

/** @typedef {import('node:http').IncomingMessage} IncomingMessage */
/** @typedef {import('node:http').ServerResponse} ServerResponse */
/** @typedef {import('./refusals.js').Reply} Reply */

/** Passwords of ICE may be long, and a port map has many numbers. */
const MAX_BODY_BYTES = 8192;
const PREFLIGHT_SECONDS = '600';

/**
 * @param {object} options
 * @param {ReadonlySet<string>} options.origins of pages that may ask
 * @param {boolean} options.pagesOnly whether those may not who are no page, and so send no Origin
 * @param {import('../gateway/client-address.js').TrustedProxies} options.trustProxy
 * @param {(body: Record<string, unknown>, address: string, reply: Reply) => void} options.onrequest
 * @returns {(request: IncomingMessage, response: ServerResponse) => void} for 'request' of an HTTP server
 */
export function createHandler({ origins, pagesOnly, trustProxy, onrequest }) {
  const addressOf = clientAddressOf(trustProxy);
  return (request, response) => {
    const { origin } = request.headers;
    response.setHeader('Cache-Control', 'no-store');
    response.setHeader('Vary', 'Origin');
    response.setHeader('X-Content-Type-Options', 'nosniff');
    /** @type {Reply} */
    const reply = (status, body) => {
      if (response.writableEnded || response.destroyed) return;
      response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
    };
    if (origin === undefined ? pagesOnly : !origins.has(origin)) {
      refusal(reply, 'origin');
      return;
    }
    if (origin !== undefined) response.setHeader('Access-Control-Allow-Origin', origin);
    if (request.method === 'OPTIONS') {
      response
        .writeHead(204, {
          'Access-Control-Allow-Methods': 'POST',
          'Access-Control-Allow-Headers': 'Content-Type',
          'Access-Control-Max-Age': PREFLIGHT_SECONDS,
        })
        .end();
      return;
    }
    if (request.method !== 'POST') {
      refusal(reply, 'method');
      return;
    }
    readBody(request, (body) => {
      if (body === undefined) refusal(reply, 'too-large');
      else if (body === null) refusal(reply, 'bad-request');
      else onrequest(body, addressOf(request), reply);
    });
  };
}

/**
 * @param {IncomingMessage} request
 * @param {(body: Record<string, unknown> | null | undefined) => void} callback null: it is no JSON object; undefined: it
 *   is too long
 */
function readBody(request, callback) {
  /** @type {Buffer[]} */
  const chunks = [];
  let length = 0;
  let isOver = false;
  request.on('data', (/** @type {Buffer} */ chunk) => {
    if (isOver) return;
    length += chunk.length;
    if (length <= MAX_BODY_BYTES) {
      chunks.push(chunk);
      return;
    }
    isOver = true;
    callback(undefined);
  });
  request.on('error', () => {});
  request.on('end', () => {
    if (!isOver) callback(objectIn(Buffer.concat(chunks).toString()));
  });
}

/** @param {string} text @returns {Record<string, unknown> | null} */
function objectIn(text) {
  try {
    const value = JSON.parse(text);
    return typeof value === 'object' && !Array.isArray(value) ? value : null;
  } catch {
    return null;
  }
}
