import { inspect } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import { parseProxyUrl } from '../../../js/transports/proxy/proxy-url.js';

const refusal = (/** @type {any} */ text) => {
  try {
    parseProxyUrl(text);
  } catch (error) {
    return /** @type {any} */ (error);
  }
  throw new Error(`${text} was accepted`);
};

test.each([
  ['http://proxy.example.org', 'http', 'proxy.example.org', 80],
  ['http://proxy.example.org:80/', 'http', 'proxy.example.org', 80],
  ['HTTP://Proxy.Example.ORG:3128', 'http', 'proxy.example.org', 3128],
  ['https://proxy.example.org', 'https', 'proxy.example.org', 443],
  ['https://192.0.2.1:8443', 'https', '192.0.2.1', 8443],
  ['socks5://proxy.example.org', 'socks5', 'proxy.example.org', 1080],
  ['socks5://Proxy.example.org:80', 'socks5', 'proxy.example.org', 80],
  ['socks5h://[2001:DB8::1]:9050', 'socks5', '2001:db8::1', 9050],
  ['http://[2001:db8::1]', 'http', '2001:db8::1', 80],
  ['http://bücher.example:1', 'http', 'xn--bcher-kva.example', 1],
])('%s', (text, protocol, host, port) => {
  const proxy = parseProxyUrl(text);
  expect(proxy).toMatchObject({ protocol, host, port });
  expect(proxy.credentials).toBeUndefined();
});

describe('credentials', () => {
  test.each([
    ['http://user:pass@host', 'user', 'pass'],
    ['http://us%20er:p%3A%40ss@host', 'us er', 'p:@ss'],
    ['socks5://us%3Aer:%C3%BC@host', 'us:er', 'ü'],
    ['http://user@host', 'user', ''],
    ['socks5://key@host', 'key', ''],
  ])('%s', (text, username, password) => {
    expect(parseProxyUrl(text).credentials).toEqual({ username, password });
  });

  test('show in no dump', () => {
    const proxy = parseProxyUrl('http://user:geheim@host:1');
    const dumps = [
      inspect(proxy, { showHidden: true, depth: 9 }),
      JSON.stringify(proxy),
      `${proxy}`,
    ];
    for (const dump of dumps) expect(dump).not.toMatch(/user|geheim/);
    expect(`${proxy}`).toBe('host:1');
  });
});

test.each([
  [undefined],
  [1],
  [''],
  ['proxy.example.org:3128'],
  ['//proxy.example.org'],
  ['ftp://geheim:geheim@host'],
  ['socks4://geheim@host'],
  ['constructor://geheim@host'],
  ['http://'],
  ['http://geheim:geheim@'],
  ['socks5://'],
  ['socks5://geheim@:1080'],
  ['http://geheim@host:0'],
  ['http://geheim@host:65536'],
  ['http://geheim@host/path'],
  ['http://geheim@host?query'],
  ['http://geheim@host#fragment'],
  ['socks5://geheim@host/path'],
  ['socks5://geheim@[::1'],
  ['socks5://geheim@a%00b'],
  ['http://geheim%zz@host'],
  ['http://geheim%3A:x@host'],
  ['http://geheim%0d%0a:x@host'],
  ['http://user:geheim%0a@host'],
  ['socks5://:geheim@host'],
  [`socks5://${'geheim'.repeat(50)}:x@host`],
  [`socks5://user:${'geheim'.repeat(50)}@host`],
])('%j is refused, without a word of it', (text) => {
  const error = refusal(text);
  expect(error).toBeInstanceOf(TypeError);
  expect(error).toMatchObject({ code: 'ERR_INVALID_ARGUMENT', argument: 'options.proxy' });
  expect(error.message).toMatch(/^options\.proxy must be a URL /);
  expect(inspect(error, { showHidden: true })).not.toContain('geheim');
});
