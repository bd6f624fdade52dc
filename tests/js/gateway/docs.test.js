// docs/gateway.md: its samples run, and its tables have what there is.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { encode } from '../../../js/codec/index.js';
import { CLOSE } from '../../../js/gateway/index.js';
import { DEFAULT_LIMITS } from '../../../js/gateway/options.js';
import { cleanUp, ORIGIN, onCleanUp, openClient, ticketFor, udpUpstream } from './support.js';

const root = new URL('../../../', import.meta.url);
const page = await readFile(new URL('docs/gateway.md', root), 'utf8');
const samples = [...page.matchAll(/<!-- run -->\n```js\n([\s\S]*?)```/g)].map(([, code]) => code);
const require = createRequire(import.meta.url);
const SECRET = 'a secret of sixteen bytes and more';

/** @type {string} */
let folder;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'postern-docs-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));
afterEach(cleanUp);

/** @param {string} path */
const sourceOf = (path) => `'${new URL(path, root).href}'`;

/**
 * Runs a sample with servers of this machine in place of those that it names, and what the test adds to it.
 *
 * @param {string} sample @param {string} more
 * @returns {Promise<any>} what it prints last, as JSON
 */
async function run(sample, more) {
  const { port } = await udpUpstream();
  const program = `${sample}\n${more}`
    .replaceAll("'postern/gateway'", sourceOf('js/gateway/index.js'))
    .replaceAll("'express'", `'${pathToFileURL(require.resolve('express')).href}'`)
    .replaceAll('port: 8080', 'port: 0')
    .replaceAll('app.listen(3000)', "app.listen(0, '127.0.0.1')")
    .replaceAll("'turn:turn.example.org'", `{ url: 'turn:127.0.0.1:${port}', allowPrivate: true }`);
  const path = join(folder, `sample-${port}.mjs`);
  await writeFile(path, program);
  const child = spawn(process.execPath, [path], {
    env: { ...process.env, TICKET_SECRET: SECRET },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  onCleanUp(async () => {
    child.kill();
    await ended;
  });
  let text = '';
  for await (const chunk of child.stdout.setEncoding('utf8')) {
    text += chunk;
    const line = text.split('\n').find((one) => one.startsWith('{'));
    if (line !== undefined) return JSON.parse(line);
  }
  throw new Error(`it has ended: ${text}`);
}

const binding = () => encode({ class: 'request', method: 'Binding' });

describe('the samples', () => {
  test('there are two', () => expect(samples).toHaveLength(2));

  test('ten lines make a gateway', async () => {
    const code = samples[0]
      .trim()
      .split('\n')
      .filter((line) => line !== '');
    expect(code.length).toBeLessThanOrEqual(10);
    const { url } = await run(samples[0], 'console.log(JSON.stringify({ url: gateway.url }));');
    const client = await openClient(`${url}main`, { ticket: ticketFor({ secret: SECRET }) });
    expect((await client.ask(binding())).class).toBe('success');
  });

  test('beside Express, which hands out the tickets', async () => {
    const { port } = await run(
      samples[1],
      `app.get('/hello', (request, response) => response.send('hello'));
       if (!server.listening) await new Promise((resolve) => server.once('listening', resolve));
       console.log(JSON.stringify({ port: server.address().port }));`,
    );
    const site = `http://127.0.0.1:${port}`;
    expect(await (await fetch(`${site}/hello`)).text()).toBe('hello');
    const response = await fetch(`${site}/ticket`, { method: 'POST' });
    expect(response.headers.get('cache-control')).toBe('no-store');
    const { ticket, protocols } = await response.json();
    expect(protocols).toEqual(['turn', ticket]);
    const client = await openClient(`ws://127.0.0.1:${port}/turn/main`, { ticket, origin: ORIGIN });
    expect((await client.ask(binding())).class).toBe('success');
    expect(await (await fetch(`${site}/hello`)).text()).toBe('hello');
  });
});

describe('the tables', () => {
  const rows = [...page.matchAll(/^\| (.*) \|$/gm)].map(([, row]) => row.split(' | '));

  test('have each code of closing, once, and no other', () => {
    const codes = rows.map(([first]) => first).filter((first) => /^\d{4}$/.test(first));
    // A message that is too long is closed by ws.
    expect(codes.map(Number).sort()).toEqual([1009, ...Object.values(CLOSE)].sort());
  });

  test('have each limit, with its default', () => {
    const told = Object.fromEntries(rows.map(([name, value]) => [name.replaceAll('`', ''), value]));
    for (const [name, value] of Object.entries(DEFAULT_LIMITS)) {
      expect([name, told[name]]).toEqual([name, String(value)]);
    }
  });

  test('have each reason that the sources name', async () => {
    const directory = new URL('js/gateway/', root);
    const sources = await Promise.all(
      (await readdir(directory)).map((name) =>
        readFile(fileURLToPath(new URL(name, directory)), 'utf8'),
      ),
    );
    const text = sources.join('\n');
    const reasons = new Set([
      ...[...text.matchAll(/code: CLOSE\.\w+, reason: '([\w-]+)'/g)].map(([, reason]) => reason),
      ...[...text.matchAll(/(?:end|UpstreamFailure)\(CLOSE\.\w+, '([\w-]+)'/g)].map(
        ([, reason]) => reason,
      ),
      ...[...text.matchAll(/\[CLOSE\.\w+, '([\w-]+)'\]/g)].map(([, reason]) => reason),
    ]);
    expect(reasons.size).toBeGreaterThan(20);
    // These two are for strangers only, or come before the WebSocket.
    for (const reason of ['origin', 'sub-protocol']) reasons.delete(reason);
    expect([...reasons].filter((reason) => !page.includes(`\`${reason}\``))).toEqual([]);
  });
});
