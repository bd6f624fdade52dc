// js/engine/layout.js mirrors bindings/engine.h by hand; this holds the two together.
import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { embeddedWasm, instantiate } from '#engine-wasm';
import * as layout from '../../../js/engine/layout.js';

/** @param {string} path */
const source = (path) =>
  readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8').replace(/\/\/.*$/gm, '');

const header = source('bindings/mailbox.h');

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
  double: 2,
  OutputHead: 3,
  'std::array<OutputAddress, 4>': 8,
  'std::array<OutputAddress, 6>': 12,
  'std::array<uint32_t, 2>': 2,
  'std::array<uint32_t, 3>': 3,
  'std::array<uint32_t, 4>': 4,
  'std::array<uint32_t, 5>': 5,
  'std::array<uint32_t, kMaxUnknown>': MAX_UNKNOWN,
};

/** @param {string} name in snake case */
const camelCase = (name) => name.replace(/_(\w)/g, (_, letter) => letter.toUpperCase());

/** The fields of a struct with their places in words, and its size. @param {string} name */
function struct(name) {
  const body = new RegExp(`struct ${name} \\{([^}]*)\\};`).exec(header)?.[1];
  if (body === undefined) throw new Error(`there is no struct ${name}`);
  /** @type {Record<string, number>} */
  const places = {};
  let size = 0;
  for (const [, type, field] of body.matchAll(/([\w:]+(?:<[^>]*>)?) (\w+);/g)) {
    expect(Object.keys(WORDS)).toContain(type);
    places[camelCase(field)] = size;
    size += WORDS[type];
  }
  // Nothing in it that this reader did not see.
  expect(body.match(/;/g)).toHaveLength(Object.keys(places).length);
  return { places, size };
}

/** The fields in their order. @param {string} name */
const fields = (name) => Object.keys(struct(name).places);

/** The enumerators, in lower camel case, with their values. @param {string} text @param {string} name */
function enumeration(text, name) {
  const body = new RegExp(`enum class ${name} : \\w+ \\{([^}]*)\\}`).exec(text)?.[1];
  if (body === undefined) throw new Error(`there is no enum ${name}`);
  const names = body.split(',').map((one) => one.trim());
  return Object.fromEntries(names.map((one, i) => [one[0].toLowerCase() + one.slice(1), i]));
}

/** @param {string} name in camel case */
const kebabCase = (name) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/** @param {string} file @param {string} name of a struct of counters */
function counters(file, name) {
  const body = new RegExp(`struct ${name} \\{([^}]*)\\};`).exec(source(file))?.[1] ?? '';
  return [...body.matchAll(/uint64_t (\w+) = 0;/g)].map(([, field]) => camelCase(field));
}

describe('requests: the order in which js/engine/requests.js lays their words down', () => {
  test('OpenRequest', () => {
    expect(fields('OpenRequest')).toEqual([
      'isReliable',
      'serverPort',
      'rtoMicroseconds',
      'rc',
      'rm',
      'tiMicroseconds',
      'mechanism',
      'featureBitsFromLeft',
      'addressBytes',
      'softwareBytes',
      'usernameBytes',
      'passwordBytes',
      'realmBytes',
      'tokenBytes',
      'fingerprint',
      'padsChannelData',
      'permissionMilliseconds',
      'channelMilliseconds',
      'refreshMilliseconds',
      'keepAliveMilliseconds',
    ]);
    expect(struct('OpenRequest').size).toBe(layout.OPEN_WORDS);
    expect(fields('OpenBinderRequest')).toEqual(['relay', 'connectionId']);
    expect(layout.KIND).toEqual(enumeration(header, 'Kind'));
  });

  test('BindingCommand', () => {
    expect(fields('BindingCommand')).toEqual([
      'fingerprint',
      'changeIp',
      'changePort',
      'responsePort',
      'paddingBytes',
    ]);
    expect(struct('BindingCommand').size).toBe(layout.BINDING_WORDS);
    expect(layout.NO_RESPONSE_PORT).toBeGreaterThan(0xffff);
  });

  test('AllocateCommand', () => {
    expect(fields('AllocateCommand')).toEqual([
      'transport',
      'family',
      'bothFamilies',
      'evenPort',
      'dontFragment',
      'lifetimeSeconds',
      'mobility',
      'tokenBytes',
    ]);
    expect(struct('AllocateCommand').size).toBe(layout.ALLOCATE_WORDS);
    expect(layout.EVEN_PORT).toEqual(
      enumeration(source('src/client/turn/allocation.h'), 'EvenPort'),
    );
    const lifetimes = source('src/turn/lifetimes.h');
    expect(layout.RELAY_TRANSPORT).toEqual({
      tcp: constant(lifetimes, 'kTransportTcp'),
      udp: constant(lifetimes, 'kTransportUdp'),
    });
  });

  test('the other commands', () => {
    expect(layout.COMMAND).toEqual(enumeration(header, 'Command'));
    expect(fields('PeerCommand')).toEqual(['port', 'addressBytes']);
    expect(struct('PeerCommand').size).toBe(layout.PEER_WORDS);
    expect(fields('NumberCommand')).toEqual(['number']);
    expect(fields('CredentialsCommand')).toEqual([
      'mechanism',
      'usernameBytes',
      'passwordBytes',
      'realmBytes',
      'tokenBytes',
    ]);
    expect(struct('CredentialsCommand').size).toBe(layout.CREDENTIALS_WORDS);
  });

  test('mechanisms', () => {
    const mechanisms = enumeration(source('src/client/authenticator.h'), 'Mechanism');
    expect(layout.MECHANISM).toEqual(
      Object.fromEntries(Object.entries(mechanisms).map(([name, i]) => [kebabCase(name), i])),
    );
  });
});

describe('the mailbox', () => {
  test('InputRecord', () => {
    expect(fields('InputRecord')).toEqual(['input', 'handle', 'bytes', 'port', 'addressBytes']);
    expect(struct('InputRecord').size).toBe(layout.INPUT_WORDS);
    expect(layout.INPUT).toEqual(enumeration(header, 'Input'));
  });

  test('OutputHead', () => {
    const { places, size } = struct('OutputHead');
    const { output, ...rest } = places;
    expect(layout.HEAD).toEqual({ kind: output, ...rest });
    expect(layout.HEAD_WORDS).toBe(size);
    expect(layout.OUTPUT).toEqual(enumeration(header, 'Output'));
  });

  test.each(
    /** @type {const} */ ([
      ['DataRecord', layout.DATA, layout.DATA_WORDS],
      ['BindingRecord', layout.BINDING, layout.BINDING_RECORD_WORDS],
      ['TurnEventRecord', layout.TURN, layout.TURN_RECORD_WORDS],
    ]),
  )('%s', (name, places, size) => {
    expect(struct(name)).toEqual({ places: { head: 0, ...places }, size });
  });

  test('what stands for none', () => {
    expect(layout.NO_INPUT).toBe(constant(header, 'kNoInput'));
    expect(layout.NO_ROUND_TRIP).toBe(constant(header, 'kNoRoundTrip'));
  });

  test('OutputAddress: port, then the length of the text', () => {
    expect(struct('OutputAddress')).toEqual({ size: 2, places: { port: 0, textBytes: 1 } });
  });

  test('Status', () => {
    expect(struct('Status')).toEqual({ size: 4, places: layout.STATUS });
  });

  test('events of relays', () => {
    const kinds = enumeration(source('src/client/turn/turn_event.h'), 'TurnEventKind');
    expect(layout.TURN_EVENTS).toEqual(Object.keys(kinds).map(kebabCase));
  });
});

test('counters', () => {
  expect(layout.STATS).toEqual(counters('src/client/stun_client.h', 'StunClientStats'));
  expect(layout.TURN_STATS).toEqual([
    ...counters('src/client/turn/turn_client.h', 'TurnClientStats'),
    'sendFailed',
  ]);
});

test('the core itself agrees', () => {
  const core = instantiate(/** @type {Uint8Array} */ (embeddedWasm()));
  const { inboxBytes, ...others } = layout.PLACES;
  expect(core.place(inboxBytes)).toBe(constant(header, 'kInboxBytes'));
  for (const place of Object.values(others)) expect(core.place(place) % 8).toBe(0);
  expect(core.place(99)).toBe(0);
  const engine = source('bindings/engine.h');
  expect(layout.ENTROPY_BYTES).toBe(constant(engine, 'kEntropyBytes'));
  expect(layout.ADDRESS_BYTES).toBe(constant(source('bindings/address_port.h'), 'kBytes'));
});
