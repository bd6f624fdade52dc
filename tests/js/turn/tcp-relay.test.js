// TCP connections to and from peers (RFC 6062).
import { once } from 'node:events';
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { RelayConnection } from '../../../js/turn/relay-connection.js';
import { rejection, turn } from '../client/support.js';
import { MESSAGES, ScriptedServer, stream } from './scripted-server.js';
import { bytes, closeRelays, relayAt, text, until } from './support.js';

/** @typedef {import('../../../js/transports/transport.js').Transport} Transport */

afterEach(async () => {
  jest.restoreAllMocks();
  await closeRelays();
});

const PEER = { address: '192.0.2.9', port: 4000 };

/** @param {import('./scripted-server.js').Medium} medium */
async function tcpRelay(medium) {
  const server = new ScriptedServer(medium);
  const peer = server.peer(PEER.address, PEER.port);
  const relay = await relayAt(server, { relayTransport: 'tcp' });
  return { server, peer, relay };
}

/** What a transport gets, as one text. @param {Transport} transport */
function inbox(transport) {
  const got = { text: '', isClosed: false };
  transport.onbytes = (some) => {
    got.text += text(some);
  };
  transport.onclose = () => {
    got.isClosed = true;
  };
  return got;
}

describe.each([
  ['a stream', stream()],
  ['a stream in pieces of 1 byte', stream(1)],
  ['a stream in pieces of 7 bytes', stream(7)],
  ['a WebSocket', MESSAGES],
])('over %s', (_, medium) => {
  test('connect(): bytes both ways, in order, with those that came with the answer', async () => {
    const { server, peer, relay } = await tcpRelay(medium);
    const connecting = relay.connect(PEER);
    await until(() => peer.connections.length > 0);
    const [end] = peer.connections;
    // On its way before the connection is bound.
    end.send(bytes('early '));
    const connection = await connecting;
    expect(connection.peer).toEqual({ ...PEER, family: 'IPv4' });
    expect(server.connections).toHaveLength(2);
    end.send(bytes('late'));
    const reader = connection.readable.getReader();
    let got = '';
    while (got.length < 10) got += text((await reader.read()).value ?? bytes(''));
    expect(got).toBe('early late');

    const there = inbox(end);
    const writer = connection.writable.getWriter();
    await writer.write(bytes('hello'));
    await writer.write(bytes(' peer'));
    await writer.close();
    await until(() => there.isClosed);
    expect(await connection.closed).toEqual({});
    expect(there.text).toBe('hello peer');
    expect(await reader.read()).toEqual({ value: undefined, done: true });
  });

  test('the peer closes: the readable ends, the writable fails', async () => {
    const { peer, relay } = await tcpRelay(medium);
    const connection = await relay.connect(PEER);
    const writer = connection.writable.getWriter();
    peer.connections[0].close();
    const reader = connection.readable.getReader();
    expect(await reader.read()).toEqual({ value: undefined, done: true });
    expect(await rejection(writer.closed)).toMatchObject({ code: 'ERR_TRANSPORT_CLOSED' });
    expect(await connection.closed).toEqual({});
  });

  test('connections(): those of peers, before and while somebody iterates', async () => {
    const { server, peer, relay } = await tcpRelay(medium);
    await relay.permit(PEER);
    const first = server.connectFrom(peer);
    first.send(bytes('first'));
    await turn();
    // Nobody has asked for connections: nothing is opened for them.
    expect(server.connections).toHaveLength(1);
    const incoming = relay.connections();
    const one = (await incoming.next()).value;
    expect(one?.peer).toEqual({ ...PEER, family: 'IPv4' });
    expect(text((await one?.readable.getReader().read())?.value ?? bytes(''))).toMatch(/^f/);
    const second = inbox(server.connectFrom(peer));
    const two = (await incoming.next()).value;
    await two?.writable.getWriter().write(bytes('answer'));
    await until(() => second.text === 'answer');
    await incoming.return?.();
    expect(await incoming.next()).toEqual({ value: undefined, done: true });
  });

  test('the relay ends: its connections too', async () => {
    const { relay } = await tcpRelay(medium);
    const connection = await relay.connect(PEER);
    const incoming = relay.connections();
    const waiting = incoming.next();
    await relay.close();
    expect(await connection.closed).toEqual({});
    expect(await waiting).toEqual({ value: undefined, done: true });
  });
});

test('ref() and unref() of the relay go to its connections, and to those to come', async () => {
  const { server, peer, relay } = await tcpRelay(stream());
  await relay.permit(PEER);
  await relay.connect(PEER);
  const ref = jest.spyOn(RelayConnection.prototype, 'ref');
  const unref = jest.spyOn(RelayConnection.prototype, 'unref');
  const calls = () => [ref, unref].map(({ mock }) => mock.calls.length);
  relay.unref();
  expect(calls()).toEqual([0, 1]);
  const incoming = relay.connections();
  server.connectFrom(peer);
  await incoming.next();
  expect(calls()).toEqual([0, 2]);
  relay.ref();
  expect(calls()).toEqual([2, 2]);
  await relay.connect({ ...PEER });
  expect(calls()).toEqual([2, 2]);
});

test('the relay is lost: what is under way fails with that', async () => {
  const { server, relay } = await tcpRelay(stream());
  server.script = () => 'silence';
  const waiting = [rejection(relay.connect(PEER)), rejection(relay.connections().next())];
  await turn();
  server.connections[0].far.close();
  const { error } = await relay.closed;
  expect(error).toMatchObject({ code: 'ERR_TRANSPORT_CLOSED' });
  expect(await Promise.all(waiting)).toEqual([error, error]);
});

test('close() fails connect(), before and after', async () => {
  const { server, relay } = await tcpRelay(stream());
  server.script = ({ method }) => (method === 'Connect' ? 'silence' : undefined);
  const waiting = rejection(relay.connect(PEER));
  await turn();
  await relay.close();
  const gone = { code: 'ERR_TURN_NO_ALLOCATION', message: 'The relay was closed.' };
  expect(await waiting).toMatchObject(gone);
  expect(await rejection(relay.connect(PEER))).toMatchObject(gone);
});

test('a relay of UDP has no connections, and one of TCP no datagrams', async () => {
  const refused = { code: 'ERR_INVALID_ARGUMENT', argument: 'options.relayTransport' };
  const udp = await relayAt(new ScriptedServer(stream()));
  expect(await rejection(udp.connect(PEER))).toMatchObject(refused);
  expect(() => udp.connections()).toThrow(expect.objectContaining(refused));
  const { relay } = await tcpRelay(stream());
  expect(() => relay.send(bytes('x'), PEER)).toThrow(expect.objectContaining(refused));
  expect(await rejection(relay.bindChannel(PEER))).toMatchObject(refused);
  const message = { data: bytes('x'), remoteAddress: PEER.address, remotePort: PEER.port };
  expect(await rejection(relay.writable.getWriter().write(message))).toMatchObject(refused);
});

test('a peer that cannot be reached: 447', async () => {
  const { relay } = await tcpRelay(stream());
  expect(await rejection(relay.connect({ address: '192.0.2.1', port: 1 }))).toMatchObject({
    code: 'ERR_STUN_RESPONSE',
    errorCode: 447,
    phase: 'peer',
  });
});

test('the server does not bind: connect() rejects, and the connection is closed', async () => {
  const { server, relay } = await tcpRelay(stream());
  server.script = ({ method }) =>
    method === 'ConnectionBind' ? { code: 400, signed: true } : undefined;
  expect(await rejection(relay.connect(PEER))).toMatchObject({ errorCode: 400 });
  await until(() => !server.connections[1].far.send(bytes('x')));
});

test('a peer’s connection that the server does not bind is told, and the next one is taken', async () => {
  const { server, peer, relay } = await tcpRelay(stream());
  await relay.permit(PEER);
  /** @type {import('../../../js/turn/relay-event.js').RelayEvent[]} */
  const events = [];
  relay.onevent = (event) => events.push(event);
  server.script = ({ method }) =>
    method === 'ConnectionBind' ? { code: 400, signed: true } : undefined;
  const next = relay.connections().next();
  server.connectFrom(peer);
  await until(() => events.length > 0);
  expect(events).toMatchObject([
    { type: 'connection-failed', peer: PEER, error: { errorCode: 400, phase: 'peer' } },
  ]);
  server.script = () => undefined;
  server.connectFrom(peer);
  expect((await next).value?.peer).toMatchObject(PEER);
});

test('the server closes instead of binding', async () => {
  const { server, relay } = await tcpRelay(stream());
  server.script = ({ method }, { far }) => {
    if (method !== 'ConnectionBind') return undefined;
    far.close();
    return 'silence';
  };
  expect(await rejection(relay.connect(PEER))).toMatchObject({ code: 'ERR_TRANSPORT_CLOSED' });
});

test('a signal ends connect(), at each step', async () => {
  for (const method of ['Connect', 'ConnectionBind']) {
    const { server, relay } = await tcpRelay(stream());
    server.script = (request) => (request.method === method ? 'silence' : undefined);
    const controller = new AbortController();
    const connecting = rejection(relay.connect(PEER, { signal: controller.signal }));
    await until(() => server.count(method) > 0);
    controller.abort('why');
    expect(await connecting).toBe('why');
  }
});

test('who does not read holds the peer up: TCP is told to wait', async () => {
  const { server, peer, relay } = await tcpRelay(stream());
  const connection = await relay.connect(PEER);
  const [end] = peer.connections;
  const piece = Buffer.alloc(40_000, 'x');
  for (let i = 0; i < 10; i += 1) end.send(piece);
  await turn();
  expect(server.connections).toHaveLength(2);
  const reader = connection.readable.getReader();
  let length = 0;
  while (length < 400_000) length += (await reader.read()).value?.length ?? Number.NaN;
  expect(length).toBe(400_000);
});

test('duplex() is a stream of Node', async () => {
  const { peer, relay } = await tcpRelay(stream());
  const connection = await relay.connect(PEER);
  const there = inbox(peer.connections[0]);
  const duplex = connection.duplex();
  duplex.write('hello');
  await until(() => there.text === 'hello');
  peer.connections[0].send(bytes('world'));
  const [chunk] = await once(duplex, 'data');
  expect(text(chunk)).toBe('world');
  duplex.end();
  await connection.closed;
});

test('attempts that nobody takes are dropped and counted', async () => {
  const { server, peer, relay } = await tcpRelay(stream());
  await relay.permit(PEER);
  for (let i = 0; i < 20; i += 1) {
    server.connectFrom(peer);
    await turn();
  }
  expect(relay.stats().connectionsDropped).toBe(4);
});
