import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { promisify } from 'node:util';
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { openTls } from '../../../js/transports/tls.js';
import {
  cleanUp,
  closed,
  drained,
  fixture,
  openSockets,
  received,
  tcpServer,
  text,
  tlsServer,
  tracked,
} from './helpers.js';

afterEach(cleanUp);
afterEach(() => void jest.useRealTimers());

const hello = Buffer.from('hello');
const reason = new Error('enough');
const ca = fixture('ca');
const host = 'localhost';

/** @param {import('node:tls').TLSSocket} socket */
const echo = (socket) => void socket.pipe(socket);

/**
 * A server, a transport to it, and the server's end of that.
 *
 * @param {Parameters<typeof openTls>[1]} [options]
 * @param {import('node:tls').TlsOptions} [serverOptions]
 */
async function connection(options, serverOptions) {
  const { server, target } = await tlsServer('good', undefined, serverOptions);
  const accepted = once(server, 'secureConnection');
  const transport = tracked(await openTls({ ...target, host }, { tls: { ca }, ...options }));
  const [socket] = /** @type {[import('node:tls').TLSSocket]} */ (await accepted);
  return { transport, socket };
}

/** @param {object} target @param {any} [options] */
const refusal = (target, options) =>
  openTls(/** @type {any} */ (target), { tls: { ca }, ...options }).then(
    (transport) => {
      tracked(transport);
      throw new Error('was accepted');
    },
    (error) => error,
  );

test.each([
  ['127.0.0.1', 'IPv4'],
  ['::1', 'IPv6'],
])('TLS to %s', async (address, family) => {
  const { target } = await tlsServer('good', echo, { host: address });
  const options = { tls: { ca }, localAddress: address };
  const transport = tracked(await openTls({ ...target, host }, options));
  expect(transport).toMatchObject({
    kind: 'tls',
    reliable: true,
    remoteAddress: { ...target, family },
    localAddress: { address, family, port: expect.any(Number) },
  });
  const answer = received(transport);
  expect(transport.send(hello)).toBe(true);
  const { bytes, source } = await answer;
  expect(Buffer.isBuffer(bytes)).toBe(true);
  expect(text(bytes)).toBe('hello');
  expect(source).toBeUndefined();
});

describe('ALPN (RFC 7443)', () => {
  const ALPNProtocols = ['stun.turn', 'stun.nat-discovery'];

  test('announces NAT discovery unless told otherwise', async () => {
    const { socket } = await connection({}, { ALPNProtocols });
    expect(socket.alpnProtocol).toBe('stun.nat-discovery');
  });

  test('announces TURN when asked to', async () => {
    const { socket } = await connection({ alpn: 'stun.turn' }, { ALPNProtocols });
    expect(socket.alpnProtocol).toBe('stun.turn');
  });

  test('accepts a server that ignores it', async () => {
    const { socket } = await connection();
    expect(socket.alpnProtocol).toBe(false);
  });

  test('is told by a server that serves something else', async () => {
    const { target } = await tlsServer('good', undefined, { ALPNProtocols: ['http/1.1'] });
    expect(await refusal({ ...target, host })).toMatchObject({
      code: 'ERR_TRANSPORT_TLS',
      phase: 'tls',
      hint: expect.stringContaining('ALPN'),
    });
  });
});

describe('the name', () => {
  test('of the host is sent (SNI) and checked', async () => {
    const { socket } = await connection();
    expect(socket.servername).toBe('localhost');
  });

  test('in tls.servername comes before that', async () => {
    const { socket } = await connection({ tls: { ca, servername: 'stun.example.org' } });
    expect(socket.servername).toBe('stun.example.org');
  });

  test.each(['127.0.0.1', '::1'])('may be the address %s, which is not sent', async (address) => {
    const { server, target } = await tlsServer('good', undefined, { host: address });
    const accepted = once(server, 'secureConnection');
    tracked(await openTls(target, { tls: { ca } }));
    const [socket] = await accepted;
    expect(socket.servername).toBe(false);
  });

  test('may be an address that is not the one connected to', async () => {
    const { target } = await tlsServer('good');
    tracked(await openTls({ ...target, host: '::1' }, { tls: { ca } }));
    expect(await refusal({ ...target, host: '192.0.2.1' })).toMatchObject({
      cause: { code: 'ERR_TLS_CERT_ALTNAME_INVALID' },
    });
  });

  test('can be checked by the caller', async () => {
    const checkServerIdentity = jest.fn((/** @type {unknown[]} */ ..._) => undefined);
    const { target } = await tlsServer('wrong-name');
    tracked(await openTls({ ...target, host }, { tls: { ca, checkServerIdentity } }));
    expect(checkServerIdentity).toHaveBeenCalledWith(
      'localhost',
      expect.objectContaining({ subjectaltname: 'DNS:other.example.org' }),
    );
    const cause = new Error('not him');
    const tls = { ca, checkServerIdentity: () => cause };
    const error = await refusal({ ...target, host }, { tls });
    expect(error.code).toBe('ERR_TRANSPORT_TLS');
    expect(error.cause).toBe(cause);
  });
});

describe('certificates are refused', () => {
  test.each([
    ['expired', { ca }, 'CERT_HAS_EXPIRED', 'has expired'],
    ['not-yet-valid', { ca }, 'CERT_NOT_YET_VALID', 'not valid yet'],
    ['self-signed', { ca }, 'DEPTH_ZERO_SELF_SIGNED_CERT', 'signed by itself'],
    ['wrong-name', { ca }, 'ERR_TLS_CERT_ALTNAME_INVALID', 'another name'],
    ['good', {}, 'UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'not trusted here'],
  ])('%s', async (certificate, tls, code, hint) => {
    const { target } = await tlsServer(certificate);
    const before = await openSockets();
    const error = await refusal({ ...target, host }, { tls });
    expect(error).toMatchObject({
      name: 'PosternError',
      code: 'ERR_TRANSPORT_TLS',
      phase: 'tls',
      hint: expect.stringContaining(hint),
      cause: { code },
    });
    expect(error.message).toBe(`The TLS handshake with 127.0.0.1:${target.port} failed (${code}).`);
    expect(await openSockets()).toEqual(before);
  });

  test('but a self-signed one that the caller trusts is good', async () => {
    const { target } = await tlsServer('self-signed');
    tracked(await openTls({ ...target, host }, { tls: { ca: fixture('self-signed') } }));
  });

  test('and there is no option to look away', async () => {
    const { target } = await tlsServer('expired');
    for (const rejectUnauthorized of [false, true]) {
      const error = await refusal({ ...target, host }, { tls: { ca, rejectUnauthorized } });
      expect(error).toMatchObject({
        code: 'ERR_INVALID_ARGUMENT',
        argument: 'options.tls.rejectUnauthorized',
      });
    }
  });

  test('nor does the environment look away', async () => {
    const { target } = await tlsServer('expired');
    const module = new URL('../../../js/transports/tls.js', import.meta.url);
    const script = `
      import { openTls } from ${JSON.stringify(module.href)};
      const target = ${JSON.stringify({ ...target, host })};
      console.log(await openTls(target).then(() => 'accepted', (error) => error.code));`;
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--no-warnings', '--input-type=module', '--eval', script],
      { env: { ...process.env, NODE_OPTIONS: '', NODE_TLS_REJECT_UNAUTHORIZED: '0' } },
    );
    expect(stdout.trim()).toBe('ERR_TRANSPORT_TLS');
  });
});

describe('opening fails', () => {
  test('when the server does not speak TLS', async () => {
    const { target } = await tcpServer((socket) =>
      socket.once('data', () => socket.end('220 hi\r\n')),
    );
    expect(await refusal({ ...target, host })).toMatchObject({
      code: 'ERR_TRANSPORT_TLS',
      phase: 'tls',
      hint: expect.stringContaining('does not speak TLS'),
      cause: { code: expect.stringMatching(/^ERR_SSL_/) },
    });
  });

  test('when the server hangs up', async () => {
    const { target } = await tcpServer((socket) => socket.once('data', () => socket.end()));
    expect(await refusal({ ...target, host })).toMatchObject({
      code: 'ERR_TRANSPORT_TLS',
      phase: 'tls',
      hint: expect.stringContaining('does not speak TLS'),
      cause: { code: 'ECONNRESET' },
    });
  });

  test('when there is no common version', async () => {
    const { target } = await tlsServer('good', undefined, { minVersion: 'TLSv1.3' });
    const error = await refusal({ ...target, host }, { tls: { ca, maxVersion: 'TLSv1.2' } });
    expect(error).toMatchObject({
      code: 'ERR_TRANSPORT_TLS',
      hint: expect.stringContaining('no version of TLS'),
    });
  });

  test('when nothing listens: that is no matter of TLS', async () => {
    const { server, target } = await tcpServer(() => {});
    await new Promise((resolve) => server.close(resolve));
    expect(await refusal({ ...target, host })).toMatchObject({
      code: 'ERR_TRANSPORT_CONNECT',
      phase: 'connect',
      message: expect.stringMatching(/^No TLS connection to 127\.0\.0\.1:\d+ could be made/),
      cause: { code: 'ECONNREFUSED' },
    });
  });

  test('when the handshake takes too long', async () => {
    const { server, target } = await tcpServer(() => {});
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] });
    const accepted = once(server, 'connection');
    const opening = refusal({ ...target, host });
    const [socket] = await accepted;
    await once(socket, 'data');
    jest.advanceTimersByTime(39_499);
    expect(jest.getTimerCount()).toBe(1);
    jest.advanceTimersByTime(1);
    expect(await opening).toMatchObject({ code: 'ERR_TRANSPORT_TLS', phase: 'tls' });
    expect(jest.getTimerCount()).toBe(0);
    await once(socket, 'close');
  });

  test.each([
    [{ ca: 'no certificate', cert: 'none' }, 'options.tls'],
    [{ ciphers: 'ROT13' }, 'options.tls'],
  ])('for %j: a TypeError', async (tls, argument) => {
    const { target } = await tlsServer('good');
    expect(await refusal({ ...target, host }, { tls })).toMatchObject({
      name: 'TypeError',
      code: 'ERR_INVALID_ARGUMENT',
      argument,
    });
  });
});

describe('an abort', () => {
  test('beforehand opens nothing', async () => {
    const { target } = await tlsServer('good');
    const before = await openSockets();
    expect(await refusal({ ...target, host }, { signal: AbortSignal.abort(reason) })).toBe(reason);
    expect(await openSockets()).toEqual(before);
  });

  test('in the midst of the handshake closes the socket at once', async () => {
    const { server, target } = await tcpServer(() => {});
    const controller = new AbortController();
    const accepted = once(server, 'connection');
    const opening = refusal({ ...target, host }, { signal: controller.signal });
    const [socket] = await accepted;
    await once(socket, 'data');
    controller.abort(reason);
    expect(await opening).toBe(reason);
    await once(socket, 'close');
  });
});

test('send() asks to wait when the other side does not read', async () => {
  const { transport, socket } = await connection();
  socket.pause();
  const drain = drained(transport);
  while (transport.send(Buffer.alloc(256 * 1024)));
  socket.resume();
  await drain;
  expect(transport.send(hello)).toBe(true);
});

describe('the end', () => {
  test('by the server is no error', async () => {
    const { transport, socket } = await connection();
    transport.onbytes = () => {};
    const end = closed(transport);
    socket.end();
    expect(await end).toBeUndefined();
  });

  test('by close() reaches the server as an end, after all bytes', async () => {
    const { transport, socket } = await connection();
    const ended = once(socket, 'end');
    const data = once(socket, 'data');
    transport.send(hello);
    await transport[Symbol.asyncDispose]();
    expect(text((await data)[0])).toBe('hello');
    await ended;
    expect(await closed(transport)).toBeUndefined();
  });

  test('by close() is said in TLS too (RFC 8446 section 6.1)', async () => {
    // Up to TLS 1.2 the types of the records are in clear.
    const { target } = await tlsServer('good', undefined, { maxVersion: 'TLSv1.2' });
    /** @type {Buffer[]} */
    const chunks = [];
    const proxy = await tcpServer((socket) => {
      const onward = connect(target.port, target.address);
      socket.on('data', (chunk) => chunks.push(chunk));
      onward.on('error', () => {});
      socket.on('close', () => onward.destroy());
      socket.pipe(onward).pipe(socket);
    });
    const transport = await openTls({ ...proxy.target, host }, { tls: { ca } });
    const [socket] = proxy.sockets;
    const gone = new Promise((resolve) => socket.on('close', resolve));
    transport.close();
    await gone;
    const bytes = Buffer.concat(chunks);
    const types = [];
    for (let at = 0; at < bytes.length; at += 5 + bytes.readUInt16BE(at + 3)) types.push(bytes[at]);
    const [handshake, alert] = [22, 21];
    expect([types.at(0), types.at(-1)]).toEqual([handshake, alert]);
  });

  test('by close() does not wait for a server that does not read', async () => {
    const { transport, socket } = await connection();
    socket.pause();
    while (transport.send(Buffer.alloc(256 * 1024)));
    await transport[Symbol.asyncDispose]();
  });
});
