// The headers of the page. docs/page.md shows them, for those who serve it otherwise.

/** A host of a URL, and nothing that would end a source of a policy. */
const HOST = /^[\w.-]+(:\d+)?$/;

/** What a page on this machine may reach: servers of this machine need no TLS. */
const LOOPBACK_SOURCES = ['127.0.0.1', 'localhost'].flatMap((host) => [
  `http://${host}:*`,
  `ws://${host}:*`,
]);

/**
 * @param {object} where
 * @param {boolean} where.isLoopback whether the page is served to this machine only
 * @param {string} [where.host] by which it is asked for: WebSockets of the page's own server, for browsers to which 'self'
 *   is HTTP alone
 * @returns {string}
 */
export function contentSecurityPolicy({ isLoopback, host = '' }) {
  const own = HOST.test(host) ? [`ws://${host}`] : [];
  const connect = ["'self'", 'https:', 'wss:', ...(isLoopback ? LOOPBACK_SOURCES : own)];
  return [
    "default-src 'none'",
    "script-src 'self' 'wasm-unsafe-eval'",
    "style-src 'self'",
    "img-src 'self' data:",
    `connect-src ${connect.join(' ')}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; ');
}

/** Whatever is answered. @type {Readonly<Record<string, string>>} */
export const COMMON_HEADERS = Object.freeze({
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Permissions-Policy':
    'camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=(), clipboard-write=(self)',
});
