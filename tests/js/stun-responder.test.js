import { createSocket, Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, createServer, Socket } from 'node:net';
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { decode, encode, prepareKey, StreamDeframer } from '../../js/codec/index.js';
import { startStunResponder } from '../../js/dev/stun-responder.js';
import { openSockets, settled } from './transports/helpers.js';

/** @type {(() => unknown)[]} */
const cleanUps = [];
afterEach(async () => {
  jest.useRealTimers();
  for (const end of cleanUps.splice(0).reverse()) await end();
});

/** @param {import('../../js/dev/stun-responder.js').ResponderOptions} [options] */
async function start(options) {
  const responder = await startStunResponder(options);
  cleanUps.push(() => responder.close());
  return responder;
}

/** @param {string} [host] */
async function udpClient(host = '127.0.0.1') {
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
  socket.bind(0, host);
  await once(socket, 'listening');
  cleanUps.push(() => new Promise((done) => socket.close(() => done(undefined))));
  return socket;
}

/** @param {number} port */
async function tcpClient(port) {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  cleanUps.push(() => socket.destroy());
  socket.on('error', () => {});
  return socket;
}

/**
 * The answer to the last of some datagrams: what came before got none.
 *
 * @param {number} port
 * @param {Uint8Array[]} datagrams
 */
async function ask(port, ...datagrams) {
  const client = await udpClient();
  const answer = once(client, 'message');
  for (const bytes of datagrams) client.send(bytes, port, '127.0.0.1');
  const [bytes] = await answer;
  return { message: decode(bytes, { allowClassic: true }), client };
}

/** @type {import('../../js/codec/encode.js').MessageInput} */
const binding = { class: 'request', method: 'Binding' };

/** A request of RFC 3489. @param {number} [type] */
const classic = (type = 0x0001) =>
  Buffer.from([type >> 8, type & 0xff, 0, 0, ...Array(16).fill(7)]);

describe('over UDP', () => {
  test.each([
    ['127.0.0.1', 'IPv4'],
    ['::1', 'IPv6'],
  ])('tells a client at %s its address', async (host, family) => {
    const { udpPort } = await start({ host, software: 'test' });
    const client = await udpClient(host);
    const request = encode(binding);
    const answer = once(client, 'message');
    client.send(request, udpPort, host);
    const [bytes, source] = await answer;
    const message = decode(bytes);
    expect(source).toMatchObject({ address: host, port: udpPort });
    expect([message.class, message.method, message.fingerprint]).toEqual([
      'success',
      'Binding',
      'absent',
    ]);
    expect([...message.transactionId]).toEqual([...request.subarray(8, 20)]);
    expect(message.attributes.toJSON()).toEqual({
      xorMappedAddress: { address: host, port: client.address().port, family },
      software: 'test',
    });
  });

  test('adds FINGERPRINT when the request has one', async () => {
    const { udpPort } = await start();
    const { message } = await ask(udpPort, encode({ ...binding, fingerprint: true }));
    expect(message).toMatchObject({ class: 'success', fingerprint: 'valid' });
  });

  test('answers classic clients with MAPPED-ADDRESS', async () => {
    const { udpPort } = await start();
    const { message, client } = await ask(udpPort, classic());
    expect(message.isClassic).toBe(true);
    expect([...message.transactionId]).toEqual(Array(16).fill(7));
    expect(message.attributes.toJSON()).toEqual({
      mappedAddress: { address: '127.0.0.1', port: client.address().port, family: 'IPv4' },
    });
  });

  test('refuses what it does not know but should, with 420', async () => {
    const { udpPort } = await start();
    const value = new Uint8Array(4);
    const rawAttributes = [0x7abc, 0x0003, 0x7abc, 0x8abc].map((type) => ({ type, value }));
    const request = encode({ ...binding, rawAttributes, fingerprint: true });
    const { message } = await ask(udpPort, request);
    expect(message).toMatchObject({ class: 'error', fingerprint: 'valid' });
    expect(message.attributes.errorCode?.code).toBe(420);
    expect(message.attributes.unknownAttributes).toEqual([0x7abc, 0x0003]);
  });

  test('does not mind credentials, nor attributes that may be ignored', async () => {
    const { udpPort } = await start();
    const rawAttributes = [{ type: 0xc123, value: new Uint8Array(3) }];
    const attributes = { username: 'ann', realm: 'r', nonce: 'n' };
    const { message } = await ask(udpPort, encode({ ...binding, attributes, rawAttributes }));
    expect(message.class).toBe('success');
  });

  test('ignores what follows the integrity (RFC 8489 section 14.5)', async () => {
    const { udpPort } = await start();
    const request = encode({ ...binding, key: prepareKey({ password: 'secret' }) });
    const longer = Buffer.concat([request, Buffer.from([0x7a, 0xbc, 0, 0])]);
    longer.writeUInt16BE(longer.length - 20, 2);
    expect((await ask(udpPort, longer)).message.class).toBe('success');
  });

  test('drops everything else', async () => {
    const { udpPort } = await start();
    const damaged = Buffer.from(encode({ ...binding, fingerprint: true }));
    damaged[10] ^= 1;
    const last = encode(binding);
    const { message } = await ask(
      udpPort,
      Buffer.alloc(0),
      Buffer.from('hello'),
      Buffer.alloc(1200, 0xff),
      encode(binding).subarray(0, 19),
      damaged,
      encode({ class: 'indication', method: 'Binding' }),
      encode({ class: 'success', method: 'Binding' }),
      encode({ class: 'request', method: 'Allocate' }),
      classic(0x0003),
      last,
    );
    expect([...message.transactionId]).toEqual([...last.subarray(8, 20)]);
  });
});

describe('over TCP', () => {
  /** @param {import('node:net').Socket} socket @param {number} count */
  async function answers(socket, count) {
    const deframer = new StreamDeframer();
    /** @type {import('../../js/codec/index.js').Message[]} */
    const messages = [];
    for await (const chunk of socket) {
      messages.push(...deframer.push(chunk).map(({ bytes }) => decode(bytes)));
      if (messages.length >= count) break;
    }
    return messages;
  }

  test('listens on the port of UDP, and tells a client its address', async () => {
    const { tcpPort, udpPort } = await start();
    expect(tcpPort).toBe(udpPort);
    const client = await tcpClient(tcpPort);
    const { localPort } = client;
    client.write(encode(binding));
    const [message] = await answers(client, 1);
    expect(message.attributes.xorMappedAddress).toEqual({
      address: '127.0.0.1',
      port: localPort,
      family: 'IPv4',
    });
  });

  test('answers each of several requests, in whatever pieces they come', async () => {
    const { tcpPort } = await start();
    const client = await tcpClient(tcpPort);
    client.setNoDelay(true);
    const requests = Array.from({ length: 5 }, () => encode(binding));
    const bytes = Buffer.concat(requests);
    for (let i = 0; i < bytes.length; i += 7) {
      await new Promise((resolve) => client.write(bytes.subarray(i, i + 7), resolve));
    }
    const messages = await answers(client, 5);
    expect(messages.map(({ transactionId }) => [...transactionId])).toEqual(
      requests.map((request) => [...request.subarray(8, 20)]),
    );
  });

  test('passes over what is no request', async () => {
    const { tcpPort } = await start();
    const client = await tcpClient(tcpPort);
    const last = encode(binding);
    client.write(encode({ class: 'indication', method: 'Binding' }));
    client.write(Buffer.from([0x40, 0, 0, 2, 1, 2, 0, 0])); // ChannelData
    client.write(last);
    const [message] = await answers(client, 1);
    expect([...message.transactionId]).toEqual([...last.subarray(8, 20)]);
  });

  test.each([
    ['is no STUN', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
    ['announces more than it takes', Buffer.from([0, 1, 0x20, 0])],
  ])('hangs up on a stream that %s', async (_, bytes) => {
    const { tcpPort } = await start();
    const client = await tcpClient(tcpPort);
    client.write(bytes);
    client.resume();
    await once(client, 'close');
  });

  test('stops reading from who does not read, and goes on when he does', async () => {
    const software = '\u{1f6aa}'.repeat(127); // the longest there is: 508 bytes
    const { tcpPort } = await start({ software });
    const client = await tcpClient(tcpPort);
    const requests = Buffer.concat(Array.from({ length: 500 }, () => encode(binding)));
    const pause = jest.spyOn(Socket.prototype, 'pause');
    let sent = 0;
    while (pause.mock.calls.length === 0) {
      await new Promise((resolve) => client.write(requests, resolve));
      await new Promise(setImmediate);
      sent += 500;
    }
    pause.mockRestore();
    client.end(requests);
    sent += 500;
    let bytes = 0;
    for await (const chunk of client) bytes += chunk.length;
    const answerLength = 20 + 12 + 4 + 508; // header, XOR-MAPPED-ADDRESS, SOFTWARE
    expect(bytes).toBe(sent * answerLength);
  });
});

test('is not upset by a connection that breaks', async () => {
  const { tcpPort, udpPort } = await start();
  const client = await tcpClient(tcpPort);
  client.write(encode(binding));
  await once(client, 'data');
  client.resetAndDestroy();
  await settled();
  expect((await ask(udpPort, encode(binding))).message.class).toBe('success');
});

test('holds a bounded number of connections', async () => {
  const { tcpPort } = await start();
  const clients = [];
  for (let i = 0; i < 64; i++) clients.push(await tcpClient(tcpPort));
  const [tooMany] = [await tcpClient(tcpPort)];
  tooMany.resume();
  await once(tooMany, 'close');
  clients[0].write(encode(binding));
  await once(clients[0], 'data');
});

test('gives up on a connection that is idle for a minute', async () => {
  const setTimeout = jest.spyOn(Socket.prototype, 'setTimeout');
  const { tcpPort } = await start();
  const client = await tcpClient(tcpPort);
  client.write(encode(binding));
  await once(client, 'data');
  const at = setTimeout.mock.calls.findIndex(([ms]) => ms === 60_000);
  const serverSide = /** @type {Socket} */ (setTimeout.mock.contexts[at]);
  setTimeout.mockRestore();
  serverSide.emit('timeout'); // as Node does then
  await once(client, 'close');
});

describe('close()', () => {
  test('ends sockets and connections, and may be called again', async () => {
    const responder = await start();
    const client = await tcpClient(responder.tcpPort);
    client.resume();
    const gone = once(client, 'close');
    await Promise.all([responder.close(), responder.close(), gone]);
    await responder[Symbol.asyncDispose]();
    const { host, tcpPort: port } = responder;
    const again = await start({ host, port });
    expect(again.udpPort).toBe(port);
  });
});

describe('starting', () => {
  test('takes another port when the one for TCP is taken for UDP', async () => {
    // The system hands out a port for TCP that the first socket for UDP cannot have.
    const bind = jest.spyOn(UdpSocket.prototype, 'bind');
    bind.mockImplementationOnce(
      /** @this {UdpSocket} */ function bindToTaken() {
        const error = Object.assign(new Error(), { code: 'EADDRINUSE' });
        queueMicrotask(() => this.emit('error', error));
        return this;
      },
    );
    const before = await openSockets();
    const { udpPort, tcpPort } = await start();
    expect(bind).toHaveBeenCalledTimes(2);
    expect(udpPort).toBe(tcpPort);
    bind.mockRestore();
    expect(await openSockets()).toHaveLength(before.length + 2);
  });

  test('fails when the port that is asked for is taken', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    cleanUps.push(() => taken.close());
    const { port } = /** @type {import('node:net').AddressInfo} */ (taken.address());
    await expect(startStunResponder({ port })).rejects.toMatchObject({ code: 'EADDRINUSE' });
    const socket = await udpClient();
    const udpPort = socket.address().port;
    await expect(startStunResponder({ port: udpPort })).rejects.toMatchObject({
      code: 'EADDRINUSE',
    });
  });

  test('takes an address, not a name', async () => {
    await expect(startStunResponder({ host: 'localhost' })).rejects.toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
      argument: 'options.host',
    });
  });
});
