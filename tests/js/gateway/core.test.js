// The core of the gateway, as JavaScript sees it: every number of js/gateway/layout.js.
import { describe, expect, test } from '@jest/globals';
import { encode } from '../../../js/codec/index.js';
import { GatewayCore } from '../../../js/gateway/core.js';
import {
  CARRIES_DATA,
  FLAG_BITS,
  IS_REQUEST,
  REPLIES,
  RULINGS,
} from '../../../js/gateway/layout.js';
import { channelData } from './support.js';

const request = (/** @type {string} */ method, attributes = {}) =>
  encode({ class: 'request', method, attributes });
const peer = (/** @type {string} */ address, port = 9) => ({ xorPeerAddress: { address, port } });

describe('screen()', () => {
  const core = new GatewayCore();
  const policy = core.open({}, 'policy');

  test.each([
    ['a request', request('Binding'), IS_REQUEST],
    ['a permission', request('CreatePermission', peer('8.8.8.8')), IS_REQUEST],
    ['an indication', encode({ class: 'indication', method: 'Binding' }), 0],
    [
      'data',
      encode({
        class: 'indication',
        method: 'Send',
        attributes: { ...peer('8.8.8.8'), data: Uint8Array.of(1) },
      }),
      CARRIES_DATA,
    ],
  ])('%s', (_, message, flags) => {
    expect(core.screen(policy, message)).toBe((message.length << FLAG_BITS) | flags);
  });

  test('ChannelData, as a whole and by its head', () => {
    const padded = Buffer.concat([channelData(0x4000, 'a'), Buffer.alloc(3)]);
    expect(core.screen(policy, padded)).toBe((5 << FLAG_BITS) | CARRIES_DATA);
    expect(core.channelData(padded)).toBe(5);
    expect(core.channelData(channelData(0x4fff, 'abc'))).toBe(7);
    expect(core.channelData(channelData(0x5000, 'abc'))).toBe(0);
    expect(core.channelData(Uint8Array.of(0x40))).toBe(0);
    expect(core.channelData(new Uint8Array())).toBe(0);
    // The highest bit of a number of 32 bits is no sign.
    expect(core.channelData(Uint8Array.of(0xff, 0, 0, 0))).toBe(0);
  });

  test.each(
    /** @type {[keyof typeof RULINGS, Uint8Array][]} */ ([
      ['malformed', Uint8Array.of(0x16, 0xfe)],
      ['malformed', new Uint8Array()],
      ['malformed', new Uint8Array(200_000)],
      ['method', request('Connect', peer('8.8.8.8'))],
      ['attribute', request('Binding', { responseAddress: { address: '8.8.8.8', port: 1 } })],
      ['peer', request('CreatePermission', peer('10.0.0.1'))],
    ]),
  )('%s', (name, message) => {
    expect(core.screen(policy, message)).toBe(RULINGS[name]);
  });

  test('says why a peer is refused', () => {
    core.screen(
      policy,
      request('ChannelBind', { channelNumber: 0x4000, ...peer('::ffff:7f00:1') }),
    );
    expect(core.reason()).toBe('ipv4-mapped');
    core.screen(policy, request('ChannelBind', { channelNumber: 0x4000, ...peer('8.8.8.8', 0) }));
    expect(core.reason()).toBe('port-zero');
  });
});

describe('policies', () => {
  const core = new GatewayCore();

  test('each is its own, whatever the memory does meanwhile', () => {
    const local = core.open({ allow: ['127.0.0.0/8'] }, 'policy');
    const prefixes = Array.from({ length: 5000 }, (_, i) => `10.${i >> 8}.${i & 255}.0/24`);
    const large = core.open({ deny: prefixes }, 'policy');
    const only = core.open({ only: ['8.8.8.0/24'] }, 'policy');
    const translated = core.open({ nat64: ['2a00:64::/96'] }, 'policy');
    const message = (/** @type {string} */ address) =>
      core.screen(large, request('CreatePermission', peer(address)));
    expect(core.reasonAgainst(local, '127.0.0.1')).toBeUndefined();
    expect(core.reasonAgainst(large, '127.0.0.1')).toBe('loopback');
    expect(core.reasonAgainst(large, '10.19.0.1')).toBe('denied');
    expect(core.reasonAgainst(only, '9.9.9.9')).toBe('denied');
    expect(core.reasonAgainst(only, '8.8.8.8')).toBeUndefined();
    expect(core.reasonAgainst(translated, '2a00:64::7f00:1')).toBe('loopback');
    expect(core.reasonAgainst(translated, 'nobody')).toBe('no-address');
    expect(message('10.0.0.1')).toBe(RULINGS.peer);
  });

  test.each(
    /** @type {[string, object][]} */ ([
      ['allow[0]', { allow: ['10.0.0.1/8'] }],
      ['deny[1]', { deny: ['10.0.0.0/8', '*'] }],
      ['only[0]', { only: [7] }],
      ['nat64[0]', { nat64: ['10.0.0.0/8'] }],
    ]),
  )('%s is refused, and leaves nothing behind', (name, policy) => {
    expect(() => core.open(policy, 'options.policy')).toThrow(
      expect.objectContaining({
        code: 'ERR_INVALID_ARGUMENT',
        argument: `options.policy.${name}`,
      }),
    );
    expect(core.reasonAgainst(core.open({}, 'policy'), '10.0.0.1')).toBe('private');
  });
});

describe('reply()', () => {
  const core = new GatewayCore();
  const success = (/** @type {string} */ method, attributes = {}) =>
    encode({ class: 'success', method, attributes });

  test.each(
    /** @type {[keyof typeof REPLIES, Uint8Array][]} */ ([
      ['malformed', Uint8Array.of(1, 2, 3)],
      ['control', success('Binding')],
      ['data', encode({ class: 'indication', method: 'Data', attributes: peer('8.8.8.8') })],
      ['data', channelData(0x4000, 'abcd')],
      ['allocated', success('Allocate', { lifetime: 600 })],
      [
        'error',
        encode({
          class: 'error',
          method: 'Allocate',
          attributes: { errorCode: { code: 486, reason: '' } },
        }),
      ],
    ]),
  )('%s', (name, message) => {
    expect(core.reply(message)).toBe(REPLIES[name]);
  });

  test('what it leaves', () => {
    core.reply(success('Refresh', { lifetime: 777 }));
    expect([core.replyBytes, core.replyLifetime, core.replyError]).toEqual([28, 777, 0]);
    core.reply(
      encode({
        class: 'error',
        method: 'Allocate',
        attributes: { errorCode: { code: 486, reason: '' } },
      }),
    );
    expect([core.replyLifetime, core.replyError]).toEqual([0, 486]);
    core.reply(Buffer.concat([channelData(0x4000, 'a'), Buffer.alloc(3)]));
    expect(core.replyBytes).toBe(5);
  });
});
