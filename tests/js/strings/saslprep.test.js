import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { saslprep } from '../../../js/strings/saslprep.js';
import { nameOf, outcome, pointsOf } from './code-points.js';
import * as tables from './rfc3454-tables.js';

test.each([
  [1, 'I\u00ADX', 'IX'],
  [2, 'user', 'user'],
  [3, 'USER', 'USER'],
  [4, '\u00AA', 'a'],
  [5, '\u2168', 'IX'],
])('RFC 4013 section 3, example %i', (_number, text, prepared) => {
  expect(saslprep(text)).toBe(prepared);
});

test.each([
  [6, '\u0007', 'ERR_STRING_DISALLOWED', 0],
  [7, '\u0627\u0031', 'ERR_STRING_BIDI', 1],
])('RFC 4013 section 3, example %i', (_number, text, code, offset) => {
  expect(() => saslprep(text)).toThrow(expect.objectContaining({ code, offset }));
});

test('the password of RFC 5769 section 2.4, and its user name', () => {
  expect(saslprep('The\u00ADM\u00AAtr\u2168')).toBe('TheMatrIX');
  expect(saslprep('\u30DE\u30C8\u30EA\u30C3\u30AF\u30B9')).toBe(
    '\u30DE\u30C8\u30EA\u30C3\u30AF\u30B9',
  );
});

test.each(['', '\u00AD', '\u200C\u200D\uFEFF'])('%j leaves nothing and is refused', (text) => {
  expect(() => saslprep(text, { name: 'password' })).toThrow(
    expect.objectContaining({ code: 'ERR_STRING_EMPTY' }),
  );
});

test('U+200B, which two mapping tables have, becomes a space', () => {
  expect(saslprep('a\u200Bb')).toBe('a b');
});

describe('RFC 3454 section 6', () => {
  test.each([
    ['right-to-left text', '\u05D0\u05D1', null],
    ['neutral characters inside', '\u0627 1-\u0660\u0628', null],
    ['marks inside', '\u0627\u064E\u0628', null],
    ['one character', '\u05D0', null],
    ['a letter of the other direction', '\u05D0a\u05D1', 1],
    ['the other direction first', 'a\u05D0', 0],
    ['a neutral character first', '1\u05D0', 0],
    ['a neutral character last', '\u05D0\u05D1!', 2],
    ['a mark last', '\u0627\u064E', 1],
    ['one beyond the BMP last', '\u05D0\u{1F600}', 1],
    ['a digit of an Indian script', '\u05D0\u0966\u05D0', 1],
    ['a later block', '\u{1E922}\u05D0', null],
    ['offset counts what is mapped to nothing', '\u00AD\u05D0\u00AD\u00ADa\u05D0', 4],
  ])('%s', (_what, text, offset) => {
    if (offset === null) {
      expect(saslprep(text)).toBe(text);
    } else {
      expect(() => saslprep(text)).toThrow(
        expect.objectContaining({ code: 'ERR_STRING_BIDI', offset }),
      );
    }
  });
});

test('unassigned code points are refused in what is stored, and allowed in a query', () => {
  expect(() => saslprep('a\u0378')).toThrow(
    expect.objectContaining({ code: 'ERR_STRING_DISALLOWED', offset: 1 }),
  );
  expect(saslprep('a\u0378', { allowUnassigned: true })).toBe('a\u0378');
});

test('noncharacters and surrogates are refused in any case', () => {
  for (const text of ['\uFDD0', '\u{10FFFF}', '\uD800', 'a\uDC00']) {
    expect(outcome(() => saslprep(text, { allowUnassigned: true }))).toBe('ERR_STRING_DISALLOWED');
  }
});

test('errors name the text and the code point, and do not quote the text', () => {
  const secret = 'hunter2\u0007zebra';
  expect(() => saslprep(secret, { name: 'password' })).toThrow(
    /^The password has U\+0007 at index 7/,
  );
  expect(() => saslprep(secret, { name: 'password' })).not.toThrow(/hunter|zebra/);
  expect(() => saslprep(/** @type {any} */ (null), { name: 'password' })).toThrow(TypeError);
});

describe('each code point of Unicode 3.2, against the tables of RFC 3454', () => {
  const unassigned = pointsOf(tables.A1);
  const toNothing = pointsOf(tables.B1);
  const toSpace = pointsOf(tables.C12);
  const prohibited = pointsOf(
    [tables.C12, tables.C21, tables.C22, tables.C3, tables.C4, tables.C5, tables.C6].join(' ') +
      [' ', tables.C7, tables.C8, tables.C9].join(' '),
  );
  const randAlCat = pointsOf(tables.D1);
  const lCat = pointsOf(tables.D2);

  /** @param {string} text */
  function expected(text) {
    let mapped = '';
    for (const character of text) {
      const point = /** @type {number} */ (character.codePointAt(0));
      if (toSpace.has(point)) mapped += ' ';
      else if (!toNothing.has(point)) mapped += character;
    }
    const prepared = mapped.normalize('NFKC');
    if (prepared === '') return 'ERR_STRING_EMPTY';
    const points = Array.from(prepared, (c) => /** @type {number} */ (c.codePointAt(0)));
    if (points.some((point) => prohibited.has(point))) return 'ERR_STRING_DISALLOWED';
    if (points.some((point) => randAlCat.has(point))) {
      const ends = randAlCat.has(points[0]) && randAlCat.has(points[points.length - 1]);
      if (!ends || points.some((point) => lCat.has(point))) return 'ERR_STRING_BIDI';
    }
    return `=${prepared}`;
  }

  test('the tables are complete', () => {
    expect([unassigned.size, randAlCat.size, lCat.size]).toEqual([879_309, 1_044, 229_973]);
  });

  test.each([
    ['alone', ''],
    ['between Hebrew letters', '\u05D0'],
    ['between Latin letters', 'a'],
  ])('%s', (_where, neighbour) => {
    const wrong = [];
    let accepted = 0;
    for (let point = 0; point <= 0x10ffff; point++) {
      if (unassigned.has(point)) continue;
      const text = neighbour + String.fromCodePoint(point) + neighbour;
      const result = outcome(() => saslprep(text));
      if (result !== expected(text)) wrong.push(nameOf(point));
      if (result.startsWith('=')) accepted++;
    }
    expect(wrong).toEqual([]);
    expect(accepted).toBeGreaterThan(2_000);
  });

  test('random texts', () => {
    const assigned = fc
      .oneof(
        fc.integer({ min: 0, max: 0x1fff }),
        fc.integer({ min: 0x2000, max: 0xffff }),
        fc.integer({ min: 0x10000, max: 0x2fa1d }),
        fc.constantFrom(...randAlCat),
        fc.constantFrom(0x20, 0x31, 0xad, 0x200b, 0x300, 0x64e, 0x660, 0x1d100),
      )
      .filter((point) => !unassigned.has(point));
    const texts = fc
      .array(assigned, { minLength: 1, maxLength: 5 })
      .map((points) => String.fromCodePoint(...points));
    fc.assert(
      fc.property(texts, (text) => {
        const result = outcome(() => saslprep(text));
        expect(result).toBe(expected(text));
        if (result.startsWith('=')) expect(outcome(() => saslprep(result.slice(1)))).toBe(result);
      }),
      { seed: 4013, numRuns: 20_000 },
    );
  });
});
