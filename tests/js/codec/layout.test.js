// js/codec/layout.js mirrors bindings/codec_port.h and the places of bindings/embind_codec.cpp: here the two are
// read side by side.
import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { getCore } from '../../../js/codec/core.js';
import * as layout from '../../../js/codec/layout.js';
import { CLIENT_ERRORS, CODEC_ERRORS } from '../../../js/generated/errors.js';

/** @param {string} path */
const read = (path) =>
  readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8').replaceAll(/\/\/.*$/gm, '');
const header = read('bindings/codec_port.h');
const embind = read('bindings/embind_codec.cpp');

/** The text between the braces that follow `opening`. @param {string} text @param {string} opening */
function block(text, opening) {
  const start = text.indexOf('{', text.indexOf(opening));
  let depth = 0;
  for (let at = start; at < text.length; at += 1) {
    if (text[at] === '{') depth += 1;
    if (text[at] === '}') depth -= 1;
    if (depth === 0) return text.slice(start + 1, at);
  }
  throw new Error(`there is no block behind ${opening}`);
}

/** The value of an expression of numbers, such as 1U << 18. @param {string | undefined} expression */
function numberOf(expression) {
  const factors = (expression ?? '').replaceAll(/(\d)U\b/g, '$1').trim();
  const [, a, operator, b] = /^(\w+)(?:\s*(<<|\*)\s*(\w+))?$/.exec(factors) ?? [];
  if (operator === '<<') return Number(a) << Number(b);
  return operator === '*' ? Number(a) * Number(b) : Number(a);
}

/** @param {string} name */
function constant(name) {
  const [, expression] = new RegExp(`constexpr uint32_t ${name} = ([^;]+);`).exec(header) ?? [];
  return numberOf(expression);
}

/** @param {string} name of an enum @returns {Record<string, number>} */
function enumerators(name) {
  const pairs = block(header, `enum ${name} `).matchAll(/(\w+) = ([^,}]+)/g);
  return Object.fromEntries(
    Array.from(pairs, ([, enumerator, value]) => [enumerator, numberOf(value)]),
  );
}

/** The members of a struct of 32-bit words: where each begins, and how many words there are. @param {string} name */
function members(name) {
  /** @type {Map<string, number>} */
  const offsets = new Map();
  let words = 0;
  for (const [, array, member] of block(header, `struct ${name} {`).matchAll(
    /(?:std::array<u?int32_t, (\w+)>|uint32_t|stun::PreparedKey) (\w+);/g,
  )) {
    offsets.set(/** @type {string} */ (member), words);
    words +=
      array === undefined ? 1 : Number.isNaN(Number(array)) ? constant(array) : Number(array);
  }
  return { offsets, words };
}

describe('the words of a job', () => {
  test('their number', () => {
    expect(members('JobHeader').words).toBe(layout.JOB_WORDS);
    expect(members('RecordHeader').words).toBe(layout.RECORD_WORDS);
  });

  test('their order, which encode() and RecordWriter use by number', () => {
    expect([...members('JobHeader').offsets]).toEqual([
      ['message_type', 0],
      ['options', 1],
      ['records_bytes', 2],
      ['transaction_id', 3],
    ]);
    expect([...members('RecordHeader').offsets]).toEqual([
      ['type', 0],
      ['form', 1],
      ['bytes', 2],
      ['numbers', 3],
    ]);
  });

  test('the form of a record of raw bytes; that of a value is 0', () => {
    expect(constant('kFormRaw')).toBe(layout.FORM_RAW);
    expect(constant('kFormTyped')).toBe(0);
  });

  test('the bits of options', () => {
    expect(enumerators('Option')).toEqual({
      kFingerprint: layout.OPTION_FINGERPRINT,
      kIntegritySha1: layout.OPTION_SHA1,
      kIntegritySha256: layout.OPTION_SHA256,
      kClassic: layout.OPTION_CLASSIC,
    });
  });
});

test('the words of a value', () => {
  const { offsets } = members('Words');
  expect(offsets.get('value_offset')).toBe(layout.VALUE_OFFSET);
  expect(offsets.get('value_length')).toBe(layout.VALUE_LENGTH);
  expect(offsets.get('numbers')).toBe(layout.NUMBERS);
});

test('the result of decode()', () => {
  expect(enumerators('DecodeFlag')).toEqual({ kAllowClassic: layout.ALLOW_CLASSIC });
  expect(constant('kFingerprintShift')).toBe(layout.FINGERPRINT_SHIFT);
  expect(constant('kClassicBit')).toBe(layout.CLASSIC_BIT);
  expect(constant('kUnknownRequiredBit')).toBe(layout.UNKNOWN_REQUIRED_BIT);
  expect(layout.MESSAGE_TYPE_MASK).toBe((1 << layout.FINGERPRINT_SHIFT) - 1);
});

test('an error fits below its detail', () => {
  expect(CODEC_ERRORS.length + CLIENT_ERRORS.length).toBeLessThanOrEqual(layout.ERROR_MASK);
  expect(1 << layout.DETAIL_SHIFT).toBe(layout.ERROR_MASK + 1);
  expect(read('bindings/codec_port.cpp')).toContain(`(detail << ${layout.DETAIL_SHIFT})`);
});

describe('places', () => {
  const cases = [...block(embind, 'uint32_t place(').matchAll(/case (\d+):\s*return ([^;]+);/g)];
  const expressions = Object.fromEntries(
    cases.map(([, number, expression]) => [number, expression]),
  );

  test('the same in both', () => {
    const meaning = {
      input: 'port.input()',
      output: 'port.output()',
      words: '&words.value_offset',
      text: 'words.text',
      batch: 'words.batch',
      key: '&words.key',
      keyBytes: 'sizeof words.key',
      inputBytes: 'CodecPort::kInputBytes',
      maxBatch: 'CodecPort::kMaxBatch',
    };
    expect(Object.keys(layout.PLACES)).toEqual(Object.keys(meaning));
    for (const [name, number] of Object.entries(layout.PLACES)) {
      expect([name, expressions[number]]).toEqual([
        name,
        expect.stringContaining(meaning[/** @type {keyof typeof meaning} */ (name)]),
      ]);
    }
    expect(cases.length).toBe(Object.keys(layout.PLACES).length);
  });

  test('as the running core has them', () => {
    const core = getCore();
    const { offsets } = members('Words');
    expect(core.text).toBe(core.wordsWord * 4 + 4 * (offsets.get('text') ?? -1));
    expect(core.batchWord).toBe(core.wordsWord + (offsets.get('batch') ?? -1));
    expect(core.key).toBe(core.wordsWord * 4 + 4 * (offsets.get('key') ?? -1));
    expect(core.inputBytes).toBe(constant('kInputBytes'));
    expect(core.maxBatch).toBe(constant('kMaxBatch'));
    // The longest message, and words for a whole batch of lengths twice over.
    expect(core.inputBytes).toBeGreaterThanOrEqual(
      65552 + 4 * Math.max(layout.JOB_WORDS, layout.RECORD_WORDS),
    );
    for (const place of [core.input, core.output]) expect(place % 8).toBe(0);
  });
});
