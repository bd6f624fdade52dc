// The core of the gateway, as JavaScript sees it: every number of js/gateway/layout.js.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { decode, encode } from '../../../js/codec/index.js';
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

describe('whatever comes', () => {
  const core = new GatewayCore();
  const policy = core.open({}, 'policy');
  const seeds = [
    request('CreatePermission', {
      xorPeerAddress: [peer('8.8.8.8'), peer('2a00::1')].map((p) => p.xorPeerAddress),
    }),
    request('ChannelBind', { channelNumber: 0x4000, ...peer('2001:4860:4860::8888') }),
    encode({
      class: 'indication',
      method: 'Send',
      attributes: { ...peer('8.8.8.8'), data: new Uint8Array(9) },
    }),
    request('Allocate', { requestedTransport: 17, username: 'u' }),
    channelData(0x4000, 'abcd'),
  ];
  const allowed = new Set([
    'Binding',
    'Allocate',
    'Refresh',
    'CreatePermission',
    'ChannelBind',
    'Send',
  ]);

  let peersSeen = 0;

  /** What passes is a message that the codec reads, of a method of the list, and each peer in it is allowed. @param {Uint8Array} bytes */
  function check(bytes) {
    const result = core.screen(policy, bytes);
    core.reply(bytes);
    core.channelData(bytes);
    if (result < 0) {
      expect(Object.values(RULINGS)).toContain(result);
      return;
    }
    const length = result >> FLAG_BITS;
    expect(length).toBeLessThanOrEqual(bytes.length);
    if (bytes[0] > 3) {
      expect(length).toBe(4 + bytes[2] * 256 + bytes[3]);
      return;
    }
    const message = decode(bytes);
    expect(allowed).toContain(message.method);
    for (const attribute of message) {
      // What stands behind an integrity attribute is bytes here; tests of the core itself judge that.
      if (attribute.name !== 'XOR-PEER-ADDRESS' || !attribute.counts) continue;
      const { address } = /** @type {{ address: string }} */ (attribute.value);
      expect(core.reasonAgainst(policy, address)).toBeUndefined();
      peersSeen++;
    }
  }

  test('of random bytes', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), check), { numRuns: 2000 });
  });

  test('of messages with bytes changed, cut or added', () => {
    const change = fc.tuple(fc.nat(120), fc.integer({ min: 0, max: 255 }));
    fc.assert(
      fc.property(
        fc.constantFrom(...seeds),
        fc.array(change, { maxLength: 6 }),
        fc.integer({ min: -8, max: 8 }),
        (seed, changes, more) => {
          const bytes = new Uint8Array(Math.max(0, seed.length + more));
          bytes.set(seed.subarray(0, bytes.length));
          for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
          check(bytes);
        },
      ),
      { numRuns: 10_000 },
    );
    expect(peersSeen).toBeGreaterThan(100);
  });
});

describe('policies', () => {
  const core = new GatewayCore();

  test('each is its own, whatever the memory does meanwhile', () => {
    const local = core.open({ allow: ['127.0.0.0/8'] }, 'policy');
    const prefixes = Array.from({ length: 5000 }, (_, i) => `10.${i >> 8}.${i & 255}.0/24`);
    const large = core.open({ deny: prefixes }, 'policy');
    const only = core.open({ allow: ['8.8.8.0/24'], only: true }, 'policy');
    const translated = core.open({ nat64: ['2a00:64::/96'] }, 'policy');
    const message = (/** @type {string} */ address) =>
      core.screen(large, request('CreatePermission', peer(address)));
    expect(core.reasonAgainst(local, '127.0.0.1')).toBeUndefined();
    expect(core.reasonAgainst(large, '127.0.0.1')).toBe('loopback');
    expect(core.reasonAgainst(large, '10.19.0.1')).toBe('denied');
    expect(core.reasonAgainst(only, '9.9.9.9')).toBe('unlisted');
    expect(core.reasonAgainst(only, '8.8.8.8')).toBeUndefined();
    expect(core.reasonAgainst(translated, '2a00:64::7f00:1')).toBe('loopback');
    expect(core.reasonAgainst(translated, 'nobody')).toBe('no-address');
    expect(message('10.0.0.1')).toBe(RULINGS.peer);
  });

  test.each(
    /** @type {[string, object][]} */ ([
      ['allow[0]', { allow: ['10.0.0.1/8'] }],
      ['deny[1]', { deny: ['10.0.0.0/8', '*'] }],
      ['only', { allow: ['10.0.0.0/8'], only: ['10.0.0.0/8'] }],
      ['allow', { only: true }],
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

describe('a trap of the core', () => {
  /** A core whose memory is out of reach for one call, as after a trap. @param {(core: GatewayCore) => unknown} use */
  function trapIn(use) {
    const core = new GatewayCore();
    const strict = core.open({}, 'policy');
    const open = core.open({ allow: ['10.0.0.0/8'] }, 'policy');
    expect(() => use(core)).toThrow(expect.objectContaining({ code: 'ERR_INTERNAL' }));
    const message = request('CreatePermission', peer('10.0.0.1'));
    expect(core.screen(strict, message)).toBe(RULINGS.peer);
    expect(core.screen(open, message)).toBeGreaterThan(0);
  }
  /** What no caller passes: its bytes cannot be read. */
  const unreadable = /** @type {any} */ ({
    get length() {
      throw new WebAssembly.RuntimeError('unreachable');
    },
  });

  test('in screen(): the policies are there again', () => {
    trapIn((core) => core.screen(0, unreadable));
  });

  test('in reply()', () => {
    trapIn((core) => core.reply(unreadable));
  });
});
