// postern check: the network test at the command line, over servers of ours on loopback.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { afterAll, afterEach, describe, expect, jest, test } from '@jest/globals';
import { createProgress } from '../../../js/cli/check-progress.js';
import { exitCodeOfReport } from '../../../js/cli/exit-codes.js';
import { styleFor } from '../../../js/cli/terminal.js';
import { fromJson } from '../../../js/report/index.js';
import { createServer } from '../../../js/server/index.js';
import { cleanUp, cleanUpWith, freeUdpPort, udpServer } from '../transports/helpers.js';
import { Screen } from './screen.js';
import { runCommand, runJson } from './support.js';

jest.setTimeout(60_000);
afterEach(cleanUp);
const folder = mkdtempSync(join(tmpdir(), 'postern-check-'));
afterAll(() => rmSync(folder, { recursive: true }));

const PASSWORD = 'hunter2-of-alice';
const ENV = { POSTERN_USERNAME: 'alice', POSTERN_PASSWORD: PASSWORD };

/** @param {Partial<import('../../../js/server/index.js').ServerOptions>} [options] */
async function startTurn(options) {
  const server = await createServer({
    listen: ['udp://127.0.0.1:0', 'tcp://127.0.0.1:0'],
    credentials: { alice: PASSWORD },
    policy: { allow: ['127.0.0.0/8'] },
    ...options,
  });
  cleanUpWith(() => server.close());
  const [udp, tcp] = server.urls;
  return { server, udp, tcp };
}

/** Over TCP alone. */
const startTcp = async () => (await startTurn({ listen: 'tcp://127.0.0.1:0' })).udp;

/** A TURN server that nobody answers for. */
const nobody = async () => `turn:127.0.0.1:${await freeUdpPort()}?transport=udp`;

/** @param {string} name @param {unknown} content */
function file(name, content) {
  const path = join(folder, name);
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}

const asAlice = (/** @type {string | string[]} */ urls) => ({
  urls,
  username: 'alice',
  credential: PASSWORD,
});

describe('what it takes', () => {
  test.each([
    ['an RTCConfiguration', (/** @type {string} */ url) => ({ iceServers: [asAlice([url])] })],
    ['an array', (/** @type {string} */ url) => [asAlice(url)]],
    ['one server', (/** @type {string} */ url) => asAlice(url)],
    [
      'an answer of Twilio',
      (/** @type {string} */ url) => ({ ice_servers: [asAlice(url)], ttl: '60', sid: 'x' }),
    ],
    [
      'an answer of TURN REST',
      (/** @type {string} */ url) => ({ username: 'alice', password: PASSWORD, uris: [url] }),
    ],
    [
      'a plan',
      (/** @type {string} */ url) => ({ iceServers: [asAlice(url)], quality: false, name: 'a' }),
    ],
    [
      'the plan of a page',
      (/** @type {string} */ url) => ({
        plan: { iceServers: [asAlice(url)], quality: false },
        expiresAt: '2026-01-01T00:00:00Z',
      }),
    ],
  ])('%s', async (_, shape) => {
    const { server, udp } = await startTurn();
    const document = JSON.stringify(shape(udp));
    const fromStdin = await runJson(['check', '-', '--quick'], { stdin: document });
    const fromFile = await runJson(['check', file('servers.json', document), '--quick']);
    for (const { exitCode, stderr, json } of [fromStdin, fromFile]) {
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
      expect(json).toMatchObject({ format: 'postern-report', grade: 'good' });
      expect(
        json.measurements.filter((/** @type {any} */ one) => one.kind === 'reachability'),
      ).toEqual([expect.objectContaining({ status: 'ok', transport: 'udp', dataPath: 'proven' })]);
      expect(JSON.stringify(json)).not.toContain(PASSWORD);
    }
    expect(server.allocations()).toEqual([]);
  });

  test('options say more than the file', async () => {
    const { udp } = await startTurn();
    const plan = file('plan.json', {
      name: 'old',
      iceServers: [{ urls: udp }],
      https: ['https://a'],
    });
    const web = `http://127.0.0.1:${await freeUdpPort()}/`;
    const { json } = await runJson(
      ['check', plan, '--quick', '--name', 'new', '--https', web, '--family', '4'],
      { env: ENV },
    );
    expect(json.name).toBe('new');
    const [https] = json.measurements.filter((/** @type {any} */ one) => one.kind === 'https');
    expect(https).toMatchObject({ url: web, status: 'failed' });
    expect(
      json.measurements.find((/** @type {any} */ one) => one.service === 'turn'),
    ).toMatchObject({
      status: 'ok',
      family: 'IPv4',
    });
  });

  test('a secret of TURN REST', async () => {
    const { udp } = await startTurn({ credentials: undefined, secret: 'north by north-west' });
    const env = { POSTERN_SECRET: 'north by north-west', POSTERN_USERNAME: 'alice' };
    expect((await runCommand(['check', udp, '--quick'], { env })).exitCode).toBe(0);
  });
});

describe('exit codes', () => {
  test('good: 0, and a table', async () => {
    const { udp, tcp } = await startTurn();
    const { exitCode, stdout, stderr } = await runCommand(['check', udp, tcp, '--quick'], {
      env: ENV,
    });
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^good /);
    const address = /turn:([\d.:]+)/.exec(udp)?.[1];
    expect(stdout).toMatch(
      new RegExp(
        `^ok +turn:${address}\\?transport=udp +udp, IPv4 +${address} .* 5 of 5 +[\\d.]+ ms`,
        'm',
      ),
    );
    expect(stdout + stderr).not.toContain('\u001b');
    expect(stderr).toMatch(/^ok .*2 ok/m);
  });

  test('fair, over TCP alone: 1', async () => {
    const [tcp, silent] = [await startTcp(), await nobody()];
    const args = ['check', tcp, silent, '--quick', '--timeout', '500'];
    const { exitCode, stdout } = await runCommand(args, { env: ENV });
    expect(stdout).toMatch(/^fair /);
    expect(stdout).toMatch(/^failed +turn:127\.0\.0\.1:\d+\?transport=udp/m);
    expect(exitCode).toBe(1);
  });

  test('each grade has its own', async () => {
    const { udp } = await startTurn();
    const { json } = await runJson(['check', udp, '--quick'], { env: ENV });
    for (const [grade, code] of /** @type {const} */ ([
      ['excellent', 0],
      ['good', 0],
      ['fair', 1],
      ['poor', 2],
      ['unknown', 2],
      ['blocked', 4],
    ])) {
      expect(exitCodeOfReport({ ...json, grade })).toBe(code);
    }
  });

  test.each([
    ['wrong', { POSTERN_USERNAME: 'alice', POSTERN_PASSWORD: 'hunter2-of-zoe' }],
    ['missing', {}],
  ])('credentials that are %s: 3', async (_, env) => {
    const { udp, tcp } = await startTurn();
    const result = await runCommand(['check', udp, tcp, await nobody(), '--quick'], { env });
    expect(result.exitCode).toBe(3);
    expect(result.stdout).toMatch(/credentials-(refused|missing)/);
    expect(JSON.stringify(result)).not.toContain('hunter2');
  });

  test('credentials that one server refuses and another takes: by the grade', async () => {
    const [one, other] = [await startTurn(), await startTurn({ credentials: { alice: 'other' } })];
    const { exitCode, stdout } = await runCommand(['check', one.udp, other.udp, '--quick'], {
      env: ENV,
    });
    expect(stdout).toContain('credentials-refused');
    expect(exitCode).toBe(0);
  });

  test('blocked: 4', async () => {
    const args = ['check', await nobody(), await nobody(), '--quick', '--timeout', '500'];
    const { exitCode, stdout } = await runCommand(args, { env: ENV });
    expect(stdout).toMatch(/^blocked /);
    expect(exitCode).toBe(4);
  });

  test('a URL that cannot be read hides no other', async () => {
    const { udp } = await startTurn();
    const args = ['check', udp, 'turn:a b', '--quick'];
    const { exitCode, stdout } = await runCommand(args, { env: ENV });
    expect(stdout).toMatch(/^skipped +turn:a b/m);
    expect(stdout).toMatch(/^turn:a b.*\n.*ERR_INVALID_URI$/m);
    expect(exitCode).toBe(0);
  });

  test('interrupted in the middle: 130, and the screen is left clean', async () => {
    const { socket, target } = await udpServer('127.0.0.1', 0, false);
    const controller = new AbortController();
    socket.once('message', () => controller.abort(new Error('interrupted')));
    const args = ['check', `turn:127.0.0.1:${target.port}?transport=udp`, '--quick'];
    const { exitCode, stdout, stderr } = await runCommand(args, {
      signal: controller.signal,
      isTerminal: true,
    });
    expect({ exitCode, stderr }).toEqual({ exitCode: 130, stderr: '' });
    expect(new Screen().write(stdout).lines).toEqual([]);
  });
});

describe('progress', () => {
  test('at a terminal lines change in place, and are gone when the result is there', async () => {
    const { udp } = await startTurn();
    const screen = new Screen();
    /** @type {string[]} */
    const seen = [];
    const { stdout, stderr } = await runCommand(['check', udp, '--quick'], {
      env: ENV,
      isTerminal: true,
      onOutput: (text) => seen.push(screen.write(text).lines.join('\n')),
    });
    expect(stderr).toBe('');
    expect(seen.some((lines) => /^\.\.\. .*servers/m.test(stripVTControlCharacters(lines)))).toBe(
      true,
    );
    expect(stdout).toContain('\u001b[1A\u001b[J');
    const text = stripVTControlCharacters(screen.lines.join('\n'));
    expect(text).not.toMatch(/^\.\.\. /m);
    expect(text).toMatch(/^ok +.*servers.*, 1 ok/m);
    expect(text).toMatch(/^good /m);
  });

  test('live numbers while quality is measured', async () => {
    const { udp } = await startTurn();
    const plan = {
      iceServers: [asAlice(udp)],
      natServer: false,
      quality: { seconds: 2, throughputSeconds: 0 },
    };
    const screen = new Screen();
    /** @type {string[]} */
    const seen = [];
    const { exitCode } = await runCommand(['check', '-'], {
      stdin: JSON.stringify(plan),
      isTerminal: true,
      env: { NO_COLOR: '1' },
      onOutput: (text) => seen.push(screen.write(text).lines.join('\n')),
    });
    expect(exitCode).toBe(0);
    const numbers = seen.filter((lines) =>
      /^\.\.\. .*round trip \d+\.\d ms, jitter \d+\.\d ms, loss \d+\.\d %/m.test(lines),
    );
    expect(new Set(numbers).size).toBeGreaterThan(1);
    expect(screen.lines.join('\n')).toMatch(/^Quality\n/m);
  });

  test.each([
    ['no terminal', { isTerminal: false }],
    ['a terminal that is dumb', { isTerminal: true, env: { ...ENV, TERM: 'dumb', NO_COLOR: '1' } }],
  ])('%s: a line for each step on stderr, and no escape codes', async (_, world) => {
    const { udp } = await startTurn();
    const { stdout, stderr } = await runCommand(['check', udp, '--quick'], { env: ENV, ...world });
    expect(stderr).toMatch(/^(ok|skipped|unknown|failed|partly) .*, \d+\.\d s$/m);
    expect(
      stderr
        .trimEnd()
        .split('\n')
        .every((line) => / s$/.test(line)),
    ).toBe(true);
    expect(stdout + stderr).not.toContain('\u001b');
  });

  test.each([['--json'], ['-q'], ['--format=html']])('none with %s', async (flag) => {
    const { udp } = await startTurn();
    const { stdout, stderr } = await runCommand(['check', udp, '--quick', flag], {
      env: ENV,
      isTerminal: true,
    });
    expect(stderr).toBe('');
    expect(stdout).not.toContain('\u001b');
    if (flag === '-q') expect(stdout).toBe('');
  });

  test('a step that says nothing for long shows that time goes by, and how much it takes', () => {
    jest.useFakeTimers();
    cleanUpWith(() => void jest.useRealTimers());
    let at = 0;
    const screen = new Screen();
    const progress = createProgress({
      out: (text) => void screen.write(text),
      inPlace: true,
      columns: () => undefined,
      now: () => at,
      style: styleFor(false),
    });
    progress.onEvent({ type: 'plan', steps: [{ id: 'nat', title: 'NAT', expectedMs: 10_000 }] });
    progress.onEvent({ type: 'step', id: 'nat', state: 'running' });
    expect(screen.lines).toEqual(['...      NAT, 0.0 s of about 10 s']);
    at = 4200;
    jest.advanceTimersByTime(1000);
    expect(screen.lines).toEqual(['...      NAT, 4.2 s of about 10 s']);
    progress.onEvent({ type: 'step', id: 'nat', state: 'done' });
    expect(screen.lines).toEqual(['skipped  NAT, 4.2 s']);
    progress.end();
    expect(jest.getTimerCount()).toBe(0);
  });

  test('a title of many characters takes one line of a narrow terminal', () => {
    const screen = new Screen(30);
    const progress = createProgress({
      out: (text) => void screen.write(text),
      inPlace: true,
      columns: () => 30,
      now: () => 0,
      style: styleFor(true),
    });
    const steps = [{ id: 'a', title: 'long '.repeat(20), expectedMs: 1 }];
    progress.onEvent({ type: 'plan', steps });
    progress.onEvent({ type: 'step', id: 'a', state: 'running' });
    expect(screen.lines).toHaveLength(1);
    progress.end();
    expect(screen.lines).toEqual([]);
  });
});

describe('outputs', () => {
  /** @type {readonly [string, string, RegExp][]} */
  const formats = [
    ['json', 'json', /^\{\n {2}"format": "postern-report"/],
    ['html', 'html', /^<!doctype html>/i],
    ['junit', 'xml', /^<\?xml version="1\.0"/],
    ['prometheus', 'prom', /^# HELP postern_test_/],
    ['text', 'txt', /^good .*\n/],
  ];

  test('each format, printed and written; nowhere a password', async () => {
    const { udp } = await startTurn();
    const files = formats.map(([, extension]) => join(folder, `report.${extension}`));
    const args = ['check', udp, '--quick', ...files.flatMap((path) => ['--report', path])];
    const first = await runCommand(args, { env: ENV });
    expect(first.exitCode).toBe(0);
    for (const [i, [format, , start]] of formats.entries()) {
      const written = readFileSync(files[i], 'utf8');
      const { stdout, stderr } = await runCommand(['check', udp, '--quick', '--format', format], {
        env: ENV,
      });
      expect(stderr).toBe('');
      for (const text of [written, stdout]) {
        expect(text).toMatch(start);
        expect(text).not.toContain(PASSWORD);
        expect(text).not.toContain('alice');
      }
    }
    expect(fromJson(readFileSync(files[0], 'utf8')).grade).toBe('good');
  });

  test('a file that cannot be written', async () => {
    const { udp } = await startTurn();
    const path = join(folder, 'no', 'such', 'report.json');
    const { exitCode, stdout, stderr } = await runCommand(
      ['check', udp, '--quick', '--report', path],
      { env: ENV },
    );
    expect(exitCode).toBe(64);
    expect(stderr).toMatch(/report\.json cannot be written \(ENOENT\)/);
    // The test was made, and is not lost.
    expect(stdout).toMatch(/^good /);
  });

  test('what changed since another report', async () => {
    const { udp, server } = await startTurn();
    const old = join(folder, 'old.json');
    await runCommand(['check', udp, '--quick', '--report', old], { env: ENV });
    await server.close();
    const args = ['check', udp, '--quick', '--timeout', '500', '--compare', old];
    const { exitCode, stdout } = await runCommand(args, { env: ENV });
    expect(exitCode).toBe(4);
    expect(stdout).toMatch(/^The grade is blocked, was good: worse\.$/m);
    expect(stdout).toMatch(/^Worse: reachability\/.*: failed, was ok$/m);
    const { json, stderr } = await runJson(args, { env: ENV });
    expect(json.grade).toBe('blocked');
    expect(stderr).toMatch(/^The grade is blocked, was good: worse\.$/m);
  });

  test('addresses are cut where that is asked for', async () => {
    const { udp } = await startTurn();
    const args = ['check', udp, '--quick', '--addresses', 'drop'];
    expect((await runCommand(args, { env: ENV })).stdout).not.toContain('127.0.0.1');
    const { json } = await runJson(args, { env: ENV });
    expect(JSON.stringify(json)).not.toContain('127.0.0.1');
  });

  test('what a server says of itself steers no terminal', async () => {
    const { udp } = await startTurn({ software: 'a \u001b[31mserver' });
    const { stdout } = await runCommand(['check', udp, '--quick'], { env: ENV });
    expect(stdout).toContain('a \\u{1b}[31mserver');
    expect(stdout).not.toContain('\u001b');
  });
});
