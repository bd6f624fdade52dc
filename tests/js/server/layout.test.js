// js/server/layout.js mirrors bindings/server_mailbox.h by hand; this holds the two together.
import { describe, expect, test } from '@jest/globals';
import { PLACES, STATUS } from '../../../js/engine/layout.js';
import * as layout from '../../../js/server/layout.js';
import { instantiateServer } from '../../../js/wasm/server.inline.js';
import {
  camelCase,
  constant,
  counters,
  enumeration,
  kebabCase,
  source,
  struct as structOf,
} from '../../support/mailbox-header.js';

const header = source('bindings/server_mailbox.h');

/** @param {string} name */
const struct = (name) => structOf(header, name);

/** The fields in their order. @param {string} name */
const fields = (name) => Object.keys(struct(name).places);

test('OpenServerRequest', () => {
  expect(layout.OPEN_SERVER).toEqual(fields('OpenServerRequest'));
});

describe('commands: the order in which js/server/commands.js lays their words down', () => {
  test('their numbers', () => {
    expect(layout.SERVER_COMMAND).toEqual(enumeration(header, 'ServerCommand'));
  });

  test.each([
    ['AddressHeader', ['port', 'addressBytes']],
    ['ServerNumberCommand', ['number']],
    ['TextsCommand', ['count']],
    ['PolicyCommand', ['onlyAllowed', 'allowed', 'denied', 'nat64']],
    ['TokenKeyHeader', ['expiresAtSeconds']],
    ['KeyCommand', ['question', 'passwordBytes']],
    ['RelayCommand', ['relay', 'port', 'addressBytes']],
  ])('%s', (name, words) => {
    expect(fields(name)).toEqual(words);
  });

  test('LinkCommand', () => {
    expect(fields('LinkCommand')).toEqual([
      'link',
      'localPort',
      'localBytes',
      'remotePort',
      'remoteBytes',
      'isStream',
      'isReliable',
      'hasOthers',
      'others',
    ]);
    expect(struct('LinkCommand').size).toBe(8 + 3);
  });
});

describe('the mailbox', () => {
  test('inputs and outputs', () => {
    expect(layout.SERVER_INPUT).toEqual(enumeration(header, 'ServerInput'));
    expect(layout.SERVER_OUTPUT).toEqual(enumeration(header, 'ServerOutput'));
  });

  test.each(
    /** @type {const} */ ([
      ['TransmitRecord', layout.TRANSMIT, layout.TRANSMIT_WORDS],
      ['ToPeerRecord', layout.TO_PEER, layout.TO_PEER_WORDS],
      ['ServerEventRecord', layout.SERVER_EVENT, layout.SERVER_EVENT_WORDS],
    ]),
  )('%s', (name, places, size) => {
    expect(struct(name)).toEqual({ places: { head: 0, ...places }, size });
  });

  test('ServerStatus: begins as a Status', () => {
    const { places, size } = struct('ServerStatus');
    expect(places).toEqual(layout.SERVER_STATUS);
    expect(size).toBe(4);
    const { nextTimeout, hasMore } = layout.SERVER_STATUS;
    expect(STATUS).toMatchObject({ nextTimeout, hasMore });
  });
});

test('events, and wishes for ports', () => {
  const events = source('src/server/server_event.h');
  const kinds = enumeration(events, 'ServerEventKind');
  expect(layout.SERVER_EVENTS).toEqual(Object.keys(kinds).map(kebabCase));
  expect(layout.PORT_WISH).toEqual(enumeration(events, 'PortWish'));
});

test('counters: in the order in which the core writes them, and all that there are', () => {
  const code = source('bindings/server_engine.cpp');
  const [, written] = /write_counters\(\s*counters, ([^;]*)\);/.exec(code) ?? [];
  const names = written.split(/,\s*/).map((one) => camelCase(one.replace(/^.*\./, '')));
  // Counted by the engine itself, or named for whom JavaScript tells them.
  const asToldBy = { 'server_->allocationCount()': 'allocations', accepted: 'authenticated' };
  const renamed = names.map(
    (name) => /** @type {Record<string, string>} */ (asToldBy)[name] ?? name,
  );
  expect(layout.SERVER_STATS).toEqual(
    renamed.map((name) => (name === 'brokenStreams_' ? 'brokenStreams' : name)),
  );
  const server = counters(source('src/server/turn_server.h'), 'ServerStats');
  const authenticator = counters(source('src/server/authenticator.h'), 'AuthenticatorStats');
  expect([...names].sort()).toEqual(
    ['server_->allocationCount()', 'brokenStreams_', ...server, ...authenticator].sort(),
  );
});

test('the core itself agrees', () => {
  const core = instantiateServer();
  // It makes nothing of random bytes but its secret.
  const { inboxBytes, entropy, ...others } = PLACES;
  expect(core.place(inboxBytes)).toBe(constant(source('bindings/mailbox.h'), 'kInboxBytes'));
  for (const place of Object.values(others)) {
    expect(core.place(place)).toBeGreaterThan(0);
    expect(core.place(place) % 8).toBe(0);
  }
  expect(core.place(entropy)).toBe(0);
  expect(core.place(99)).toBe(0);
});
