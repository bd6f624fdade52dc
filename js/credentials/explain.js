// Why a server refuses credentials: what their text tells, and which mistake would have made them.
import { argumentError } from '../errors.js';
import { explainUsername } from './explain-username.js';
import { finding } from './findings.js';
import { fromBase64, isSignature, secretList, signBase64 } from './hmac.js';
import { readRules } from './options.js';
import { fromHex, HASH_OF_LENGTH, readCredential } from './readings.js';

/** @typedef {import('./findings.js').Finding} Finding */
/** @typedef {import('./findings.js').FindingId} FindingId */
/** @typedef {import('./hmac.js').Secret} Secret */
/** @typedef {import('./options.js').CredentialRules} CredentialRules */

/**
 * @typedef {object} Unexplained
 * @property {unknown} username
 * @property {unknown} [credential] the password; without it the user name alone is explained
 * @property {Secret | readonly Secret[]} [secrets] without them, the form of the credential is looked at
 * @property {number} [clockSkewSeconds] as in verifyCredentials()
 */

/** @typedef {Unexplained & CredentialRules} ExplainOptions */

/**
 * @typedef {object} Explanation
 * @property {boolean} [valid] whether a server with those secrets takes them; undefined where nothing is wrong as far as
 *   could be seen without a credential or secrets
 * @property {string} [userId]
 * @property {number} [expiresAt] milliseconds since 1970
 * @property {number} [secretIndex] of the secret with which they were made, also where a mistake was made with it
 * @property {Finding[]} findings empty when all is well
 */

/**
 * @typedef {object} Guess
 * @property {FindingId[]} deviations what was done otherwise; empty for what is right
 * @property {number} secretIndex
 */

const decoder = new TextDecoder();
const NEWLINES = [[0x0a], [0x0d, 0x0a]];

/**
 * A secret, and what is used in its place by mistake.
 *
 * @param {Uint8Array} secret
 * @returns {{ key: Uint8Array, deviations: FindingId[] }[]}
 */
function keysFor(secret) {
  const text = decoder.decode(secret);
  /** @type {FindingId[]} */
  const white = ['secret-white-space'];
  const decoded = [
    /^(?:[\da-f]{2})+$/i.test(text) ? fromHex(text) : undefined,
    fromBase64(text),
  ].filter((key) => key !== undefined && key.length > 0);
  return [
    { key: secret, deviations: [] },
    ...NEWLINES.map((end) => ({ key: Uint8Array.from([...secret, ...end]), deviations: white })),
    ...decoded.map((key) => ({
      key: /** @type {Uint8Array} */ (key),
      deviations: /** @type {FindingId[]} */ (['secret-encoding']),
    })),
  ];
}

/**
 * The mistake that makes exactly this signature; the smallest, where several do.
 *
 * @param {Uint8Array} signature
 * @param {string} username
 * @param {readonly string[]} others
 * @param {readonly Uint8Array[]} secrets
 * @returns {Promise<Guess | undefined>}
 */
async function guess(signature, username, others, secrets) {
  const hash = HASH_OF_LENGTH.get(signature.length);
  if (hash === undefined) return undefined;
  /** @type {{ text: string, deviations: FindingId[] }[]} */
  const texts = [
    { text: username, deviations: [] },
    ...others.map((text) => ({ text, deviations: /** @type {FindingId[]} */ (['wrong-message']) })),
  ];
  const tries = secrets.flatMap((secret, secretIndex) =>
    keysFor(secret).flatMap(({ key, deviations }) =>
      texts.map((signed) => ({
        key,
        text: signed.text,
        secretIndex,
        deviations: [...deviations, ...signed.deviations],
      })),
    ),
  );
  const areRight = await Promise.all(
    tries.map(({ key, text }) => isSignature(key, hash, signature, text)),
  );
  return tries
    .filter((_, i) => areRight[i])
    .sort((a, b) => a.deviations.length - b.deviations.length)[0];
}

/** By their HMACs, which take as long whatever they are. @param {readonly Uint8Array[]} secrets @param {string} text */
async function indexOfSecret(secrets, text) {
  const areSame = await Promise.all(
    secrets.map(async (secret) => {
      const signature = await signBase64(secret, 'SHA-256', decoder.decode(secret));
      return isSignature(
        secret,
        'SHA-256',
        /** @type {Uint8Array} */ (fromBase64(signature)),
        text,
      );
    }),
  );
  return areSame.indexOf(true);
}

/**
 * @param {string} credential
 * @param {string} username
 * @param {readonly string[]} others that may have been signed
 * @param {readonly Uint8Array[]} secrets may be empty
 * @param {string} algorithm
 * @returns {Promise<{ findings: Finding[], secretIndex?: number }>}
 */
async function explainCredential(credential, username, others, secrets, algorithm) {
  const shown = await indexOfSecret(secrets, credential);
  if (shown >= 0) return { findings: [finding('secret-as-credential')], secretIndex: shown };

  const reading = readCredential(credential);
  if (reading === undefined) return { findings: [finding('not-base64')] };
  const { bytes } = reading;
  const findings = reading.deviations.map((id) => finding(id));
  const found = HASH_OF_LENGTH.get(bytes.length);
  if (found === undefined) {
    findings.push(finding('wrong-length', { bytes: bytes.length }));
    return { findings };
  }
  if (found !== algorithm) {
    findings.push(finding('wrong-algorithm', { found, expected: algorithm }));
  }
  if (secrets.length === 0) return { findings };
  const match = await guess(bytes, username, others, secrets);
  if (match === undefined) return { findings: [...findings, finding('wrong-secret')] };
  const { deviations, secretIndex } = match;
  return { findings: [...findings, ...deviations.map((id) => finding(id))], secretIndex };
}

/**
 * Says what is wrong with time-limited credentials: expired, parts swapped, clocks that differ, another secret, another
 * encoding and more, each with what to do. With the secrets, mistakes are found by making them too.
 *
 * For those who run the server: an answer tells more about the secrets than a stranger should know.
 *
 * @param {ExplainOptions} options whatever `username` and `credential` are, it is explained and not thrown
 * @returns {Promise<Explanation>}
 * @throws {TypeError} ERR_INVALID_ARGUMENT for what is not of the credentials
 * @throws {import('../errors.js').PosternError} ERR_CRYPTO_UNAVAILABLE in a page that did not come over HTTPS
 */
export async function explainCredentials(options) {
  const rules = readRules(options);
  const { username, credential } = options;
  if (!('username' in options)) throw argumentError('options.username', 'given');
  const secrets =
    options.secrets === undefined ? [] : secretList(options.secrets, 'options.secrets');
  const name = typeof username === 'string' ? username : '';
  const { findings, others, ...facts } =
    name === '' ? { findings: [finding('no-username')], others: [] } : explainUsername(name, rules);

  let secretIndex;
  if (typeof credential === 'string' && credential !== '') {
    const explained = await explainCredential(credential, name, others, secrets, rules.algorithm);
    findings.push(...explained.findings);
    secretIndex = explained.secretIndex;
  } else if (credential !== undefined) {
    findings.push(finding('no-credential'));
  }

  const valid = findings.some(({ severity }) => severity === 'error')
    ? false
    : secretIndex === undefined
      ? undefined
      : true;
  return {
    ...(valid === undefined ? undefined : { valid }),
    ...facts,
    ...(secretIndex === undefined ? undefined : { secretIndex }),
    findings,
  };
}
