// The string preparation against the Unicode Character Database itself, read from where Debian's
// package unicode-data puts it. The platform, the database and the generated tables may each be of
// another Unicode version: what is compared are the code points that all of them have assigned.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import * as joiningTypes from '../../../js/strings/joining-types.js';
import { opaqueString } from '../../../js/strings/opaque-string.js';
import { generate } from '../../../scripts/generate-unicode.js';
import { nameOf, outcome, pointsOf } from './code-points.js';

const FOLDER = '/usr/share/unicode';
const available = existsSync(join(FOLDER, 'UnicodeData.txt'));
const reason = available ? '' : ' (skipped: needs the package unicode-data)';

/**
 * @param {string} file a file of "code point or range; value; ..." lines
 * @param {(fields: string[]) => boolean} [wanted]
 */
function property(file, wanted = () => true) {
  const points = new Set();
  for (const line of readFileSync(join(FOLDER, file), 'utf8').split('\n')) {
    const fields = line
      .replace(/#.*/, '')
      .split(';')
      .map((field) => field.trim());
    if (fields.length < 2 || !wanted(fields)) continue;
    for (const point of pointsOf(fields[0].replace('..', '-'))) points.add(point);
  }
  return points;
}

/** @param {string} file @param {string[]} values */
const valued = (file, ...values) => property(file, ([, value]) => values.includes(value));

const GENERATED = new URL('../../../js/strings/joining-types.js', import.meta.url);

/** @param {string} text of the generated file */
const versionOf = (text) => Number(/Unicode (\d+\.\d+)/.exec(text)?.[1]);

/** @param {number} version of Unicode, besides the platform's and the database's */
function assignedIn(version) {
  const oldest = Math.min(version, Number(process.versions.unicode));
  return property('DerivedAge.txt', ([, age]) => Number(age) <= oldest);
}

(available ? describe : describe.skip)(`Unicode Character Database${reason}`, () => {
  test('joining-types.js is what its generator makes of the same Unicode version', () => {
    const generated = generate(FOLDER);
    const committed = readFileSync(GENERATED, 'utf8');
    expect(versionOf(generated)).toBeGreaterThanOrEqual(15);
    expect(versionOf(committed)).toBeGreaterThanOrEqual(15);
    if (versionOf(generated) === versionOf(committed)) expect(generated).toBe(committed);
  });

  test('viramas and joining types of each code point', () => {
    const categories = 'extracted/DerivedGeneralCategory.txt';
    const format = valued(categories, 'Cf');
    const marks = valued(categories, 'Mn', 'Me');
    // The platform says what is a mark, and later versions changed their mind about a few.
    const compared = [...assignedIn(versionOf(readFileSync(GENERATED, 'utf8')))].filter(
      (point) =>
        !format.has(point) &&
        /[\p{Mn}\p{Me}]/u.test(String.fromCodePoint(point)) === marks.has(point),
    );
    expect(compared.length).toBeGreaterThan(280_000);
    /** @type {[string, Set<number>][]} */
    const rows = [
      [joiningTypes.VIRAMA, valued('extracted/DerivedCombiningClass.txt', '9')],
      [joiningTypes.JOINS_NEXT, valued('extracted/DerivedJoiningType.txt', 'L', 'D')],
      [joiningTypes.JOINS_PREVIOUS, valued('extracted/DerivedJoiningType.txt', 'R', 'D')],
      [joiningTypes.TRANSPARENT, valued('extracted/DerivedJoiningType.txt', 'T')],
    ];
    for (const [source, points] of rows) {
      const pattern = new RegExp(source, 'u');
      const wrong = compared.filter(
        (point) => pattern.test(String.fromCodePoint(point)) !== points.has(point),
      );
      expect(wrong.map(nameOf)).toEqual([]);
    }
  });

  test('the derived property of each assigned code point (RFC 8264 section 8)', () => {
    const categories = 'extracted/DerivedGeneralCategory.txt';
    const unassigned = valued(categories, 'Cn');
    const noncharacter = valued('PropList.txt', 'Noncharacter_Code_Point');
    const joinControl = valued('PropList.txt', 'Join_Control');
    const oldHangulJamo = valued('HangulSyllableType.txt', 'L', 'V', 'T');
    const ignorable = valued('DerivedCoreProperties.txt', 'Default_Ignorable_Code_Point');
    const controls = valued(categories, 'Cc');
    const hasCompat = property(
      'DerivedNormalizationProps.txt',
      ([, name, value]) => name === 'NFKC_QC' && value === 'N',
    );
    const letterDigits = valued(categories, 'Ll', 'Lu', 'Lo', 'Nd', 'Lm', 'Mn', 'Mc');
    const otherLetterDigits = valued(categories, 'Lt', 'Nl', 'No', 'Me');
    const spaces = valued(categories, 'Zs');
    const symbols = valued(categories, 'Sm', 'Sc', 'Sk', 'So');
    const punctuation = valued(categories, 'Pc', 'Pd', 'Ps', 'Pe', 'Pi', 'Pf', 'Po');
    const notInNfc = property(
      'DerivedNormalizationProps.txt',
      ([, name, value]) => name === 'NFC_QC' && value === 'N',
    );

    // Exceptions (RFC 5892 section 2.6).
    const valid = pointsOf('00DF 03C2 06FD 06FE 0F0B 3007');
    const contextual = pointsOf('00B7 0375 05F3 05F4 30FB 0660-0669 06F0-06F9');
    const excluded = pointsOf('0640 07FA 302E 302F 3031-3035 303B');

    /** @param {number} point */
    function derivedProperty(point) {
      if (valid.has(point)) return 'PVALID';
      if (contextual.has(point)) return 'CONTEXTO';
      if (excluded.has(point)) return 'DISALLOWED';
      if (unassigned.has(point) && !noncharacter.has(point)) return 'UNASSIGNED';
      if (point >= 0x21 && point <= 0x7e) return 'PVALID';
      if (joinControl.has(point)) return 'CONTEXTJ';
      if (oldHangulJamo.has(point)) return 'DISALLOWED';
      if (ignorable.has(point) || noncharacter.has(point)) return 'DISALLOWED';
      if (controls.has(point)) return 'DISALLOWED';
      if (hasCompat.has(point)) return 'FREE_PVAL';
      if (letterDigits.has(point)) return 'PVALID';
      if (otherLetterDigits.has(point)) return 'FREE_PVAL';
      if (spaces.has(point)) return 'FREE_PVAL';
      if (symbols.has(point)) return 'FREE_PVAL';
      if (punctuation.has(point)) return 'FREE_PVAL';
      return 'DISALLOWED';
    }

    // Each contextual code point where its rule is met; Arabic-Indic digits need no neighbour.
    const contexts = new Map([
      [0x00b7, 'l\u00B7l'],
      [0x0375, '\u0375\u03B1'],
      [0x05f3, '\u05D0\u05F3'],
      [0x05f4, '\u05D0\u05F4'],
      [0x30fb, '\u30FB\u30A2'],
      [0x200c, '\u094D\u200C'],
      [0x200d, '\u094D\u200D'],
    ]);

    /** @type {Record<string, number>} */
    const counts = {};
    const wrong = [];
    for (const point of assignedIn(Infinity)) {
      const derived = derivedProperty(point);
      counts[derived] = (counts[derived] ?? 0) + 1;
      // What NFC replaces is judged by its replacement, which has its own turn in this loop.
      if (notInNfc.has(point)) continue;

      const character = String.fromCodePoint(point);
      const result = outcome(() => opaqueString(character));
      const kept = `=${spaces.has(point) ? ' ' : character}`;
      const digit = derived === 'CONTEXTO' && !contexts.has(point);
      const expected =
        derived === 'PVALID' || derived === 'FREE_PVAL' || digit ? kept : 'ERR_STRING_DISALLOWED';
      if (result !== expected) wrong.push(nameOf(point));

      const context = contexts.get(point);
      if (context !== undefined && outcome(() => opaqueString(context)) !== `=${context}`) {
        wrong.push(nameOf(point));
      }
    }
    expect(wrong).toEqual([]);
    expect(counts).toMatchObject({ CONTEXTJ: 2, CONTEXTO: 25 });
    expect(counts).not.toHaveProperty('UNASSIGNED');
    expect(counts.PVALID).toBeGreaterThan(100_000);
    expect(counts.FREE_PVAL).toBeGreaterThan(10_000);
    expect(counts.DISALLOWED).toBeGreaterThan(100_000);
  });

  test('what is decomposed by NFC is replaced and then judged', () => {
    const notInNfc = property(
      'DerivedNormalizationProps.txt',
      ([, name, value]) => name === 'NFC_QC' && value === 'N',
    );
    expect(notInNfc.size).toBeGreaterThan(1_000);
    const refused = [];
    for (const point of assignedIn(Infinity)) {
      if (!notInNfc.has(point)) continue;
      const character = String.fromCodePoint(point);
      const replacement = character.normalize('NFC');
      const result = outcome(() => opaqueString(character));
      if (result === 'ERR_STRING_DISALLOWED') refused.push(nameOf(point));
      else if (!/^\p{Zs}$/u.test(replacement)) expect(result).toBe(`=${replacement}`);
    }
    // GREEK ANO TELEIA becomes MIDDLE DOT, which stands only between l and l.
    expect(refused).toEqual(['U+0387']);
  });
});
