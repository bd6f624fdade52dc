// The command as npm installs it.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startStunResponder } from '../../js/dev/stun-responder.js';
import { installPackage } from './consumer.js';

/** @type {import('./consumer.js').Consumer} */
let consumer;
beforeAll(async () => {
  consumer = await installPackage();
}, 60_000);
afterAll(() => consumer?.remove());

/** Through what npm put into the project's .bin. @param {string[]} args */
function postern(...args) {
  const name = process.platform === 'win32' ? 'postern.cmd' : 'postern';
  const path = join(consumer.directory, 'node_modules', '.bin', name);
  const options = { cwd: consumer.directory, shell: process.platform === 'win32' };
  return promisify(execFile)(path, args, options);
}

test('tells the version of the package', async () => {
  const text = await readFile(join(consumer.packageDirectory, 'package.json'), 'utf8');
  expect(await postern('--version')).toEqual({
    stdout: `${JSON.parse(text).version}\n`,
    stderr: '',
  });
});

test('has both cores of clients inside', async () => {
  const responder = await startStunResponder();
  try {
    const message = `000100002112a442${'00'.repeat(12)}`;
    const { stdout: decoded } = await postern('decode', message, '--json');
    expect(JSON.parse(decoded).messages).toHaveLength(1);
    const { stdout: asked } = await postern(
      'stun',
      `stun:127.0.0.1:${responder.udpPort}`,
      '--json',
    );
    expect(JSON.parse(asked)).toMatchObject({ ok: true });
  } finally {
    await responder.close();
  }
});

test('serves the page of the network test, and tests what it serves', async () => {
  const program = join(consumer.packageDirectory, 'dist', 'cli.js');
  const listen = ['--listen', 'udp://127.0.0.1:0', '--listen', 'tcp://127.0.0.1:0'];
  const child = spawn(process.execPath, [program, 'serve', ...listen, '--page', '0', '--json'], {
    cwd: consumer.directory,
  });
  try {
    const [line] = await once(createInterface({ input: child.stdout }), 'line');
    const { page } = JSON.parse(line);
    const html = await (await fetch(page)).text();
    const scripts = Array.from(html.matchAll(/src="\.\/([^"]+\.js)"/g), ([, name]) => name);
    expect(scripts.length).toBeGreaterThan(0);
    for (const name of scripts) expect((await fetch(page + name)).status).toBe(200);
    const { plan } = await (await fetch(`${page}plan.json`)).json();
    const path = await consumer.write('plan.json', JSON.stringify(plan));
    const { stdout } = await postern('check', path, '--quick', '--json');
    const { grade, measurements } = JSON.parse(stdout);
    expect(grade).toBe('good');
    const works = measurements.filter((/** @type {any} */ { status }) => status === 'ok');
    expect(works.map((/** @type {any} */ { kind }) => kind)).toEqual(
      expect.arrayContaining(['reachability', 'signalling', 'https', 'port-map', 'inspection']),
    );
  } finally {
    child.kill('SIGKILL');
  }
});
