// What the tests of the measurements share.

import { once } from 'node:events';
import { createServer as createHttp } from 'node:http';
import { createServer as createHttps } from 'node:https';
import { createReport } from '../../../js/report/index.js';
import { cleanUpWith, fixture } from '../transports/helpers.js';

/** @typedef {import('../../../js/measure/options.js').MeasureOptions} MeasureOptions */
/** @typedef {import('../../../js/resolve/system-resolver.js').NameResolver} NameResolver */

/** Long enough on a busy machine, where something is to answer. */
const PATIENCE_MS = 15_000;
/** Where only silence is to be met. */
export const SOON_MS = 300;
/** Where silence is to be met beside what answers. */
export const LATER_MS = 4000;

/** @param {Partial<MeasureOptions>} [options] @returns {MeasureOptions} */
export const optionsOf = (options = {}) => ({
  signal: new AbortController().signal,
  timeoutMs: PATIENCE_MS,
  tls: { ca: fixture('ca') },
  ...options,
});

/** @param {string} code */
const dnsError = (code) => Object.assign(new Error(code), { code });

/**
 * DNS as a test has it. A text in place of addresses is the code of a failure.
 *
 * @param {Record<string, readonly string[] | string>} names addresses of each
 * @param {Record<string, import('../../../js/resolve/srv-order.js').SrvRecord[]>} [services]
 * @returns {NameResolver & { asked: string[] }}
 */
export function resolverOf(names, services = {}) {
  /** @type {string[]} */
  const asked = [];
  return {
    asked,
    lookup: async (name, { family }) => {
      const found = names[name] ?? 'ENOTFOUND';
      if (typeof found === 'string') throw dnsError(found);
      const addresses = found.filter((one) => family === 0 || one.includes(':') === (family === 6));
      if (addresses.length === 0) throw dnsError('ENOTFOUND');
      return addresses.map((address) => ({ address }));
    },
    resolveSrv: async (name) => {
      asked.push(name);
      const found = services[name];
      if (found === undefined) throw dnsError('ENODATA');
      return found;
    },
  };
}

/** Who asks is never answered. @type {NameResolver} */
export const SILENT_RESOLVER = {
  lookup: () => new Promise(() => {}),
  resolveSrv: () => new Promise(() => {}),
};

/**
 * A web server on loopback.
 *
 * @param {import('node:http').RequestListener} [listener]
 * @param {string} [certificate] of tests/fixtures/tls; plain HTTP without
 */
export async function webServer(
  listener = (_, response) => void response.writeHead(204).end(),
  certificate,
) {
  const server =
    certificate === undefined
      ? createHttp(listener)
      : createHttps({ key: fixture('server-key'), cert: fixture(certificate) }, listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanUpWith(async () => {
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  });
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  return { server, port };
}

/**
 * The measurement as a report takes it, or the test fails.
 *
 * @template {import('../../../js/report/index.js').Measurement} M
 * @param {M} measurement
 * @returns {M}
 */
export function inReport(measurement) {
  const { measurements } = createReport({
    createdAt: new Date().toISOString(),
    tool: { name: 'test', version: '0' },
    platform: { name: 'node' },
    measurements: [measurement],
  });
  return /** @type {M} */ (measurements[0]);
}
