// The server side of the page: what is answered, and what is not.
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createPageHandler } from '../../../js/page-server/index.js';

const PLAN = { name: 'office', https: ['/ping'] };
const SCRIPT = `// ${'a script that is long enough to be worth compressing '.repeat(4)}\n`;

/** What docs/page.md tells those who serve it otherwise. @returns {[name: string, value: string][]} */
function documentedHeaders() {
  const page = readFileSync(new URL('../../../docs/page.md', import.meta.url), 'utf8');
  const [, lines] = /<!-- policy -->\n```\n([^`]*)```/.exec(page) ?? ['', ''];
  return lines
    .trim()
    .split('\n')
    .map((line) => [line.split(': ', 1)[0], line.replace(/^[^:]*: /, '')]);
}

/** @type {string} */
let directory;
/** @type {import('node:http').Server} */
let server;
let port = 0;
let isPlanBroken = false;

/** @param {string} path @param {{ method?: string, headers?: Record<string, string> }} [options] sent as it stands, dots and all */
async function ask(path, { method = 'GET', headers = {} } = {}) {
  const sent = request({ host: '127.0.0.1', port, path, method, headers, agent: false }).end();
  const [response] = await once(sent, 'response');
  const chunks = [];
  for await (const chunk of response) chunks.push(chunk);
  return { status: response.statusCode, headers: response.headers, body: Buffer.concat(chunks) };
}

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'postern-page-'));
  writeFileSync(join(directory, 'index.html'), '<!doctype html><title>page</title>');
  writeFileSync(join(directory, 'main-Ab3_x-9Z.js'), SCRIPT);
  const handler = createPageHandler({
    directory,
    plan: async () => {
      if (isPlanBroken) throw new Error('the secret reason');
      return { plan: PLAN, expiresAt: '2026-11-26T12:00:00.000Z' };
    },
  });
  server = createServer((asked, response) => {
    if (!handler(asked, response)) response.writeHead(404, { 'X-Other': 'yes' }).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  ({ port } = /** @type {import('node:net').AddressInfo} */ (server.address()));
});

afterAll(async () => {
  server.close();
  server.closeAllConnections();
  await once(server, 'close');
  rmSync(directory, { recursive: true });
});

test('the page comes with a policy that lets nothing of others run, and is asked for again each time', async () => {
  const { status, headers, body } = await ask('/?from=mail');
  expect(status).toBe(200);
  expect(String(body)).toContain('<title>page</title>');
  expect(headers).toMatchObject({
    'content-type': 'text/html; charset=utf-8',
    'cache-control': 'no-cache',
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'cross-origin-opener-policy': 'same-origin',
    'permissions-policy': expect.stringContaining('camera=()'),
  });
  const policy = Object.fromEntries(
    String(headers['content-security-policy'])
      .split('; ')
      .map((one) => [one.split(' ', 1)[0], one.split(' ').slice(1)]),
  );
  expect(policy).toMatchObject({
    'default-src': ["'none'"],
    'script-src': ["'self'", "'wasm-unsafe-eval'"],
    'style-src': ["'self'"],
    'img-src': ["'self'", 'data:'],
    'base-uri': ["'none'"],
    'form-action': ["'none'"],
    'frame-ancestors': ["'none'"],
  });
  expect(policy['connect-src']).toEqual(expect.arrayContaining(["'self'", 'https:', 'wss:']));
  expect(policy['connect-src']).toContain('ws://127.0.0.1:*');
});

test('the headers of docs/page.md are those of pages that come over TLS', async () => {
  const { headers } = await ask('/', { headers: { host: 'test.example.org' } });
  const own = ' ws://test.example.org';
  const documented = documentedHeaders();
  expect(documented.length).toBe(6);
  for (const [name, value] of documented) {
    const sent = String(headers[name.toLowerCase()]);
    expect([name, sent.replace(own, '')]).toEqual([name, value]);
  }
});

test('servers without TLS are allowed to pages of this machine only', async () => {
  const { headers } = await ask('/', { headers: { host: 'test.example.org' } });
  expect(headers['content-security-policy']).not.toContain('ws://127.0.0.1');
  expect(headers['content-security-policy']).toContain('ws://test.example.org');
  expect(headers['content-security-policy']).not.toContain('http:');
});

test('a file whose name has a hash is kept by caches, and comes compressed to who takes that', async () => {
  const path = '/main-Ab3_x-9Z.js';
  const plain = await ask(path);
  expect(plain.headers['cache-control']).toBe('public, max-age=31536000, immutable');
  expect(plain.headers['content-type']).toBe('text/javascript; charset=utf-8');
  expect(String(plain.body)).toBe(SCRIPT);
  const packed = await ask(path, { headers: { 'accept-encoding': 'br, gzip' } });
  expect(packed.headers).toMatchObject({ 'content-encoding': 'gzip', vary: 'Accept-Encoding' });
  expect(packed.body.length).toBeLessThan(SCRIPT.length);
  expect(String(gunzipSync(packed.body))).toBe(SCRIPT);
  const refused = await ask(path, { headers: { 'accept-encoding': 'gzip;q=0, br' } });
  expect(refused.headers['content-encoding']).toBeUndefined();

  const known = await ask(path, { headers: { 'if-none-match': String(plain.headers.etag) } });
  expect([known.status, known.body.length]).toEqual([304, 0]);
  const head = await ask(path, { method: 'HEAD' });
  expect([head.status, head.body.length]).toEqual([200, 0]);
  expect(head.headers['content-length']).toBe(String(SCRIPT.length));
});

test.each([
  '/../package.json',
  '/%2e%2e/package.json',
  '/..%2fpackage.json',
  '//etc/passwd',
  '/%',
  '/index.html/',
  '/nothing',
])('%s is none of the page', async (path) => {
  const { status, headers } = await ask(path);
  expect([status, headers['x-other']]).toEqual([404, 'yes']);
});

test('the plan is told fresh, to the page itself, and to no page of others', async () => {
  const { status, headers, body } = await ask('/plan.json', {
    headers: { 'sec-fetch-site': 'same-origin' },
  });
  expect([status, headers['cache-control'], JSON.parse(String(body))]).toEqual([
    200,
    'no-store',
    { plan: PLAN, expiresAt: '2026-11-26T12:00:00.000Z' },
  ]);
  for (const site of ['cross-site', 'same-site']) {
    const refused = await ask('/plan.json', { headers: { 'sec-fetch-site': site } });
    expect([refused.status, String(refused.body)]).toEqual([403, '{"error":"origin"}']);
  }
});

test('why there is no plan is not told', async () => {
  isPlanBroken = true;
  try {
    const { status, body } = await ask('/plan.json');
    expect([status, String(body)]).toEqual([503, '{"error":"no-plan"}']);
  } finally {
    isPlanBroken = false;
  }
});

test('who writes is refused', async () => {
  const { status, headers } = await ask('/plan.json', { method: 'POST' });
  expect([status, headers.allow]).toEqual([405, 'GET, HEAD']);
});

test('wrong options are told by name', () => {
  const plan = () => ({ plan: PLAN });
  for (const [options, argument] of /** @type {const} */ ([
    [{}, 'options.plan'],
    [{ plan, directory: '/nowhere' }, 'options.directory'],
  ])) {
    expect(() => createPageHandler(/** @type {any} */ (options))).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT', argument }),
    );
  }
});
