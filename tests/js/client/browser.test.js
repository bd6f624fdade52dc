// What a browser gets of the package, bundled for it. It runs in a Node.js of its own here: that there is
// nothing of Node.js in it is esbuild's to see; tests/package loads it in Chromium.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { build } from 'esbuild';
import { project, runNode } from './child.js';

jest.setTimeout(120_000);

/** Prints what becomes of each case. */
const PROGRAM = `
  import { decode, encode, init as initCodec } from './js/codec/index.js';
  import { getMappedAddress, init, memoryTransportPair, openStunClient } from './js/index.js';

  const outcome = async (promise) => {
    try {
      const { address, port } = await promise;
      return { address, port };
    } catch (error) {
      const { name, code, message, hint, url } = error;
      return { name, code, message, hint, url };
    }
  };
  const transport = async () => {
    const [near, far] = memoryTransportPair();
    far.onbytes = (bytes, source) => {
      const { transactionId } = decode(bytes);
      const attributes = { xorMappedAddress: source };
      far.send(encode({ class: 'success', method: 'Binding', transactionId, attributes }));
    };
    return near;
  };
  const uri = 'stun:stun.example.org';
  const results = {};
  // The file is not where it was when it was bundled.
  results.notLoaded = await outcome(getMappedAddress(uri, { transport }));
  results.aborted = await outcome(init({ signal: AbortSignal.abort(new Error('enough')) }));
  results.notWasm = await outcome(init({ wasmUrl: 'data:text/html,<h1>Not found</h1>' }));
  const [engine, codec] = process.argv.slice(2);
  const controller = new AbortController();
  const [one, other] = [
    outcome(init({ wasmUrl: engine, signal: controller.signal })),
    outcome(init({ wasmUrl: engine }).then(() => ({ address: 'loaded' }))),
  ];
  controller.abort(new Error('enough'));
  results.abortedWhileOthersWait = await one;
  results.othersWait = await other;
  await initCodec({ wasmUrl: codec });
  results.withTransport = await outcome(getMappedAddress(uri, { transport }));
  results.without = await outcome(getMappedAddress(uri));
  results.named = await outcome(getMappedAddress('stun:127.0.0.1:3478', { transport: 'udp' }));
  results.client = await outcome(openStunClient(uri));
  const { port } = memoryTransportPair()[0].localAddress;
  globalThis.WebSocket = class extends EventTarget {
    readyState = 1;
    bufferedAmount = 0;
    protocol = 'turn';
    constructor(url, protocols) {
      super();
      results.opened = { url, protocols };
      queueMicrotask(() => this.dispatchEvent(new Event('open')));
    }
    send(bytes) {
      const { transactionId } = decode(bytes);
      const attributes = { xorMappedAddress: { address: '192.0.2.7', port } };
      const answer = encode({ class: 'success', method: 'Binding', transactionId, attributes });
      const data = Uint8Array.from(answer).buffer;
      queueMicrotask(() => this.dispatchEvent(Object.assign(new Event('message'), { data })));
    }
    close() {
      const end = { code: 1000, reason: '', wasClean: true };
      queueMicrotask(() => this.dispatchEvent(Object.assign(new Event('close'), end)));
    }
  };
  results.webSocket = await outcome(getMappedAddress('wss://turn.example.org/turn?x=1'));
  results.wrongTransport = await outcome(getMappedAddress('wss://turn.example.org/', { transport: 'udp' }));
  console.log(JSON.stringify(results));
`;

/** @type {string} */
let folder;
/** @type {Record<string, any>} */
let results;

beforeAll(async () => {
  const { outputFiles } = await build({
    absWorkingDir: project,
    stdin: { contents: PROGRAM, resolveDir: project },
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'browser',
    // Top-level await is the test's, not the package's.
    target: 'es2022',
    logLevel: 'silent',
  });
  folder = await mkdtemp(join(tmpdir(), 'postern-browser-'));
  const bundle = join(folder, 'bundle.mjs');
  await writeFile(bundle, outputFiles[0].text);
  const urls = await Promise.all(
    ['engine', 'codec'].map(async (name) => {
      const wasm = await readFile(join(project, `dist/wasm/${name}.wasm`));
      return `data:application/wasm;base64,${wasm.toString('base64')}`;
    }),
  );
  const { status, stdout, stderr } = await runNode([bundle, ...urls]);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  results = JSON.parse(stdout);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test('with a transport of the page, it works', () => {
  expect(results.withTransport).toEqual({ address: '192.0.2.1', port: 50_000 });
});

test('over a WebSocket, it works', () => {
  expect(results.webSocket).toEqual({ address: '192.0.2.7', port: 50_000 });
  expect(results.opened).toEqual({ url: 'wss://turn.example.org/turn?x=1', protocols: ['turn'] });
  expect(results.wrongTransport).toMatchObject({ code: 'ERR_INVALID_ARGUMENT' });
});

test.each(['without', 'named', 'client'])('without one, the error says what to do (%s)', (name) => {
  expect(results[name]).toMatchObject({ name: 'PosternError', code: 'ERR_TRANSPORT_UNSUPPORTED' });
  expect(results[name].hint).toContain('options.transport');
  expect(results[name].hint).toContain('RTCPeerConnection');
  expect(results[name].hint).toContain('wss://');
  expect(results[name].url).toMatch(/^stun:/);
});

test('a WebAssembly file that is not there: ERR_WASM_LOAD, and it can be tried again', () => {
  expect(results.notLoaded).toMatchObject({ name: 'PosternError', code: 'ERR_WASM_LOAD' });
  expect(results.notLoaded.hint).toContain('.wasm');
  expect(results.notWasm).toMatchObject({ name: 'PosternError', code: 'ERR_WASM_LOAD' });
});

test('loading can be aborted, and goes on for others', () => {
  expect(results.aborted).toMatchObject({ name: 'Error', message: 'enough' });
  expect(results.abortedWhileOthersWait).toMatchObject({ name: 'Error', message: 'enough' });
  expect(results.othersWait).toEqual({ address: 'loaded' });
});
