// What passes between a client and a server, byte for byte, and how either side ends.

import { once } from 'node:events';
import { createServer as createTlsServer } from 'node:tls';
import { afterEach, describe, expect, test } from '@jest/globals';
import { decode, encode } from '../../../js/codec/index.js';
import { fixture } from '../transports/helpers.js';
import {
  channelData,
  cleanUp,
  closedWith,
  onCleanUp,
  openClient,
  startGateway,
  tcpUpstream,
  udpUpstream,
} from './support.js';

afterEach(cleanUp);

const binding = () => encode({ class: 'request', method: 'Binding' });
const sendTo = (/** @type {string} */ address) =>
  encode({
    class: 'indication',
    method: 'Send',
    attributes: { xorPeerAddress: { address, port: 9 }, data: Uint8Array.of(1, 2, 3) },
  });

describe.each([
  ['UDP', udpUpstream],
  ['TCP', tcpUpstream],
])('over %s', (name, start) => {
  test('a request and its answer', async () => {
    const { upstream } = await start();
    const client = await openClient((await startGateway({ upstream })).url);
    expect(client.socket.protocol).toBe('turn');
    expect(client.socket.extensions).toBe('');
    const answer = await client.ask(binding());
    expect([answer.class, answer.method]).toEqual(['success', 'Binding']);
  });

  test('ChannelData has no padding in the WebSocket, and what the medium wants behind it', async () => {
    const server = await start();
    const client = await openClient((await startGateway({ upstream: server.upstream })).url);
    const request = encode({ class: 'request', method: 'Allocate', attributes: { lifetime: 600 } });
    await client.ask(request);
    const sent = ['', 'a', 'ab', 'abc', 'abcd', 'abcde'].map((data) => channelData(0x4001, data));
    for (const message of sent) {
      client.send(message);
      expect(await client.next()).toEqual(message);
    }
    // Padding of the client's, with something in it, is not passed on.
    client.send(Buffer.concat([channelData(0x4001, 'a'), Buffer.from('xyz')]));
    expect(await client.next()).toEqual(channelData(0x4001, 'a'));
    const padded = (/** @type {Buffer} */ bytes) =>
      Buffer.concat([bytes, Buffer.alloc(-bytes.length & 3)]);
    const all = [...sent, channelData(0x4001, 'a')];
    if (name === 'UDP') expect(/** @type {any} */ (server.received).slice(1)).toEqual(all);
    else {
      const bytes = /** @type {any} */ (server).received.subarray(request.length);
      expect(bytes).toEqual(Buffer.concat(all.map(padded)));
    }
  });

  test('the longest messages', async () => {
    const server = await start((bytes) => {
      if (server.received.length > (name === 'UDP' ? 1 : 28)) return undefined;
      const { method, transactionId } = decode(bytes);
      return encode({
        class: 'success',
        method: /** @type {string} */ (method),
        transactionId,
        attributes: { lifetime: 60, software: 'x'.repeat(400) },
      });
    });
    const client = await openClient((await startGateway({ upstream: server.upstream })).url);
    expect((await client.allocate()).attributes.software).toHaveLength(400);
    const longest = channelData(0x4000, Buffer.alloc(name === 'UDP' ? 65_000 : 65_535, 7));
    client.send(longest);
    while (server.received.length < (name === 'UDP' ? 2 : longest.length + 1)) {
      await new Promise(setImmediate);
    }
    const last = name === 'UDP' ? server.received[1] : server.received;
    expect(Buffer.from(/** @type {any} */ (last)).includes(longest)).toBe(true);
  });

  test('data passes neither way before there is an allocation, nor after it is given back', async () => {
    const server = await start();
    const { gateway, url } = await startGateway({ upstream: server.upstream });
    const client = await openClient(url);
    client.send(channelData(0x4000, 'too early'));
    client.send(sendTo('127.0.0.1'));
    await client.ask(binding());
    expect(gateway.stats().dropped).toEqual({ 'no-allocation': 2 });
    expect(gateway.stats().allocations).toBe(0);
    await client.allocate();
    expect(gateway.stats().allocations).toBe(1);
    client.send(channelData(0x4000, 'now'));
    expect(await client.next()).toEqual(channelData(0x4000, 'now'));
    await client.ask(encode({ class: 'request', method: 'Refresh', attributes: { lifetime: 0 } }));
    client.send(channelData(0x4000, 'too late'));
    await client.ask(binding());
    expect(gateway.stats().dropped).toEqual({ 'no-allocation': 3 });
  });

  test('what a server says before there is an allocation is dropped, if it is data', async () => {
    const server = await start((bytes) => {
      const { transactionId } = decode(bytes);
      return encode({ class: 'success', method: 'Binding', transactionId });
    });
    const { gateway, url } = await startGateway({ upstream: server.upstream });
    const client = await openClient(url);
    await client.ask(binding());
    const send = (/** @type {Uint8Array} */ bytes) =>
      'sockets' in server ? server.sockets[0].write(bytes) : server.send(bytes);
    send(Buffer.concat([channelData(0x4000, 'abcd')]));
    await client.ask(binding());
    expect(gateway.stats().dropped).toEqual({ 'no-allocation': 1 });
  });

  test.each([
    ['text', 'hello', 1003, 'text'],
    ['text that is a message', 'A\u0000', 1003, 'text'],
    ['no STUN', Buffer.from('GET / HTTP/1.1\r\n\r\n'), 4400, 'not-stun'],
    ['nothing', Buffer.alloc(0), 4400, 'not-stun'],
    ['half a message', binding().subarray(0, 12), 4400, 'not-stun'],
    ['two messages in one', Buffer.concat([binding(), binding()]), 4400, 'not-stun'],
    ['ChannelData that is cut', channelData(0x4000, 'abcdefgh').subarray(0, 8), 4400, 'not-stun'],
    ['a message that is too long', Buffer.alloc(65_557), 1009, ''],
    [
      'a method that is not carried',
      encode({ class: 'request', method: 'Connect' }),
      1008,
      'method',
    ],
    ['an answer', encode({ class: 'success', method: 'Binding' }), 1008, 'method'],
    [
      'RESPONSE-ADDRESS',
      encode({
        class: 'request',
        method: 'Binding',
        attributes: { responseAddress: { address: '8.8.8.8', port: 1 } },
      }),
      1008,
      'attribute',
    ],
    ['a peer that is not allowed', sendTo('10.0.0.1'), 4403, 'peer'],
  ])('%s ends it', async (_, message, code, reason) => {
    const server = await start();
    const { url, log } = await startGateway({ upstream: server.upstream });
    const client = await openClient(url);
    await client.allocate();
    const before = server.received.length;
    client.send(message);
    client.send(binding());
    expect(await client.closed).toEqual({ code, reason });
    // Nothing of it, and nothing after it, has come to the server.
    expect(server.received).toHaveLength(before);
    await log.when('end');
    expect(log.all('end')).toHaveLength(1);
  });
});

describe('a stream of a server', () => {
  test('is cut into messages, wherever it comes apart', async () => {
    const { upstream, sockets } = await tcpUpstream();
    const client = await openClient((await startGateway({ upstream })).url);
    await client.allocate();
    const messages = [
      encode({ class: 'indication', method: 'Data', attributes: { data: Uint8Array.of(1) } }),
      channelData(0x4000, 'a'),
      channelData(0x4fff, 'abcdefg'),
      channelData(0x4000, ''),
    ];
    const bytes = Buffer.concat(
      messages.map((message) => Buffer.concat([message, Buffer.alloc(-message.length & 3)])),
    );
    for (const byte of bytes) {
      sockets[0].write(Uint8Array.of(byte));
      await new Promise(setImmediate);
    }
    for (const message of messages) expect([...(await client.next())]).toEqual([...message]);
    sockets[0].write(bytes);
    for (const message of messages) expect([...(await client.next())]).toEqual([...message]);
  });

  test.each([
    ['closed in order', 'end', 1000, 'upstream-closed'],
    ['broken off', 'resetAndDestroy', 1011, 'upstream-broken'],
  ])('%s ends the WebSocket', async (_, how, code, reason) => {
    const { upstream, sockets } = await tcpUpstream();
    const client = await openClient((await startGateway({ upstream })).url);
    await client.allocate();
    /** @type {any} */ (sockets[0])[how]();
    expect(await client.closed).toEqual({ code, reason });
  });

  test('of something else ends the WebSocket', async () => {
    const { upstream } = await tcpUpstream(() => Uint8Array.of(0x16, 3, 3, 0, 2, 2, 40));
    const { url, log } = await startGateway({ upstream });
    const client = await openClient(url);
    client.send(binding());
    expect(await client.closed).toEqual({ code: 1011, reason: 'upstream-broken' });
    expect(await log.when('end')).toMatchObject({ detail: 'ERR_STREAM_DESYNCHRONISED' });
  });
});

describe('a server over UDP', () => {
  test('of which the request, or the answer, was lost is asked again, byte for byte', async () => {
    let count = 0;
    const server = await udpUpstream((bytes) => {
      count++;
      if (count === 1) return undefined;
      const { transactionId } = decode(bytes);
      return encode({ class: 'success', method: 'Binding', transactionId });
    });
    const client = await openClient((await startGateway({ upstream: server.upstream })).url);
    const request = binding();
    await client.ask(request);
    expect(server.received.map((bytes) => [...bytes])).toEqual([[...request], [...request]]);
  });

  test('what is neither STUN nor ChannelData is dropped', async () => {
    const server = await udpUpstream((bytes) => {
      const { transactionId } = decode(bytes);
      server.send(Buffer.from('noise'));
      return encode({ class: 'success', method: 'Binding', transactionId });
    });
    const { gateway, url } = await startGateway({ upstream: server.upstream });
    const client = await openClient(url);
    await client.ask(binding());
    await client.ask(binding());
    expect(gateway.stats().dropped['not-turn']).toBeGreaterThanOrEqual(1);
  });
});

describe('a server over TLS', () => {
  /** @param {string} name of a certificate */
  async function tlsUpstream(name) {
    /** @type {(string | false | null)[]} */
    const alpn = [];
    const server = createTlsServer(
      { cert: fixture(name), key: fixture('server-key'), ALPNProtocols: ['stun.turn'] },
      (socket) => {
        alpn.push(socket.alpnProtocol);
        socket.on('error', () => {});
        socket.on('data', (bytes) => {
          const { transactionId } = decode(bytes);
          socket.write(encode({ class: 'success', method: 'Binding', transactionId }));
        });
      },
    );
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    onCleanUp(() => new Promise((resolve) => server.close(() => resolve(undefined))));
    const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
    const upstream = {
      url: `turns:localhost:${port}`,
      allowPrivate: /** @type {true} */ (true),
      tls: { ca: fixture('ca') },
    };
    return { upstream, alpn };
  }

  test('whose certificate names it', async () => {
    const { upstream, alpn } = await tlsUpstream('good');
    const client = await openClient((await startGateway({ upstream })).url);
    expect((await client.ask(binding())).class).toBe('success');
    expect(alpn).toEqual(['stun.turn']);
  });

  test.each(['wrong-name', 'self-signed', 'expired'])('with a certificate %s', async (name) => {
    const { upstream } = await tlsUpstream(name);
    const { url } = await startGateway({ upstream });
    expect(await closedWith(url)).toEqual({ code: 4502, reason: 'upstream' });
  });
});

test('a client that closes has its connection to the server closed', async () => {
  const { upstream, sockets } = await tcpUpstream();
  const { gateway, url, log } = await startGateway({ upstream });
  const client = await openClient(url);
  await client.ask(binding());
  const ended = once(sockets[0], 'close');
  client.socket.close(1000);
  expect((await client.closed).code).toBe(1000);
  await Promise.all([ended, log.when('end')]);
  expect(gateway.stats()).toMatchObject({ connections: 0, ended: { client: 1 } });
});
