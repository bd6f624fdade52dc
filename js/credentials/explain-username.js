// What a user name tells: when it runs out, and what it should have looked like.
import { finding } from './findings.js';
import { secondsOver } from './options.js';
import { inWords, isLikelyTime, parseRestUsername } from './rest-username.js';

/** @typedef {import('./findings.js').Finding} Finding */

/**
 * @typedef {object} UsernameFacts
 * @property {Finding[]} findings
 * @property {string} [userId]
 * @property {number} [expiresAt] milliseconds since 1970
 * @property {string[]} others texts that may have been signed in its place
 */

/** Ours: who is late by less than that may have a wrong clock. */
const SKEW_SECONDS = 300;
/** Ours: providers give two days at most, the draft recommends one. */
const LONG_SECONDS = 7 * 86_400;
/** From 2001 to 2286. */
const MILLISECONDS = /^\d{13}$/;

/**
 * @param {string} text without the separator
 * @param {string} separator
 * @returns {{ expiry: number, isMilliseconds: boolean } | undefined}
 */
function readTime(text, separator) {
  const isMilliseconds = MILLISECONDS.test(text);
  const parsed = parseRestUsername(isMilliseconds ? text.slice(0, -3) : text, separator);
  return parsed && { expiry: parsed.expiry, isMilliseconds };
}

/**
 * @param {number} expiry seconds since 1970
 * @param {number} nowMs
 * @param {number} clockSkewSeconds
 * @returns {Finding[]}
 */
function judgeTime(expiry, nowMs, clockSkewSeconds) {
  const over = secondsOver(expiry, nowMs);
  const words = { ago: inWords(over), left: inWords(-over) };
  if (-over > LONG_SECONDS) return [finding('long-lived', words)];
  if (over <= 0) return [];
  const skew = over <= SKEW_SECONDS ? [finding('clock-skew', words)] : [];
  return over > clockSkewSeconds ? [finding('expired', words), ...skew] : skew;
}

/**
 * @param {string} username
 * @param {import('./options.js').CredentialRules & { nowMs: number, separator: string, clockSkewSeconds: number }} rules
 * @returns {UsernameFacts}
 */
export function explainUsername(username, { separator, nowMs, clockSkewSeconds }) {
  const first = username.indexOf(separator);
  const last = username.lastIndexOf(separator);
  const head = first < 0 ? username : username.slice(0, first);
  const tail = first < 0 ? '' : username.slice(last + 1);

  const front = readTime(head, separator);
  const back = tail === '' ? undefined : readTime(tail, separator);
  const isSwapped =
    back !== undefined && isLikelyTime(back.expiry) && !isLikelyTime(front?.expiry ?? 0);
  const time = isSwapped ? back : front;
  if (time === undefined) return { findings: [finding('no-timestamp')], others: [] };

  const { expiry, isMilliseconds } = time;
  const userId = isSwapped ? username.slice(0, last) : username.slice(head.length + 1);
  const findings = judgeTime(expiry, nowMs, clockSkewSeconds);
  if (isMilliseconds) findings.unshift(finding('milliseconds'));
  if (isSwapped) findings.unshift(finding('swapped-order'));
  const timeText = isSwapped ? tail : head;
  return {
    findings,
    ...(userId ? { userId } : undefined),
    expiresAt: expiry * 1000,
    others: userId
      ? [
          userId,
          timeText,
          isSwapped ? `${timeText}${separator}${userId}` : `${userId}${separator}${timeText}`,
        ]
      : [],
  };
}
