// Serves the page of the network test: its files, and the plan of what it tests.

import { requireObject } from '../codec/arguments.js';
import { argumentError } from '../errors.js';
import { readPage } from './files.js';
import { COMMON_HEADERS, contentSecurityPolicy } from './headers.js';

/** @typedef {import('node:http').IncomingMessage} IncomingMessage */
/** @typedef {import('node:http').ServerResponse} ServerResponse */
/** @typedef {import('../network-test/plan.js').NetworkPlan} NetworkPlan */
/** @typedef {import('./files.js').PageFile} PageFile */

/**
 * @typedef {object} PlanAnswer what /plan.json is
 * @property {NetworkPlan} plan
 * @property {string} [expiresAt] ISO 8601: when its credentials end
 */

/**
 * @typedef {object} PageHandlerOptions
 * @property {(request: IncomingMessage) => PlanAnswer | Promise<PlanAnswer>} plan made for each request, with fresh
 *   credentials
 * @property {string} [directory] where the page is; that of the package if left out
 */

/** @typedef {(request: IncomingMessage, response: ServerResponse) => boolean} PageHandler whether it answers, now or later */

/** The longest that a page may live in caches unasked; its name changes with its content. */
const YEAR = 31_536_000;
/** Hosts of pages that are on the same machine as what serves them. */
const LOCAL_HOST = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?$/i;
/** By Sec-Fetch-Site: the page itself, a person, and who is no browser. @type {ReadonlySet<unknown>} */
const OWN_SITES = new Set(['same-origin', 'none', undefined]);

/** @param {IncomingMessage} request @returns {string} without the query; '' where it is no path */
function pathOf({ url = '' }) {
  const [path] = url.split('?', 1);
  try {
    return decodeURIComponent(path);
  } catch {
    return '';
  }
}

/** @param {IncomingMessage} request @param {PageFile} file */
const isKnown = (request, { etag }) =>
  (request.headers['if-none-match'] ?? '').split(',').some((one) => one.includes(`"${etag}"`));

/** @param {IncomingMessage} request @param {ServerResponse} response @param {PageFile} file */
function sendFile(request, response, file) {
  const { bytes, compressed, type, etag, isHashed } = file;
  response.setHeader('Cache-Control', isHashed ? `public, max-age=${YEAR}, immutable` : 'no-cache');
  // A weak one, as it names both encodings.
  response.setHeader('ETag', `W/"${etag}"`);
  response.setHeader('Vary', 'Accept-Encoding');
  if (isKnown(request, file)) {
    response.writeHead(304).end();
    return;
  }
  const takesGzip = /(^|,)\s*gzip\s*(;(?!\s*q=0(\.0*)?\s*(,|$))|,|$)/.test(
    String(request.headers['accept-encoding'] ?? ''),
  );
  const body = takesGzip && compressed ? compressed : bytes;
  if (body === compressed) response.setHeader('Content-Encoding', 'gzip');
  response.writeHead(200, { 'Content-Type': type, 'Content-Length': body.length });
  response.end(request.method === 'HEAD' ? undefined : body);
}

/** @param {ServerResponse} response @param {number} status @param {unknown} value */
function sendJson(response, status, value) {
  response.setHeader('Cache-Control', 'no-store');
  response.writeHead(status, { 'Content-Type': 'application/json' });
  response.end(response.req.method === 'HEAD' ? undefined : JSON.stringify(value));
}

/** @param {IncomingMessage} request @param {ServerResponse} response @param {PageHandlerOptions['plan']} plan */
async function sendPlan(request, response, plan) {
  let status = 200;
  /** @type {PlanAnswer | { error: string }} */
  let answer;
  try {
    answer = await plan(request);
  } catch {
    // Why is for the log of the operator, who made the plan.
    status = 503;
    answer = { error: 'no-plan' };
  }
  if (!response.destroyed) sendJson(response, status, answer);
}

/**
 * Answers requests for the page, with the headers that keep it strict: a policy that lets nothing of others run, no
 * request to anywhere but the servers that it tests. Paths are looked up among the files that were there when it was made.
 *
 * The plan holds credentials: it is told to pages of the same origin only. Who calls has seen to it that the Host is one of
 * its own, as any name can be made to lead to a loopback address.
 *
 * @param {PageHandlerOptions} options
 * @returns {PageHandler} false: it is none of the page's, and nothing was done
 * @throws {TypeError} ERR_INVALID_ARGUMENT
 */
export function createPageHandler(options) {
  const { plan, directory } = requireObject(options, 'options');
  if (typeof plan !== 'function') throw argumentError('options.plan', 'a function');
  const files = readPage(directory);

  return (request, response) => {
    const path = pathOf(request);
    const file = files.get(path);
    const isPlan = path === '/plan.json';
    if (file === undefined && !isPlan) return false;
    const { host = '' } = request.headers;
    for (const [name, value] of Object.entries(COMMON_HEADERS)) response.setHeader(name, value);
    response.setHeader(
      'Content-Security-Policy',
      contentSecurityPolicy({ isLoopback: LOCAL_HOST.test(host), host }),
    );
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('Allow', 'GET, HEAD');
      sendJson(response, 405, { error: 'method' });
    } else if (file !== undefined) {
      sendFile(request, response, file);
    } else if (OWN_SITES.has(request.headers['sec-fetch-site'])) {
      void sendPlan(request, response, plan);
    } else {
      sendJson(response, 403, { error: 'origin' });
    }
    return true;
  };
}
