// What the events of a test say of a NAT, case by case.
import { describe, expect, test } from '@jest/globals';
import { REASONS } from '../../../js/diagnose/unknown.js';
import { judge } from '../../../js/mirror/judge.js';

/** @typedef {import('../../../js/mirror/judge.js').MirrorEvent} MirrorEvent */
/** @typedef {import('../../../js/mirror/judge.js').Place} Place */

const EIX = 'endpoint-independent';
const ADX = 'address-dependent';
const APDX = 'address-and-port-dependent';

const FIRST = 1_845_501_695;
const SECOND = 1_845_501_439;
const M1 = 50_001;
const PUBLIC = '203.0.113.77';

/** @param {number} port @param {string} [address] */
const at = (port, address = PUBLIC) => ({
  address,
  port,
  family: /** @type {'IPv4' | 'IPv6'} */ (address.includes(':') ? 'IPv6' : 'IPv4'),
});
/** @param {Place} place @param {number} port @param {number} [priority] @returns {MirrorEvent} */
const check = (place, port, priority = FIRST, address = PUBLIC) => ({
  kind: 'check',
  place,
  priority,
  source: at(port, address),
});
/** @type {MirrorEvent} */
const mapping = { kind: 'mapping' };
/** @param {'host' | 'translated' | undefined} localType @param {number[]} [hostPorts] @returns {MirrorEvent} */
const page = (localType, hostPorts = [40_000]) => ({ kind: 'page', localType, hostPorts });

/**
 * Nine knocks from each place, of which so many were answered.
 *
 * @param {{ control?: number, port?: number, address?: number, hasB?: boolean, priority?: number }} arrived
 * @returns {MirrorEvent[]}
 */
function knocks({ control = 9, port = 0, address = 0, hasB = true, priority = FIRST } = {}) {
  /** @type {MirrorEvent[]} */
  const events = [];
  const counts = /** @type {[Place, number][]} */ ([
    ['A:first', control],
    ['A:strange', port],
    ...(hasB ? [['B:strange', address]] : []),
  ]);
  for (let i = 0; i < 9; i += 1) {
    for (const [place] of counts) {
      events.push({ kind: 'knock', place, priority, id: `${place}${priority}${i}` });
    }
  }
  for (const [place, count] of counts) {
    for (let i = 0; i < count; i += 1)
      events.push({ kind: 'answer', id: `${place}${priority}${i}` });
  }
  return events;
}

const TWO = { hasSecondAddress: true };
const ONE = { hasSecondAddress: false };

/** A whole test of a NAT that keeps its mapping and lets in what it is told. @param {MirrorEvent[]} [inside] */
const whole = (inside = knocks()) => [
  check('A:first', M1),
  ...inside,
  mapping,
  check('A:second', M1),
  check('B:first', M1),
  page('translated'),
];

describe('filtering', () => {
  test.each([
    ['all came', knocks({ port: 9, address: 9 }), { value: EIX }],
    ['one of each came', knocks({ control: 1, port: 1, address: 1 }), { value: EIX }],
    ['none of the other address came', knocks({ port: 9 }), { value: ADX }],
    ['none of the other port came either', knocks(), { value: APDX }],
    ['a third of the control came', knocks({ control: 3 }), { value: APDX }],
    ['two of the control came', knocks({ control: 2 }), { reason: 'loss' }],
    [
      'few of the control came, and of the other port',
      knocks({ control: 2, port: 1 }),
      { reason: 'loss', oneOf: [EIX, ADX] },
    ],
    ['none of the control came', knocks({ control: 0 }), { reason: 'control-failed' }],
    [
      'only the other address came',
      knocks({ control: 0, address: 3 }),
      { reason: 'control-failed' },
    ],
    [
      'the other address came, the other port did not',
      knocks({ address: 3 }),
      { reason: 'contradiction' },
    ],
  ])('where %s', (_name, inside, expected) => {
    const { filtering } = judge(whole(inside), TWO);
    expect(filtering).toMatchObject(expected);
  });

  test('one address of the mirror tells only the strictest', () => {
    expect(judge(whole(knocks({ hasB: false })), ONE).filtering).toEqual({ value: APDX });
    expect(judge(whole(knocks({ hasB: false, port: 4 })), ONE).filtering).toEqual({
      value: 'unknown',
      reason: 'one-address',
      because: REASONS['one-address'],
      oneOf: [EIX, ADX],
    });
  });

  test('what comes after the browser has been told of the other address does not count', () => {
    const early = knocks();
    const late = /** @type {MirrorEvent[]} */ ([
      { kind: 'answer', id: `B:strange${FIRST}0` },
      { kind: 'answer', id: `A:strange${FIRST}0` },
    ]);
    const events = [check('A:first', M1), ...early, mapping, ...late, check('A:second', M1)];
    expect(judge(events, TWO).filtering).toEqual({ value: APDX });
  });

  test('answers that came twice, or in another order, are one each', () => {
    const events = knocks({ control: 2, port: 0 });
    const answers = events.filter(({ kind }) => kind === 'answer');
    const doubled = [...events, ...answers.reverse(), ...answers, ...answers];
    expect(judge(whole(doubled), TWO).filtering).toMatchObject({ reason: 'loss' });
  });

  test('answers to what was never sent are none', () => {
    const forged = /** @type {MirrorEvent[]} */ ([{ kind: 'answer', id: 'forged' }]);
    expect(judge(whole([...knocks({ control: 0 }), ...forged]), TWO).filtering).toMatchObject({
      reason: 'control-failed',
    });
  });
});

describe('mapping', () => {
  /** @param {MirrorEvent[]} checks */
  const told = (...checks) => [check('A:first', M1), ...knocks(), mapping, ...checks];
  test.each([
    ['the same everywhere', [check('A:second', M1), check('B:first', M1)], { value: EIX }],
    ['another at the other address', [check('A:second', M1), check('B:first', 2)], { value: ADX }],
    ['another at the other port', [check('A:second', 2), check('B:first', 3)], { value: APDX }],
    [
      'another at the other port, where the other address saw nothing',
      [check('A:second', 2)],
      { value: APDX },
    ],
    [
      'unseen at the other address',
      [check('A:second', M1)],
      { reason: 'check-missing', oneOf: [EIX, ADX] },
    ],
    ['unseen at the other port', [check('B:first', M1)], { reason: 'check-missing' }],
    [
      'unseen at the other port, and another at the other address',
      [check('B:first', 2)],
      { reason: 'check-missing', oneOf: [ADX, APDX] },
    ],
    [
      'seen twice at each',
      [check('B:first', M1), check('A:second', M1), check('A:first', M1), check('B:first', M1)],
      { value: EIX },
    ],
    [
      'seen at ports that are for knocking',
      [check('A:strange', 9), check('B:strange', 8), check('A:second', M1), check('B:first', M1)],
      { value: EIX },
    ],
  ])('%s', (_name, checks, expected) => {
    expect(judge(told(...checks), TWO).mapping).toMatchObject(expected);
  });

  test('one address of the mirror tells only the strictest', () => {
    expect(judge(told(check('A:second', 2)), ONE).mapping).toEqual({ value: APDX });
    expect(judge(told(check('A:second', M1)), ONE).mapping).toMatchObject({
      reason: 'one-address',
      oneOf: [EIX, ADX],
    });
  });

  test('an address that changes during the test is no mapping', () => {
    const events = told(check('A:second', M1), check('B:first', M1), check('A:first', 7));
    const { mapping: found, publicAddress, filtering } = judge(events, TWO);
    expect(found).toMatchObject({ reason: 'address-changed' });
    expect(publicAddress).toMatchObject({ reason: 'address-changed' });
    expect(filtering).toEqual({ value: APDX });
  });

  test('another address with the same port is another mapping', () => {
    const other = check('A:second', M1, FIRST, '203.0.113.78');
    expect(judge(told(other, check('B:first', M1)), TWO).mapping).toEqual({ value: APDX });
  });

  test('IPv6', () => {
    const v6 = (/** @type {Place} */ place) => check(place, M1, FIRST, '2001:db8::7');
    const events = [
      v6('A:first'),
      ...knocks(),
      mapping,
      v6('A:second'),
      v6('B:first'),
      page('host'),
    ];
    expect(judge(events, TWO)).toMatchObject({
      publicAddress: { value: { address: '2001:db8::7', port: M1, family: 'IPv6' } },
      mapping: { value: EIX },
      filtering: { value: APDX },
      behindNat: { value: false },
    });
  });
});

describe('several interfaces', () => {
  const events = [
    check('A:first', 6001, SECOND, '198.51.100.8'),
    check('A:first', M1),
    ...knocks({ port: 9, priority: SECOND }),
    ...knocks(),
    mapping,
    check('A:second', 6002, SECOND, '198.51.100.8'),
    check('B:first', 6003, SECOND, '198.51.100.8'),
    check('A:second', M1),
    check('B:first', M1),
    page('translated'),
  ];

  test('are judged each for itself, the one of the highest priority first', () => {
    expect(judge(events, TWO)).toMatchObject({
      publicAddress: { value: at(M1) },
      mapping: { value: EIX },
      filtering: { value: APDX },
      otherPaths: [
        {
          publicAddress: { value: at(6001, '198.51.100.8') },
          mapping: { value: APDX },
          filtering: { value: ADX },
        },
      ],
    });
  });

  test('one that shows up only when the mapping is tested has no say', () => {
    const late = [...whole(), check('A:second', 7001, SECOND), check('B:first', 7002, SECOND)];
    expect(judge(late, TWO)).toMatchObject({ mapping: { value: EIX }, otherPaths: [] });
  });
});

describe('whether there is a NAT, and what it does with ports', () => {
  /** @param {MirrorEvent} seen @param {number} [second] */
  const from = (seen, second = M1) =>
    judge(
      [
        check('A:first', M1),
        ...knocks(),
        mapping,
        check('A:second', second),
        check('B:first', second),
        seen,
      ],
      TWO,
    );

  test.each([
    ['the pair has a host candidate', from(page('host')), { value: false }, { reason: 'no-nat' }],
    ['the pair has another', from(page('translated')), { value: true }, { value: false }],
    [
      'the port is that of the socket',
      from(page('translated', [1, M1])),
      { value: true },
      { value: true },
    ],
    [
      'no pair has succeeded, but ports differ',
      from(page(undefined)),
      { value: true },
      { value: false },
    ],
    [
      'no pair has succeeded, and ports are the same',
      from(page(undefined, [M1])),
      { reason: 'not-connected' },
      { value: true },
    ],
    [
      'no pair has succeeded, but mappings depend',
      from(page(undefined, []), 2),
      { value: true },
      { reason: 'no-host-ports' },
    ],
    [
      'the browser says nothing',
      from(page(undefined, [])),
      { reason: 'not-connected' },
      { reason: 'no-host-ports' },
    ],
  ])('where %s', (_name, { behindNat, portPreservation }, nat, port) => {
    expect(behindNat).toMatchObject(nat);
    expect(portPreservation).toMatchObject(port);
  });

  test.each(['127.0.0.1', '::1'])('what comes from %s has met none', (address) => {
    const events = whole().map((event) =>
      event.kind === 'check' ? { ...event, source: at(M1, address) } : event,
    );
    const { behindNat, portPreservation } = judge(events, TWO);
    expect(behindNat).toEqual({ value: false });
    expect(portPreservation).toMatchObject({ reason: 'no-nat' });
  });

  test('without a page, what packets tell is told all the same', () => {
    const { mapping: found, behindNat } = judge(whole().slice(0, -1), TWO);
    expect(found).toEqual({ value: EIX });
    expect(behindNat).toMatchObject({ reason: 'not-connected' });
  });
});

test('nothing at all: everything is unknown', () => {
  for (const events of [[], [page(undefined)], [mapping, check('A:second', 1)]]) {
    const verdict = judge(events, TWO);
    for (const key of /** @type {const} */ ([
      'publicAddress',
      'mapping',
      'filtering',
      'behindNat',
      'portPreservation',
    ])) {
      expect(verdict[key]).toEqual({
        value: 'unknown',
        reason: 'no-check',
        because: REASONS['no-check'],
      });
    }
  }
});
