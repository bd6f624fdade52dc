// The pure parts of the page's test: which browser it is, what is asked of its servers, and what the page may ask.
import { afterEach, describe, expect, test } from '@jest/globals';
import { diagnose, resolvePlan } from '../../../js/diagnose/diagnose.js';
import { stunServersIn } from '../../../js/diagnose/nat-by-ice.js';
import { mixedContent } from '../../../js/diagnose/page-policy.js';
import { platformOf } from '../../../js/diagnose/platform.js';
import { targetsOf } from '../../../js/diagnose/targets.js';

const PAGE = 'https://app.example.org/test/index.html';
/** @param {string} href */
const inPage = (href) =>
  Object.defineProperty(globalThis, 'location', { value: new URL(href), configurable: true });
afterEach(() => {
  Reflect.deleteProperty(globalThis, 'location');
});

describe('the browser', () => {
  const mozilla = 'Mozilla/5.0 (X11; Linux x86_64';
  const webkit = 'AppleWebKit/537.36 (KHTML, like Gecko)';
  test.each([
    [`${mozilla}) ${webkit} Chrome/156.0.0.0 Safari/537.36`, 'chromium', '156.0.0.0'],
    [`${mozilla}) ${webkit} Chrome/156.0.0.0 Safari/537.36 Edg/156.0.1.2`, 'edge', '156.0.1.2'],
    [`${mozilla}) ${webkit} Chrome/150.0.0.0 Safari/537.36 OPR/130.0`, 'opera', '130.0'],
    [`${mozilla}; rv:153.0) Gecko/20100101 Firefox/153.0`, 'firefox', '153.0'],
    ['Mozilla/5.0 (Macintosh) AppleWebKit/605 Version/26.1 Safari/605.1.15', 'safari', '26.1'],
  ])('%s', (userAgent, name, version) => {
    expect(platformOf(userAgent)).toEqual({ name, version });
    expect(platformOf(userAgent, 'Linux')).toEqual({ name, version, system: 'Linux' });
  });

  test('one that is not known', () => {
    expect(platformOf('curl/8')).toEqual({ name: 'browser' });
  });
});

describe('the plan', () => {
  test('its URLs may be relative to the page', () => {
    inPage(PAGE);
    expect(
      resolvePlan({
        mirror: '/mirror',
        https: ['ping', 'https://other.example.org/'],
        signalling: ['/signal', 'wss://other.example.org/ws'],
        webTransport: ['/quic'],
        reflector: 'reflector',
        iceServers: [{ urls: 'stun:stun.example.org' }],
      }),
    ).toEqual({
      mirror: 'https://app.example.org/mirror',
      https: ['https://app.example.org/test/ping', 'https://other.example.org/'],
      signalling: ['wss://app.example.org/signal', 'wss://other.example.org/ws'],
      webTransport: ['https://app.example.org/quic'],
      reflector: 'https://app.example.org/test/reflector',
      iceServers: [{ urls: 'stun:stun.example.org' }],
    });
  });

  test.each([
    [{ mirror: 'ftp://example.org' }, 'plan.mirror'],
    [{ https: ['/ping', 5] }, 'plan.https[1]'],
    [{ iceServers: [{ urls: 'turn:a', username: 'u' }] }, 'plan.iceServers[0].credential'],
    [{ nonsense: 1 }, 'plan.nonsense'],
  ])('%j is refused', async (plan, argument) => {
    inPage(PAGE);
    await expect(diagnose(/** @type {any} */ (plan))).rejects.toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
      argument,
    });
  });

  test.each([
    [{ signal: 'now' }, 'options.signal'],
    [{ onEvent: 1 }, 'options.onEvent'],
    [{ timeoutMs: -1 }, 'options.timeoutMs'],
  ])('options %j are refused', async (options, argument) => {
    await expect(diagnose({}, /** @type {any} */ (options))).rejects.toMatchObject({ argument });
  });
});

describe('servers', () => {
  const login = { username: 'user', credential: 'pass' };
  /** @param {import('../../../js/ice-server.js').IceServer} server */
  const asked = (server) =>
    targetsOf([server]).map(({ id, server: own, because }) => [id, own?.urls ?? because]);

  test('each URL over each transport, as browsers take it', () => {
    const urls = ['turn:turn.example.org', 'turns:turn.example.org:443'];
    expect(asked({ urls, ...login })).toEqual([
      ['reachability/turn:turn.example.org/udp', 'turn:turn.example.org?transport=udp'],
      ['reachability/turn:turn.example.org/tcp', 'turn:turn.example.org?transport=tcp'],
      ['reachability/turns:turn.example.org:443/tls', 'turns:turn.example.org:443?transport=tcp'],
    ]);
    expect(asked({ urls: 'stun:stun.example.org' })).toEqual([
      ['reachability/stun:stun.example.org/udp', 'stun:stun.example.org'],
    ]);
  });

  test('WebSockets are not for the browser', () => {
    expect(asked({ urls: 'wss://turn.example.org/turn?key=1', ...login })).toEqual([
      ['reachability/wss:%2F%2Fturn.example.org%2Fturn%3F%E2%80%A6/wss', undefined],
    ]);
  });

  test('what no browser takes says so', () => {
    const because = (/** @type {import('../../../js/ice-server.js').IceServer} */ server) =>
      targetsOf([server])[0].because;
    expect(because({ urls: 'stuns:stun.example.org' })).toMatch(/over UDP/);
    expect(because({ urls: 'turn:turn.example.org' })).toMatch(/user name and a password/);
    expect(because({ urls: 'turns:turn.example.org?transport=udp', ...login })).toMatch(/DTLS/);
    expect(because({ urls: 'http://turn.example.org', ...login })).toMatch(/scheme/);
  });

  test('the same URL twice has two ids', () => {
    const servers = [1, 2].map(() => ({ urls: 'stun:stun.example.org' }));
    const ids = targetsOf(servers).map(({ id }) => id);
    expect(ids).toEqual([
      'reachability/stun:stun.example.org/udp',
      'reachability/stun:stun.example.org/udp/2',
    ]);
  });

  test('those that have answered over UDP know the mapped address, each once', () => {
    /** @param {string} host @param {object} more @returns {any} */
    const row = (host, more) => ({
      ...{ kind: 'reachability', status: 'ok', transport: 'udp', host, port: 3478 },
      ...more,
    });
    const measured = [
      row('192.0.2.1', { service: 'stun' }),
      row('192.0.2.1', { service: 'turn' }),
      row('192.0.2.1', { port: 3479 }),
      row('192.0.2.2', { status: 'failed' }),
      row('192.0.2.3', { transport: 'tcp' }),
      row('turn.example.org', { service: 'turn' }),
    ];
    expect(stunServersIn(measured)).toEqual([
      { host: '192.0.2.1', port: 3478 },
      { host: '192.0.2.1', port: 3479 },
      { host: 'turn.example.org', port: 3478 },
    ]);
  });
});

describe('what a page over HTTPS may not open', () => {
  test.each([
    ['http://example.org/', true],
    ['ws://example.org/', true],
    ['http://127.0.0.1:8080/', false],
    ['ws://localhost/', false],
    ['https://example.org/', false],
    ['wss://example.org/', false],
  ])('%s: %s', (url, isForbidden) => {
    inPage(PAGE);
    expect(mixedContent(url) !== undefined).toBe(isForbidden);
    inPage('http://app.example.org/');
    expect(mixedContent(url)).toBeUndefined();
  });
});
