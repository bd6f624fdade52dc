// The picture of the path: what measurements say of each way.
import { expect, test } from '@jest/globals';
import { barrierOf, lanesOf } from '../../../js/page/model/lanes.js';

/** @typedef {import('../../../js/report/index.js').Measurement} Measurement */

let count = 0;
/** @param {Partial<Measurement> & { kind: Measurement['kind'] }} fields @returns {Measurement} */
function measured(fields) {
  count += 1;
  return /** @type {Measurement} */ ({ id: `m${count}`, whose: 'client', status: 'ok', ...fields });
}
/** @param {any} [fields] */
const relay = (fields) =>
  measured({ kind: 'reachability', transport: 'udp', service: 'turn', ...fields });
const SILENT = { status: 'failed', error: { code: 'ERR_STUN_TIMEOUT', message: '' } };
const REFUSED = {
  status: 'failed',
  error: { code: 'ERR_STUN_RESPONSE', errorCode: 401, message: '' },
};

/** @param {string} id @param {...Measurement} measurements */
const lane = (id, ...measurements) => {
  const { tone, words, isTried } = lanesOf(measurements).find((one) => one.id === id) ?? {};
  return [tone, words, isTried];
};

test('the lanes are always the same ones, and not tested before the test', () => {
  expect(lanesOf([]).map(({ id, words, tone }) => [id, words, tone])).toEqual(
    ['udp', 'tcp', 'tls', 'ws', 'https'].map((id) => [id, 'not tested', 'unknown']),
  );
});

test.each([
  ['what works', [relay({ roundTripMs: 23.6 })], ['good', 'passes, 24 ms']],
  ['two of which one works', [relay(), relay(SILENT)], ['warn', 'passes to 1 of 2']],
  ['silence', [relay(SILENT), relay(SILENT)], ['bad', 'no answer']],
  ['a server that refuses', [relay(REFUSED)], ['warn', 'passes, server refuses']],
  [
    'a server that refuses beside one that works',
    [relay(), relay(REFUSED)],
    ['warn', 'passes, server refuses'],
  ],
  ['a relay whose data is lost', [relay({ dataPath: 'lost' })], ['warn', 'data gets lost']],
  [
    'a name that is not found',
    [relay({ status: 'failed', error: { code: 'ERR_DNS', message: '' } })],
    ['unknown', 'could not be told'],
  ],
  [
    'what could not be told',
    [relay({ status: 'unknown', because: 'of it' })],
    ['unknown', 'could not be told'],
  ],
])('%s', (_, measurements, [tone, words]) => {
  expect(lane('udp', ...measurements)).toEqual([tone, words, true]);
});

test('what was left out was not tried', () => {
  expect(lane('udp', relay({ status: 'skipped', because: 'of it' }))).toEqual([
    'unknown',
    'not tested',
    false,
  ]);
});

test('what a gateway sees of its own network says nothing of this device', () => {
  const nat = measured({ kind: 'nat', method: 'discovery', whose: 'gateway' });
  expect(lane('udp', nat, relay({ whose: 'gateway' }))).toEqual(['unknown', 'not tested', false]);
});

test('the time is that of the flow where there was one', () => {
  const quality = measured({
    kind: 'quality',
    transport: 'udp',
    via: 'relay',
    roundTrips: /** @type {any} */ ({ medianMs: 8.04 }),
  });
  expect(lane('udp', relay({ roundTripMs: 90 }), quality)).toEqual(['good', 'passes, 8 ms', true]);
  expect(lane('tcp', relay({ transport: 'tcp' }), quality)).toEqual(['good', 'passes', true]);
});

test('candidates and NAT tests tell that UDP passes, and nothing where there are none', () => {
  const path = (/** @type {any[]} */ ...candidates) => measured({ kind: 'path', candidates });
  expect(lane('udp', path({ type: 'srflx', protocol: 'udp' }))[0]).toBe('good');
  expect(lane('udp', path({ type: 'relay', protocol: 'udp', relayProtocol: 'tcp' }))[2]).toBe(
    false,
  );
  // How Firefox tells of a relay.
  expect(lane('udp', path({ type: 'relay', protocol: 'udp' }))[2]).toBe(false);
  expect(lane('udp', measured({ kind: 'nat', method: 'ice', status: 'unknown' }))[2]).toBe(false);
  expect(lane('udp', measured({ kind: 'nat', method: 'mirror', status: 'unknown' }))).toEqual([
    'unknown',
    'could not be told',
    true,
  ]);
  expect(lane('udp', measured({ kind: 'nat', method: 'mirror' }))[0]).toBe('good');
});

test('signalling is WebSocket; a gateway is drawn where there is one', () => {
  const signalling = measured({ kind: 'signalling', url: 'wss://a.example', roundTripMs: 4 });
  expect(lane('ws', signalling)).toEqual(['good', 'passes, 4 ms', true]);
  expect(lane('ws', measured({ kind: 'signalling', status: 'failed' }))[0]).toBe('bad');
  const [withNone] = lanesOf([signalling]).filter(({ id }) => id === 'ws');
  const [withOne] = lanesOf([relay({ transport: 'wss' })]).filter(({ id }) => id === 'ws');
  expect([withNone.hasGateway, withOne.hasGateway]).toEqual([false, true]);
});

test('what is in between is a NAT only where one was seen, on the way of this device', () => {
  const nat = (/** @type {any} */ fields) => measured({ kind: 'nat', method: 'mirror', ...fields });
  expect(barrierOf([])).toBe('NAT or firewall');
  expect(barrierOf([nat({ behindNat: { value: 'yes' } })])).toBe('NAT and firewall');
  expect(barrierOf([nat({ behindNat: { value: 'no' } })])).toBe('Firewall, no NAT');
  expect(barrierOf([nat({ whose: 'gateway', behindNat: { value: 'yes' } })])).toBe(
    'NAT or firewall',
  );
});
