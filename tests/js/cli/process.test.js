// The command as a process: streams, signals, exit codes.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, jest, test } from '@jest/globals';
import { project } from '../client/child.js';
import { cleanUp, cleanUpWith, udpServer } from '../transports/helpers.js';
import { CREDENTIALS, RELAYED, ScriptedServer } from '../turn/scripted-server.js';
import { udpFront } from './udp-front.js';

jest.setTimeout(60_000);
afterEach(cleanUp);

const CLI = fileURLToPath(new URL('../../../js/cli/cli.js', import.meta.url));

/** @param {string[]} args @param {Record<string, string>} [env] */
function start(args, env = {}) {
  const child = spawn(process.execPath, [CLI, ...args], {
    cwd: project,
    env: { ...process.env, ...env },
  });
  cleanUpWith(() => void child.kill('SIGKILL'));
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (text) => {
    stdout += text;
  });
  child.stderr.on('data', (text) => {
    stderr += text;
  });
  const ended = once(child, 'close').then(([code, signal]) => ({ code, signal, stdout, stderr }));
  return { child, ended };
}

test('prints, and ends by itself', async () => {
  const { ended } = start(['decode', `000100002112a442${'00'.repeat(12)}`]);
  expect(await ended).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^Binding request/),
    stderr: '',
  });
});

test('reads standard input', async () => {
  const { child, ended } = start(['decode', '-', '--json']);
  child.stdin.end(Buffer.from(`000100002112a442${'00'.repeat(12)}`, 'hex'));
  const { code, stdout } = await ended;
  expect(code).toBe(0);
  expect(JSON.parse(stdout).messages).toHaveLength(1);
});

test('a usage error', async () => {
  expect(await start(['nonsense']).ended).toMatchObject({ code: 64, stdout: '' });
});

test('whoever reads no more ends it quietly', async () => {
  const { child, ended } = start(['decode', '-']);
  child.stdout.destroy();
  child.stdin.on('error', () => {});
  child.stdin.end(Buffer.from(`000100002112a442${'00'.repeat(12)}`.repeat(5000), 'hex'));
  expect(await ended).toMatchObject({ signal: null, stderr: '' });
});

test.each([
  [
    'a server that does not answer',
    async () => {
      const { socket, target } = await udpServer('127.0.0.1', 0, false);
      return { args: ['stun', `stun:127.0.0.1:${target.port}`], isReady: once(socket, 'message') };
    },
  ],
  ['standard input that does not end', async () => ({ args: ['decode', '-'], isReady: undefined })],
])('SIGINT while it waits for %s: 130', async (_, prepare) => {
  const { args, isReady } = await prepare();
  const { child, ended } = start(args);
  if (isReady === undefined) {
    // It reads: more than a pipe holds has gone.
    await new Promise((resolve) => child.stdin.write(Buffer.alloc(1 << 20), resolve));
  }
  await isReady;
  child.kill('SIGINT');
  expect(await ended).toEqual({ code: 130, signal: null, stdout: '', stderr: '' });
});

test('SIGINT gives the relay back first', async () => {
  const server = new ScriptedServer();
  const address = await udpFront(server);
  const sent = new Promise((resolve) => {
    server.script = ({ method }) => {
      if (method === 'Send') resolve(undefined);
      return undefined;
    };
  });
  server.peer('192.0.2.9', 4000);
  const env = { POSTERN_USERNAME: CREDENTIALS.username, POSTERN_PASSWORD: CREDENTIALS.password };
  const { child, ended } = start(['turn', `turn:${address}`, '--peer', `192.0.2.9:4000`], env);
  await sent;
  expect(server.allocation.relayed[0].address).toBe(RELAYED);
  child.kill('SIGINT');
  expect(await ended).toMatchObject({ code: 130, stderr: '' });
  expect(server.allocations.size).toBe(0);
});
