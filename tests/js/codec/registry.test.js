// The tables that JavaScript has from src/stun/registry, against what the RFCs and IANA say (tests/registry).
import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { decode, encode, nonceFeatures } from '../../../js/codec/index.js';
import {
  ATTRIBUTES,
  METHODS,
  PASSWORD_ALGORITHMS,
  SECURITY_FEATURES,
} from '../../../js/generated/registry.js';
import { STUN_ERROR_CODES } from '../../../js/generated/stun-error-codes.js';
import { thrownBy } from './support.js';

/** @param {string} name @returns {Record<string, string>[]} */
function readTable(name) {
  const text = readFileSync(new URL(`../../registry/${name}.csv`, import.meta.url), 'utf8');
  const [header = [], ...rows] = text
    .trim()
    .split('\n')
    .map((line) => line.split(','));
  return rows.map((row) => Object.fromEntries(header.map((column, i) => [column, row[i] ?? ''])));
}

/** XOR-MAPPED-ADDRESS -> xorMappedAddress @param {string} name */
const propertyOf = (name) =>
  name
    .toLowerCase()
    .replace(/[-_ ](.)/g, (_match, /** @type {string} */ letter) => letter.toUpperCase());

const attributes = readTable('attributes');

test('methods', () => {
  expect(METHODS).toEqual(readTable('methods').map(({ number, name }) => [Number(number), name]));
});

test('attributes', () => {
  expect(
    ATTRIBUTES.map(([type, property, name, , unregistered]) => [
      type,
      property,
      name,
      unregistered,
    ]),
  ).toEqual(
    attributes.map(({ type, name = '', status }) => [
      Number(type),
      propertyOf(name),
      name,
      status === 'unregistered' ? 1 : 0,
    ]),
  );
});

test('error codes', () => {
  const reasons = Object.entries(STUN_ERROR_CODES).map(([code, { reason }]) => [
    Number(code),
    reason,
  ]);
  expect(reasons).toEqual(
    readTable('error-codes').map(({ number, reason }) => [Number(number), reason]),
  );
});

test('every error code comes with a hint in plain words', () => {
  for (const { reason, hint } of Object.values(STUN_ERROR_CODES)) {
    expect(hint).toMatch(/^[A-Z].*\.$/);
    expect(hint).not.toBe(reason);
  }
});

test('password algorithms', () => {
  expect(PASSWORD_ALGORITHMS).toEqual(
    readTable('password-algorithms').map(({ number, name }) => [Number(number), name]),
  );
});

describe('security features', () => {
  const features = readTable('security-features');

  test('names and bits', () => {
    expect(SECURITY_FEATURES).toEqual(
      features.map(({ name = '', bit }) => [
        propertyOf(name.replace(/^P/, 'p').replace(/^U/, 'u')),
        Number(bit),
      ]),
    );
  });

  test.each(features.map((row) => [row.name, row]))('%s in a nonce', (_name, row) => {
    const property = propertyOf(row.name ?? '');
    const fromRight = nonceFeatures(`obMatJos2${row.base64_from_right}`);
    expect(fromRight).toMatchObject({
      bits: Number.parseInt(row.mask_from_right ?? '', 16),
      [property]: true,
    });
    const fromLeft = nonceFeatures(`obMatJos2${row.base64_from_left}`, { bitOrder: 'left' });
    expect(Object.entries(fromLeft ?? {}).filter(([, value]) => value === true)).toEqual([
      [property, true],
    ]);
  });
});

describe('the lengths that a value may have', () => {
  /** '0-8/4 20' -> [{ from: 0, to: 8, step: 4 }, { from: 20, to: 20, step: 1 }] @param {string} text */
  const rangesOf = (text) =>
    text.split(' ').map((range) => {
      const [, from, to = from, step = 1] = /^(\d+)(?:-(\d+))?(?:\/(\d+))?$/.exec(range) ?? [];
      return { from: Number(from), to: Number(to), step: Number(step) };
    });

  const kinds = new Map(ATTRIBUTES.map(([type, , , kind]) => [/** @type {number} */ (type), kind]));

  /**
   * What reading a value gives that is right or wrong but for its length: zeros, or letters where zeros
   * at the end do not count.
   *
   * @param {number} type
   * @param {number} length
   */
  const outcome = (type, length) => {
    const rawAttributes = [
      { type, value: new Uint8Array(length).fill(kinds.get(type) === 'Label' ? 0x61 : 0) },
    ];
    const message = decode(encode({ class: 'request', method: 'Binding', rawAttributes }));
    try {
      message.get(type);
      return 'OK';
    } catch (error) {
      return /** @type {{ code: string }} */ (error).code;
    }
  };

  test.each(attributes.map(({ name, type, lengths = '' }) => [name, Number(type), lengths]))(
    '%s',
    (_name, type, lengths) => {
      const ranges = rangesOf(lengths);
      const edges = ranges.flatMap(({ from, to, step }) => [from, from + step, to - step, to]);
      const candidates = [
        ...edges,
        ...edges.map((edge) => edge + 1),
        ...edges.map((edge) => edge - 1),
        65528,
      ];
      for (const length of new Set(candidates.filter((edge) => edge >= 0 && edge <= 65528))) {
        const isAllowed = ranges.some(
          ({ from, to, step }) => length >= from && length <= to && (length - from) % step === 0,
        );
        const isRefused = outcome(type, length) === 'ERR_STUN_ATTRIBUTE_LENGTH';
        expect({ length, isRefused }).toEqual({ length, isRefused: !isAllowed });
      }
    },
  );

  test('an attribute longer than a message holds', () => {
    const rawAttributes = [{ type: 0x8022, value: new Uint8Array(65529) }];
    const error = thrownBy(() => encode({ class: 'request', method: 'Binding', rawAttributes }));
    expect(error.code).toBe('ERR_STUN_MESSAGE_TOO_LONG');
  });
});
