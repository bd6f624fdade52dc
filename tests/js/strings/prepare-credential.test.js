import { describe, expect, test } from '@jest/globals';
import { prepareCredential } from '../../../js/strings/prepare-credential.js';

const OPAQUE = { profile: /** @type {const} */ ('opaque-string') };
const SASLPREP = { profile: /** @type {const} */ ('saslprep') };
const NONE = { profile: /** @type {const} */ ('none') };

test.each([OPAQUE, SASLPREP, NONE])('%p leaves printable ASCII alone', (options) => {
  let ascii = '';
  for (let point = 0x20; point < 0x7f; point++) ascii += String.fromCharCode(point);
  expect(prepareCredential(ascii, 'password', options)).toBe(ascii);
  expect(prepareCredential(ascii, 'realm', options)).toBe(ascii);
});

test('OpaqueString is the default', () => {
  expect(prepareCredential('\u2168\u00A0A\u030A', 'username')).toBe('\u2168 \u00C5');
  expect(prepareCredential('\u2168\u00A0A\u030A', 'username', {})).toBe('\u2168 \u00C5');
  expect(prepareCredential('\u2168\u00A0A\u030A', 'username', OPAQUE)).toBe('\u2168 \u00C5');
});

test('SASLprep replaces compatibility forms', () => {
  expect(prepareCredential('\u2168\u00A0A\u030A', 'username', SASLPREP)).toBe('IX \u00C5');
});

test('no profile means no change', () => {
  expect(prepareCredential('\u2168\u00A0A\u030A\u00AD\t', 'username', NONE)).toBe(
    '\u2168\u00A0A\u030A\u00AD\t',
  );
});

describe('the "before" password of RFC 5769 section 2.4 and RFC 8489 appendix B.1', () => {
  const before = 'The\u00ADM\u00AAtr\u2168';

  test('OpaqueString refuses it', () => {
    expect(() => prepareCredential(before, 'password')).toThrow(
      expect.objectContaining({
        code: 'ERR_STRING_DISALLOWED',
        offset: 3,
        message:
          'The password has U+00AD at index 3, which OpaqueString (RFC 8265) does not allow.',
      }),
    );
  });

  test('SASLprep makes TheMatrIX of it', () => {
    expect(prepareCredential(before, 'password', SASLPREP)).toBe('TheMatrIX');
  });
});

test.each([OPAQUE, SASLPREP, NONE])('%p refuses an empty text', (options) => {
  expect(() => prepareCredential('', 'realm', options)).toThrow(
    expect.objectContaining({
      code: 'ERR_STRING_EMPTY',
      message: expect.stringMatching(/^The realm /),
    }),
  );
});

test.each([OPAQUE, SASLPREP, NONE])('%p refuses a lone surrogate', (options) => {
  for (const [text, offset] of /** @type {[string, number][]} */ ([
    ['\uD83D', 0],
    ['\u{1F600}\uDE00', 2],
    ['a\uDE00\uD83D', 1],
  ])) {
    expect(() => prepareCredential(text, 'password', options)).toThrow(
      expect.objectContaining({ code: 'ERR_STRING_DISALLOWED', offset }),
    );
  }
  expect(prepareCredential('\u{1F600}', 'password', options)).toBe('\u{1F600}');
});

test.each([OPAQUE, SASLPREP, NONE])('%p refuses what is no text', (options) => {
  expect(() => prepareCredential(/** @type {any} */ (7), 'password', options)).toThrow(
    expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT', argument: 'password' }),
  );
});

test('an unknown profile is refused', () => {
  const options = { profile: /** @type {any} */ ('nodeprep') };
  expect(() => prepareCredential('text', 'password', options)).toThrow(
    expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT', argument: 'options.profile' }),
  );
});
