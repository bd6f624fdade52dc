// postern serve: what its file and its options say, and what is wrong with them.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from '@jest/globals';
import { nearest, readConfig } from '../../../js/cli/serve-config.js';
import { planServe } from '../../../js/cli/serve-plan.js';
import { CONFIG, GATEWAY_KEYS, SERVER_KEYS } from '../../../js/cli/serve-schema.js';
import { runCommand } from './support.js';

const MADE = { password: 'unused', secret: 'unused' };
const folder = mkdtempSync(join(tmpdir(), 'postern-serve-config-'));
afterAll(() => rmSync(folder, { recursive: true }));
const tls = (/** @type {string} */ name) =>
  fileURLToPath(new URL(`../../fixtures/tls/${name}.pem`, import.meta.url));

/** @param {string} name @param {string | object} content */
function file(name, content) {
  const path = join(folder, name);
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}

/** @param {unknown} config @param {Record<string, string>} [env] */
const read = (config, env = {}) =>
  readConfig(file('config.json', /** @type {object} */ (config)), env);

const SMALL = { listen: 'udp://127.0.0.1:0', credentials: { alice: 'hunter2' } };

describe('the file', () => {
  test('comes as createServer() takes it, with what it refers to', async () => {
    mkdirSync(join(folder, 'keys'), { recursive: true });
    file('keys/alice', 'hunter2\n');
    file('cert.pem', 'CERT\nCERT\n');
    const config = {
      listen: ['udp://127.0.0.1:0', { protocol: 'tcp', address: '127.0.0.1', port: 0 }],
      tls: { cert: { file: 'cert.pem' }, key: { env: 'KEY' }, minVersion: 'TLSv1.3' },
      relay: { ports: [50_000, 50_999], external: { '10.0.0.5': '203.0.113.5' }, tcp: false },
      credentials: { alice: { file: 'keys/alice' }, bob: 'b', file: 'x' },
      secret: [{ env: 'NEW' }, 'old'],
      quota: { allocations: 5 },
      metrics: { port: 9100 },
      gateway: {
        port: 0,
        upstreams: {
          main: 'turn:127.0.0.1',
          other: { url: 'turn:x', tls: { ca: { file: 'cert.pem' } } },
        },
        tickets: { secret: { env: 'NEW' } },
        origins: false,
      },
    };
    expect(await read(config, { KEY: 'KEY', NEW: 'new' })).toEqual({
      ...config,
      tls: { cert: 'CERT\nCERT\n', key: 'KEY', minVersion: 'TLSv1.3' },
      credentials: { alice: 'hunter2', bob: 'b', file: 'x' },
      secret: ['new', 'old'],
      gateway: {
        ...config.gateway,
        upstreams: {
          main: 'turn:127.0.0.1',
          other: { url: 'turn:x', tls: { ca: 'CERT\nCERT\n' } },
        },
        tickets: { secret: 'new' },
      },
    });
  });

  test.each([
    [{ relm: 'hunter2' }, /: relm is no key that is known; did you mean realm\?$/],
    [{ Listen: 'hunter2' }, /: Listen is no key that is known; did you mean listen\?$/],
    [
      { relay: { port: [1, 2] } },
      /: relay\.port is no key that is known; did you mean relay\.ports\?$/,
    ],
    [
      { listen: [{ adress: 'hunter2' }] },
      /: listen\[0\]\.adress is .* did you mean listen\[0\]\.address\?$/,
    ],
    [
      { quota: { hunter2xyz: 1 } },
      /: quota\.hunter2xyz is no key that is known; these are: allocations, /,
    ],
    [{ signal: 5 }, /: signal is no key that is known; these are: listen, /],
    [
      { gateway: { upstreams: { main: { urls: 'x' } } } },
      /: gateway\.upstreams\.main\.urls is .*main\.url\?$/,
    ],
    [{ gateway: { limits: { idlems: 5 } } }, /: gateway\.limits\.idlems .*limits\.idleMs\?$/],
    [{ 'a b': 1 }, /: \['a b'\] is no key/],
    [{ credentials: { alice: 5 } }, /: credentials\.alice takes a string, \{ "file": "path" \}/],
    [{ credentials: { 'a b': { file: 'a', env: 'b' } } }, /: credentials\['a b'\] takes a string/],
    [
      { credentials: { alice: { file: 'absent' } } },
      /: credentials\.alice names a file .*\(ENOENT\)\.$/,
    ],
    [
      { credentials: { alice: { file: 'empty' } } },
      /: credentials\.alice names a file that is empty\.$/,
    ],
    [
      { credentials: { alice: { file: 'lines' } } },
      /: credentials\.alice .* more than one line\.$/,
    ],
    [{ credentials: ['hunter2'] }, /: credentials takes an object\.$/],
    [
      { secret: [{ env: 'ABSENT' }] },
      /: secret\[0\] names the variable ABSENT, which is not set\.$/,
    ],
    [{ secret: { hunter2: 'x' } }, /: secret takes a string, /],
    [{ tls: { key: { env: 'EMPTY' } } }, /: tls\.key names the variable EMPTY/],
    [
      { tokens: { keys: [{ kid: 'a', key: 'not base64!' }] } },
      /: tokens\.keys\[0\]\.key takes base64\.$/,
    ],
    [{ realm: { env: 'HOME' } }, /: realm takes no object\.$/],
    [{ origins: [{ a: 1 }] }, /: origins takes no object\.$/],
    [{ relay: [1] }, /: relay takes an object\.$/],
    [{ quota: null }, /: quota is null; leave it out instead\.$/],
    [[SMALL], /config\.json takes an object\.$/],
    ['null', /config\.json takes an object\.$/],
    ['{\n  "realm": "hunter2",\n  "x": hunter2\n}', /config\.json is no JSON/],
    ['{"listen": [1,\n 2', /config\.json is no JSON, at line 2, column 3\.$/],
  ])('%j', async (config, sentence) => {
    file('empty', '\n');
    file('lines', 'hunter2\nhunter2\n');
    const path = file('config.json', config);
    const { exitCode, stdout, stderr } = await runCommand(['serve', '--config', path], {
      env: { HOME: 'hunter2', EMPTY: '' },
    });
    expect({ exitCode, stdout }).toEqual({ exitCode: 64, stdout: '' });
    expect(stderr.trimEnd()).toMatch(sentence);
    // Keys are quoted, values never.
    if (!JSON.stringify(config).includes('"hunter2xyz"')) expect(stderr).not.toContain('hunter2');
  });

  test('a prototype cannot be set', async () => {
    await expect(read('{"__proto__": {"listen": 1}}')).rejects.toThrow(/__proto__ is no key/);
    await expect(read('{"relay": {"__proto__": {"tcp": false}}}')).rejects.toThrow(
      /relay\.__proto__ is/,
    );
    await expect(read('{"constructor": {"prototype": {"polluted": 1}}}')).rejects.toThrow(
      /constructor is/,
    );
    const { credentials } = await read('{"credentials": {"__proto__": "p", "a": "b"}}');
    expect(Object.entries(credentials)).toEqual([
      ['__proto__', 'p'],
      ['a', 'b'],
    ]);
    expect(Object.getPrototypeOf(credentials)).toBe(Object.prototype);
    expect(/** @type {any} */ ({}).polluted).toBeUndefined();
  });

  test('as docs/cli.md shows it', async () => {
    const page = readFileSync(new URL('../../../docs/cli.md', import.meta.url), 'utf8');
    const [, section] = page.split('### The file\n');
    const [text = ''] = /^ {4}\{\n.*?^ {4}\}$/ms.exec(section) ?? [];
    const [shown = ''] = /^ {4}"page": \{\n.*?^ {4}\}$/ms.exec(section) ?? [];
    writeFileSync(join(folder, 'cert.pem'), readFileSync(tls('good')));
    writeFileSync(join(folder, 'key.pem'), readFileSync(tls('server-key')));
    file('alice.password', 'hunter2\n');
    const config = file('shown.json', text.replace(/\n {4}\}$/, `,\n${shown}}`));
    const plan = await planServe({ config }, { TURN_SECRET: 's' }, MADE);
    expect(plan.server).toMatchObject({ secret: 's', credentials: { alice: 'hunter2' } });
    expect(plan.metrics).toEqual({ port: 9100 });
    expect(plan.page).toMatchObject({ port: 8080, trustProxy: 1 });
  });

  test('with the mark of UTF-8 before it', async () => {
    expect(await read('\uFEFF{"realm": "x"}')).toEqual({ realm: 'x' });
  });

  test('the nearest key, or none', () => {
    const known = ['listen', 'allocations', 'allocationsPerUser'];
    expect(nearest('lisen', known)).toBe('listen');
    expect(nearest('allocationPerUsers', known)).toBe('allocationsPerUser');
    expect(nearest('zzzzzz', known)).toBeUndefined();
    expect(nearest('x', [])).toBeUndefined();
  });
});

describe('errors of the server, in the words of who gave the option', () => {
  test.each([
    [{ relay: { ports: [5, 3] } }, [], /config\.json: relay\.ports must be the first/],
    [{ relay: { ports: [5, 6] } }, ['--ports', '5-3'], /^postern: --ports must be the first/],
    [{ quota: { allocations: 'many' } }, [], /config\.json: quota\.allocations must be an integer/],
    [{ listen: ['tcp://127.0.0.1:0', 'nowhere'] }, [], /config\.json: listen\[1\] must be 'udp:/],
    [{}, ['--listen', 'nowhere'], /^postern: --listen must be 'udp:/],
    [
      { credentials: undefined },
      [],
      /config\.json: credentials must be given, or secret:.*pass relay: false/,
    ],
    [
      { policy: { deny: ['x'] } },
      [],
      /config\.json: policy\.deny\[0\] must be an address or a prefix/,
    ],
    [{}, ['--allow', '10.0.0.1/8'], /^postern: --allow must be an address or a prefix/],
    [
      { credentials: { 'a\u0007b': 'x' } },
      [],
      /^postern: .*config\.json: credentials\['a\\u\{7\}b'\]: .*ERR_STRING_DISALLOWED/,
    ],
    [{ realm: 'a\u0007' }, [], /config\.json: realm: The realm has U\+0007.*ERR_STRING_DISALLOWED/],
    [
      { credentials: { alice: '' } },
      [],
      /config\.json: credentials\['alice'\]: .*ERR_STRING_EMPTY/,
    ],
    [
      { listen: 'tls://127.0.0.1:0' },
      [],
      /config\.json: tls must be an object with 'cert'.*as listen names tls/,
    ],
    [
      { tls: { cert: 'x', key: 'y' } },
      [],
      /config\.json: tls must be a certificate and its key that/,
    ],
    [
      {},
      ['--cert', tls('good'), '--key', tls('ca')],
      /^postern: --cert and --key must be a certificate/,
    ],
    [{ metrics: {} }, [], /config\.json: metrics\.port must be a port/],
    [
      { metrics: { port: 0, address: '0.0.0.0' } },
      [],
      /config\.json: metrics\.address must be .*metrics\.exposed/,
    ],
    [{ gateway: { port: 0 } }, [], /config\.json: gateway\.\w+/],
    [
      { gateway: { port: 0, origins: false, tickets: false } },
      [],
      /config\.json: gateway\.tickets must be given where gateway\.origins/,
    ],
  ])('%j %j', async (config, args, sentence) => {
    const path = file('config.json', { ...SMALL, ...config });
    const { exitCode, stdout, stderr } = await runCommand(['serve', '--config', path, ...args]);
    expect({ exitCode, stdout }).toEqual({ exitCode: 64, stdout: '' });
    expect(stderr).toMatch(sentence);
    expect(stderr).not.toMatch(/options\.|hunter2/);
  });
});

describe('options', () => {
  const ALICE = ['--user', 'alice:hunter2'];
  test.each([
    [['surplus'], /takes options only/],
    [['--user', 'hunter2'], /--user takes NAME:PASSWORD/],
    [['--user', ':hunter2'], /--user takes NAME:PASSWORD/],
    [['--user', 'a\u0007:hunter2'], /--user: .*ERR_STRING_DISALLOWED/],
    [['--users-file', 'no/such'], /The file of --users-file cannot be read \(ENOENT\)/],
    [['--users-file', file('no-users', '# none\n\n')], /The file of --users-file is empty/],
    [
      ['--users-file', file('bad-users', 'a:b\nhunter2\n')],
      /Line 2 of the file of --users-file takes/,
    ],
    [['--secret-file', file('no-secret', '\n')], /The file of --secret-file is empty/],
    [['--secret-file', file('five', '1\n2\n3\n4\n5\n')], /--secret-file must be .* up to four/],
    [['--config', 'no/such'], /The file of --config cannot be read \(ENOENT\)/],
    [[...ALICE, '--ports', '5'], /--ports takes two ports/],
    [[...ALICE, '--external', '10.0.0.5'], /--external takes OWN=PUBLIC/],
    [[...ALICE, '--external', '10.0.0.5=203.0.113.5'], /--external must be an IP address/],
    [
      [...ALICE, '--relay-address', '0.0.0.0'],
      /--relay-address must be an IP address of this machine/,
    ],
    [[...ALICE, '--cert', tls('good')], /--cert and --key go together/],
    [[...ALICE, '--listen', 'wss://127.0.0.1:0'], /--listen wss:.* needs --cert and --key/],
    [[...ALICE, '--cert', 'no/such', '--key', 'no/such'], /The file of --cert cannot be read/],
    [[...ALICE, '--metrics', 'here'], /--metrics takes PORT/],
    [[...ALICE, '--metrics', '70000'], /--metrics takes PORT/],
    [[...ALICE, '--drain', '-1'], /--drain/],
    [['--drain', '1.5'], /--drain takes an integer/],
  ])('%j', async (args, sentence) => {
    const { exitCode, stdout, stderr } = await runCommand(['serve', ...args]);
    expect({ exitCode, stdout }).toEqual({ exitCode: 64, stdout: '' });
    expect(stderr).toMatch(sentence);
    expect(stderr).not.toContain('hunter2');
  });

  test('take the place of what the file says', async () => {
    const config = file('config.json', {
      ...SMALL,
      realm: 'file',
      relay: { addresses: ['127.0.0.1'], ports: [50_000, 50_001] },
      policy: { allow: ['10.0.0.0/8'], deny: ['10.1.0.0/16'] },
      metrics: { port: 1 },
    });
    const values = {
      config,
      user: ['bob:b'],
      ports: '60000-60001',
      allow: ['192.168.0.0/16'],
      metrics: '[::1]:2',
    };
    const { server, metrics, made } = await planServe(values, { POSTERN_SECRET: 's' }, MADE);
    expect(server).toEqual({
      listen: 'udp://127.0.0.1:0',
      credentials: { bob: 'b' },
      realm: 'file',
      relay: { addresses: ['127.0.0.1'], ports: [60_000, 60_001] },
      policy: { allow: ['192.168.0.0/16'], deny: ['10.1.0.0/16'] },
    });
    expect(metrics).toEqual({ port: 2, address: '::1', exposed: true });
    expect(made).toBeUndefined();
  });

  test('a file says that nothing is relayed, and options do not undo it', async () => {
    const config = file('config.json', { listen: 'udp://127.0.0.1:0', relay: false });
    expect((await planServe({ config }, {}, MADE)).server?.relay).toBe(false);
  });
});

describe('the keys of the file are those of the JSDoc', () => {
  /** The names of the properties of a type. @param {string} path @param {string} type */
  function propertiesOf(path, type) {
    const source = readFileSync(new URL(`../../../js/${path}`, import.meta.url), 'utf8');
    const [, body = ''] =
      new RegExp(`@typedef \\{object\\} ${type}\\b(.*?)\\*/`, 's').exec(source) ?? [];
    // Types hold braces of their own.
    const names = Array.from(
      body.matchAll(/@property (?:\{(?:[^{}]|\{[^{}]*\})*\}) \[?(\w+)/g),
      ([, name]) => name,
    );
    if (names.length === 0) throw new Error(`${path} has no properties of ${type}`);
    return names;
  }
  /** @param {any} shape */
  const rowsOf = (shape) => Object.keys(shape.kind === 'keys' ? shape.rows : rowsOfItems(shape));
  /** @param {any} shape */
  const rowsOfItems = (shape) => shape.of.rows;
  const server = /** @type {any} */ (SERVER_KEYS);
  const gateway = /** @type {any} */ (GATEWAY_KEYS);
  const OPTIONS = 'server/server-options.js';

  test.each([
    [OPTIONS, 'ServerOptions', Object.keys(server), ['signal']],
    [OPTIONS, 'RelayOptions', rowsOf(server.relay), []],
    [OPTIONS, 'PolicyOptions', rowsOf(server.policy), []],
    [OPTIONS, 'QuotaOptions', rowsOf(server.quota), []],
    [OPTIONS, 'TokenOptions', rowsOf(server.tokens), []],
    ['server/listen.js', 'Listen', [...rowsOf(server.listen), 'family'], []],
    [
      'gateway/options.js',
      'GatewayOptions',
      Object.keys(gateway),
      ['server', 'admin', 'log', 'resolver', 'signal'],
    ],
    ['gateway/options.js', 'TicketRules', rowsOf(gateway.tickets), ['claim']],
    ['gateway/options.js', 'Limits', rowsOf(gateway.limits), []],
    ['gateway/upstream.js', 'UpstreamOptions', rowsOf(gateway.upstreams), []],
    ['gateway/core.js', 'PeerPolicy', rowsOf(gateway.policy), []],
    [
      'metrics/admin-listener.js',
      'AdminOptions',
      rowsOf(/** @type {any} */ (CONFIG).rows.metrics),
      [],
    ],
  ])('%s: %s', (path, type, known, left) => {
    expect([...known].sort()).toEqual(
      propertiesOf(path, type)
        .filter((name) => !left.includes(/** @type {never} */ (name)))
        .sort(),
    );
  });
});
