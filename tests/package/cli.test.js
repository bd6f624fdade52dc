// The command as npm installs it.
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
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
