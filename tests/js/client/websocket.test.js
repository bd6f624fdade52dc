// STUN over WebSocket: through a gateway to a server that knows nothing of it.

import { createServer } from 'node:http';
import { inspect } from 'node:util';
import { afterEach, describe, expect, test } from '@jest/globals';
import { WebSocket } from 'ws';
import { decode } from '../../../js/codec/index.js';
import { startStunResponder } from '../../../js/dev/stun-responder.js';
import {
  allocate,
  checkIceServers,
  getMappedAddress,
  memoryTransportPair,
  openStunClient,
} from '../../../js/index.js';
import { openWebSocket } from '../../../js/transports/websocket.js';
import { openBridge, toStream } from '../../support/websocket-bridge.js';
import { cleanUp, fixture, settled, tcpServer } from '../transports/helpers.js';
import { memoryServer, ownSockets, rejection, SERVER, success } from './support.js';

/** @type {(() => Promise<unknown>)[]} */
const cleanUps = [];

afterEach(async () => {
  for (const end of cleanUps.splice(0).reverse()) await end();
  expect(await ownSockets()).toEqual([]);
});

/** @param {Partial<Parameters<typeof openBridge>[0]> & { transport?: 'tcp' | 'udp' }} [options] */
async function gateway({ transport, ...options } = {}) {
  const responder = await startStunResponder();
  cleanUps.push(responder.close);
  const upstream = { transport, address: responder.host, port: responder.tcpPort };
  const bridge = await openBridge({ upstream, ...options });
  cleanUps.push(bridge.close);
  return bridge;
}

const never = () => new Promise(() => {});

/** The port of a bridge as a URI of ours. @param {{ port: number }} bridge */
const uriOf = ({ port }) => `turn:127.0.0.1:${port}?transport=ws`;

describe('getMappedAddress()', () => {
  test.each([undefined, 'tcp', 'udp'])('with a server of %p behind the gateway', async (kind) => {
    const transport = /** @type {'tcp' | 'udp' | undefined} */ (kind);
    const bridge = await gateway({ transport });
    for (const url of [bridge.url, `${bridge.url}some/path`, uriOf(bridge)]) {
      const result = await getMappedAddress(url, { WebSocket });
      expect(result).toMatchObject({
        address: '127.0.0.1',
        port: expect.any(Number),
        transport: 'ws',
        url,
        requestsSent: 1,
        localAddress: { address: '', port: 0 },
        serverAddress: { address: '127.0.0.1', port: bridge.port },
        attempts: [],
      });
    }
    while (bridge.connections.size > 0) await settled();
  });

  test('with a query, which the gateway gets and nobody else sees', async () => {
    const server = createServer();
    await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
    /** @type {(string | undefined)[]} */
    const asked = [];
    server.on('upgrade', (request) => asked.push(request.url));
    const bridge = await gateway({ server });
    const seen = `${bridge.url}path?…`;
    const url = `${bridge.url}path?token=hunter2`;
    expect(await getMappedAddress(url, { WebSocket })).toMatchObject({ url: seen });
    expect(asked).toEqual(['/path?token=hunter2']);
    await bridge.close();
    await new Promise((resolve) => server.close(resolve));
    const iceServers = { urls: url, username: 'ann', credential: 'c' };
    const failures = [
      await rejection(getMappedAddress(url, { WebSocket })),
      await rejection(allocate(iceServers, { WebSocket })),
      await rejection(allocate(iceServers, { WebSocket, timeoutMs: 1, transport: never })),
    ];
    for (const error of failures) {
      expect(error).toMatchObject({ url: seen, attempts: [{ url: seen }] });
      expect(inspect(error, { depth: null, showHidden: true })).not.toContain('hunter2');
    }
    const rows = await checkIceServers(
      [iceServers, 'ws://ann:hunter2@example.org/', `${url}#fragment`],
      { WebSocket },
    );
    expect(rows).toMatchObject([
      { url: seen, code: 'ERR_TRANSPORT_CONNECT' },
      { url: 'ws:…', code: 'ERR_INVALID_URI' },
      { url: seen, code: 'ERR_INVALID_URI' },
    ]);
    expect(JSON.stringify(rows)).not.toContain('hunter2');
  });

  test('with a name, which the WebSocket looks up', async () => {
    const { port } = await gateway();
    const result = await getMappedAddress(`ws://localhost:${port}/`, { WebSocket });
    expect(result).toMatchObject({
      address: '127.0.0.1',
      serverAddress: { address: 'localhost', port, family: 'IPv4' },
    });
  });

  test('over TLS', async () => {
    const tls = { cert: fixture('good'), key: fixture('server-key') };
    const { url, port } = await gateway({ tls });
    expect(url).toBe(`wss://127.0.0.1:${port}/`);
    class Trusting extends WebSocket {
      /** @param {string} address @param {string[]} protocols */
      constructor(address, protocols) {
        super(address, protocols, { ca: fixture('ca') });
      }
    }
    const server = `turns:localhost:${port}?transport=ws`;
    const result = await getMappedAddress(server, { WebSocket: Trusting });
    expect(result).toMatchObject({ address: '127.0.0.1', transport: 'ws' });
  });

  test('on a server that there is already', async () => {
    const server = createServer();
    await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
    cleanUps.push(() => new Promise((resolve) => server.close(resolve)));
    const { url } = await gateway({ server });
    expect(await getMappedAddress(url, { WebSocket })).toMatchObject({ address: '127.0.0.1' });
  });

  test('and nobody behind the gateway: how the WebSocket was closed', async () => {
    const responder = await startStunResponder();
    await responder.close();
    const bridge = await openBridge({
      upstream: { address: responder.host, port: responder.tcpPort },
    });
    cleanUps.push(bridge.close);
    const error = await rejection(getMappedAddress(bridge.url, { WebSocket }));
    expect(error).toMatchObject({ code: 'ERR_TRANSPORT_CLOSED', url: bridge.url });
    expect(error.message).toContain('(1014)');
    expect(error.attempts).toMatchObject([{ transport: 'ws', address: '127.0.0.1' }]);
  });

  test('and no gateway either', async () => {
    const bridge = await gateway();
    await bridge.close();
    const error = await rejection(getMappedAddress(bridge.url, { WebSocket }));
    expect(error).toMatchObject({
      code: 'ERR_TRANSPORT_CONNECT',
      message: `No WS connection to 127.0.0.1:${bridge.port} could be made (ECONNREFUSED).`,
    });
  });

  test.each([
    [{ localAddress: '127.0.0.1' }, 'options.localAddress'],
    [{ WebSocket: 'ws' }, 'options.WebSocket'],
    [{ transport: 'tcp' }, 'options.transport'],
  ])('with %j: a TypeError', async (options, argument) => {
    const wrong = /** @type {any} */ ({ WebSocket, ...options });
    expect(await rejection(getMappedAddress('ws://127.0.0.1:9/', wrong))).toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
      argument,
    });
  });

  test('over a transport of the caller: it gets the URL', async () => {
    const { transport, targets } = memoryServer((request) => success(request));
    await getMappedAddress('wss://turn.example.org/turn', { transport });
    expect(targets).toMatchObject([{ transport: 'ws', url: 'wss://turn.example.org/turn' }]);
  });
});

test('a client stays open, and is told when the gateway closes', async () => {
  const bridge = await gateway();
  const client = await openStunClient(bridge.url, { WebSocket });
  cleanUps.push(() => client.close());
  await client.bind();
  await client.bind();
  expect(bridge.connections.size).toBe(1);
  for (const connection of bridge.connections) connection.close(1001);
  const { error } = await client.closed;
  expect(error?.message).toBe('The server closed the WebSocket: it is going away (1001).');
});

test('what is reliable and framed is read message by message, and nothing is sent twice', async () => {
  const [near, far] = memoryTransportPair({ reliable: true, framed: true });
  let requests = 0;
  far.onbytes = (bytes) => {
    requests += 1;
    // In a stream, nothing could be read after the first.
    far.send(Buffer.from('no STUN'));
    far.send(success(decode(bytes)));
  };
  const result = await getMappedAddress(SERVER, { transport: async () => near });
  expect(result).toMatchObject({ transport: 'memory', requestsSent: 1 });
  expect(requests).toBe(1);
});

describe('the gateway of these tests', () => {
  test.each([
    ['40010003616263', '4001000361626300'],
    ['4001000361626300', '4001000361626300'],
    ['4fff0000', '4fff0000'],
    ['4001000461626364', '4001000461626364'],
    ['000100002112a442000000000000000000000000', '000100002112a442000000000000000000000000'],
    ['000100042112a442000000000000000000000000', undefined],
    ['400100046162', undefined],
    ['40010001610000000000', undefined],
    ['5001000161000000', undefined],
    ['4001', undefined],
  ])('writes %s to the stream as %s', (message, stream) => {
    expect(toStream(Buffer.from(message, 'hex'))?.toString('hex')).toBe(stream);
  });

  test('refuses who does not offer the sub-protocol', async () => {
    const bridge = await gateway();
    const socket = new WebSocket(bridge.url);
    const code = await new Promise((resolve) => socket.on('close', resolve));
    expect(code).toBe(1002);
  });

  test('carries much both ways, at the pace of the slower side', async () => {
    const { target } = await tcpServer((socket) => socket.pipe(socket));
    const bridge = await openBridge({ upstream: target });
    cleanUps.push(bridge.close);
    const { port, url } = bridge;
    const place = { address: '127.0.0.1', port, url };
    const transport = await openWebSocket(place, { WebSocket });
    const message = Buffer.alloc(4 + 1001, 7);
    message.writeUInt32BE(0x40000000 + 1001);
    const count = 8000;
    let arrived = 0;
    const all = new Promise((resolve) => {
      transport.onbytes = (bytes) => {
        // Not from 1 to 8000 by expect(), which is slow.
        if (bytes.length !== message.length) resolve(new Error('torn'));
        arrived += 1;
        if (arrived === count) resolve(arrived);
      };
    });
    for (let sent = 0; sent < count; sent++) {
      if (transport.send(message)) continue;
      await new Promise((resolve) => {
        transport.ondrain = () => resolve(undefined);
      });
    }
    expect(await all).toBe(count);
    await transport[Symbol.asyncDispose]();
    await cleanUp();
  });

  test('ends both ends together, and refuses text', async () => {
    const bridge = await gateway();
    const socket = new WebSocket(bridge.url, 'turn');
    socket.on('open', () => socket.send('text'));
    const code = await new Promise((resolve) => socket.on('close', resolve));
    expect(code).toBe(1003);
    while (bridge.connections.size > 0) await settled();
  });
});
