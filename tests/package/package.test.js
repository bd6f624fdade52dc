// The tarball: what is in it, and that it works where it is installed.
import { readdir, readFile } from 'node:fs/promises';
import { homedir, hostname } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { publint } from 'publint';
import { startStunResponder } from '../../js/dev/stun-responder.js';
import { coturnVersion, startCoturn } from '../support/coturn.js';
import { startUdpPeer } from '../support/udp-peers.js';
import {
  installPackage,
  npmRegistry,
  projectDirectory,
  runnableSamples,
  withChecks,
} from './consumer.js';

/** @type {import('./consumer.js').Consumer} */
let consumer;
/** @type {Record<string, any>} */
let manifest;

beforeAll(async () => {
  consumer = await installPackage();
  manifest = JSON.parse(await readFile(join(consumer.packageDirectory, 'package.json'), 'utf8'));
}, 60_000);
afterAll(() => consumer?.remove());

const samples = await runnableSamples(join(projectDirectory, 'README.md'));
const codecNames = [
  'Message',
  'PosternError',
  'PreparedKey',
  'StreamDeframer',
  'classify',
  'decode',
  'decodeBatch',
  'encode',
  'encodeBatch',
  'encodeInto',
  'init',
  'nonceFeatures',
  'prepareKey',
  'userhash',
  'verify',
  'verifyBatch',
];

const credentialsNames = [
  'PosternError',
  'createAccessToken',
  'createCredentials',
  'createIceServers',
  'explainCredentials',
  'normalizeIceServers',
  'verifyCredentials',
];

/** Every file name that a value of `exports` or `imports` holds. @param {any} target @returns {string[]} */
const targetsOf = (target) =>
  typeof target === 'string' ? [target] : Object.values(target).flatMap(targetsOf);

describe('the tarball', () => {
  const allowed = [
    /^(package\.json|README\.md|LICENSE|CHANGELOG\.md)$/,
    /^docs\/[\w-]+(\.md|\.schema\.json)$/,
    /^js\/([\w-]+\/)*[\w.-]+\.js$/,
    /^types\/([\w-]+\/)*[\w.-]+\.d\.ts$/,
    /^dist\/wasm\/\w+(\.wasm|\.mjs|\.d\.mts|\.base64\.js|\.base64\.d\.ts)$/,
    /^dist\/(node|nat|codec\.inline|server|gateway|network-test|testing|testing-server|cli|serve|check)\.js$/,
    /^dist\/page\/[\w.-]+$/,
  ];

  test('holds what is for users, and nothing else', () => {
    expect(consumer.files.filter((file) => !allowed.some((pattern) => pattern.test(file)))).toEqual(
      [],
    );
    for (const pattern of allowed)
      expect(consumer.files.filter((file) => pattern.test(file)).length).toBeGreaterThan(0);
  });

  test('has a declaration for each module', () => {
    const modules = consumer.files.filter((file) => file.startsWith('js/'));
    const declarations = modules.map((file) => file.replace(/^js\/(.*)\.js$/, 'types/$1.d.ts'));
    expect(declarations.filter((file) => !consumer.files.includes(file))).toEqual([]);
  });

  test('has no word about the machine that made it', async () => {
    const registry = new URL(await npmRegistry()).host;
    const telling = [
      projectDirectory.replace(/\/$/, ''),
      `${homedir()}/`,
      // A short name, or a common one, stands in words that say nothing of the machine.
      hostname().length < 6 || hostname() === 'localhost' ? '' : hostname(),
      registry,
      '/home/',
      '/Users/',
      'sourceMappingURL',
    ].filter((word) => word !== '');
    /** @type {string[]} */
    const found = [];
    for (const file of consumer.files) {
      const text = await readFile(join(consumer.packageDirectory, file), 'latin1');
      for (const word of telling) if (text.includes(word)) found.push(`${file}: ${word}`);
    }
    expect(found).toEqual([]);
  });

  test('needs one other package, of one version, and that for servers only', async () => {
    expect(manifest.dependencies).toEqual({ ws: expect.stringMatching(/^\d+\.\d+\.\d+$/) });
    for (const field of ['peerDependencies', 'optionalDependencies', 'bundleDependencies']) {
      expect(manifest[field]).toBeUndefined();
    }
    const installed = await readdir(join(consumer.directory, 'node_modules'));
    expect(installed.filter((name) => !name.startsWith('.'))).toEqual(['postern', 'ws']);
    for (const script of ['preinstall', 'install', 'postinstall', 'prepare']) {
      expect(manifest.scripts[script]).toBeUndefined();
    }
  });

  test('every file that package.json names is there', () => {
    const named = [...targetsOf(manifest.exports), ...targetsOf(manifest.imports)];
    expect(named.filter((file) => !consumer.files.includes(file.replace(/^\.\//, '')))).toEqual([]);
  });

  test('every entry with code has types', () => {
    for (const [name, target] of Object.entries(manifest.exports)) {
      if (/\.(wasm|json)$/.test(name)) continue;
      expect(Object.keys(/** @type {object} */ (target))[0]).toBe('types');
    }
  });

  test('publint has nothing to say', async () => {
    const { messages } = await publint({
      pkgDir: consumer.packageDirectory,
      pack: false,
      strict: true,
    });
    expect(messages).toEqual([]);
  });
});

describe('in Node.js', () => {
  /** Runs a file and reads the JSON that it prints. @param {string} name @param {string} source */
  async function resultOf(name, source) {
    const path = await consumer.write(name, source);
    const { stdout, stderr } = await consumer.node(['--disable-warning=ExperimentalWarning', path]);
    expect(stderr).toBe('');
    return JSON.parse(stdout);
  }

  const use = `
    const bytes = codec.encode({ class: 'request', method: 'Binding', attributes: { software: 'x' }, fingerprint: true });
    const { method, fingerprint, attributes } = codec.decode(bytes);
    const result = { method, fingerprint, software: attributes.software };
    console.log(JSON.stringify({ result, names: Object.keys(codec).filter((name) => name !== 'default' && name !== '__esModule').sort() }));
  `;
  const result = { method: 'Binding', fingerprint: 'valid', software: 'x' };

  test.each(['postern/codec', 'postern/codec/inline'])('import %s', async (entry) => {
    const found = await resultOf('import.mjs', `import * as codec from '${entry}';\n${use}`);
    expect(found).toEqual({ result, names: codecNames });
  });

  test.each(['postern/codec', 'postern/codec/inline'])('require(%p)', async (entry) => {
    const found = await resultOf('require.cjs', `const codec = require('${entry}');\n${use}`);
    expect(found).toEqual({ result, names: codecNames });
  });

  const useTesting = `
    const { addStunServer, addTurnServer, createNetwork } = testing;
    (async () => {
      const network = createNetwork();
      const nat = network.addNat();
      const { transport } = network.addHost({ nat });
      const { urls } = await addStunServer(network);
      const turn = await addTurnServer(network, { credentials: { alice: 'secret' } });
      const mapped = await network.runUntil(getMappedAddress(urls[0], { transport }));
      const user = { urls: turn.urls, username: 'alice', credential: 'secret' };
      const relay = await network.runUntil(allocate(user, { transport }));
      await network.advance(3600000);
      const { allocations } = turn.server.stats();
      await network.runUntil(Promise.all([relay.close(), turn.server.close()]));
      const isSame = mapped.address === nat.addresses[0];
      const names = Object.keys(testing).filter((name) => name !== 'default' && name !== '__esModule').sort();
      console.log(JSON.stringify({ isSame, allocations, names }));
    })();
  `;
  test.each([
    [
      'import',
      'mjs',
      "import * as testing from 'postern/testing';\nimport { allocate, getMappedAddress } from 'postern';",
    ],
    [
      'require()',
      'cjs',
      "const testing = require('postern/testing');\nconst { allocate, getMappedAddress } = require('postern');",
    ],
  ])(
    '%s of postern/testing, with clients and a server of the package',
    async (_, extension, load) => {
      const found = await resultOf(`testing.${extension}`, `${load}\n${useTesting}`);
      const names = ['PosternError', 'addStunServer', 'addTurnServer', 'createNetwork'];
      expect(found).toEqual({ isSame: true, allocations: 1, names });
    },
  );

  const useCredentials = `
    credentials.createCredentials({ secret: 'north', userId: 'alice', ttlSeconds: 3600, nowMs: 1700000000000 }).then((made) => {
      const names = Object.keys(credentials).filter((name) => name !== 'default' && name !== '__esModule').sort();
      console.log(JSON.stringify({ credential: made.credential, names }));
    });
  `;
  test.each([
    ['import', 'mjs', "import * as credentials from 'postern/credentials';"],
    ['require()', 'cjs', "const credentials = require('postern/credentials');"],
  ])('%s of postern/credentials', async (_, extension, load) => {
    const found = await resultOf(`credentials.${extension}`, `${load}\n${useCredentials}`);
    expect(found).toEqual({ credential: 'wjwSXO2ch1B6VaLTLMy2Avn5O9o=', names: credentialsNames });
  });

  test.each([
    ['import', 'mjs', "import * as report from 'postern/report';"],
    ['require()', 'cjs', "const report = require('postern/report');"],
  ])('%s of postern/report', async (_, extension, load) => {
    const found = await resultOf(
      `report.${extension}`,
      `${load}
       const made = report.createReport({
         createdAt: '2026-01-31T12:00:00Z', tool: { name: 'x', version: '1' }, platform: { name: 'node' }, measurements: [],
       });
       console.log(JSON.stringify([made.grade, report.fromJson(report.toJson(made)).grade]));`,
    );
    expect(found).toEqual(['unknown', 'unknown']);
  });

  test.each([
    ['import', 'mjs', "import * as test from 'postern/network-test';"],
    ['require()', 'cjs', "const test = require('postern/network-test');"],
  ])('%s of postern/network-test', async (_, extension, load) => {
    const found = await resultOf(
      `network-test.${extension}`,
      `${load}
       test.runNetworkTest({ natServer: false, https: ['http://127.0.0.1:1/'] }).then(({ tool, measurements: [one] }) =>
         console.log(JSON.stringify([tool.name, one.kind, one.error.systemCode, Object.keys(test).includes('checkPlan')])));`,
    );
    expect(found).toEqual(['postern', 'https', 'ECONNREFUSED', true]);
  });

  test('import and require() of postern give the same', async () => {
    const names = await resultOf(
      'both.mjs',
      `import * as imported from 'postern';
       import { createRequire } from 'node:module';
       const required = createRequire(import.meta.url)('postern');
       const names = Object.keys(imported);
       console.log(JSON.stringify(names.filter((name) => required[name] !== imported[name])));`,
    );
    expect(names).toEqual([]);
  });

  test('an error of one entry is one of the others too', async () => {
    const found = await resultOf(
      'errors.mjs',
      `import { decode } from 'postern/codec/inline';
       import { PosternError } from 'postern';
       import { PosternError as Same } from 'postern/codec';
       let error;
       try { decode(new Uint8Array(3)); } catch (thrown) { error = thrown; }
       console.log(JSON.stringify([error instanceof PosternError, error instanceof Same, error.code, error.offset]));`,
    );
    expect(found).toEqual([true, true, 'ERR_STUN_TOO_SHORT', 3]);
  });

  test('what is not exported cannot be reached', async () => {
    const found = await resultOf(
      'private.mjs',
      `const { code } = await import('postern/js/codec/core.js').catch((error) => error);
       console.log(JSON.stringify(code));`,
    );
    expect(found).toBe('ERR_PACKAGE_PATH_NOT_EXPORTED');
  });

  test.each(['codec', 'engine'])('the path of %s.wasm can be had', async (name) => {
    const found = await resultOf(
      'wasm.mjs',
      `import { readFileSync } from 'node:fs';
       const bytes = readFileSync(new URL(import.meta.resolve('postern/${name}.wasm')));
       console.log(JSON.stringify(WebAssembly.validate(bytes)));`,
    );
    expect(found).toBe(true);
  });
});

describe('README.md', () => {
  const hasCoturn = coturnVersion !== undefined;
  /** @type {import('../../js/dev/stun-responder.js').StunResponder} */
  let responder;
  /** @type {Awaited<ReturnType<typeof startCoturn>>} */
  let turnServer;
  /** @type {Awaited<ReturnType<typeof startUdpPeer>>} */
  let peer;
  beforeAll(async () => {
    responder = await startStunResponder();
    if (!hasCoturn) return;
    turnServer = await startCoturn({ users: { alice: 'secret' } });
    peer = await startUdpPeer();
  }, 30_000);
  afterAll(() => Promise.all([responder?.close(), turnServer?.stop(), peer?.close()]));

  /** @param {string} source */
  const toLoopback = (source) =>
    source
      .replaceAll('stun.example.org', `127.0.0.1:${responder.udpPort}`)
      .replaceAll('turn.example.org', `127.0.0.1:${turnServer?.port}`)
      .replaceAll("'198.51.100.7', port: 40000", `'127.0.0.1', port: ${peer?.port}`);

  test('has samples to run', () => {
    expect(samples.length).toBeGreaterThanOrEqual(2);
  });

  test.each(samples.map((sample) => /** @type {const} */ ([sample.line, sample])))(
    'the sample of line %i runs, and does what it says',
    async (_line, { source }) => {
      if (source.includes('turn:turn.') && !hasCoturn && !process.env.CI) return;
      const { program, checks } = withChecks(source);
      const path = await consumer.write('sample.mjs', toLoopback(program));
      const { stdout, stderr } = await consumer.node([path]);
      expect(stderr).toBe('');
      // Either way something was seen to be true.
      expect(checks + stdout.length).toBeGreaterThan(0);
      if (source.includes('getMappedAddress'))
        expect(stdout).toMatch(/^127\.0\.0\.1:\d+, [\d.]+ ms$/m);
      if (source.includes('turn:turn.') && source.includes('allocate('))
        expect(stdout).toMatch(/^hello from 127\.0\.0\.1\nclosed$/m);
      if (source.includes('createServer('))
        expect([stdout, checks]).toEqual(['alice over udp\n', 1]);
      if (source.includes('createIceServers('))
        expect(stdout).toMatch(
          /^\d{10}:alice\nexpired The time of the credentials ran out 1 h ago/m,
        );
      if (source.includes('runNetworkTest('))
        expect([checks, stdout.split('\n')[0]]).toEqual([
          1,
          expect.stringMatching(/^Calls will work well: UDP passes\./),
        ]);
      if (source.includes('checkIceServers('))
        expect(stdout.match(/(udp|tcp) true \d/g)).toHaveLength(3);
    },
    30_000,
  );
});
