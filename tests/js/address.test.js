import { isIP } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import { canonicalAddress, familyOf, formatTransportAddress } from '../../js/address.js';

const IPV4 = ['0.0.0.0', '127.0.0.1', '192.0.2.1', '255.255.255.255', '1.20.200.250'];
const IPV6 = [
  '::',
  '::1',
  '1::',
  '2001:db8::1',
  '2001:DB8:0:0:8:800:200C:417A',
  '1:2:3:4:5:6:7:8',
  '1:2:3:4:5:6:7::',
  '::2:3:4:5:6:7:8',
  '1::3:4:5:6:7:8',
  '1:2:3:4:5:6:192.0.2.1',
  '::192.0.2.1',
  '::ffff:192.0.2.1',
  '64:ff9b::192.0.2.33',
  '0001:0002:0003:0004:0005:0006:0007:0008',
];
const NEITHER = [
  '',
  ':',
  ':::',
  '1',
  '1.2.3',
  '1.2.3.4.5',
  '1.2.3.256',
  '01.2.3.4',
  '1.2.3.4.',
  ' 1.2.3.4',
  '1.2.3.4\n',
  '0x7f.0.0.1',
  '1:2:3:4:5:6:7',
  '1:2:3:4:5:6:7:8:9',
  '1:2:3:4::5:6:7:8',
  '1::2::3',
  ':1:2:3:4:5:6:7',
  '1:2:3:4:5:6:7:',
  '12345::',
  'g::',
  '::1.2.3',
  '::1.2.3.4:5',
  '1.2.3.4::',
  '::01.2.3.4',
  '1:2:3:4:5:6:7:1.2.3.4',
  '[::1]',
  '::1%eth0',
  'localhost',
];

describe('familyOf', () => {
  test.each(IPV4)('%j is IPv4', (text) => expect(familyOf(text)).toBe('IPv4'));
  test.each(IPV6)('%j is IPv6', (text) => expect(familyOf(text)).toBe('IPv6'));
  test.each(NEITHER)('%j is neither', (text) => expect(familyOf(text)).toBeUndefined());

  test('agrees with node:net, but for zones', () => {
    for (const text of [...IPV4, ...IPV6, ...NEITHER].filter((text) => !text.includes('%'))) {
      const family = familyOf(text);
      const version = family === undefined ? 0 : { IPv4: 4, IPv6: 6 }[family];
      expect([text, version]).toEqual([text, isIP(text)]);
    }
  });
});

describe('canonicalAddress', () => {
  // Sections of RFC 5952.
  test.each([
    ['2001:0db8::0001', '2001:db8::1', '4.1 leading zeros'],
    ['2001:db8:0:0:0:0:2:1', '2001:db8::2:1', '4.2.1 as short as possible'],
    ['2001:db8::1:1:1:1:1', '2001:db8:0:1:1:1:1:1', '4.2.2 never for one group'],
    ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1', '4.2.3 the longest run'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1', '4.2.3 the first of equal runs'],
    ['2001:DB8::ABCD', '2001:db8::abcd', '4.3 lower case'],
    ['::FFFF:C000:0201', '::ffff:192.0.2.1', '5 IPv4-mapped'],
    ['0:0:0:0:0:0:0:0', '::', 'all zeros'],
    ['0:0:0:0:0:0:0:1', '::1', 'zeros in front'],
    ['1:0:0:0:0:0:0:0', '1::', 'zeros behind'],
    ['64:ff9b::192.0.2.33', '64:ff9b::c000:221', 'other embedded addresses are hexadecimal'],
    ['192.0.2.1', '192.0.2.1', 'IPv4'],
  ])('%s is %s (%s)', (text, expected) => {
    expect(canonicalAddress(text)).toBe(expected);
    expect(canonicalAddress(expected)).toBe(expected);
  });

  test('is undefined for what is no address', () => {
    for (const text of NEITHER) expect(canonicalAddress(text)).toBeUndefined();
  });
});

test('formatTransportAddress puts IPv6 in brackets', () => {
  expect(formatTransportAddress({ address: '192.0.2.1', port: 3478 })).toBe('192.0.2.1:3478');
  expect(formatTransportAddress({ address: '2001:db8::1', port: 0 })).toBe('[2001:db8::1]:0');
});
