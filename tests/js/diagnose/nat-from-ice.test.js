// What candidates tell of a NAT, case by case. Priorities are those of Chromium 156 and Firefox 153.
import { describe, expect, test } from '@jest/globals';
import { natFromIce } from '../../../js/diagnose/nat-from-ice.js';

/** @typedef {import('../../../js/diagnose/nat-from-ice.js').SeenCandidate} SeenCandidate */

const ONE = { host: '192.0.2.1', port: 3478 };
const ONE_AGAIN = { host: '192.0.2.1', port: 3479 };
const OTHER = { host: '192.0.2.2', port: 3478 };
const NAMED = { host: 'stun.example.org', port: 3478 };
const PUBLIC = '203.0.113.77';
const MDNS = 'b09537ae-3e7a-4be6-b9a8-909933efd378.local';

const CHROMIUM = { host: 2_113_937_151, hostV6: 2_113_942_271, srflx: [1_677_729_535] };
const FIREFOX = {
  host: 2_122_187_007,
  hostV6: 2_122_252_543,
  // It counts servers down.
  srflx: [1_685_987_327, 1_685_987_071, 1_685_986_815],
};
const BROWSERS = /** @type {const} */ ([
  ['chromium', CHROMIUM],
  ['firefox', FIREFOX],
]);

/** @param {number} port @param {number} priority @param {string} [address] @returns {SeenCandidate} */
const host = (port, priority, address = MDNS) => ({ type: 'host', address, port, priority });
/** @param {number} port @param {number} priority @param {string} [address] @returns {SeenCandidate} */
const srflx = (port, priority, address = PUBLIC) => ({ type: 'srflx', address, port, priority });

/**
 * @param {{ host: number, srflx: readonly number[] }} of
 * @param {...number} ports that servers have seen
 */
const seen = (of, ...ports) => [
  host(40_000, of.host),
  ...ports.map((port, i) => srflx(port, of.srflx[i % of.srflx.length])),
];

/** @param {Parameters<typeof natFromIce>[0]['servers']} servers @param {SeenCandidate[]} candidates @param {boolean} [isComplete] */
const mappingOf = (servers, candidates, isComplete = true) =>
  natFromIce({ servers, candidates, isComplete }).mapping;

/** @param {RegExp} pattern */
const unknown = (pattern) => ({ value: 'unknown', because: expect.stringMatching(pattern) });

describe.each(BROWSERS)('mapping, by what %s shows', (_, of) => {
  test('one port towards two addresses', () => {
    expect(mappingOf([ONE, OTHER], seen(of, 50_001))).toEqual({ value: 'endpoint-independent' });
  });

  test('names may be of one machine', () => {
    expect(mappingOf([ONE, NAMED], seen(of, 50_001))).toEqual({
      value: 'endpoint-independent',
      because: 'taken that 192.0.2.1 and stun.example.org are different machines',
    });
  });

  test('another port for each of two addresses', () => {
    expect(mappingOf([ONE, OTHER], seen(of, 50_001, 50_002))).toEqual({
      value: 'address-dependent',
      because: expect.stringMatching(/^at least/),
    });
  });

  test('another port for each port', () => {
    const exact = { value: 'address-and-port-dependent' };
    expect(mappingOf([ONE, ONE_AGAIN], seen(of, 50_001, 50_002))).toEqual(exact);
    expect(mappingOf([ONE, ONE_AGAIN, OTHER], seen(of, 50_001, 50_002, 50_003))).toEqual(exact);
  });

  test('another port for each address, and the same for its ports', () => {
    const three = [ONE, ONE_AGAIN, OTHER];
    const two = seen(of, 50_001, 50_002);
    expect(mappingOf(three, two)).toEqual({ value: 'address-dependent' });
    // The third may have seen another one.
    expect(mappingOf(three, two, false)).toEqual({
      value: 'address-dependent',
      because: expect.stringMatching(/^at least/),
    });
  });

  test('a socket of IPv6 beside it makes no difference', () => {
    const both = [...seen(of, 50_001, 50_002), host(40_001, of.hostV6)];
    expect(mappingOf([ONE, OTHER], both)).toMatchObject({ value: 'address-dependent' });
  });

  test('one server is not enough', () => {
    expect(mappingOf([ONE], seen(of, 50_001))).toEqual(unknown(/one STUN server only/));
    expect(mappingOf([ONE, { ...ONE }], seen(of, 50_001))).toEqual(unknown(/one STUN server only/));
  });

  test('nor is one address, where the ports are the same', () => {
    expect(mappingOf([ONE, ONE_AGAIN], seen(of, 50_001))).toEqual(unknown(/one address/));
  });

  test('one that has not answered may have seen another port', () => {
    expect(mappingOf([ONE, OTHER], seen(of, 50_001), false)).toEqual(unknown(/not all/));
    expect(mappingOf([ONE, OTHER], seen(of, 50_001, 50_002), false)).toMatchObject({
      value: 'address-dependent',
    });
  });

  test('two interfaces that look alike have two sockets', () => {
    const two = [...seen(of, 50_001, 50_002), host(40_002, of.host)];
    expect(mappingOf([ONE, OTHER], two)).toEqual(unknown(/several network interfaces/));
  });

  test('addresses of both families have two sockets', () => {
    const two = [...seen(of, 50_001), srflx(50_001, of.srflx[0], '2001:db8::77')];
    expect(mappingOf([ONE, OTHER], two)).toEqual(unknown(/both families/));
  });

  test('several public addresses may be those of several ways out', () => {
    const two = [...seen(of, 50_001), srflx(50_001, of.srflx[0], '203.0.113.78')];
    expect(mappingOf([ONE, OTHER], two)).toEqual(unknown(/several addresses/));
  });

  test('nothing', () => {
    expect(mappingOf([ONE, OTHER], seen(of))).toEqual(unknown(/no mapped address/));
  });
});

test('two interfaces with preferences of their own are told apart, and so nothing is known', () => {
  const [one, two] = [host(40_000, FIREFOX.host), host(40_001, FIREFOX.hostV6)];
  const mapped = [srflx(50_001, FIREFOX.srflx[0]), srflx(50_002, FIREFOX.srflx[0] + 65_536)];
  expect(mappingOf([ONE, OTHER], [one, two, ...mapped])).toEqual(
    unknown(/several network interfaces/),
  );
});

describe('besides', () => {
  /** @param {SeenCandidate[]} candidates */
  const nat = (candidates) => natFromIce({ servers: [ONE, OTHER], candidates, isComplete: true });

  test('a NAT is seen only where the browser shows addresses', () => {
    expect(nat(seen(CHROMIUM, 50_001)).behindNat).toEqual(unknown(/hides/));
    const shown = host(40_000, CHROMIUM.host, '10.0.0.2');
    expect(nat([shown, srflx(50_001, CHROMIUM.srflx[0])]).behindNat).toEqual({ value: 'yes' });
    const own = host(40_000, CHROMIUM.host, PUBLIC);
    expect(nat([own, srflx(40_000, CHROMIUM.srflx[0])]).behindNat).toEqual({ value: 'no' });
  });

  test('ports are kept, or not, or some of them', () => {
    const kept = (/** @type {number[]} */ ...ports) =>
      nat(seen(CHROMIUM, ...ports)).portPreservation;
    expect(kept(40_000)).toEqual({ value: 'yes' });
    expect(kept(50_001)).toEqual({ value: 'no' });
    expect(kept(40_000, 50_001)).toEqual(unknown(/some ports/));
    expect(nat([srflx(50_001, 1)]).portPreservation).toEqual(unknown(/no port of its own/));
  });

  test('filtering is never told', () => {
    expect(nat(seen(CHROMIUM, 50_001)).filtering).toEqual(unknown(/a mirror does/));
  });

  test('the measurement is as known as the mapping', () => {
    expect(nat(seen(CHROMIUM, 50_001))).toMatchObject({
      status: 'ok',
      mappedAddresses: [{ address: PUBLIC, port: 50_001 }],
    });
    const { status, because, mapping } = nat(seen(CHROMIUM));
    expect({ status, because }).toEqual({ status: 'unknown', because: mapping?.because });
  });
});
