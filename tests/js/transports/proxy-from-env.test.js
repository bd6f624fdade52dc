import { inspect } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import { namedProxy, proxyFor } from '../../../js/transports/proxy/choose-proxy.js';
import { isExcepted, proxyFromEnv } from '../../../js/transports/proxy/proxy-from-env.js';

describe('the proxy', () => {
  test.each([
    [{}, undefined],
    [{ HTTP_PROXY: 'http://a:1', http_proxy: 'http://b:1' }, undefined],
    [{ HTTPS_PROXY: '', ALL_PROXY: '' }, undefined],
    [{ HTTPS_PROXY: 'http://a:1' }, 'http a:1'],
    [{ https_proxy: 'http://a:1' }, 'http a:1'],
    [{ ALL_PROXY: 'socks5://a' }, 'socks5 a:1080'],
    [{ all_proxy: 'socks5h://a:2' }, 'socks5 a:2'],
    [{ https_proxy: 'http://a:1', ALL_PROXY: 'http://b:1' }, 'http a:1'],
    [{ HTTPS_PROXY: '', https_proxy: 'http://a:1' }, 'http a:1'],
    [{ HTTPS_PROXY: 'https://a' }, 'https a:443'],
    [{ HTTPS_PROXY: ' a.example.org:3128 ' }, 'http a.example.org:3128'],
    [{ HTTPS_PROXY: 'user:password@a:3128' }, 'http a:3128'],
  ])('of %j is %s', (env, expected) => {
    const proxy = proxyFromEnv(env);
    expect(proxy && `${proxy.protocol} ${proxy}`).toBe(expected);
  });

  test('of a variable that holds nonsense: its name, without the value', () => {
    let error;
    try {
      proxyFromEnv({ all_proxy: 'socks4://user:geheim@host' });
    } catch (thrown) {
      error = /** @type {any} */ (thrown);
    }
    expect(error).toMatchObject({ code: 'ERR_INVALID_ARGUMENT', argument: 'options.proxy' });
    expect(error.message).toContain('the variable all_proxy');
    expect(inspect(error)).not.toContain('geheim');
  });
});

describe('NO_PROXY', () => {
  test.each([
    ['', 'stun.example.org', 3478, false],
    ['*', 'stun.example.org', 3478, true],
    ['a, *', '192.0.2.1', 3478, true],
    ['example.org', 'example.org', 3478, true],
    ['example.org', 'stun.example.org', 3478, true],
    ['example.org', 'STUN.Example.ORG.', 3478, true],
    ['Example.ORG.', 'stun.example.org', 3478, true],
    ['example.org', 'otherexample.org', 3478, false],
    ['.example.org', 'stun.example.org', 3478, true],
    ['.example.org', 'example.org', 3478, false],
    ['*.example.org', 'a.b.example.org', 3478, true],
    ['*.example.org', 'example.org', 3478, false],
    ['example.com', 'example.org', 3478, false],
    ['one,,two  three', 'three', 3478, true],
    ['example.org:3478', 'stun.example.org', 3478, true],
    ['example.org:443', 'stun.example.org', 3478, false],
    ['192.0.2.1', '192.0.2.1', 3478, true],
    ['192.0.2.1:443', '192.0.2.1', 443, true],
    ['192.0.2.1:443', '192.0.2.1', 3478, false],
    ['192.0.2.1', '192.0.2.10', 3478, false],
    ['2.1', '192.0.2.1', 3478, false],
    ['2001:db8::1', '2001:DB8:0::1', 3478, true],
    ['[2001:db8::1]', '2001:db8::1', 3478, true],
    ['[2001:db8::1]:443', '2001:db8::1', 443, true],
    ['[2001:db8::1]:443', '2001:db8::1', 3478, false],
    ['192.0.2.0/24', '192.0.2.200', 3478, true],
    ['192.0.2.0/24', '192.0.3.1', 3478, false],
    ['0.0.0.0/0', '198.51.100.1', 3478, true],
    ['0.0.0.0/0', '2001:db8::1', 3478, false],
    ['2001:db8::/32', '2001:db8:1::1', 3478, true],
    ['2001:db8::/32', '2001:db9::1', 3478, false],
    ['192.0.2.0/33', '192.0.2.1', 3478, false],
    ['192.0.2.0/', '192.0.2.1', 3478, false],
    ['192.0.2.0/24/24', '192.0.2.1', 3478, false],
    ['example.org/24', '192.0.2.1', 3478, false],
    ['192.0.2.0/24', 'stun.example.org', 3478, false],
    [':3478', 'stun.example.org', 3478, false],
    ['[]', 'stun.example.org', 3478, false],
  ])('%j and %s port %d: %p', (list, host, port, expected) => {
    expect(isExcepted({ host, port }, { NO_PROXY: list })).toBe(expected);
    expect(isExcepted({ host, port }, { no_proxy: list })).toBe(expected);
  });

  test('excepts from what the environment names, and not from a URL', () => {
    const env = { HTTPS_PROXY: 'http://a:1', NO_PROXY: 'example.org' };
    const server = { host: 'example.org', port: 3478 };
    expect(proxyFor('env', server, env)).toBeUndefined();
    expect(`${proxyFor('env', { host: 'example.com', port: 1 }, env)}`).toBe('a:1');
    expect(`${proxyFor('http://b:2', server, env)}`).toBe('b:2');
    expect(proxyFor(undefined, server, env)).toBeUndefined();
    expect(namedProxy(undefined, env)).toBeUndefined();
  });
});
