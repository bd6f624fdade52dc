import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { opaqueString } from '../../../js/strings/opaque-string.js';
import { nameOf, outcome } from './code-points.js';

/** @param {string} text */
function errorOf(text) {
  try {
    opaqueString(text);
  } catch (error) {
    return /** @type {import('../../../js/errors.js').PosternError} */ (error);
  }
  throw new Error('nothing was thrown');
}

test.each([
  ['12', 'correct horse battery staple', 'correct horse battery staple'],
  ['13', 'Correct Horse Battery Staple', 'Correct Horse Battery Staple'],
  ['14', '\u03C0\u00DF\u00E5', '\u03C0\u00DF\u00E5'],
  ['15', 'Jack of \u2666s', 'Jack of \u2666s'],
  ['16', 'foo\u1680bar', 'foo bar'],
])('RFC 8265 section 4.3, example %s is legal', (_number, text, prepared) => {
  expect(opaqueString(text)).toBe(prepared);
});

test('RFC 8265 section 4.3, example 17: the empty string is refused', () => {
  expect(errorOf('').code).toBe('ERR_STRING_EMPTY');
});

test('RFC 8265 section 4.3, example 18: a control character is refused', () => {
  expect(errorOf('my cat is a \tby')).toMatchObject({ code: 'ERR_STRING_DISALLOWED', offset: 12 });
});

test.each([
  'VOkJxbRl1RmTxUk/WvJxBt', // RFC 5769 sections 2.1 to 2.3
  'TheMatrIX', // RFC 5769 section 2.4, RFC 8489 appendix B.1
  '\u30DE\u30C8\u30EA\u30C3\u30AF\u30B9',
  'example.org',
])('the credentials of the published vectors stay as they are: %s', (text) => {
  expect(opaqueString(text)).toBe(text);
});

test('the "before" password of RFC 8489 appendix B.1 is refused for its soft hyphen', () => {
  expect(errorOf('The\u00ADM\u00AAtr\u2168')).toMatchObject({
    code: 'ERR_STRING_DISALLOWED',
    offset: 3,
  });
});

test.each([
  ['LetterDigits (A)', '\u0416\u4E00\u0669\u02B0\u0301x\u0903'],
  ['Exceptions (F), PVALID', '\u00DF\u03C2\u06FD\u06FE\u0F0B\u3007'],
  ['ASCII7 (K)', '!~\u00E9'],
  ['Spaces (N)', 'a \u00E9'],
  ['Symbols (O)', '\u2211\u20AC\u02D8\u{1F600}'],
  ['Punctuation (P)', '\u203F\u2014\u300A\u300B\u00AB\u00BB\u00A7'],
  ['HasCompat (Q)', '\uFF21\uFB01\u2168\u00AA\u2460'],
  ['OtherLetterDigits (R)', '\u01C5\u2169\u00BD\u20DD'],
])('allowed: %s', (_category, text) => {
  expect(opaqueString(text)).toBe(text.normalize('NFC'));
});

test.each([
  ['Exceptions (F), DISALLOWED', [0x0640, 0x07fa, 0x302e, 0x302f, 0x3031, 0x3035, 0x303b]],
  ['OldHangulJamo (I)', [0x1100, 0x1161, 0x11a8, 0xa960, 0xd7b0, 0xd7fb]],
  ['Unassigned (J)', [0x0378, 0x2fe0, 0x50000]],
  ['Controls (L)', [0x0000, 0x0009, 0x000a, 0x007f, 0x0085]],
  ['Default_Ignorable_Code_Point (M)', [0x00ad, 0x034f, 0x115f, 0x200b, 0x2060, 0xfe0f, 0xe0020]],
  ['Noncharacter_Code_Point (M)', [0xfdd0, 0xffff, 0x10ffff]],
  ['format characters that are not ignorable', [0x0600, 0x06dd, 0xfff9]],
  ['private use', [0xe000, 0xf0000, 0x10fffd]],
  ['surrogates', [0xd800, 0xdbff, 0xdc00, 0xdfff]],
  ['line and paragraph separator', [0x2028, 0x2029]],
])('refused: %s', (_category, points) => {
  for (const point of points) {
    const error = errorOf(`a${String.fromCodePoint(point)}b`);
    expect(error).toMatchObject({ code: 'ERR_STRING_DISALLOWED', offset: 1 });
    expect(error.message).toContain(`${nameOf(point)} at index 1,`);
  }
});

test.each([
  '\u00A0',
  '\u1680',
  '\u2000',
  '\u2001', // NFC alone would make U+2003 of it
  '\u200A',
  '\u202F',
  '\u205F',
  '\u3000',
])('the space %j becomes U+0020', (space) => {
  expect(opaqueString(`a${space}b`)).toBe('a b');
});

test('case, width and compatibility forms are kept', () => {
  expect(opaqueString('AaÄä\uFF21\uFF76\uFB01')).toBe('AaÄä\uFF21\uFF76\uFB01');
});

test('the result is in NFC', () => {
  expect(opaqueString('A\u030A')).toBe('\u00C5');
  expect(opaqueString('\u212B')).toBe('\u00C5');
  expect(opaqueString('a\u0302\u0323')).toBe('\u1EAD');
});

test('there is no rule for writing directions', () => {
  expect(opaqueString('\u05D0a\u06271')).toBe('\u05D0a\u06271');
});

test('conjoining jamo are accepted when they compose, and only then', () => {
  expect(opaqueString('\u1112\u1161\u11AB')).toBe('\uD55C');
  expect(errorOf('\u1112\u1161\u11AB\u11AB')).toMatchObject({ offset: 3 });
});

test.each([
  ['after a code point beyond the BMP', '\u{1F600}\u0007', 2],
  ['after a sequence that composes', 'e\u0301\u0007', 2],
  ['after several of them', 'e\u0301e\u0301\u1112\u1161\u11ABx\u0007y', 8],
  ['after a code point that NFC takes apart', '\u0958\u0007', 1],
  ['behind marks that change places', 'a\u0302\u0323\u0007', 3],
  ['when the code point came from another', 'e\u0301\u0387', 2],
  ['at the end of a long text', `${'e\u0301'.repeat(999)}\u0007`, 1998],
])('offset counts UTF-16 units of the text as given: %s', (_where, text, offset) => {
  expect(errorOf(text).offset).toBe(offset);
});

test('errors name the text as the caller does, and do not quote it', () => {
  const secret = 'hunter2\u0007zebra';
  for (const text of [secret, 'hunter2 l\u00B7zebra']) {
    expect(() => opaqueString(text, 'password')).toThrow(/^The password has U\+/);
    expect(() => opaqueString(text, 'password')).not.toThrow(/hunter|zebra/);
  }
  expect(() => opaqueString('', 'password')).toThrow(/^The password is empty/);
});

test.each([undefined, null, 5, {}, new Uint8Array(3)])('%p is no text', (value) => {
  const call = () => opaqueString(/** @type {any} */ (value), 'password');
  expect(call).toThrow(TypeError);
  expect(call).toThrow(
    expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT', argument: 'password' }),
  );
});

test('preparing twice is preparing once, and canonical equivalents prepare alike', () => {
  const point = fc.oneof(
    fc.integer({ min: 0xa0, max: 0x3ff }),
    fc.integer({ min: 0x590, max: 0x1fff }),
    fc.integer({ min: 0x3000, max: 0xffff }),
    fc.integer({ min: 0x10000, max: 0x2ffff }),
    fc.constantFrom(0x20, 0x6c, 0xb7, 0x387, 0x200c, 0x200d, 0x94d, 0x1100, 0x1161, 0x11a8, 0x301),
  );
  const texts = fc
    .array(point, { minLength: 1, maxLength: 6 })
    .map((points) => String.fromCodePoint(...points));
  let accepted = 0;
  fc.assert(
    fc.property(texts, (text) => {
      const once = outcome(() => opaqueString(text));
      expect(outcome(() => opaqueString(text.normalize('NFD')))).toBe(once);
      if (!once.startsWith('=')) return;
      accepted++;
      expect(once.slice(1)).toBe(once.slice(1).normalize('NFC'));
      expect(outcome(() => opaqueString(once.slice(1)))).toBe(once);
    }),
    { seed: 8265, numRuns: 20_000 },
  );
  expect(accepted).toBeGreaterThan(1_000);
});
