// js/engine/layout.js mirrors bindings/engine.h by hand; this holds the two together.
import { describe, expect, test } from '@jest/globals';
import { embeddedWasm, instantiate } from '#engine-wasm';
import * as layout from '../../../js/engine/layout.js';
import {
  constant,
  counters,
  enumeration,
  kebabCase,
  source,
  struct as structOf,
} from '../../support/mailbox-header.js';

const header = source('bindings/mailbox.h');

/** @param {string} name */
const struct = (name) => structOf(header, name);

/** The fields in their order. @param {string} name */
const fields = (name) => Object.keys(struct(name).places);

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
  expect(layout.STATS).toEqual(counters(source('src/client/stun_client.h'), 'StunClientStats'));
  expect(layout.TURN_STATS).toEqual([
    ...counters(source('src/client/turn/turn_client.h'), 'TurnClientStats'),
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
