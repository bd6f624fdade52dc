// js/engine/layout.js mirrors bindings/engine.h by hand; this holds the two together.
import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { embeddedWasm, instantiate } from '#engine-wasm';
import * as layout from '../../../js/engine/layout.js';

/** @param {string} path */
const source = (path) =>
  readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8').replace(/\/\/.*$/gm, '');

const header = source('bindings/engine.h');

/** @param {string} text @param {string} name of a constexpr constant */
function constant(text, name) {
  const value = new RegExp(`${name} = ([^;]+);`).exec(text)?.[1];
  if (value === undefined) throw new Error(`there is no ${name}`);
  return value.split('*').reduce((product, factor) => product * Number(factor), 1);
}

const MAX_UNKNOWN = constant(source('src/client/event.h'), 'kCapacity');
/** How many words a field of each type has. @type {Record<string, number>} */
const WORDS = {
  uint32_t: 1,
  'std::array<OutputAddress, 4>': 8,
  'std::array<uint32_t, 3>': 3,
  'std::array<uint32_t, kMaxUnknown>': MAX_UNKNOWN,
};

/** The fields of a struct with their places in words, and its size. @param {string} name */
function struct(name) {
  const body = new RegExp(`struct ${name} \\{([^}]*)\\};`).exec(header)?.[1];
  if (body === undefined) throw new Error(`there is no struct ${name}`);
  /** @type {Record<string, number>} */
  const places = {};
  let size = 0;
  for (const [, type, field] of body.matchAll(/([\w:]+(?:<[^>]*>)?) (\w+);/g)) {
    expect(Object.keys(WORDS)).toContain(type);
    places[field] = size;
    size += WORDS[type];
  }
  // Nothing in it that this reader did not see.
  expect(body.match(/;/g)).toHaveLength(Object.keys(places).length);
  return { places, size };
}

/** The enumerators, in lower camel case, with their values. @param {string} text @param {string} name */
function enumeration(text, name) {
  const body = new RegExp(`enum class ${name} : \\w+ \\{([^}]*)\\}`).exec(text)?.[1];
  if (body === undefined) throw new Error(`there is no enum ${name}`);
  const names = body.split(',').map((one) => one.trim());
  return Object.fromEntries(names.map((one, i) => [one[0].toLowerCase() + one.slice(1), i]));
}

/** @param {string} name in snake case */
const camelCase = (name) => name.replace(/_(\w)/g, (_, letter) => letter.toUpperCase());

describe('requests', () => {
  test('OpenRequest', () => {
    expect(struct('OpenRequest')).toEqual({
      size: layout.OPEN_WORDS,
      // The order in which Engine.open() lays them down.
      places: {
        is_reliable: 0,
        server_port: 1,
        rto_microseconds: 2,
        rc: 3,
        rm: 4,
        ti_microseconds: 5,
        mechanism: 6,
        feature_bits_from_left: 7,
        server_bytes: 8,
        software_bytes: 9,
        username_bytes: 10,
        password_bytes: 11,
        realm_bytes: 12,
      },
    });
  });

  test('StartRequest', () => {
    expect(struct('StartRequest')).toEqual({
      size: layout.START_WORDS,
      places: {
        fingerprint: 0,
        change_ip: 1,
        change_port: 2,
        response_port: 3,
        padding_bytes: 4,
        entropy_bytes: 5,
      },
    });
    expect(layout.NO_RESPONSE_PORT).toBeGreaterThan(0xffff);
  });

  test('mechanisms', () => {
    const { none, shortTerm, longTerm } = enumeration(
      source('src/client/authenticator.h'),
      'Mechanism',
    );
    expect(layout.MECHANISM).toEqual({ none, 'short-term': shortTerm, 'long-term': longTerm });
  });
});

describe('the mailbox', () => {
  test('InputRecord', () => {
    expect(struct('InputRecord')).toEqual({
      size: layout.INPUT_WORDS,
      places: { input: 0, handle: 1, bytes: 2, source_port: 3, source_bytes: 4 },
    });
    expect(layout.INPUT).toEqual(enumeration(header, 'Input'));
  });

  test('OutputRecord', () => {
    const { places, size } = struct('OutputRecord');
    expect(layout.OUTPUT_WORDS).toBe(size);
    const names = Object.entries(places).map(([name, place]) => [camelCase(name), place]);
    const { output, ...rest } = Object.fromEntries(names);
    expect(layout.OUT).toEqual({ kind: output, ...rest });
    expect(layout.OUTPUT).toEqual(enumeration(header, 'Output'));
    expect(layout.NO_ROUND_TRIP).toBe(constant(header, 'kNoRoundTrip'));
  });

  test('OutputAddress: port, then the length of the text', () => {
    expect(struct('OutputAddress')).toEqual({ size: 2, places: { port: 0, text_bytes: 1 } });
    const { addresses, textBytes, unknownCount } = layout.OUT;
    expect(layout.ADDRESSES).toBe((textBytes - addresses) / 2);
    expect(layout.TEXTS).toBe(unknownCount - textBytes);
  });
});

test('counters', () => {
  const body = /struct StunClientStats \{([^}]*)\};/.exec(source('src/client/stun_client.h'))?.[1];
  const names = [...(body ?? '').matchAll(/uint64_t (\w+) = 0;/g)].map(([, name]) =>
    camelCase(name),
  );
  expect(layout.STATS).toEqual(names);
});

test('the core itself agrees', () => {
  const core = instantiate(/** @type {Uint8Array} */ (embeddedWasm()));
  const { inbox, outbox, inboxBytes } = layout.PLACES;
  expect(core.place(inboxBytes)).toBe(constant(header, 'kInboxBytes'));
  expect(core.place(inbox) % 8).toBe(0);
  expect(core.place(outbox) % 8).toBe(0);
  expect(core.place(99)).toBe(0);
});
