// js/nat/layout.js mirrors bindings/nat_mailbox.h and the lists of src/client/nat by hand; this holds them together.
import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import * as layout from '../../../js/nat/layout.js';
import { REASON_WORDS, VALUES } from '../../../js/nat/words.js';
import { instantiateNat } from '../../../js/wasm/nat.inline.js';

/** @param {string} path */
const source = (path) =>
  readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8').replace(/\/\/.*$/gm, '');

const mailbox = source('bindings/nat_mailbox.h');
const verdict = source('src/client/nat/nat_verdict.h');
const tests = source('src/client/nat/nat_test.h');

/** How many words a field of each type has. @type {Record<string, number>} */
const WORDS = {
  uint32_t: 1,
  OutputHead: 3,
  'std::array<OutputAddress, 6>': 12,
  'std::array<OutputAddress, 2>': 4,
  'std::array<uint32_t, 2>': 2,
  'std::array<uint32_t, 4>': 4,
  'std::array<NatFindingWords, kNatFindings>':
    layout.NAT_FINDINGS.length * layout.NAT_FINDING_WORDS,
};

/** @param {string} name in snake case */
const camelCase = (name) => name.replace(/_(\w)/g, (_, letter) => letter.toUpperCase());
/** @param {string} name in camel case */
const kebabCase = (name) =>
  name
    .replace(/^[A-Z]/, (letter) => letter.toLowerCase())
    .replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/** @param {string} text @param {string} pattern with one group */
function body(text, pattern) {
  const found = new RegExp(pattern).exec(text)?.[1];
  if (found === undefined) throw new Error(`there is no ${pattern}`);
  return found;
}

/** The fields of a struct with their places in words, and its size. @param {string} name */
function struct(name) {
  const fields = body(mailbox, `struct ${name} \\{([^}]*)\\};`);
  /** @type {Record<string, number>} */
  const places = {};
  let size = 0;
  for (const [, type, field] of fields.matchAll(/([\w:]+(?:<[^>]*>)?) (\w+);/g)) {
    expect(Object.keys(WORDS)).toContain(type);
    places[camelCase(field)] = size;
    size += WORDS[type];
  }
  // Nothing in it that this reader did not see.
  expect(fields.match(/;/g)).toHaveLength(Object.keys(places).length);
  return { places, size };
}

/** The enumerators in their order. @param {string} text @param {string} name */
const enumeration = (text, name) =>
  body(text, `enum class ${name} : \\w+ \\{([^}]*)\\}`)
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '');

/** @param {string[]} names */
const numbered = (names) =>
  Object.fromEntries(names.map((one, i) => [one[0].toLowerCase() + one.slice(1), i]));

describe('records', () => {
  test.each(
    /** @type {const} */ ([
      ['NatPlaceRecord', layout.NAT_PLACE, layout.NAT_PLACE_WORDS],
      ['NatTestRecord', layout.NAT_TEST, layout.NAT_TEST_WORDS],
      ['NatDoneRecord', layout.NAT_DONE, layout.NAT_DONE_WORDS],
    ]),
  )('%s', (name, places, words) => {
    const { places: real, size } = struct(name);
    expect(real).toMatchObject(places);
    expect(size).toBe(words);
  });

  test('findings', () => {
    expect(struct('NatFindingWords').size).toBe(layout.NAT_FINDING_WORDS);
    const declared = [...verdict.matchAll(/Finding<\w+> (\w+)\{\};/g)].map(([, name]) =>
      camelCase(name),
    );
    expect(declared).toEqual([...layout.NAT_FINDINGS]);
    expect(Number(body(mailbox, 'kNatFindings = (\\d+);'))).toBe(declared.length);
  });
});

describe('lists', () => {
  test.each(
    /** @type {const} */ ([
      ['NatInput', mailbox, layout.NAT_INPUT],
      ['NatOutput', mailbox, layout.NAT_OUTPUT],
    ]),
  )('%s', (name, text, numbers) => {
    expect(numbered(enumeration(text, name))).toEqual(numbers);
  });

  test.each(
    /** @type {const} */ ([
      ['Topic', tests, layout.NAT_TOPICS],
      ['TestName', tests, layout.NAT_TESTS],
      ['Outcome', tests, layout.NAT_OUTCOMES],
      ['Behaviour', verdict, layout.NAT_BEHAVIOURS],
      ['Reason', verdict, layout.NAT_REASONS],
    ]),
  )('%s', (name, text, names) => {
    expect(enumeration(text, name).map(kebabCase)).toEqual([...names]);
  });

  test('Answer: three values, in the order unknown, no, yes', () => {
    expect(enumeration(verdict, 'Answer')).toEqual(['Unknown', 'No', 'Yes']);
    for (const name of layout.NAT_FINDINGS) {
      expect(VALUES[name][0]).toBe('unknown');
      expect(VALUES[name]).toHaveLength(['mapping', 'filtering'].includes(name) ? 4 : 3);
    }
  });

  test('counters', () => {
    const counters = body(
      source('src/client/nat/nat_discovery.h'),
      'struct NatStats \\{([^}]*)\\};',
    );
    const names = [...counters.matchAll(/uint64_t (\w+) = 0;/g)].map(([, name]) => camelCase(name));
    expect(names).toEqual([...layout.NAT_STATS]);
  });

  test('each reason has words', () => {
    expect(Object.keys(REASON_WORDS).sort()).toEqual(
      [...layout.NAT_REASONS.filter((reason) => reason !== 'none'), 'not-over-tcp'].sort(),
    );
  });
});

test('places in the memory of a real core', () => {
  const core = instantiateNat();
  const places = Object.values(layout.NAT_PLACES).map((which) => core.place(which));
  expect(new Set(places).size).toBe(places.length);
  expect(core.place(places.length)).toBe(0);
  for (const which of ['inbox', 'outbox', 'status', 'entropy', 'address']) {
    const at = core.place(layout.NAT_PLACES[/** @type {keyof typeof layout.NAT_PLACES} */ (which)]);
    expect(at).toBeGreaterThan(0);
    expect(at % 4).toBe(0);
  }
});
