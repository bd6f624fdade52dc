// What all commands share: help, options, exit codes, secrets.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { afterAll, describe, expect, test } from '@jest/globals';
import { iceCredentials, readCredentials } from '../../../js/cli/credentials.js';
import { EXIT, exitCodeOf, exitCodeOfRows, UsageError } from '../../../js/cli/exit-codes.js';
import { COMMANDS } from '../../../js/cli/run.js';
import { styleFor, table } from '../../../js/cli/terminal.js';
import { PosternError } from '../../../js/errors.js';
import { JS_ERRORS } from '../../../js/generated/errors.js';
import { runCommand } from './support.js';

const folder = mkdtempSync(join(tmpdir(), 'postern-cli-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** @param {string} name @param {string} content */
function file(name, content) {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

describe('help', () => {
  test.each([['--help'], ['-h'], ['help']])('postern %s', async (flag) => {
    const { exitCode, stdout, stderr } = await runCommand([flag]);
    expect([exitCode, stderr]).toEqual([0, '']);
    for (const name of COMMANDS.keys()) expect(stdout).toContain(`\n  ${name}`);
    for (const code of [0, 1, 2, 3, 4, 64, 70, 130])
      expect(stdout).toMatch(new RegExp(`^ +${code}  `, 'm'));
  });

  test.each([...COMMANDS])(
    'of %s: each option, lines that fit, exit codes',
    async (name, { options }) => {
      const { exitCode, stdout } = await runCommand([name, '--help']);
      expect(exitCode).toBe(0);
      for (const option of [
        ...Object.keys(options),
        'json',
        'quiet',
        'no-color',
        'help',
        'version',
      ]) {
        expect(stdout).toMatch(new RegExp(`--${option}\\b`));
      }
      expect(stdout).toContain('Exit codes:');
      expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(100);
    },
  );

  test.each([[['--version']], [['stun', '--version']]])('%j', async (args) => {
    expect(await runCommand(args)).toEqual({
      exitCode: 0,
      stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
      stderr: '',
    });
  });
});

describe('docs/cli.md', () => {
  const text = readFileSync(new URL('../../../docs/cli.md', import.meta.url), 'utf8');

  test('has each exit code', () => {
    const rows = Array.from(text.matchAll(/^\| (\d+) \|/gm), ([, code]) => Number(code));
    expect(rows).toEqual(Object.values(EXIT));
  });

  test.each([...COMMANDS])('has each option of %s', (name, { options }) => {
    expect(text).toContain(`## postern ${name}`);
    for (const option of Object.keys(options)) expect(text).toContain(`--${option}`);
  });
});

describe('usage', () => {
  test.each([
    [[], /Which command/],
    [['nonsense'], /no command 'nonsense'/],
    [['\x1b[31m'], /no command '\\u\{1b\}/],
    [['stun'], /Which server/],
    [['stun', '--nonsense'], /Unknown option '--nonsense'/],
    [['stun', 'example.org'], /write 'stun:example\.org'.*ERR_INVALID_URI/],
    [['stun', 'stun:a', '--family', '5'], /--family takes 4 or 6/],
    [['stun', 'stun:a', '--transport', 'sctp'], /--transport takes udp or tcp or tls or ws/],
    [['stun', 'stun:a', '--transport', 'tls'], /--transport must be/],
    [['stun', 'stun:a', '--timeout', '0'], /--timeout takes an integer/],
    [['stun', 'stun:a', '--timeout', '1e3'], /--timeout takes an integer/],
    [['stun', 'stun:a', '--count', '-1'], /--count/],
    [['stun', 'stuns:a', '--ca', 'no/such/file'], /file of --ca cannot be read \(ENOENT\)/],
    [['turn'], /One server/],
    [['turn', 'turn:a', 'turn:b'], /One server/],
    [['turn', 'stun:a'], /must be a URI that begins with turn/],
    [['turn', 'turn:a', '--peer', 'nowhere'], /--peer takes/],
    [['turn', 'turn:a', '--peer', 'a:0'], /--peer takes/],
    [['turn', 'turn:a', '--relay-family', '5'], /--relay-family takes/],
    [['turn', 'turn:a', '--tcp', '--transport', 'udp'], /--transport must be/],
    [['turn', 'turn:a', '-u', 'alice'], /A user name needs a password/],
    [['turn', 'turn:a', '-p', 'hunter2'], /A password needs a user name/],
    [['turn', 'turn:a', '-u', 'a', '-p', 'hunter2', '--password-file', 'f'], /exclude each other/],
    [['turn', 'turn:a', '-u', 'a', '--password-file', 'no/such'], /--password-file cannot be read/],
    [['check'], /Which servers/],
    [['check', 'no/such/file'], /file of ICE servers cannot be read/],
    [['check', 'stun:a', 'file.json'], /one file, or URIs only/],
    [['check', '-'], /no JSON/],
    [['check', 'stun:a', '--transport', 'udp'], /Unknown option '--transport'/],
    [['check', 'stun:a', '--format', 'yaml'], /--format takes text or json/],
    [['check', 'stun:a', '--format', 'html', '--json'], /exclude each other/],
    [['check', 'stun:a', '--report', 'report.pdf'], /ends in one of \.txt, \.json/],
    [['check', 'stun:a', '--report', 'toString'], /ends in one of/],
    [['check', 'stun:a', '--compare', 'no/such'], /file of --compare cannot be read \(ENOENT\)/],
    [['check', 'stun:a', '--compare', 'package.json'], /file of --compare is no report: report/],
    [['check', 'stun:a', '--quality', '1'], /--quality takes an integer from 2 to 300/],
    [['check', 'stun:a', '--quality', '5', '--quick'], /--quality excludes/],
    [['check', 'stun:a', '--quality', '5', '--no-quality'], /--quality excludes/],
    [['check', 'stun:a', '--addresses', 'some'], /--addresses takes keep or prefix or drop/],
    [['check', '--https', 'ftp://a:hunter2@b'], /--https must be a URL with https:/],
    [['check', '--signalling', 'hunter2'], /--signalling must be a URL with wss:/],
    [['check', 'stun:a', '--reflector', 'hunter2'], /--reflector must be a URL/],
    [['check', 'stun:a', '--nat-server', 'hunter2'], /--nat-server must be a URL with stun:/],
    [['check', 'stun:a', '--proxy', 'ftp://a:hunter2@b'], /--proxy must be a URL with http:/],
    [['check', 'stun:a', '--name', ''], /--name must be a text/],
    [
      ['check', 'stun:a', '--origin', 'https://a/hunter2'],
      /--origin must be an origin as browsers/,
    ],
    [['check', 'stun:a', '--origin', 'hunter2'], /--origin must be a URL with https:/],
    [['check', 'stun:a', '--watch', 'f'], /--watch takes all from its file/],
    [['check', '--watch', 'no/such'], /file of --watch cannot be read \(ENOENT\)/],
    [['check', '--watch', 'f', '--quick'], /not --quick/],
  ])('%j', async (args, sentence) => {
    const { exitCode, stdout, stderr } = await runCommand(args);
    expect({ exitCode, stdout }).toEqual({ exitCode: 64, stdout: '' });
    expect(stderr).toMatch(/^postern: /);
    expect(stderr).toMatch(sentence);
    expect(stderr).not.toContain('hunter2');
  });

  test.each([
    ['{"urls": "stun:a", "credential": "hunter2"', /no JSON/],
    ['["hunter2"]', /array of/],
    ['{"iceServers": 5}', /array of/],
    ['null', /array of/],
    ['[]', /no ICE servers/],
    [
      '{"ice_servers": [{"urls": "turn:a", "username": "hunter2"}]}',
      /ice_servers\[0\]\.credential/,
    ],
    ['{"quality": 5, "iceServers": [{"urls": "turn:a"}]}', /plan\.quality must be/],
    ['{"signalling": ["hunter2"]}', /plan\.signalling\[0\] must be/],
    ['{"plan": {"mirror": "hunter2"}, "expiresAt": "x"}', /plan\.mirror must be/],
    ['[{"urls":"turn:a","username":"u"}]', /iceServers\[0\]\.credential must be/],
    [
      '[{"urls":"turn:a","username":5,"credential":"hunter2"}]',
      /iceServers\[0\]\.username must be/,
    ],
  ])('check of %s', async (json, sentence) => {
    for (const [args, stdin] of [
      [['check', '-'], json],
      [['check', file('ice.json', json)], ''],
    ]) {
      const { exitCode, stderr } = await runCommand(/** @type {string[]} */ (args), {
        stdin: String(stdin),
      });
      expect(exitCode).toBe(64);
      expect(stderr).toMatch(sentence);
      expect(stderr).not.toContain('hunter2');
    }
  });
});

test('a fault of the program is 70, and says so', async () => {
  const signal = /** @type {any} */ ({
    throwIfAborted: () => {
      throw new Error('surprise');
    },
  });
  const { exitCode, stderr } = await runCommand(['decode', '00'.repeat(20)], { signal });
  expect(exitCode).toBe(70);
  expect(stderr).toMatch(/fault of this program.*\n.*surprise/);
});

test('interrupted: 130, and no word', async () => {
  const signal = AbortSignal.abort(new Error('interrupted'));
  const result = await runCommand(['stun', 'stun:198.51.100.1'], { signal });
  expect(result).toEqual({ exitCode: 130, stdout: '', stderr: '' });
});

describe('exit codes', () => {
  const row = (/** @type {any} */ facts) => ({ ok: false, ...facts });
  test.each([
    [[{ ok: true }], 0],
    [[{ ok: true }, row({ code: 'ERR_DNS' })], 1],
    [[row({ code: 'ERR_STUN_UNAUTHENTICATED' })], 3],
    [[row({ code: 'ERR_STUN_CREDENTIALS_NEEDED' })], 3],
    [[row({ code: 'ERR_STUN_RESPONSE', errorCode: 441 })], 3],
    [[row({ code: 'ERR_STUN_RESPONSE', errorCode: 403 })], 2],
    [[row({ code: 'ERR_STUN_TIMEOUT' }), row({ code: 'ERR_TRANSPORT_CONNECT' })], 4],
    [[row({ code: 'ERR_DNS' }), row({ code: 'ERR_STUN_UNAUTHENTICATED' })], 2],
    [[row({ code: 'ERR_TRANSPORT_TLS' })], 2],
    [[row({ code: 'ERR_INVALID_URI' })], 2],
    [[row({ code: 'ERR_INTERNAL' })], 70],
  ])('of rows %j: %i', (rows, expected) => {
    expect(exitCodeOfRows(/** @type {any} */ (rows))).toBe(expected);
  });

  test.each([
    [new UsageError('x'), 64],
    [Object.assign(new TypeError('x'), { code: 'ERR_INVALID_ARGUMENT' }), 64],
    [new PosternError('ERR_INVALID_URI'), 64],
    [new PosternError('ERR_STRING_EMPTY'), 64],
    [new PosternError('ERR_STUN_TIMEOUT'), 4],
    [new PosternError('ERR_INTERNAL'), 70],
    [new Error('x'), 70],
    [undefined, 70],
  ])('of %p: %i', (error, expected) => {
    expect(exitCodeOf(error)).toBe(expected);
  });

  test('each code of the library leads to one', () => {
    for (const code of /** @type {any[]} */ (Object.keys(JS_ERRORS))) {
      expect([2, 3, 4, 64, 70]).toContain(exitCodeOf(new PosternError(code)));
    }
  });
});

describe('credentials', () => {
  test('of TURN REST, as its draft makes them', async () => {
    // By: printf 1700003600:alice | openssl dgst -sha1 -hmac north -binary | base64
    const env = { POSTERN_SECRET: 'north', POSTERN_USERNAME: 'alice' };
    expect(await readCredentials({}, env, 1_700_000_000_500)).toEqual({
      username: '1700003600:alice',
      password: 'wjwSXO2ch1B6VaLTLMy2Avn5O9o=',
    });
    const { username } = await readCredentials({}, { POSTERN_SECRET: 'north' }, 0);
    expect(username).toBe('3600');
  });

  test.each([
    ['a secret with the newline of its file', 'north\n', 'alice', /^POSTERN_SECRET must be /],
    ['a user name that clients would change', 'north', 'a\u0007', /^The user name must be /],
  ])('%s is refused, and not printed', async (_, secret, username, sentence) => {
    const error = await readCredentials({ username }, { POSTERN_SECRET: secret }, 0).catch(
      (reason) => reason,
    );
    expect(exitCodeOf(error)).toBe(64);
    expect(error.message).toMatch(sentence);
    expect(error.message).not.toContain('north');
  });

  const path = file('password', 'from file\r\nsecond');
  test.each([
    ['options', { username: 'u', password: 'p' }, {}, { username: 'u', password: 'p' }],
    [
      'the environment',
      {},
      { POSTERN_USERNAME: 'u', POSTERN_PASSWORD: 'p' },
      { username: 'u', password: 'p' },
    ],
    [
      'options before it',
      { username: 'o' },
      { POSTERN_USERNAME: 'u', POSTERN_PASSWORD: 'p' },
      { username: 'o', password: 'p' },
    ],
    [
      'a file',
      { username: 'u', 'password-file': path },
      { POSTERN_PASSWORD: 'p' },
      { username: 'u', password: 'from file' },
    ],
    [
      'a password before a secret',
      { username: 'u' },
      { POSTERN_PASSWORD: 'p', POSTERN_SECRET: 's' },
      { username: 'u', password: 'p' },
    ],
    [
      'a secret',
      { username: 'u' },
      { POSTERN_SECRET: 's' },
      { username: '3600:u', password: expect.any(String) },
    ],
    [
      'nothing',
      {},
      { POSTERN_USERNAME: '', POSTERN_PASSWORD: '' },
      { username: undefined, password: undefined },
    ],
  ])('from %s', async (_, values, env, expected) => {
    expect(await readCredentials(values, env, 0)).toEqual(expected);
  });

  test('an empty file', async () => {
    const values = { 'password-file': file('empty', '\n') };
    await expect(readCredentials(values, {}, 0)).rejects.toThrow(/first line .* is empty/);
  });

  test('none at all', () => {
    expect(iceCredentials({})).toBeUndefined();
  });
});

describe('tables', () => {
  test('columns are as wide as their widest cell; empty ones are left out', () => {
    const text = table(
      ['a', 'long title', 'empty'],
      [
        ['x', '1', ''],
        ['yyyy', '2', ''],
      ],
      styleFor(false),
    );
    expect(text).toBe(['a     long title', 'x     1', 'yyyy  2'].join('\n'));
  });

  test('colours change no width', () => {
    const cells = [[{ text: 'ok', paint: styleFor(true).good }, 'b']];
    const text = table(['status', 'c'], cells, styleFor(true));
    const plain = stripVTControlCharacters(text);
    expect(text).not.toBe(plain);
    expect(plain).toBe(table(['status', 'c'], [['ok', 'b']], styleFor(false)));
  });

  test.each([
    ['a terminal', { isTerminal: true }, [], true],
    ['no terminal', { isTerminal: false }, [], false],
    ['NO_COLOR', { isTerminal: true, env: { NO_COLOR: '1' } }, [], false],
    ['an empty NO_COLOR', { isTerminal: true, env: { NO_COLOR: '' } }, [], true],
    ['--no-color', { isTerminal: true }, ['--no-color'], false],
    ['--json', { isTerminal: true }, ['--json'], false],
  ])('colours with %s', async (_, world, args, expected) => {
    const { stdout } = await runCommand(
      ['decode', `00010000${'2112a442'}${'00'.repeat(12)}`, ...args],
      world,
    );
    expect(stdout.includes('\u001b[')).toBe(expected);
  });
});
