// js/nat/layout.js mirrors bindings/nat_mailbox.h and the lists of src/client/nat by hand; this holds them together.
import { describe, expect, test } from '@jest/globals';
import { PLACES } from '../../../js/engine/layout.js';
import * as layout from '../../../js/nat/layout.js';
import { REASON_WORDS, VALUES } from '../../../js/nat/words.js';
import { instantiateNat } from '../../../js/wasm/nat.inline.js';
import {
  camelCase,
  constant,
  counters,
  enumeration,
  kebabCase,
  source,
  struct,
} from '../../support/mailbox-header.js';

const mailbox = source('bindings/nat_mailbox.h');
const verdict = source('src/client/nat/nat_verdict.h');
const tests = source('src/client/nat/nat_test.h');

describe('records', () => {
  test.each(
    /** @type {const} */ ([
      ['NatPlaceRecord', layout.NAT_PLACE, layout.NAT_PLACE_WORDS],
      ['NatTestRecord', layout.NAT_TEST, layout.NAT_TEST_WORDS],
      ['NatDoneRecord', layout.NAT_DONE, layout.NAT_DONE_WORDS],
    ]),
  )('%s', (name, places, words) => {
    const { places: real, size } = struct(mailbox, name);
    expect(real).toMatchObject(places);
    expect(size).toBe(words);
  });

  test('findings', () => {
    expect(struct(mailbox, 'NatFindingWords').size).toBe(layout.NAT_FINDING_WORDS);
    const declared = [...verdict.matchAll(/Finding<\w+> (\w+)\{\};/g)].map(([, name]) =>
      camelCase(name),
    );
    expect(declared).toEqual([...layout.NAT_FINDINGS]);
    expect(constant(mailbox, 'kNatFindings')).toBe(declared.length);
  });
});

describe('lists', () => {
  test.each(
    /** @type {const} */ ([
      ['NatInput', mailbox, layout.NAT_INPUT],
      ['NatOutput', mailbox, layout.NAT_OUTPUT],
    ]),
  )('%s', (name, text, numbers) => {
    expect(enumeration(text, name)).toEqual(numbers);
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
    expect(Object.keys(enumeration(text, name)).map(kebabCase)).toEqual([...names]);
  });

  test('Answer: three values, in the order unknown, no, yes', () => {
    expect(enumeration(verdict, 'Answer')).toEqual({ unknown: 0, no: 1, yes: 2 });
    for (const name of layout.NAT_FINDINGS) {
      expect(VALUES[name][0]).toBe('unknown');
      expect(VALUES[name]).toHaveLength(['mapping', 'filtering'].includes(name) ? 4 : 3);
    }
  });

  test('counters', () => {
    const discovery = source('src/client/nat/nat_discovery.h');
    expect(counters(discovery, 'NatStats')).toEqual([...layout.NAT_STATS]);
  });

  test('each reason has words', () => {
    expect(Object.keys(REASON_WORDS).sort()).toEqual(
      [...layout.NAT_REASONS.filter((reason) => reason !== 'none'), 'not-over-tcp'].sort(),
    );
  });
});

test('places in the memory of a real core', () => {
  const core = instantiateNat();
  const places = Object.values(PLACES).map((which) => core.place(which));
  expect(new Set(places).size).toBe(places.length);
  expect(core.place(places.length)).toBe(0);
  for (const which of ['inbox', 'outbox', 'status', 'entropy', 'address']) {
    const at = core.place(PLACES[/** @type {keyof typeof PLACES} */ (which)]);
    expect(at).toBeGreaterThan(0);
    expect(at % 4).toBe(0);
  }
});
