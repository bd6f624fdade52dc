// What can be wrong with time-limited credentials, and what to do about it. No text holds a secret or a credential.

/**
 * Stable; docs/credentials.md lists them.
 *
 * @typedef {keyof typeof FINDINGS} FindingId
 */

/**
 * @typedef {object} Finding
 * @property {FindingId} id
 * @property {'error' | 'warning'} severity an error is what makes a server refuse them, or some servers
 * @property {string} message what was found, in a sentence
 * @property {string} fix what to do
 */

const MAKE_NEW = 'Make them with createCredentials(), or as it does.';

/**
 * In each row: how bad it is, a sentence in which {…} stands for what is known, and what to do.
 *
 * @satisfies {Record<string, readonly ['error' | 'warning', string, string]>}
 */
export const FINDINGS = /** @type {const} */ ({
  'no-username': ['error', 'There is no user name.', MAKE_NEW],
  'no-timestamp': [
    'error',
    'The user name does not begin with the time at which it runs out, so a server with a shared secret refuses it. As a ' +
      'fixed user, whom the server knows by name and password, it may be right.',
    'Write the UNIX time in seconds, a colon and the user ID, as in 1735689600:alice; or add the user to the server.',
  ],
  'swapped-order': [
    'error',
    'The user name has its parts in the wrong order: the time comes last. coturn reads that as well unless the user ID is ' +
      'a number, other servers do not.',
    'Write the time first, as in 1735689600:alice, and sign that.',
  ],
  milliseconds: [
    'error',
    'The time in the user name is in milliseconds: as seconds it is the year 50,000 or later, where servers that read so ' +
      'many digits never see it run out.',
    'Divide by 1000 and round down, then sign that.',
  ],
  expired: [
    'error',
    'The time of the credentials ran out {ago} ago.',
    'Get new ones; fetch them when a call begins, not when a page is loaded.',
  ],
  'clock-skew': [
    'warning',
    'They ran out only {ago} ago: if they were made just now, the clocks of the service that makes them and of this machine differ.',
    'Compare the clocks (NTP), look whether the time to live was added, and leave more of it.',
  ],
  'long-lived': [
    'warning',
    'They are good for another {left}, in which everybody who gets to see them can use the server: the time to live is large, ' +
      'or the clock of the service that made them is wrong.',
    'Give them a day or less.',
  ],
  'no-credential': ['error', 'There is no credential (password).', MAKE_NEW],
  'white-space': [
    'error',
    'The credential has white space in it or around it, such as the newline that programs print behind it.',
    'Take it away where the credential is made.',
  ],
  base64url: [
    'error',
    'The credential is in the base64 of URLs (- and _): servers make theirs with + and /.',
    "Use plain base64 (RFC 4648 section 4): in Node.js digest('base64').",
  ],
  unpadded: [
    'error',
    'The credential lacks the = at its end, which is a part of the password.',
    'Use base64 with padding (RFC 4648 section 4).',
  ],
  hex: [
    'error',
    'The credential is the HMAC in hexadecimal digits.',
    "Write its bytes in base64: in Node.js digest('base64').",
  ],
  'base64-of-hex': [
    'error',
    'The credential is base64 of hexadecimal digits: the HMAC was turned into text twice.',
    "Write the HMAC's bytes in base64: in PHP hash_hmac() with true as its last argument.",
  ],
  'not-base64': [
    'error',
    'The credential is no base64, so it is no HMAC: a password of another kind, or one that was changed on its way.',
    MAKE_NEW,
  ],
  'wrong-length': [
    'error',
    'The credential stands for {bytes} bytes, and no HMAC is that long (SHA-1 gives 20, SHA-256 gives 32): it was cut, or is of ' +
      'another kind.',
    MAKE_NEW,
  ],
  'wrong-algorithm': [
    'error',
    'The credential is of HMAC-{found}, where {expected} is expected.',
    'Make it with {expected}; coturn takes SHA-1 only.',
  ],
  'wrong-message': [
    'error',
    'The HMAC is of something else than the user name: of a part of it, or of its parts in another order.',
    'Sign exactly what is handed out as the user name, time and colon included.',
  ],
  'secret-white-space': [
    'error',
    'The credential was made with the secret and white space behind it, such as the newline of the file that it was read from.',
    'Trim the secret where the credential is made.',
  ],
  'secret-encoding': [
    'error',
    'The credential was made with what the secret stands for in hexadecimal digits or base64, where servers use its characters.',
    'Use the text of the secret as the key.',
  ],
  'secret-as-credential': [
    'error',
    'The credential is the shared secret itself, which no client may see.',
    'Change the secret, and hand out its HMAC.',
  ],
  'wrong-secret': [
    'error',
    'The credential was made with none of the secrets, or for another user name.',
    "Compare the secret of the service with the server's (coturn: static-auth-secret), and hand out the user name unchanged.",
  ],
});

/**
 * @param {FindingId} id
 * @param {Record<string, string | number>} [known] for the sentences
 * @returns {Finding}
 */
export function finding(id, known = {}) {
  const [severity, message, fix] = FINDINGS[id];
  const fill = (/** @type {string} */ text) =>
    text.replaceAll(/\{(\w+)\}/g, (_, name) => String(known[name]));
  return { id, severity, message: fill(message), fix: fill(fix) };
}
