// What the tests against coturn share: certificates, raw exchanges, names.
import { execFileSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { decode, StreamDeframer } from '../../js/codec/index.js';

export const NAME = 'stun.example.org';

/**
 * An authority and a certificate of it for NAME, or for others, made by openssl for this run.
 *
 * @param {readonly string[]} [names] as openssl writes alternative names: 'DNS:…', 'IP:…'
 */
export function makeCertificate(names = [`DNS:${NAME}`]) {
  const folder = mkdtempSync(join(tmpdir(), 'postern-tls-'));
  const newKey = [
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:prime256v1',
    '-nodes',
    '-days',
    '30',
  ];
  const openssl = (/** @type {string[]} */ ...args) =>
    void execFileSync('openssl', ['req', '-x509', ...newKey, ...args], {
      cwd: folder,
      stdio: 'pipe',
    });
  openssl(
    '-keyout',
    'ca-key.pem',
    '-out',
    'ca.pem',
    '-subj',
    '/CN=Test CA',
    '-addext',
    'keyUsage=keyCertSign',
  );
  openssl(
    ...['-CA', 'ca.pem', '-CAkey', 'ca-key.pem', '-keyout', 'key.pem', '-out', 'server.pem'],
    ...['-subj', `/CN=${NAME}`, '-addext', `subjectAltName=${names.join()}`],
    ...['-addext', 'basicConstraints=critical,CA:FALSE'],
  );
  return {
    ca: readFileSync(join(folder, 'ca.pem')),
    files: {
      ca: join(folder, 'ca.pem'),
      certificate: join(folder, 'server.pem'),
      key: join(folder, 'key.pem'),
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

const fixturePath = (/** @type {string} */ name) =>
  fileURLToPath(new URL(`../fixtures/tls/${name}.pem`, import.meta.url));

/** The certificate of tests/fixtures/tls for localhost, NAME, 127.0.0.1 and ::1, and its authority. */
export const fixtureCertificate = {
  ca: readFileSync(fixturePath('ca')),
  files: { certificate: fixturePath('good'), key: fixturePath('server-key') },
};

/** Finds NAME, and everything else, at one address. @param {string} host */
export const resolverOf = (host) => ({
  lookup: async () => [{ address: host, family: host.includes(':') ? 6 : 4 }],
  resolveSrv: async () => [],
});

/** @param {string} host @param {number} port @param {string} [scheme] */
export const uriOf = (host, port, scheme = 'stun') =>
  `${scheme}:${host.includes(':') ? `[${host}]` : host}:${port}`;

/** How long an answer of a server on this machine may take before the request is sent again. */
const AGAIN_MS = 2000;

/**
 * The bytes that the server answers one datagram with. No code of postern's is in between.
 *
 * @param {string} host
 * @param {number} port
 * @param {Uint8Array} request
 * @returns {Promise<Uint8Array>}
 */
export async function exchangeUdp(host, port, request) {
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
  socket.connect(port, host);
  await once(socket, 'connect');
  const timer = setInterval(() => socket.send(request), AGAIN_MS);
  try {
    const answer = once(socket, 'message');
    socket.send(request);
    return (await answer)[0];
  } finally {
    clearInterval(timer);
    socket.close();
  }
}

/**
 * The first message that the server answers with over TCP.
 *
 * @param {string} host
 * @param {number} port
 * @param {Uint8Array} request
 */
export async function exchangeTcp(host, port, request) {
  const socket = connect(port, host);
  socket.write(request);
  const deframer = new StreamDeframer();
  try {
    for await (const chunk of socket) {
      const [frame] = deframer.push(chunk);
      if (frame !== undefined) return decode(Uint8Array.from(frame.bytes));
    }
  } finally {
    socket.destroy();
  }
  throw new Error('the server closed the connection without an answer');
}

/**
 * What a promise rejects with; fails where it fulfils.
 *
 * @param {Promise<unknown>} promise
 * @returns {Promise<any>}
 */
export async function rejection(promise) {
  let result;
  try {
    result = await promise;
  } catch (error) {
    return error;
  }
  throw new Error(`the promise was fulfilled with ${JSON.stringify(result)}`);
}
