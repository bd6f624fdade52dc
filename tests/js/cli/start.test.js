// npm start, as far as it goes once all is built: js/dev/start.js, in this process and as one of its own.
import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer as createNetServer } from 'node:net';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, jest, test } from '@jest/globals';
import { start } from '../../../js/dev/start.js';
import { startStunResponder } from '../../../js/dev/stun-responder.js';
import { project } from '../client/child.js';
import { cleanUp, cleanUpWith } from '../transports/helpers.js';
import { ScriptedServer } from '../turn/scripted-server.js';
import { udpFront } from './udp-front.js';

// It measures for three seconds over each of three transports.
jest.setTimeout(120_000);
afterEach(cleanUp);

const PROGRAM = fileURLToPath(new URL('../../../js/dev/start.js', import.meta.url));

/** @param {string[]} args @param {{ env?: Record<string, string>, signal?: AbortSignal }} [world] */
async function run(args, { env = {}, signal = new AbortController().signal } = {}) {
  let stdout = '';
  let stderr = '';
  const code = await start(args, {
    out: (text) => {
      stdout += text;
    },
    err: (text) => {
      stderr += text;
    },
    stdin: (async function* () {})(),
    isTerminal: false,
    env,
    signal,
    onSignal: () => () => {},
    now: () => Date.now(),
  });
  return { code, stdout, stderr };
}

test('--once: all that it starts is tested, and works', async () => {
  const { code, stdout, stderr } = await run(['--once']);
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout).toMatch(/^(excellent|good) /m);
  for (const way of ['udp', 'tcp', 'ws']) {
    expect(stdout).toMatch(new RegExp(`^ok +(turn:|ws:)\\S+ +${way}, IPv4 .* 5 of 5 `, 'm'));
    expect(stdout).toMatch(new RegExp(`^ok +${way} +relay +\\d`, 'm'));
  }
  for (const title of ['NAT', 'Signalling', 'HTTPS', 'Ports', 'Inspection of packets']) {
    expect(stdout).toMatch(new RegExp(`^${title}$`, 'm'));
  }
  expect(stdout).not.toMatch(/^failed/m);
  expect(stdout).not.toContain('The page is at');
});

test('servers that are named have a test of their own, and its grade counts', async () => {
  const responder = await startStunResponder();
  cleanUpWith(() => responder.close());
  const answering = `stun:127.0.0.1:${responder.udpPort}`;
  const refusing = `turn:${await udpFront(new ScriptedServer())}?transport=udp`;
  const env = { POSTERN_USERNAME: 'u', POSTERN_PASSWORD: 'hunter2' };
  const { code, stdout } = await run(['--once', answering, refusing], { env });
  const [own, named] = stdout.split('The servers named\n');
  expect(own).toMatch(/^(excellent|good) /m);
  expect(own).not.toContain(answering);
  expect(named).toMatch(new RegExp(`^ok +${answering}`, 'm'));
  expect(named).toMatch(/^failed +turn:/m);
  expect(named).toContain('credentials-refused');
  expect(code).toBe(3);
  expect(stdout).not.toContain('hunter2');
});

test('it runs as a program until a signal, at other ports where the usual ones are taken', async () => {
  // Whoever has them, it is not the program.
  const [udp, tcp] = [createSocket('udp4'), createNetServer()];
  udp.on('error', () => {});
  tcp.on('error', () => {});
  udp.bind(3478, '127.0.0.1');
  tcp.listen(8080, '127.0.0.1');
  cleanUpWith(() => void udp.close());
  cleanUpWith(() => void tcp.close());
  const child = spawn(process.execPath, [PROGRAM], { cwd: project });
  cleanUpWith(() => void child.kill('SIGKILL'));
  const ended = once(child, 'close');
  let page = '';
  for await (const line of createInterface({ input: child.stdout })) {
    page =
      /^The page is at (\S+) until a signal \(SIGINT or SIGTERM\) ends it\.$/.exec(line)?.[1] ?? '';
    if (page !== '') break;
  }
  expect(page).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/$/);
  expect(new URL(page).port).not.toBe('8080');
  const { plan } = await (await fetch(`${page}plan.json`)).json();
  expect(plan.iceServers[0].urls[0]).not.toBe('stun:127.0.0.1:3478');
  expect((await fetch(page)).status).toBe(200);
  child.kill('SIGTERM');
  expect(await ended).toEqual([0, null]);
});

test('interrupted in its test: 130, and nothing is left', async () => {
  const controller = new AbortController();
  const asked = run([], { signal: controller.signal });
  controller.abort(new Error('interrupted'));
  expect(await asked).toMatchObject({ code: 130, stderr: '' });
});

test.each([
  [['--help'], 0, /Starts a STUN and TURN server/],
  [['--nonsense'], 64, /Unknown option '--nonsense'/],
  [['turn:a', '-u', 'alice'], 64, /A user name needs a password/],
  [['no/such/file'], 64, /cannot be read \(ENOENT\)/],
])('%j: %i', async (args, expected, sentence) => {
  const { code, stdout, stderr } = await run(args);
  expect(code).toBe(expected);
  expect(stdout + stderr).toMatch(sentence);
});
