import { describe, expect, test } from '@jest/globals';
import { formatUri, parseUri, portOf, shownUri, webSocketUrlOf } from '../../js/uri.js';

const plain = { port: null, transport: null, secure: false };

describe('parseUri reads', () => {
  test.each([
    // Appendix A of RFC 7064 and of RFC 7065.
    ['stun:example.org', { scheme: 'stun', host: 'example.org' }],
    ['stuns:example.org', { scheme: 'stuns', host: 'example.org', secure: true }],
    ['stun:example.org:8000', { scheme: 'stun', host: 'example.org', port: 8000 }],
    ['turn:example.org', { scheme: 'turn', host: 'example.org' }],
    ['turns:example.org', { scheme: 'turns', host: 'example.org', secure: true }],
    ['turn:example.org:8000', { scheme: 'turn', host: 'example.org', port: 8000 }],
    ['turn:example.org?transport=udp', { scheme: 'turn', host: 'example.org', transport: 'udp' }],
    ['turn:example.org?transport=tcp', { scheme: 'turn', host: 'example.org', transport: 'tcp' }],
    [
      'turns:example.org?transport=tcp',
      { scheme: 'turns', host: 'example.org', transport: 'tcp', secure: true },
    ],
    // DTLS is a matter of resolution, not of grammar.
    [
      'turns:example.org?transport=udp',
      { scheme: 'turns', host: 'example.org', transport: 'udp', secure: true },
    ],
    ['stun:192.0.2.1', { scheme: 'stun', host: '192.0.2.1' }],
    ['stun:192.0.2.1:1', { scheme: 'stun', host: '192.0.2.1', port: 1 }],
    ['stun:[2001:DB8::1]', { scheme: 'stun', host: '2001:db8::1' }],
    ['stun:[::1]:65535', { scheme: 'stun', host: '::1', port: 65535 }],
    ['stun:[::ffff:192.0.2.1]', { scheme: 'stun', host: '::ffff:192.0.2.1' }],
    [
      'turn:[2001:db8::1]:3478?transport=tcp',
      { scheme: 'turn', host: '2001:db8::1', port: 3478, transport: 'tcp' },
    ],
    // Our convention.
    ['turn:example.org?transport=ws', { scheme: 'turn', host: 'example.org', transport: 'ws' }],
    [
      'turns:example.org:8443?transport=WS',
      { scheme: 'turns', host: 'example.org', port: 8443, transport: 'ws', secure: true },
    ],
  ])('%s', (text, expected) => expect(parseUri(text)).toEqual({ ...plain, ...expected }));

  test('schemes, names and parameters in any case', () => {
    const uri = parseUri('TURN:Turn.Example.ORG?Transport=TCP');
    expect(uri).toEqual({ ...plain, scheme: 'turn', host: 'turn.example.org', transport: 'tcp' });
  });

  test('an empty port as none: port = *DIGIT', () => {
    expect(parseUri('stun:example.org:').port).toBeNull();
    expect(parseUri('stun:[::1]:').port).toBeNull();
  });

  test('leading zeros of a port', () => {
    expect(parseUri('stun:example.org:0003478').port).toBe(3478);
  });

  test('every character of a reg-name', () => {
    const name = "az-09._~!$&'()*+,;=";
    expect(parseUri(`stun:${name}`).host).toBe(name);
  });

  test('percent-encoding, of ASCII and of UTF-8', () => {
    expect(parseUri('stun:ex%61mple%2Eorg').host).toBe('example.org');
    expect(parseUri('stun:b%C3%BCcher.example').host).toBe('b\u00fccher.example');
    expect(parseUri('stun:127%2e0.0.1').host).toBe('127.0.0.1');
  });

  test('names with digits, and with a final dot', () => {
    for (const host of ['1.example', '10.0.0.1.example.org', 'example.org.', 'x1', 'a.0b']) {
      expect(parseUri(`stun:${host}`).host).toBe(host);
    }
  });
});

const plainWs = { scheme: 'turn', transport: 'ws', secure: false };
const wss = { scheme: 'turns', transport: 'ws', secure: true };

describe('parseUri reads URLs of WebSockets', () => {
  test.each([
    ['ws://example.org', { ...plainWs, host: 'example.org', port: 80, url: 'ws://example.org/' }],
    ['wss://example.org', { ...wss, host: 'example.org', port: 443, url: 'wss://example.org/' }],
    ['wss://example.org:', { ...wss, host: 'example.org', port: 443, url: 'wss://example.org/' }],
    [
      'ws://example.org:3478/',
      { ...plainWs, host: 'example.org', port: 3478, url: 'ws://example.org:3478/' },
    ],
    [
      'WSS://Example.ORG:0443/Turn/x?Token=a@b:c/d?e',
      { ...wss, host: 'example.org', port: 443, url: 'wss://example.org/Turn/x?Token=a@b:c/d?e' },
    ],
    [
      'wss://example.org?token=x',
      { ...wss, host: 'example.org', port: 443, url: 'wss://example.org/?token=x' },
    ],
    [
      'ws://192.0.2.1:8080/',
      { ...plainWs, host: '192.0.2.1', port: 8080, url: 'ws://192.0.2.1:8080/' },
    ],
    [
      'wss://[2001:DB8:0::1]/x',
      { ...wss, host: '2001:db8::1', port: 443, url: 'wss://[2001:db8::1]/x' },
    ],
    [
      'wss://b%C3%BCcher.example/',
      { ...wss, host: 'xn--bcher-kva.example', port: 443, url: 'wss://xn--bcher-kva.example/' },
    ],
  ])('%s', (text, expected) => {
    expect(parseUri(text)).toEqual(expected);
    expect(formatUri(parseUri(text))).toBe(expected.url);
    expect(parseUri(expected.url)).toEqual(expected);
    expect(webSocketUrlOf(parseUri(text)).href).toBe(expected.url);
  });

  test.each([
    ['turn:example.org?transport=ws', 'ws://example.org:3478/'],
    ['turns:example.org?transport=ws', 'wss://example.org/'],
    ['turns:example.org:5349?transport=ws', 'wss://example.org:5349/'],
    ['turn:[2001:db8::1]:80?transport=ws', 'ws://[2001:db8::1]/'],
    ['turns:b%C3%BCcher.example?transport=ws', 'wss://xn--bcher-kva.example/'],
  ])('%s leads to %s', (text, url) => {
    expect(webSocketUrlOf(parseUri(text)).href).toBe(url);
    expect(formatUri(parseUri(text))).toBe(text);
  });

  test('a host that is no domain name leads nowhere', () => {
    expect(() => webSocketUrlOf(parseUri('turn:xn--a?transport=ws'))).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_URI' }),
    );
    expect(refusal('ws://xn--a/')).toMatchObject({ code: 'ERR_INVALID_URI', offset: 5 });
  });
});

/** @param {string} text @returns {any} */
function refusal(text) {
  try {
    parseUri(text);
  } catch (error) {
    return error;
  }
  throw new Error(`${text} was accepted`);
}

describe('parseUri refuses', () => {
  test.each([
    ['', 'is empty', 0],
    [' stun:example.org', 'white space', 0],
    ['stun:example.org\n', 'white space', 16],
    ['stun:exa mple.org', 'white space', 8],
    ['stun:', 'The host is missing', 5],
    ['stun::3478', 'The host is missing', 5],
    ['turn:?transport=udp', 'The host is missing', 5],
    ['http://example.org', "scheme 'http'", 0],
    ['sip:alice', "scheme 'sip'", 0],
    ['stun', 'no scheme', 0],
    ['stun:example.org/', "holds no '/'", 16],
    ['stun:example.org#x', "holds no '#'", 16],
    ['stun:example.org:x', "port 'x' is not a number", 17],
    ['stun:example.org:-1', "port '-1' is not a number", 17],
    ['stun:example.org:0', 'out of range', 17],
    ['stun:example.org:65536', 'out of range', 17],
    ['stun:example.org:99999999999999999999', 'out of range', 17],
    ['stun:a:b:c', 'IPv6 address stands in brackets', 5],
    ['stun:[::1', "']'", 5],
    ['stun:[::1]x', 'nothing but', 10],
    ['stun:[::1]:x', 'not a number', 11],
    ['stun:[]', 'not an IPv6 address', 6],
    ['stun:[127.0.0.1]', 'not an IPv6 address', 6],
    ['stun:[1:2]', 'not an IPv6 address', 6],
    ['stun:[fe80::1%25eth0]', 'no zone', 6],
    ['stun:[v1.fe]', 'future IP version', 6],
    ['stun:exa%mple', "no '%'", 8],
    ['stun:exa%4', "no '%'", 8],
    ['stun:exa"mple', "no '\"'", 8],
    ['stun:%C3%28', 'not UTF-8', 5],
    ['stun:a%00b', 'no name has', 5],
    ['stun:a%2Fb', 'no name has', 5],
    ['stun:a%20b', 'no name has', 5],
    ['stun:a%40b', 'no name has', 5],
    ['stun:%5B::1%5D', 'brackets', 5],
    ['stun:b\u00fccher.example', 'percent-encoded', 6],
    ['stun:\u{1f600}.example', "'\u{1f600}'", 5],
    ['stun:127.1', 'nor an IPv4 address', 5],
    ['stun:256.0.0.1', 'nor an IPv4 address', 5],
    ['stun:192.0.2.01', 'nor an IPv4 address', 5],
    ['stun:192.0.2.1.', 'nor an IPv4 address', 5],
    ['stun:3478', 'nor an IPv4 address', 5],
    ['stun:0x7f000001', 'nor an IPv4 address', 5],
    ['stun:example.org?transport=udp', 'in the options', 16],
    ['stuns:example.org?', "takes no '?'", 17],
    ['turn:example.org?', "'transport=udp', 'transport=tcp' or 'transport=ws'", 16],
    ['turn:example.org?transport=', 'transport=udp', 16],
    ['turn:example.org?proto=udp', 'transport=udp', 16],
    ['turn:example.org?transport=udp&x=1', 'transport=udp', 16],
    ['turn:example.org?transport=udp?', 'transport=udp', 16],
    ['stun:example.org?transport=ws', "takes no '?'", 16],
    ['ws:example.org', "After 'ws:' comes '//'", 3],
    ['wss:/example.org', "as in 'wss://example.org/'", 4],
    ['wss:', "After 'wss:' comes '//'", 4],
    ['wss://', 'The host is missing', 6],
    ['ws:///turn', 'The host is missing', 5],
    ['ws://:80/', 'The host is missing', 5],
    ['ws://example.org/#top', "holds no '#'", 17],
    ['ws://example.org\\turn', "holds no '\\'", 16],
    ['ws://example.org/a b', 'white space', 18],
    ['ws://example.org/\n', 'white space', 17],
    ['ws://127.1/', 'nor an IPv4 address', 5],
    ['ws://0x7f000001/', 'nor an IPv4 address', 5],
    ['ws://[::1/', "']'", 5],
    ['ws://::1/', "write 'ws://[::1]'", 5],
    ['ws://example.org:0/', 'out of range', 17],
    ['ws://example.org:99999/', 'out of range', 17],
    ['ws://example.org:http/', 'not a number', 17],
    [' ws://example.org/', 'white space', 0],
    ['https://example.org/', "scheme 'https' is not one of", 0],
  ])('%j', (text, sentence, offset) => {
    const error = refusal(text);
    expect(error).toMatchObject({ name: 'PosternError', code: 'ERR_INVALID_URI', offset });
    expect(error.message).toContain(sentence);
  });

  test.each([
    ['stun://example.org', 'stun:example.org'],
    ['stun://example.org:3478/', 'stun:example.org:3478'],
    ['TURNS://example.org?transport=tcp', 'turns:example.org?transport=tcp'],
    ['example.org', 'stun:example.org'],
    ['example.org:3478', 'stun:example.org:3478'],
    ['localhost:3478', 'stun:localhost:3478'],
    ['192.0.2.1:3478', 'stun:192.0.2.1:3478'],
    ['[::1]:3478', 'stun:[::1]:3478'],
    ['example.org:3478?transport=tcp', 'turn:example.org:3478?transport=tcp'],
    ['stun:2001:db8::1', 'stun:[2001:db8::1]'],
    ['turns:::1', 'turns:[::1]'],
  ])('%s, and says what to write', (text, suggestion) => {
    expect(refusal(text).message).toContain(`write '${suggestion}'`);
    expect(formatUri(parseUri(suggestion))).toBe(suggestion);
  });

  test('no nonsense is suggested', () => {
    expect(refusal('stun://').message).toBe("A stun: URI has no '//'.");
    expect(refusal('http://example.org').message).not.toContain('write');
  });

  test.each([
    'turn:user:hunter2@example.org',
    'turn://user:hunter2@example.org',
    'user:hunter2@example.org',
    'turn:example.org?password=hunter2@x',
    'wss://user:hunter2@example.org/',
    'wss://user:hunter2/x@example.org/',
    'wss://user:hunter2?x@example.org/',
    'wss://hunter2@example.org',
  ])('%s, without repeating the password', (text) => {
    const error = refusal(text);
    expect(error.message).toContain('{ urls, username, credential }');
    expect(JSON.stringify({ ...error, message: error.message })).not.toContain('hunter2');
  });

  test('transports that are well-formed but unknown, as RFC 5928 asks', () => {
    expect(refusal('turn:example.org?transport=sctp')).toMatchObject({
      code: 'ERR_TRANSPORT_UNSUPPORTED',
      message: expect.stringContaining("'sctp'"),
    });
  });

  test.each([undefined, null, 3478, {}, new URL('stun:example.org')])(
    '%p, as an argument',
    (value) => {
      // @ts-expect-error not a string
      const error = refusal(value);
      expect(error).toMatchObject({ code: 'ERR_INVALID_ARGUMENT', argument: 'uri' });
    },
  );
});

describe('shownUri', () => {
  test.each([
    ['wss://example.org/turn?token=hunter2', 'wss://example.org/turn?…'],
    ['WS://example.org?hunter2\n', 'WS://example.org?…'],
    ['wss://example.org/@me?key=hunter2@x', 'wss://example.org/@me?…'],
    ['wss://example.org/?', 'wss://example.org/?'],
    ['wss://example.org/', 'wss://example.org/'],
    ['wss://example.org:99999/?key=hunter2', 'wss://example.org:99999/?…'],
    ['wss://ann:hunter2@example.org/', 'wss:…'],
    ['wss://ann:hunter2?x@example.org/', 'wss:…'],
    ['turn:ann:hunter2@example.org', 'turn:…'],
    ['hunter2@example.org', '…'],
    ['turn:example.org?transport=tcp', 'turn:example.org?transport=tcp'],
    ['', ''],
  ])('%j is shown as %j', (text, shown) => expect(shownUri(text)).toBe(shown));
});

describe('formatUri', () => {
  test.each([
    'stun:example.org',
    'stuns:example.org:443',
    'turn:[2001:db8::1]:3478?transport=udp',
    'turns:192.0.2.1?transport=tcp',
    'stun:b%C3%BCcher.example',
    "stun:a_b!$&'()*+,;=~",
  ])('writes %s as it was', (text) => expect(formatUri(parseUri(text))).toBe(text));

  test('writes the normal form', () => {
    expect(formatUri(parseUri('TURN:Ex%41mple.org:03478?TRANSPORT=UDP'))).toBe(
      'turn:example.org:3478?transport=udp',
    );
  });

  test('takes parts', () => {
    expect(formatUri({ scheme: 'turn', host: '::1' })).toBe('turn:[::1]');
  });
});

test('portOf falls back to the port of the scheme', () => {
  expect(portOf(parseUri('stun:example.org'))).toBe(3478);
  expect(portOf(parseUri('turn:example.org'))).toBe(3478);
  expect(portOf(parseUri('stuns:example.org'))).toBe(5349);
  expect(portOf(parseUri('turns:example.org'))).toBe(5349);
  expect(portOf(parseUri('turns:example.org:443'))).toBe(443);
  expect(portOf(parseUri('turn:example.org?transport=ws'))).toBe(3478);
  expect(portOf(parseUri('turns:example.org?transport=ws'))).toBe(443);
  expect(portOf(parseUri('ws://example.org'))).toBe(80);
  expect(portOf(parseUri('wss://example.org'))).toBe(443);
});
