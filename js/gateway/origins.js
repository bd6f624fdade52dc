// Origins of pages (RFC 6454): which are let in, and whether a text is one.

import { argumentError } from '../errors.js';

/** Browsers show pages of these hosts as trustworthy without TLS (W3C Secure Contexts section 3.1). */
const LOOPBACK_HOST = /^(localhost|.+\.localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;
const ORIGIN = /^[a-z][a-z\d+.-]*:\/\/[^/?#@\s]+$/;

/**
 * @param {unknown} origin
 * @param {string} name
 * @returns {string} as browsers write it
 * @throws {TypeError} ERR_INVALID_ARGUMENT
 */
export function checkOrigin(origin, name) {
  if (origin === 'null') {
    throw argumentError(
      name,
      "the origin of a page; 'null' is that of sandboxed frames and files, which are anybody's",
    );
  }
  if (typeof origin !== 'string' || origin.includes('*')) {
    throw argumentError(
      name,
      "one origin, such as 'https://app.example.org', written out: patterns let strangers in",
    );
  }
  if (!ORIGIN.test(origin)) {
    throw argumentError(
      name,
      "an origin such as 'https://app.example.org': scheme, host in lower case, and a port where it is not the usual",
    );
  }
  const { protocol, hostname } = urlOf(origin, name);
  if (protocol === 'http:' && !LOOPBACK_HOST.test(hostname)) {
    throw argumentError(
      name,
      'an origin of https: anybody on the way can write a page of http; http is for loopback only',
    );
  }
  return origin;
}

/** @param {string} origin @param {string} name */
function urlOf(origin, name) {
  let url;
  try {
    url = new URL(origin);
  } catch {}
  // Schemes of applications, such as capacitor:, have no origin in the eyes of URL.
  if (url !== undefined && (url.origin === origin || url.origin === 'null')) return url;
  throw argumentError(
    name,
    `an origin as browsers write it${url === undefined ? '' : `: '${url.origin}'`}`,
  );
}
