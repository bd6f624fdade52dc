// What DNS says of names: with a resolver of the test's, and the system's for what it knows without a network.
import { describe, expect, test } from '@jest/globals';
import { measureName, measureNat64, nat64PrefixOf } from '../../../js/measure/dns.js';
import { rejection } from '../client/support.js';
import { inReport, optionsOf, resolverOf, SILENT_RESOLVER, SOON_MS } from './support.js';

const NAME = 'turn.example.org';

/** @param {Parameters<typeof resolverOf>[0]} names @param {Parameters<typeof resolverOf>[1]} [services] @param {string[]} [questions] */
const measure = async (names, services, questions = []) =>
  inReport(
    await measureName(
      { name: NAME, services: questions },
      optionsOf({ resolver: resolverOf(names, services) }),
    ),
  );

test('addresses of both families', async () => {
  const found = await measure({ [NAME]: ['2001:DB8::1', '192.0.2.1', '192.0.2.2', '192.0.2.1'] });
  expect(found).toEqual({
    id: 'dns/turn.example.org',
    kind: 'dns',
    whose: 'client',
    status: 'ok',
    name: NAME,
    ipv4: ['192.0.2.1', '192.0.2.2'],
    ipv6: ['2001:db8::1'],
    elapsedMs: expect.any(Number),
  });
});

test('of one family only: that is no failure', async () => {
  expect(await measure({ [NAME]: ['192.0.2.1'] })).toMatchObject({
    status: 'ok',
    ipv4: ['192.0.2.1'],
    ipv6: [],
  });
});

test('a name that does not exist', async () => {
  const found = await measure({});
  expect(found).toMatchObject({
    status: 'failed',
    error: { code: 'ERR_DNS', systemCode: 'ENOTFOUND', phase: 'dns' },
  });
  expect(found.error?.hint).toMatch(/spelling/);
});

test('a resolver that fails is told from a name that does not exist', async () => {
  const found = await measure({ [NAME]: 'EAI_AGAIN' });
  expect(found).toMatchObject({ status: 'failed', error: { systemCode: 'EAI_AGAIN' } });
  expect(found.error?.hint).toMatch(/resolver failed/);
});

test('services, those first that are to be tried first', async () => {
  const record = { name: 'a.example.org', port: 3478, priority: 20, weight: 0 };
  const found = await measure(
    {},
    {
      [`_turn._udp.${NAME}`]: [
        record,
        { name: 'b.example.org', port: 5000, priority: 10, weight: 1 },
        { name: 'c.example.org', port: 5001, priority: 10, weight: 9 },
      ],
      [`_turn._tcp.${NAME}`]: [{ ...record, name: '.', port: 0 }],
    },
    [`_turn._udp.${NAME}`, `_turn._tcp.${NAME}`],
  );
  expect(found).toMatchObject({
    status: 'ok',
    services: ['c.example.org:5001', 'b.example.org:5000', 'a.example.org:3478'],
  });
});

test('a name without services, that were asked for', async () => {
  const found = await measure({ [NAME]: ['192.0.2.1'] }, {}, [`_turn._udp.${NAME}`]);
  expect(found).toMatchObject({ status: 'ok', services: [] });
});

test('a resolver that does not answer', async () => {
  const options = optionsOf({ resolver: SILENT_RESOLVER, timeoutMs: SOON_MS });
  const found = inReport(await measureName({ name: NAME, services: ['_turn._udp.x'] }, options));
  expect(found).toMatchObject({ status: 'failed', error: { code: 'ERR_DNS', phase: 'dns' } });
  expect(found.error?.message).toMatch(/within 300 ms/);
});

test('a signal ends it', async () => {
  const controller = new AbortController();
  const options = optionsOf({ resolver: SILENT_RESOLVER, signal: controller.signal });
  const measuring = rejection(measureName({ name: NAME, services: [] }, options));
  controller.abort('why');
  expect(await measuring).toBe('why');
});

test('by the resolver of the system', async () => {
  const found = await measureName({ name: 'localhost', services: [] }, optionsOf());
  expect([...(found.ipv4 ?? []), ...(found.ipv6 ?? [])]).toContain('127.0.0.1');
});

describe('NAT64 (RFC 7050)', () => {
  // RFC 6052 section 2.2 has the places of the bytes, section 2.4 these prefixes.
  test.each([
    ['2001:db8:c000:aa::', '2001:db8::/32'],
    ['2001:db8:1c0:0:aa::', '2001:db8:100::/40'],
    ['2001:db8:122:c000:0:aa00::', '2001:db8:122::/48'],
    ['2001:db8:122:3c0:0:aa::', '2001:db8:122:300::/56'],
    ['2001:db8:122:344:c0:0:aa00:0', '2001:db8:122:344::/64'],
    ['2001:db8:122:344::192.0.0.171', '2001:db8:122:344::/96'],
    ['64:ff9b::192.0.0.170', '64:ff9b::/96'],
    ['2001:db8::1', undefined],
    ['64:ff9b::192.0.0.172', undefined],
  ])('%s has the prefix %s', (address, prefix) => {
    expect(nat64PrefixOf(address)).toBe(prefix);
  });

  /** @param {Parameters<typeof resolverOf>[0]} names */
  const look = (names) => measureNat64(optionsOf({ resolver: resolverOf(names) }));

  test('is found by the name that has no other address of IPv6', async () => {
    const addresses = ['192.0.0.170', '192.0.0.171', '64:ff9b::c000:aa', '64:ff9b::c000:ab'];
    const found = await look({ 'ipv4only.arpa': addresses });
    expect(found && inReport(found)).toMatchObject({
      id: 'dns/ipv4only.arpa',
      status: 'ok',
      nat64Prefix: '64:ff9b::/96',
    });
  });

  test.each([
    ['of IPv4 only', { 'ipv4only.arpa': ['192.0.0.170'] }],
    ['that it does not know', {}],
  ])('is not there where DNS has a name %s', async (_, names) => {
    expect(await look(names)).toBeUndefined();
  });
});
