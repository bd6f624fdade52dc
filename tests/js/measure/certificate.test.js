// Certificates of servers on loopback: good ones, and each that clients refuse.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { measureCertificate } from '../../../js/measure/certificate.js';
import { startHttpProxy } from '../../support/http-proxy.js';
import { rejection } from '../client/support.js';
import { cleanUp, cleanUpWith, openSockets, tcpServer, tlsServer } from '../transports/helpers.js';
import { inReport, optionsOf, resolverOf, SOON_MS } from './support.js';

jest.setTimeout(30_000);
afterEach(cleanUp);

const run = promisify(execFile);

/** @param {number} port @param {Partial<import('../../../js/measure/certificate.js').CertificateTarget>} [more] @returns {import('../../../js/measure/certificate.js').CertificateTarget} */
const targetOf = (port, more = {}) => ({
  uri: { scheme: 'turns', host: 'localhost', port, transport: 'tcp', secure: true },
  port,
  alpn: 'stun.turn',
  ...more,
});

test('all that it says', async () => {
  const { target } = await tlsServer('good', undefined, {
    ALPNProtocols: ['http/1.1', 'stun.turn'],
  });
  const found = inReport(await measureCertificate(targetOf(target.port), optionsOf()));
  expect(found).toEqual({
    id: `certificate/localhost/${target.port}`,
    kind: 'certificate',
    whose: 'client',
    status: 'ok',
    host: 'localhost',
    port: target.port,
    names: ['localhost', 'stun.example.org', '127.0.0.1', '::1'],
    issuer: 'postern test authority',
    validFrom: '2024-01-01T00:00:00.000Z',
    validTo: '2124-01-01T00:00:00.000Z',
    alpn: 'stun.turn',
    protocol: expect.stringMatching(/^TLSv1\.[23]$/),
    trusted: true,
    elapsedMs: expect.any(Number),
  });
});

test('a server that knows nothing of ALPN', async () => {
  const { target } = await tlsServer('good');
  const found = inReport(await measureCertificate(targetOf(target.port), optionsOf()));
  expect(found).toMatchObject({ status: 'ok', trusted: true });
  expect(found.alpn).toBeUndefined();
});

describe('what is not to be trusted is read all the same', () => {
  test.each([
    ['expired', 'CERT_HAS_EXPIRED', { validTo: '2024-01-02T00:00:00.000Z' }],
    ['not-yet-valid', 'CERT_NOT_YET_VALID', { validTo: '2124-01-01T00:00:00.000Z' }],
    ['wrong-name', 'ERR_TLS_CERT_ALTNAME_INVALID', { names: ['other.example.org'] }],
    ['self-signed', 'DEPTH_ZERO_SELF_SIGNED_CERT', { issuer: 'localhost' }],
  ])('%s', async (certificate, systemCode, facts) => {
    const { target } = await tlsServer(certificate);
    const found = inReport(await measureCertificate(targetOf(target.port), optionsOf()));
    expect(found).toMatchObject({
      status: 'failed',
      trusted: false,
      ...facts,
      error: { code: 'ERR_TRANSPORT_TLS', systemCode, phase: 'tls', hint: expect.any(String) },
    });
  });

  test('an authority that this machine does not know', async () => {
    const { target } = await tlsServer('good');
    const found = inReport(
      await measureCertificate(targetOf(target.port), optionsOf({ tls: undefined })),
    );
    expect(found).toMatchObject({ status: 'failed', trusted: false, names: expect.any(Array) });
    expect(found.error?.systemCode).toMatch(/^UNABLE_TO_/);
  });
});

test('NODE_EXTRA_CA_CERTS counts', async () => {
  const { target } = await tlsServer('good');
  const path = (/** @type {string} */ name) => fileURLToPath(new URL(name, import.meta.url));
  const program = `
    import { measureCertificate } from ${JSON.stringify(new URL('../../../js/measure/certificate.js', import.meta.url))};
    const { signal } = new AbortController();
    const { status, trusted } = await measureCertificate(${JSON.stringify(targetOf(target.port))}, { signal, timeoutMs: 15000 });
    console.log(status, trusted);`;
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', program], {
    env: {
      ...process.env,
      NODE_EXTRA_CA_CERTS: path('../../fixtures/tls/ca.pem'),
      NODE_OPTIONS: '',
    },
  });
  expect(stdout).toBe('ok true\n');
});

test('an address in the certificate', async () => {
  const { target } = await tlsServer('good');
  const uri = /** @type {const} */ ({
    scheme: 'turns',
    host: '127.0.0.1',
    port: target.port,
    transport: 'tcp',
    secure: true,
  });
  const found = inReport(await measureCertificate(targetOf(target.port, { uri }), optionsOf()));
  expect(found).toMatchObject({ status: 'ok', host: '127.0.0.1' });
});

test('without a port, SRV records say where the server is, and the name is still that of the URI', async () => {
  const { target } = await tlsServer('good');
  const name = 'stun.example.org';
  const resolver = resolverOf(
    { 'host.example.net': ['127.0.0.1'] },
    {
      [`_turns._tcp.${name}`]: [
        { name: 'host.example.net', port: target.port, priority: 1, weight: 1 },
      ],
    },
  );
  const uri = /** @type {const} */ ({
    scheme: 'turns',
    host: name,
    port: null,
    transport: 'tcp',
    secure: true,
  });
  const found = await measureCertificate(
    { uri, port: 5349, alpn: 'stun.turn' },
    optionsOf({ resolver }),
  );
  expect(inReport(found)).toMatchObject({ status: 'ok', trusted: true, host: name, port: 5349 });
});

test('what speaks no TLS', async () => {
  const { target } = await tcpServer((socket) => void socket.end('220 mail.example.org ESMTP\r\n'));
  const found = inReport(await measureCertificate(targetOf(target.port), optionsOf()));
  expect(found).toMatchObject({ status: 'failed', error: { code: 'ERR_TRANSPORT_TLS' } });
  expect(found.trusted).toBeUndefined();
});

describe('a server that is not reached', () => {
  test('nobody listens: its certificate is unknown', async () => {
    const { server, target } = await tcpServer(() => {});
    server.close();
    const found = inReport(await measureCertificate(targetOf(target.port), optionsOf()));
    expect(found).toMatchObject({ status: 'unknown', error: { systemCode: 'ECONNREFUSED' } });
    expect(found.because).toMatch(/not reached/);
  });

  test('is asked through the proxy', async () => {
    const { target } = await tlsServer('good');
    const proxy = await startHttpProxy({ names: { localhost: '127.0.0.1' } });
    cleanUpWith(() => proxy.close());
    const options = optionsOf({ resolver: resolverOf({}) });
    const alone = await measureCertificate(targetOf(target.port), options);
    expect(alone).toMatchObject({ status: 'unknown', error: { code: 'ERR_DNS' } });
    const found = inReport(await measureCertificate(targetOf(target.port), options, proxy.url()));
    expect(found).toMatchObject({ status: 'ok', trusted: true });
    expect(proxy.requests).toHaveLength(1);
  });

  test('one that is reached straight is not asked through the proxy', async () => {
    const { target } = await tlsServer('expired');
    const proxy = await startHttpProxy({ names: { localhost: '127.0.0.1' } });
    cleanUpWith(() => proxy.close());
    const found = await measureCertificate(targetOf(target.port), optionsOf(), proxy.url());
    expect(found.error?.systemCode).toBe('CERT_HAS_EXPIRED');
    expect(proxy.requests).toHaveLength(0);
  });
});

test('a server that does not answer the handshake, and a signal; no socket stays', async () => {
  const before = await openSockets();
  const { server, target } = await tcpServer((socket) => void socket.resume());
  const late = inReport(
    await measureCertificate(targetOf(target.port), optionsOf({ timeoutMs: SOON_MS })),
  );
  expect(late).toMatchObject({ status: 'failed', error: { code: 'ERR_TRANSPORT_TLS' } });
  const controller = new AbortController();
  const options = optionsOf({ signal: controller.signal });
  const measuring = rejection(measureCertificate(targetOf(target.port), options));
  await new Promise((resolve) => server.once('connection', resolve));
  controller.abort('why');
  expect(await measuring).toBe('why');
  await cleanUp();
  expect(await openSockets()).toEqual(before);
});
