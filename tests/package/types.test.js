// The declarations, as the compilers of users read them: strict, with skipLibCheck off where what they need is ours.
import { execFile } from 'node:child_process';
import { cp, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { installPackage, projectDirectory } from './consumer.js';

const run = promisify(execFile);
const tsc = join(projectDirectory, 'node_modules', 'typescript', 'bin', 'tsc');

/** @type {import('./consumer.js').Consumer} */
let consumer;
beforeAll(async () => {
  consumer = await installPackage();
  await cp(join(projectDirectory, 'tests', 'types'), join(consumer.directory, 'types'), {
    recursive: true,
  });
  await mkdir(join(consumer.directory, 'node_modules', '@types'));
  for (const name of ['@types/node', 'undici-types']) {
    await symlink(
      join(projectDirectory, 'node_modules', name),
      join(consumer.directory, 'node_modules', name),
      'dir',
    );
  }
}, 60_000);
afterAll(() => consumer?.remove());

/** What the compiler says. @param {object} compilerOptions @param {string[]} files */
async function compile(compilerOptions, files) {
  const project = join(consumer.directory, 'tsconfig.json');
  const options = { noEmit: true, strict: true, target: 'es2022', ...compilerOptions };
  await writeFile(
    project,
    JSON.stringify({ compilerOptions: options, files: files.map((file) => `types/${file}`) }),
  );
  return run(process.execPath, [tsc, '-p', project, '--pretty', 'false'], {
    cwd: consumer.directory,
  }).then(
    () => '',
    ({ stdout, stderr }) => stdout + stderr,
  );
}

const node = { module: 'nodenext', lib: ['es2023'], types: ['node'] };
const browser = {
  module: 'esnext',
  moduleResolution: 'bundler',
  lib: ['es2023', 'dom', 'dom.iterable', 'esnext.disposable'],
  types: [],
};

test.each([
  ['postern/codec in Node.js, without the DOM', node, ['codec.ts', 'inline.ts'], false],
  ['postern/codec in a browser, without Node.js', browser, ['codec.ts', 'inline.ts'], false],
  ['postern/credentials in Node.js, without the DOM', node, ['credentials.ts'], false],
  ['postern/credentials in a browser, without Node.js', browser, ['credentials.ts'], false],
  ['postern in Node.js, without the DOM', node, ['client.ts', 'relay.ts'], false],
  ['postern/server in Node.js, without the DOM and @types/ws', node, ['server.ts'], false],
  [
    'postern/network-test in Node.js, without the DOM and @types/ws',
    node,
    ['network-test.ts'],
    false,
  ],
  ['postern/report in Node.js, without the DOM', node, ['report.ts'], false],
  ['postern/testing in Node.js, without the DOM and @types/ws', node, ['testing.ts'], false],
  // Options of node:tls are part of its types.
  ['postern in a browser, without Node.js', browser, ['client.ts', 'relay.ts'], true],
  // The server's options are part of its types.
  ['postern/testing in a browser', { ...browser, types: ['node'] }, ['testing.ts'], true],
  // It takes rows of the client.
  ['postern/report in a browser, without Node.js', browser, ['report.ts'], true],
])(
  '%s',
  async (_title, options, files, skipLibCheck) => {
    expect(await compile({ ...options, skipLibCheck }, files)).toBe('');
  },
  30_000,
);

test('attributes may be undefined under exactOptionalPropertyTypes too, since encode() leaves those out', async () => {
  const options = { ...node, exactOptionalPropertyTypes: true, skipLibCheck: true };
  expect(await compile(options, ['codec.ts'])).toBe('');
}, 30_000);

test('the compiler sees mistakes there', async () => {
  await writeFile(
    join(consumer.directory, 'types', 'mistake.ts'),
    "import { decode } from 'postern/codec';\nexport const port: string = decode(new Uint8Array()).attributes.xorMappedAddress!.port;\n",
  );
  expect(await compile(node, ['mistake.ts'])).toContain(
    "mistake.ts(2,14): error TS2322: Type 'number' is not assignable",
  );
}, 30_000);
