// postern nat, against servers of this process.
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { startNatServer } from '../nat/support.js';
import { runCommand, runJson } from './support.js';

jest.setTimeout(60_000);

/** @type {Awaited<ReturnType<typeof startNatServer>>} */
let server;
/** @type {Awaited<ReturnType<typeof startNatServer>>} */
let single;
beforeAll(async () => {
  server = await startNatServer();
  single = await startNatServer({ hosts: ['127.0.0.1'] });
});
afterAll(async () => {
  await server?.stop();
  await single?.stop();
});

test('a table', async () => {
  const { exitCode, stdout, stderr } = await runCommand(['nat', server.uri]);
  expect([exitCode, stderr]).toEqual([0, '']);
  for (const line of [
    `server +${server.uri} \\(127.0.0.1:${server.port}\\)`,
    `its other address +127.0.0.2:${server.port + 1}`,
    'behind a NAT +no',
    'RFC 3489 says +open Internet',
    'mapping +endpoint-independent +one public address',
    'filtering +endpoint-independent +anybody',
    'hairpinning +unknown +there is no NAT\\.',
    'port +preserved',
    'fragments out +pass',
    'fragments in +pass',
  ]) {
    expect(stdout).toMatch(new RegExp(`^${line}`, 'm'));
  }
  expect(stdout).not.toContain('lifetime');
});

test('JSON; each test once', async () => {
  const { exitCode, stderr, json } = await runJson(['nat', server.uri, '--once']);
  expect([exitCode, stderr]).toEqual([0, '']);
  expect(json).toMatchObject({ ok: true, behindNat: false, classicName: 'open Internet' });
  const topics = json.filtering.evidence.map((/** @type {number} */ i) => json.tests[i].topic);
  expect(topics.length).toBeGreaterThan(3);
  expect(new Set(topics)).toEqual(new Set(['filtering']));
});

test('a server with one address: exit code 1, and why', async () => {
  const { exitCode, stdout } = await runCommand(['nat', single.uri, '--once']);
  expect(exitCode).toBe(1);
  expect(stdout).toMatch(/^filtering +unknown +the server names no other address of its own\.$/m);
  expect(stdout).toMatch(/^its other address +none$/m);
});

test('--lifetime, with what is tested meanwhile', async () => {
  const { exitCode, stdout, stderr } = await runCommand([
    ...['nat', server.uri, '--once', '--lifetime', '--longest', '1', '--verbose'],
  ]);
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(/^mapping lifetime +more than 1 s/m);
  expect(stderr).toMatch(
    /^1 filtering change-both: 127\.0\.0\.1:\d+ to 127\.0\.0\.1:\d+, answered from 127\.0\.0\.2:\d+, mapped /m,
  );
  expect(stderr).toMatch(/^- lifetime response-port: /m);
});

test('at a terminal it says that it takes a while', async () => {
  const words = 'Testing, which takes up to half a minute.\n';
  const args = ['nat', server.uri, '--once'];
  const { stdout, stderr } = await runCommand(args, { isTerminal: true, env: { NO_COLOR: '1' } });
  expect(stderr).toBe(words);
  expect(stdout).toMatch(/^mapping +endpoint-independent/m);
  expect((await runCommand([...args, '--quiet'], { isTerminal: true })).stderr).toBe('');
});

test('a server that is not there: exit code 4', async () => {
  const gone = await startNatServer({ hosts: ['127.0.0.1'] });
  await gone.stop();
  const { exitCode, stdout, stderr } = await runCommand(['nat', gone.uri, '--timeout', '2000']);
  expect([exitCode, stdout]).toEqual([4, '']);
  expect(stderr).toMatch(/ERR_/);
});

test('interrupted: exit code 130', async () => {
  const { exitCode } = await runCommand(['nat', server.uri], {
    signal: AbortSignal.abort(),
  });
  expect(exitCode).toBe(130);
});

test.each([
  [[], /Which server/],
  [['stun:one', 'stun:two'], /Which server/],
  [['stun:one', '--transport', 'ws'], /udp or tcp/],
  [['stun:one', '--longest', '5'], /goes with --lifetime/],
  [['stun:one', '--lifetime', '--longest', '0'], /from 1 to 3600/],
  [['nonsense'], /ERR_INVALID_URI/],
])('usage: %j', async (args, expected) => {
  const { exitCode, stderr } = await runCommand(['nat', ...args]);
  expect(exitCode).toBe(64);
  expect(stderr).toMatch(expected);
});
