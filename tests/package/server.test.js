// postern/server and postern serve as users get them, and that nobody else gets what they need.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, rename } from 'node:fs/promises';
import { builtinModules } from 'node:module';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { build } from 'esbuild';
import { installPackage } from './consumer.js';

/** @type {import('./consumer.js').Consumer} */
let consumer;
beforeAll(async () => {
  consumer = await installPackage();
}, 60_000);
afterAll(() => consumer?.remove());

/** @type {(() => unknown)[]} */
const cleanUps = [];
afterEach(() => {
  for (const end of cleanUps.splice(0)) end();
});

/** What a program of a user prints. @param {string} name @param {string} source */
async function resultOf(name, source) {
  const { stdout, stderr } = await consumer.node([await consumer.write(name, source)]);
  expect(stderr).toBe('');
  return JSON.parse(stdout);
}

describe('postern/server', () => {
  test('a server, and a relay through it, of the same package; over UDP and WebSocket', async () => {
    const found = await resultOf(
      'server.mjs',
      `import { createServer } from 'postern/server';
       import { allocate } from 'postern';
       import WebSocket from 'ws';
       const server = await createServer({
         listen: ['udp://127.0.0.1:0', 'ws://127.0.0.1:0'],
         credentials: { alice: 'secret' },
         policy: { allow: ['127.0.0.1'] },
       });
       const got = [];
       const options = { WebSocket };
       for (const urls of server.urls) {
         const one = await allocate({ urls, username: 'alice', credential: 'secret' }, options);
         const two = await allocate({ urls, username: 'alice', credential: 'secret' }, options);
         const message = new Promise((resolve) => { two.onmessage = (data) => resolve(new TextDecoder().decode(data)); });
         await two.permit(one.relayedAddress);
         one.send(new TextEncoder().encode('by ' + one.transport), two.relayedAddress);
         got.push(await message);
         await one.close();
         await two.close();
       }
       const { allocationsMade, relayedToPeers } = server.stats();
       await server.close();
       console.log(JSON.stringify({ got, allocationsMade, relayedToPeers, end: (await server.closed).reason }));`,
    );
    expect(found).toEqual({
      got: ['by udp', 'by ws'],
      allocationsMade: 4,
      relayedToPeers: 2,
      end: 'closed',
    });
  });

  test('import and require() give the same', async () => {
    const found = await resultOf(
      'require.mjs',
      `import * as imported from 'postern/server';
       import { createRequire } from 'node:module';
       const required = createRequire(import.meta.url)('postern/server');
       console.log(JSON.stringify(Object.keys(imported).map((name) => [name, required[name] === imported[name]])));`,
    );
    expect(found).toEqual([
      ['Mirror', true],
      ['PosternError', true],
      ['Reflector', true],
      ['Server', true],
      ['createMirror', true],
      ['createReflector', true],
      ['createServer', true],
    ]);
  });

  test('its errors are those of the other entries', async () => {
    const found = await resultOf(
      'errors-of-server.mjs',
      `import { createServer } from 'postern/server';
       import { PosternError } from 'postern';
       const error = await createServer({ listen: 'udp://192.0.2.1:0', relay: false }).catch((e) => e);
       console.log(JSON.stringify([error instanceof PosternError, error.code]));`,
    );
    expect(found).toEqual([true, 'ERR_SERVER_LISTEN']);
  });

  test('is not for browsers, and says so when it is bundled', async () => {
    const error = await bundleForBrowsers("import 'postern/server';").catch((reason) => reason);
    expect(error.message).toMatch(/postern\/server|"\.\/server"/);
  });
});

describe('postern serve', () => {
  test('runs from where npm puts it, and relays', async () => {
    const path = join(consumer.directory, 'node_modules', 'postern', 'dist', 'cli.js');
    const args = ['serve', '--listen', 'udp://127.0.0.1:0', '--json'];
    const child = spawn(process.execPath, [path, ...args], { cwd: consumer.directory });
    cleanUps.push(() => child.kill('SIGKILL'));
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const { event, iceServer } = JSON.parse((await lines.next()).value);
    expect(event).toBe('listening');
    const { username, credential, urls } = iceServer;
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [path, 'turn', urls[0], '--peer', 'echo', '--json'],
      { env: { ...process.env, POSTERN_USERNAME: username, POSTERN_PASSWORD: credential } },
    );
    expect(JSON.parse(stdout)).toMatchObject({ ok: true, exchange: { dataPath: 'proven' } });
    child.kill('SIGTERM');
    const [code] = await once(child, 'close');
    expect(code).toBe(0);
  }, 30_000);

  test('a wrong option is told by the file that is loaded for it as by the others', async () => {
    const path = join(consumer.directory, 'node_modules', 'postern', 'dist', 'cli.js');
    for (const args of [
      ['--user', 'nobody'],
      ['--listen', 'nowhere', '--user', 'a:b'],
    ]) {
      const error = await promisify(execFile)(process.execPath, [path, 'serve', ...args]).catch(
        (e) => e,
      );
      expect([error.code, error.stdout]).toEqual([64, '']);
      expect(error.stderr).toMatch(new RegExp(`^postern: ${args[0]} `));
    }
  });
});

/** Modules that a built file names. @param {string} file */
async function importsOf(file) {
  const { metafile } = await build({
    entryPoints: [join(consumer.packageDirectory, file)],
    bundle: true,
    format: 'esm',
    platform: 'node',
    write: false,
    metafile: true,
    // Each import stays one, and is listed.
    packages: 'external',
    plugins: [
      {
        name: 'files stay apart',
        setup: ({ onResolve }) =>
          onResolve({ filter: /^\./ }, ({ path, kind }) =>
            kind === 'entry-point' ? undefined : { path, external: true },
          ),
      },
    ],
  });
  const [output] = Object.values(metafile.outputs);
  const names = new Set(output?.imports.map(({ path }) => path));
  return [...names].filter((name) => !builtinModules.includes(name.replace(/^node:/, ''))).sort();
}

/** @param {string} source */
async function bundleForBrowsers(source) {
  const { outputFiles, metafile } = await build({
    stdin: { contents: source, resolveDir: consumer.directory },
    bundle: true,
    format: 'esm',
    platform: 'browser',
    write: false,
    metafile: true,
    logLevel: 'silent',
  });
  return { text: outputFiles[0]?.text ?? '', inputs: Object.keys(metafile.inputs) };
}

describe('what is loaded', () => {
  test.each([
    ['dist/node.js', ['./nat.js']],
    ['dist/nat.js', []],
    ['dist/codec.inline.js', []],
    ['dist/server.js', ['ws']],
    ['dist/gateway.js', ['ws']],
    ['dist/network-test.js', ['./nat.js', 'ws']],
    ['dist/cli.js', ['./check.js', './nat.js', './serve.js']],
    ['dist/check.js', ['./network-test.js']],
    ['dist/serve.js', ['./gateway.js', './server.js', 'ws']],
  ])('%s imports, besides Node.js: %j', async (file, expected) => {
    expect(await importsOf(file)).toEqual(expected);
  });

  test('the client in a browser has no server in it, and no ws', async () => {
    const { text, inputs } = await bundleForBrowsers(
      "import * as all from 'postern'; import * as codec from 'postern/codec'; globalThis.all = { all, codec };",
    );
    expect(inputs.filter((path) => /node_modules\/ws\/|\/(server|gateway)\//.test(path))).toEqual(
      [],
    );
    expect(inputs.some((path) => path.endsWith('postern/js/index.js'))).toBe(true);
    expect(text).not.toContain('WebSocketServer');
  });

  test('clients, codec and command need no ws', async () => {
    const modules = join(consumer.directory, 'node_modules');
    await rename(join(modules, 'ws'), join(modules, '.ws-is-away'));
    try {
      const found = await resultOf(
        'without-ws.mjs',
        `const names = [];
         for (const entry of ['postern', 'postern/codec', 'postern/codec/inline', 'postern/credentials', 'postern/report', 'postern/testing', 'postern/network-test', 'postern/server'])
           names.push(await import(entry).then(() => entry, (error) => error.code));
         console.log(JSON.stringify(names));`,
      );
      expect(found).toEqual([
        'postern',
        'postern/codec',
        'postern/codec/inline',
        'postern/credentials',
        'postern/report',
        'postern/testing',
        'ERR_MODULE_NOT_FOUND',
        'ERR_MODULE_NOT_FOUND',
      ]);
      const version = await consumer.node([
        join(modules, 'postern', 'dist', 'cli.js'),
        '--version',
      ]);
      expect(version.stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
    } finally {
      await rename(join(modules, '.ws-is-away'), join(modules, 'ws'));
    }
  });

  test('the bytes of each core are in the files that need them, once', async () => {
    /** Text with which the base64 of a core begins, after its head. @param {string} name */
    const marker = async (name) => {
      const bytes = await readFile(join(consumer.packageDirectory, `dist/wasm/${name}.wasm`));
      return bytes.toString('base64').slice(200, 260);
    };
    const files = [
      'node',
      'nat',
      'codec.inline',
      'server',
      'gateway',
      'network-test',
      'testing',
      'testing-server',
      'cli',
      'check',
      'serve',
    ];
    /** @type {Record<string, string[]>} */
    const found = {};
    for (const name of ['codec', 'engine', 'server', 'nat']) {
      const text = await marker(name);
      for (const file of files) {
        const source = await readFile(join(consumer.packageDirectory, `dist/${file}.js`), 'utf8');
        const times = source.split(text).length - 1;
        if (times > 0) found[file] = [...(found[file] ?? []), ...new Array(times).fill(name)];
      }
    }
    expect(found).toEqual({
      'codec.inline': ['codec'],
      node: ['engine'],
      cli: ['codec', 'engine'],
      // The reflector's client reads and writes messages of its own.
      'network-test': ['codec', 'engine'],
      // The mirror reads and writes messages of ICE.
      server: ['codec', 'server'],
      testing: ['codec'],
      'testing-server': ['codec', 'server'],
      gateway: expect.arrayContaining(['server']),
      nat: expect.arrayContaining(['nat']),
    });
  });
});
