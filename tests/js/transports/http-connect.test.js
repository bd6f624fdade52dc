// What an HTTP proxy may say to CONNECT, and what is made of it.

import { describe, expect, test } from '@jest/globals';
import {
  httpConnect,
  MAX_RESPONSE_HEADER_BYTES,
} from '../../../js/transports/proxy/http-connect.js';
import { parseProxyUrl } from '../../../js/transports/proxy/proxy-url.js';
import { converse } from './dialogue.js';

const target = { address: 'stun.example.org', port: 5349 };
const OK = 'HTTP/1.1 200 OK\r\n\r\n';

/** @param {string} answer @param {{ url?: string, alpn?: string, to?: typeof target }} [options] */
const ask = (answer, { url = 'http://proxy:3128', alpn, to = target } = {}) =>
  converse(httpConnect(parseProxyUrl(url), to, alpn), Buffer.from(answer, 'latin1'));

/** @param {string} answer @param {Parameters<typeof ask>[1]} [options] @returns {any} */
const refusal = (answer, options) => {
  const { error } = ask(answer, options);
  expect(error).toMatchObject({ code: 'ERR_TRANSPORT_PROXY', phase: 'proxy' });
  return error;
};

describe('the request', () => {
  test('names the server, in authority-form (RFC 9112 section 3.2.3)', () => {
    expect(ask(OK).sent.toString()).toBe(
      'CONNECT stun.example.org:5349 HTTP/1.1\r\nHost: stun.example.org:5349\r\n\r\n',
    );
  });

  test('has an IPv6 address in brackets', () => {
    const { sent } = ask(OK, { to: { address: '2001:db8::1', port: 443 } });
    expect(sent.toString()).toMatch(
      /^CONNECT \[2001:db8::1\]:443 HTTP\/1\.1\r\nHost: \[2001:db8::1\]:443\r\n/,
    );
  });

  test('brings the credentials, decoded and as UTF-8 (RFC 7617)', () => {
    const { sent } = ask(OK, { url: 'http://us%20er:p%C3%A4:ss@proxy' });
    const token = Buffer.from('us er:pä:ss').toString('base64');
    expect(sent.toString()).toContain(`\r\nProxy-Authorization: Basic ${token}\r\n`);
  });

  test('says what is inside (RFC 7639)', () => {
    expect(ask(OK, { alpn: 'stun.turn' }).sent.toString()).toContain('\r\nALPN: stun.turn\r\n');
  });
});

describe('the tunnel is open', () => {
  test.each([
    [OK],
    ['HTTP/1.0 200 Connection established\r\n\r\n'],
    ['HTTP/1.1 200\r\n\r\n'],
    ['HTTP/1.1 299 \r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n'],
    ['HTTP/1.1 200 OK\n\n'],
    ['HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\nA: b\r\n\r\nHTTP/1.1 200 OK\r\n\r\n'],
  ])('after %j, in whatever pieces, and what follows is its own', (header) => {
    const answer = Buffer.from(`${header}\r\n\r\nHTTP`, 'latin1');
    for (let cut = 0; cut <= answer.length; cut++) {
      const dialogue = httpConnect(parseProxyUrl('http://proxy'), target);
      const { error, rest } = converse(dialogue, answer.subarray(0, cut), answer.subarray(cut));
      expect(error).toBeUndefined();
      expect(rest?.toString()).toBe('\r\n\r\nHTTP');
    }
  });
});

describe('a refusal', () => {
  test.each([
    ['403 Forbidden', 'most allow port 443 only'],
    ['405 Method Not Allowed', 'does not allow CONNECT'],
    ['500 Unable to connect', 'unable to resolve'],
    ['501 Not Implemented', 'does not know CONNECT'],
    ['502 Bad Gateway', 'could not reach the server'],
    ['503 Service Unavailable', 'could not reach the server'],
    ['504 Gateway Timeout', 'did not answer the proxy in time'],
  ])('%s', (status, hint) => {
    const error = refusal(`HTTP/1.1 ${status}\r\nContent-Length: 9\r\n\r\n<p>no</p>`);
    expect(error.message).toBe(
      `The proxy proxy:3128 opened no connection to stun.example.org:5349: ${status}.`,
    );
    expect(error.hint).toContain(hint);
  });

  test.each(['301 Moved', '101 Switching Protocols', '418', '999 Request denied'])(
    '%s',
    (status) => {
      expect(refusal(`HTTP/1.1 ${status}\r\n\r\n`).message).toContain(`: ${status}.`);
    },
  );

  test('in words that are too long, or no words', () => {
    const { message } = refusal(`HTTP/1.1 403 \x1b[31m${'x'.repeat(500)}\r\n\r\n`);
    expect(message).toContain(': 403 ?[31mxxx');
    expect(message.length).toBeLessThan(220);
  });
});

describe('407', () => {
  /** @param {string[]} challenges @param {string} [userinfo] */
  const hint = (challenges, userinfo = '') => {
    const fields = challenges.map((value) => `Proxy-Authenticate: ${value}\r\n`).join('');
    const url = `http://${userinfo}proxy:3128`;
    return refusal(`HTTP/1.1 407 Proxy Authentication Required\r\n${fields}\r\n`, { url }).hint;
  };

  test('without credentials: where they go, and what the proxy takes', () => {
    expect(
      hint(['Basic realm="a, Digest b=c", charset="UTF-8"', 'Digest realm="x", nonce="y"']),
    ).toBe(
      'The proxy asks for a user name and a password: put them into its URL, as user:password@host. ' +
        'It takes: Basic, Digest.',
    );
  });

  test('with credentials: they are wrong', () => {
    expect(hint(['basic realm="x"'], 'user:geheim@')).toBe(
      'The proxy refused the user name or the password in its URL. It takes: basic.',
    );
  });

  test.each([
    [['Negotiate', 'NTLM'], 'Negotiate, NTLM'],
    [['Negotiate, NTLM'], 'Negotiate, NTLM'],
    [['Negotiate YWJj==', 'Digest realm = "x", qop=auth'], 'Negotiate, Digest'],
  ])('of a proxy that takes %j only', (challenges, names) => {
    expect(hint(challenges, 'user:geheim@')).toBe(
      `The proxy asks for an authentication that is not known here, which is Basic only. It takes: ${names}.`,
    );
  });

  test('and 401, which some proxies answer in its place', () => {
    const url = 'http://user:geheim@proxy:3128';
    const answer = 'HTTP/1.0 401 Unauthorized\r\nWWW-Authenticate: Basic realm="x"\r\n\r\n';
    expect(refusal(answer, { url }).hint).toBe(
      'The proxy refused the user name or the password in its URL. It takes: Basic.',
    );
  });

  test('that offers nothing, or far too much', () => {
    expect(hint([])).toMatch(/user:password@host\.$/);
    const many = Array.from({ length: 100 }, (_, i) => `Scheme${i}`);
    expect(hint(many)).toMatch(/It takes: (Scheme\d, ){7}Scheme7\.$/);
  });
});

describe('what is no HTTP', () => {
  test.each(['SSH-2.0-OpenSSH', '\x05\x00', '\x15\x03\x03', 'HELLO', 'http/1.1 200 OK', 'HTTP/2'])(
    '%j is told by its first bytes',
    (answer) => {
      const { message, hint } = refusal(answer);
      expect(message).toBe('What answers at proxy:3128 does not speak HTTP.');
      expect(hint).toContain('socks5://');
    },
  );

  test('is not told by too few of them', () => {
    expect(ask('HTTP').error).toBeUndefined();
  });

  test.each([
    'HTTP/1.1\r\n\r\n',
    'HTTP/1.1 2000 OK\r\n\r\n',
    'HTTP/1.1 20 OK\r\n\r\n',
    'HTTP/1.1 099 A\r\n\r\n',
  ])('but begins so: %j', (answer) => {
    expect(refusal(answer).hint).toContain('no status line');
  });

  test('ends at a limit', () => {
    const header = 'HTTP/1.1 200 OK\r\nA: ';
    const open = (/** @type {number} */ length) =>
      `${header}${'x'.repeat(length - header.length - 4)}\r\n\r\n`;
    expect(ask(open(MAX_RESPONSE_HEADER_BYTES)).error).toBeUndefined();
    expect(refusal(open(MAX_RESPONSE_HEADER_BYTES + 1)).hint).toContain('16384 bytes');
    expect(refusal('HTTP/1.1 100 Continue\r\n\r\n'.repeat(1000)).hint).toContain('16384 bytes');
  });
});
