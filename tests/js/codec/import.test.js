// What importing an entry does: nothing. What the first use does: one small instance, made without eval.
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, test } from '@jest/globals';

const root = new URL('../../../', import.meta.url);
/** @type {Record<string, string | Record<string, string>>} */
const exported = JSON.parse(readFileSync(new URL('package.json', root), 'utf8')).exports;
/** File of an entry, and what it is the entry of. */
const files = new Map();
for (const [name, targets] of Object.entries(exported)) {
  for (const [condition, path] of typeof targets === 'string' ? [] : Object.entries(targets)) {
    const { href } = new URL(path, root);
    if (condition !== 'types' && !files.has(href)) files.set(href, `${name} (${condition})`);
  }
}
/** @type {[string, string][]} */
const entries = Array.from(files, ([href, name]) => [name, href]);
const codecEntries = entries.filter(([name]) => name.startsWith('./codec'));

/**
 * Runs a module in a process of its own and reads the JSON that it prints; anything else that is printed fails.
 *
 * @param {string} source
 * @param {string[]} [flags]
 */
async function inNewProcess(source, flags = []) {
  const args = [...flags, '--input-type=module', '--eval', source];
  const { stdout, stderr } = await promisify(execFile)(process.execPath, args, {
    cwd: fileURLToPath(root),
  });
  expect(stderr).toBe('');
  return JSON.parse(stdout);
}

/** Counts what is compiled and instantiated, and finds what a module changed around it. */
const watch = `
  const counts = { modules: 0, instances: 0, memories: 0 };
  for (const [name, count] of [['Module', 'modules'], ['Instance', 'instances'], ['Memory', 'memories']]) {
    WebAssembly[name] = new Proxy(WebAssembly[name], {
      construct(target, args) { counts[count] += 1; return new target(...args); },
    });
  }
  for (const name of ['compile', 'instantiate', 'compileStreaming', 'instantiateStreaming']) {
    WebAssembly[name] = () => { throw new Error(name + ' was called'); };
  }
  const look = () => ({
    globals: Object.getOwnPropertyNames(globalThis).sort(),
    listeners: process.eventNames().map((name) => [String(name), process.listenerCount(name)]),
    // Without the files that Node.js itself is closing behind it.
    resources: process.getActiveResourcesInfo().filter((name) => !/^(CloseReq|FSReq)/.test(name)),
    prototypes: [Object, Array, Function, Uint8Array, Promise, Error, EventTarget].map(({ prototype }) =>
      Object.getOwnPropertyNames(prototype).length),
    exitCode: process.exitCode,
  });
  const before = look();
`;

describe.each(entries)('import of %s', (_name, url) => {
  test('changes nothing, starts nothing, compiles nothing', async () => {
    const { before, after, counts } = await inNewProcess(`${watch}
      await import(${JSON.stringify(url)});
      console.log(JSON.stringify({ before, after: look(), counts }));`);
    expect(after).toEqual(before);
    expect(counts).toEqual({ modules: 0, instances: 0, memories: 0 });
  });

  test('needs no await: require() takes it', async () => {
    const names = await inNewProcess(
      `
      import { createRequire } from 'node:module';
      process.removeAllListeners('warning');
      const entry = createRequire(import.meta.url)(${JSON.stringify(fileURLToPath(url))});
      console.log(JSON.stringify(Object.keys(entry)));`,
      ['--disable-warning=ExperimentalWarning'],
    );
    expect(names).toContain('PosternError');
  });
});

const use = `
  const key = codec.prepareKey({ username: 'u', realm: 'r', password: 'p', algorithm: 'SHA-256' });
  const attributes = { software: 'x', xorMappedAddress: { address: '2001:db8::1', port: 1 } };
  const bytes = codec.encode({ class: 'success', method: 'Binding', attributes, key, fingerprint: true });
  const message = codec.decode(bytes);
  new codec.StreamDeframer().push(bytes);
  codec.decodeBatch([bytes, bytes]);
  const works = codec.verify(message, key) && message.attributes.xorMappedAddress.address === '2001:db8::1';
`;

describe.each(codecEntries)('the first use of %s', (_name, url) => {
  test('makes one instance, and starts nothing that stays', async () => {
    const { before, after, counts, works } = await inNewProcess(`${watch}
      const codec = await import(${JSON.stringify(url)});
      ${use}
      console.log(JSON.stringify({ before, after: look(), counts, works }));`);
    expect(works).toBe(true);
    expect(after).toEqual(before);
    expect(counts).toEqual({ modules: 1, instances: 1, memories: expect.any(Number) });
  });

  test('works where code must not be made from strings', async () => {
    const result = await inNewProcess(
      `
      const codec = await import(${JSON.stringify(url)});
      ${use}
      let hasEval = true;
      try { (0, eval)('1'); } catch { hasEval = false; }
      console.log(JSON.stringify({ works, hasEval }));`,
      ['--disallow-code-generation-from-strings'],
    );
    expect(result).toEqual({ works: true, hasEval: false });
  });

  test('takes at most 1 MiB of linear memory, which does not grow', async () => {
    const { sizes } = await inNewProcess(`
      const memories = [];
      WebAssembly.Instance = new Proxy(WebAssembly.Instance, {
        construct(target, args) {
          const instance = new target(...args);
          for (const value of Object.values(instance.exports)) if (value instanceof WebAssembly.Memory) memories.push(value);
          return instance;
        },
      });
      const codec = await import(${JSON.stringify(url)});
      const sizes = [];
      const look = () => sizes.push(memories.map(({ buffer }) => buffer.byteLength));
      ${use}
      look();
      for (let i = 0; i < 300; i += 1) {
        const data = new Uint8Array(65_000);
        const list = codec.encodeBatch([1, 2].map(() => ({ class: 'request', method: 'Send', attributes: { data }, key })));
        for (const message of codec.decodeBatch(list)) message.toJSON();
      }
      look();
      console.log(JSON.stringify({ sizes }));`);
    const [first, last] = sizes;
    expect(first.length).toBe(1);
    expect(first[0]).toBeLessThanOrEqual(1024 * 1024);
    expect(last).toEqual(first);
  });

  test('init() is allowed there too, and does it once', async () => {
    const { counts } = await inNewProcess(`${watch}
      const codec = await import(${JSON.stringify(url)});
      await Promise.all([codec.init(), codec.init(), codec.init({ signal: new AbortController().signal })]);
      ${use}
      console.log(JSON.stringify({ counts }));`);
    expect(counts.instances).toBe(1);
  });

  test('init() with bytes that are no WebAssembly says why they cannot be loaded', async () => {
    const { code, cause } = await inNewProcess(`
      const codec = await import(${JSON.stringify(url)});
      const { code, cause } = await codec.init({ wasmBinary: new Uint8Array([1, 2, 3]) }).catch((error) => error);
      console.log(JSON.stringify({ code, cause: String(cause) }));`);
    expect(code).toBe('ERR_WASM_LOAD');
    expect(cause).toMatch(/CompileError|RuntimeError/);
  });
});
