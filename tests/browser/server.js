// A web server on the loopback interface, with the headers of a strict site, that hears back from its pages.

import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, normalize, sep } from 'node:path';

/** What README.md promises to work under. */
export const STRICT_POLICY = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'";

const TYPES = new Map([
  ['.css', 'text/css'],
  ['.html', 'text/html; charset=utf-8'],
  ['.js', 'text/javascript'],
  ['.mjs', 'text/javascript'],
  ['.wasm', 'application/wasm'],
]);

const MAX_REPORT_BYTES = 1024 * 1024;

/** @param {import('node:http').IncomingMessage} request */
async function readBody(request) {
  const chunks = [];
  let length = 0;
  for await (const chunk of request) {
    length += chunk.length;
    if (length > MAX_REPORT_BYTES) throw new Error('the report is too long');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

/**
 * @typedef {object} Site
 * @property {string} origin such as 'http://127.0.0.1:40123'
 * @property {string[]} requests paths in the order of their requests
 * @property {() => Promise<any>} nextReport the next JSON that a page POSTs to /report
 * @property {() => Promise<void>} close
 */

/**
 * Serves the files of a folder. A page says what it found with
 * `fetch('/report', { method: 'POST', body: JSON.stringify(…) })`, and reads the answer, so that nobody has to look into it from outside.
 *
 * @param {string} directory
 * @param {{ policy?: string }} [options] the Content-Security-Policy
 * @returns {Promise<Site>}
 */
export async function serve(directory, { policy = STRICT_POLICY } = {}) {
  /** @type {string[]} */
  const requests = [];
  /** @type {unknown[]} */
  const reports = [];
  /** @type {((report: unknown) => void)[]} */
  const waiting = [];

  /** @param {unknown} report */
  const take = (report) => {
    const next = waiting.shift();
    if (next) next(report);
    else reports.push(report);
  };

  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    requests.push(pathname);
    response.setHeader('Content-Security-Policy', policy);
    response.setHeader('X-Content-Type-Options', 'nosniff');
    response.setHeader('Cache-Control', 'no-store');
    try {
      if (request.method === 'POST' && pathname === '/report') {
        const report = JSON.parse(await readBody(request));
        // The page has its answer before somebody closes it.
        response.on('close', () => take(report));
        response.writeHead(200).end('thanks');
        return;
      }
      // Every browser asks for one; its absence is no error of the page.
      if (pathname === '/favicon.ico') {
        response.writeHead(204).end();
        return;
      }
      const path = normalize(
        join(directory, pathname.endsWith('/') ? `${pathname}index.html` : pathname),
      );
      if (!path.startsWith(normalize(directory) + sep)) throw new Error('outside of the folder');
      const content = await readFile(path);
      response.setHeader('Content-Type', TYPES.get(extname(path)) ?? 'application/octet-stream');
      response.writeHead(200).end(content);
    } catch (error) {
      response.writeHead(404).end(String(error));
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());

  return {
    origin: `http://127.0.0.1:${port}`,
    requests,
    nextReport: () =>
      reports.length > 0
        ? Promise.resolve(reports.shift())
        : new Promise((resolve) => waiting.push(resolve)),
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
