import { expect, test } from '@jest/globals';
import {
  unfinishedError,
  unreachableProxyError,
} from '../../../js/transports/proxy/proxy-errors.js';
import { parseProxyUrl } from '../../../js/transports/proxy/proxy-url.js';

const proxy = parseProxyUrl('socks5://user:geheim@proxy.example.org');
const target = { address: '2001:db8::1', port: 3478 };

test('a proxy whose name is not found', () => {
  const cause = Object.assign(new Error('getaddrinfo'), { code: 'ENOTFOUND' });
  const error = unreachableProxyError(proxy, cause);
  expect(error.message).toBe('The proxy proxy.example.org:1080 could not be reached (ENOTFOUND).');
  expect(error.hint).toContain('spelling');
  expect(error.cause).toBe(cause);
});

test('a proxy that was waited for in vain', () => {
  const cause = new Error('Nothing happened within 10 ms.');
  const error = unreachableProxyError(proxy, cause);
  expect(error.message).toBe('The proxy proxy.example.org:1080 could not be reached.');
  expect(error.hint).toBeUndefined();
  expect(unfinishedError(proxy, target, cause)).toMatchObject({
    message: 'The proxy proxy.example.org:1080 gave no answer about [2001:db8::1]:3478.',
    hint: expect.stringContaining('SOCKS5'),
    cause,
  });
});

test('what says more already is left as it is', () => {
  const first = unreachableProxyError(proxy, new Error('x'));
  expect(unfinishedError(proxy, target, first)).toBe(first);
});
