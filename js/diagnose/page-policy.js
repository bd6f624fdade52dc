// What the policy of the page forbids looks like a network that does: the browser tells of it by an event.

/** Ours: the event is a task of its own. */
const EVENT_MS = 50;

/** @param {string} blocked a URL, or its origin only @param {string} url */
function isAbout(blocked, url) {
  if (!URL.canParse(blocked)) return false;
  const [one, other] = [new URL(blocked), new URL(url)];
  return one.host === other.host && (one.pathname === '/' || one.pathname === other.pathname);
}

/**
 * Does something with a URL, and looks whether the policy of the page (Content-Security-Policy) has forbidden it.
 *
 * @template T
 * @param {string} url
 * @param {() => Promise<T>} task
 * @param {(result: T) => boolean} hasFailed
 * @returns {Promise<{ result: T, isForbidden: boolean }>}
 */
export async function underPolicy(url, task, hasFailed) {
  let isForbidden = false;
  const listener = (/** @type {SecurityPolicyViolationEvent} */ { blockedURI, disposition }) => {
    if (disposition === 'enforce' && isAbout(blockedURI, url)) isForbidden = true;
  };
  const target = globalThis.document;
  target?.addEventListener('securitypolicyviolation', listener);
  try {
    const result = await task();
    if (hasFailed(result) && !isForbidden) {
      await new Promise((resolve) => setTimeout(resolve, EVENT_MS));
    }
    return { result, isForbidden };
  } finally {
    target?.removeEventListener('securitypolicyviolation', listener);
  }
}

export const FORBIDDEN =
  'the policy of this page (connect-src of its Content-Security-Policy) forbids the browser to ask there';

/**
 * Why the browser would not even ask: a page that came over TLS may open nothing that is not (W3C Mixed Content), but on
 * the own machine.
 *
 * @param {string} url
 * @returns {string | undefined}
 */
export function mixedContent(url) {
  const { protocol, hostname } = new URL(url);
  const isPlain = protocol === 'http:' || protocol === 'ws:';
  const isOwn = /^(localhost|127\.[\d.]+|\[::1\])$|\.localhost$/.test(hostname);
  if (globalThis.location?.protocol !== 'https:' || !isPlain || isOwn) return undefined;
  return `a page that came over HTTPS may not open ${protocol} URLs`;
}
