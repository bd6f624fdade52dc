import { describe, expect, test } from '@jest/globals';
import { opaqueString } from '../../../js/strings/opaque-string.js';
import { outcome } from './code-points.js';

// RFC 5892 appendix A. Each row: text, and the offset of what is refused (null: accepted).
/** @type {Record<string, [string, string, number | null][]>} */
const RULES = {
  'A.1 ZERO WIDTH NON-JOINER': [
    ['after a virama', '\u0915\u094D\u200C\u0937', null],
    ['after a virama, at the end', '\u0915\u094D\u200C', null],
    ['after a virama beyond the BMP', '\u{11013}\u{11046}\u200C', null],
    ['between dual-joining letters', '\u0646\u0627\u0645\u0647\u200C\u06CC', null],
    ['between dual- and right-joining letters', '\u0628\u200C\u0627', null],
    ['after a left-joining letter', '\uA872\u200C\u{10AC5}', null],
    ['with marks on both sides', '\u0628\u064E\u0651\u200C\u064E\u0628', null],
    ['with Adlam nasalization, a transparent letter', '\u{1E922}\u{1E94B}\u200C\u{1E922}', null],
    ['twice', '\u0628\u200C\u0628\u200C\u0628', null],
    ['alone', '\u200C', 0],
    ['first', '\u200C\u0628', 0],
    ['last', '\u0628\u200C', 1],
    ['between Latin letters', 'a\u200Cb', 1],
    ['after a right-joining letter', '\u0627\u200C\u0628', 1],
    ['before a left-joining letter', '\u0628\u200C\uA872', 1],
    ['before a letter that does not join', '\u0628\u200C\u0621', 1],
    ['with marks only', '\u0301\u200C\u0301', 1],
    ['twice in a row', '\u0628\u200C\u200C\u0628', 1],
    ['the second is out of place', '\u0628\u200C\u0627\u200C\u0627', 3],
    ['a virama, but not right before', '\u0915\u094D\u0915\u200C\u0915', 3],
  ],
  'A.2 ZERO WIDTH JOINER': [
    ['after a virama', '\u0915\u094D\u200D\u0937', null],
    ['alone', '\u200D', 0],
    ['between dual-joining letters', '\u0628\u200D\u0628', 1],
    ['between emoji', '\u{1F468}\u200D\u{1F469}', 2],
    ['after one that is right', '\u0915\u094D\u200D\u200D', 3],
  ],
  'A.3 MIDDLE DOT': [
    ['between l and l', 'col\u00B7laborar', null],
    ['twice', 'l\u00B7l\u00B7l', null],
    ['alone', '\u00B7', 0],
    ['first', '\u00B7l', 0],
    ['last', 'l\u00B7', 1],
    ['after another letter', 'a\u00B7l', 1],
    ['before another letter', 'l\u00B7a', 1],
    ['between capitals', 'L\u00B7L', 1],
    ['as GREEK ANO TELEIA, which NFC makes one', '\u03B1\u0387\u03B2', 1],
  ],
  'A.4 GREEK LOWER NUMERAL SIGN': [
    ['before Greek', '\u0375\u03B1', null],
    ['last', '\u03B1\u0375', 1],
    ['before Latin', '\u0375a', 0],
  ],
  'A.5 HEBREW PUNCTUATION GERESH': [
    ['after Hebrew', '\u05D0\u05F3', null],
    ['after a Hebrew point', '\u05D0\u05B0\u05F3', null],
    ['first', '\u05F3\u05D0', 0],
    ['after Latin', 'a\u05F3', 1],
  ],
  'A.6 HEBREW PUNCTUATION GERSHAYIM': [
    ['after Hebrew', '\u05D0\u05F4\u05D1', null],
    ['first', '\u05F4\u05D0', 0],
    ['after Latin', 'a\u05F4', 1],
  ],
  'A.7 KATAKANA MIDDLE DOT': [
    ['with Katakana', '\u30A2\u30FB\u30A2', null],
    ['with Hiragana, anywhere', '\u30FBabc\u3042', null],
    ['with Han', '\u30FB\u4E00', null],
    ['alone', '\u30FB', 0],
    ['with Latin', 'a\u30FBb', 1],
  ],
  'A.8 and A.9 ARABIC-INDIC DIGITS': [
    ['one kind', '\u0660\u0665\u0669', null],
    ['the extended kind', '\u06F0\u06F5\u06F9', null],
    ['with ASCII digits', '1\u0660', null],
    ['both kinds', '\u0660\u0628\u06F0', 2],
    ['both kinds, the other way', '\u06F9a\u0669', 2],
  ],
};

describe.each(Object.keys(RULES))('%s', (rule) => {
  test.each(RULES[rule])('%s', (_where, text, offset) => {
    if (offset === null) {
      expect(opaqueString(text)).toBe(text);
    } else {
      expect(() => opaqueString(text)).toThrow(
        expect.objectContaining({ code: 'ERR_STRING_DISALLOWED', offset }),
      );
    }
  });
});

test('a long text with many joiners is judged by each of them', () => {
  const long = `\u0628${'\u064E'.repeat(50)}\u200C${'\u064E'.repeat(50)}`.repeat(200);
  expect(outcome(() => opaqueString(`${long}\u0628`))).toBe(`=${long}\u0628`);
  expect(() => opaqueString(long)).toThrow(expect.objectContaining({ offset: 199 * 102 + 51 }));
});
