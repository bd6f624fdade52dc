// How relays end, and what they do with too much.
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { rejection, turn } from '../client/support.js';
import { CREDENTIALS, DATAGRAMS, MESSAGES, ScriptedServer, stream } from './scripted-server.js';
import { bytes, closeRelays, relayAt, text, until } from './support.js';

/** @typedef {import('../../../js/transports/transport.js').OpenTransport} OpenTransport */
/** @typedef {import('../../../js/transports/transport.js').Transport} Transport */

afterEach(async () => {
  jest.useRealTimers();
  await closeRelays();
});

const PEER = { address: '192.0.2.9', port: 4000 };

/** Lets the test have a hand in the transport. @param {ScriptedServer} server */
function spying(server) {
  /** @type {Transport[]} */
  const opened = [];
  /** @type {OpenTransport} */
  const transport = async (target, options) => {
    const one = await server.transport(target, options);
    opened.push(one);
    return one;
  };
  return { opened, transport };
}

describe('the end', () => {
  test('the server closes the connection: what is under way, and the streams, fail with that', async () => {
    const server = new ScriptedServer(stream());
    const relay = await relayAt(server);
    server.script = () => 'silence';
    const waiting = rejection(relay.permit(PEER));
    const next = relay[Symbol.asyncIterator]().next();
    const reading = relay.readable.getReader().read();
    const writer = relay.writable.getWriter();
    await turn();
    server.connections[0].far.close();
    const end = await relay.closed;
    expect(end).toMatchObject({ reason: 'transport', error: { code: 'ERR_TRANSPORT_CLOSED' } });
    for (const promise of [waiting, rejection(next), rejection(reading)]) {
      expect(await promise).toBe(end.error);
    }
    expect(await rejection(writer.closed)).toBe(end.error);
    await relay.ready;
    await relay.close();
  });

  test('rubbish on the stream', async () => {
    const server = new ScriptedServer(stream());
    const relay = await relayAt(server);
    server.connections[0].far.send(Buffer.alloc(64, 0xff));
    expect(await relay.closed).toMatchObject({
      reason: 'transport',
      error: { code: 'ERR_STREAM_DESYNCHRONISED' },
    });
  });

  test('the server refuses to go on', async () => {
    const server = new ScriptedServer();
    const relay = await relayAt(server);
    server.script = ({ method }) =>
      method === 'Refresh' ? { code: 437, signed: true } : undefined;
    expect(await rejection(relay.refresh())).toMatchObject({ errorCode: 437, phase: 'refresh' });
    expect(await relay.closed).toMatchObject({ reason: 'refused', error: { errorCode: 437 } });
  });

  test('nobody answers any more', async () => {
    const server = new ScriptedServer();
    const relay = await relayAt(server, { retransmission: { rtoMs: 1, rc: 1, rm: 1 } });
    server.script = () => 'silence';
    expect(await rejection(relay.refresh())).toMatchObject({ code: 'ERR_STUN_TIMEOUT' });
    expect(await relay.closed).toMatchObject({ reason: 'timeout' });
  });

  test('close() does not wait for a server that is silent', async () => {
    const server = new ScriptedServer();
    const relay = await relayAt(server);
    server.script = () => 'silence';
    jest.useFakeTimers({ doNotFake: ['queueMicrotask', 'nextTick', 'setImmediate'] });
    const closing = relay.close();
    await jest.advanceTimersByTimeAsync(1000);
    await closing;
    expect(await relay.closed).toEqual({ reason: 'closed' });
  });

  test('a transport of the caller’s that throws', async () => {
    const server = new ScriptedServer();
    const { opened, transport } = spying(server);
    const relay = await relayAt(server, { transport });
    opened[0].send = () => {
      throw new Error('broken');
    };
    expect(await rejection(relay.permit(PEER))).toMatchObject({ code: 'ERR_TRANSPORT_CLOSED' });
    expect(await relay.closed).toMatchObject({ reason: 'transport' });
  });

  test('no promise that nobody waits for is reported as unhandled', async () => {
    /** @type {unknown[]} */
    const unhandled = [];
    const listener = (/** @type {unknown} */ reason) => unhandled.push(reason);
    process.on('unhandledRejection', listener);
    const server = new ScriptedServer(MESSAGES);
    const relay = await relayAt(server);
    void relay.readable;
    void relay.writable;
    relay.send(bytes('one'), PEER);
    server.connections[0].far.close();
    await relay.closed;
    await turn();
    await turn();
    process.off('unhandledRejection', listener);
    expect(unhandled).toEqual([]);
  });

  test('ref() and unref() go to the transport, and to the next one', async () => {
    const server = new ScriptedServer();
    const { opened, transport } = spying(server);
    const relay = await relayAt(server, { transport, mobility: true });
    const unref = jest.spyOn(opened[0], 'unref');
    const ref = jest.spyOn(opened[0], 'ref');
    relay.ref();
    relay.unref();
    expect([ref, unref].map(({ mock }) => mock.calls.length)).toEqual([1, 1]);
    await relay.move();
    relay.ref();
    expect(ref).toHaveBeenCalledTimes(1);
  });
});

describe('sending', () => {
  test('back-pressure: false until the transport has room, then `ready`', async () => {
    const server = new ScriptedServer(stream());
    const { opened, transport } = spying(server);
    const relay = await relayAt(server, { transport });
    const [own] = opened;
    const { send } = own;
    await relay.permit(PEER);
    own.send = (some) => {
      send.call(own, some);
      return false;
    };
    expect(relay.send(bytes('one'), PEER)).toBe(true);
    await turn();
    expect(relay.send(bytes('two'), PEER)).toBe(false);
    let isReady = false;
    const ready = relay.ready.then(() => {
      isReady = true;
    });
    await turn();
    expect(isReady).toBe(false);
    own.send = send;
    own.ondrain?.();
    await ready;
    expect(relay.send(bytes('three'), PEER)).toBe(true);
  });

  test('in one go: no more than the transport can have seen', async () => {
    const server = new ScriptedServer(stream());
    const relay = await relayAt(server);
    await relay.permit(PEER);
    const chunk = Buffer.alloc(1000);
    let count = 0;
    while (relay.send(chunk, PEER)) count += 1;
    expect(count).toBe(65);
    await relay.ready;
    expect(relay.send(chunk, PEER)).toBe(true);
  });

  test('the writable waits for `ready`', async () => {
    const server = new ScriptedServer(stream());
    const { opened, transport } = spying(server);
    const relay = await relayAt(server, { transport });
    await relay.permit(PEER);
    opened[0].send = () => false;
    const writer = relay.writable.getWriter();
    const message = { data: bytes('x'), remoteAddress: PEER.address, remotePort: PEER.port };
    await writer.write(message);
    let isWritten = false;
    await turn();
    const written = writer.write(message).then(() => {
      isWritten = true;
    });
    await turn();
    expect(isWritten).toBe(false);
    opened[0].ondrain?.();
    await written;
  });

  test('what waits for a permission is bounded, in number and in bytes', async () => {
    const server = new ScriptedServer();
    const relay = await relayAt(server);
    server.script = ({ method }) => (method === 'Refresh' ? undefined : 'silence');
    for (let i = 0; i < 300; i += 1) relay.send(bytes('x'), { address: '192.0.2.50', port: i + 1 });
    expect(relay.stats()).toMatchObject({ waitingMessages: 256, sendDropped: 44 });
    expect(relay.send(bytes('x'), PEER)).toBe(false);
    const large = await relayAt(server, { transport: new ScriptedServer().transport });
    for (let i = 0; i < 10; i += 1) large.send(Buffer.alloc(60_000), PEER);
    expect(large.stats()).toMatchObject({ waitingMessages: 5, sendDropped: 5 });
  });

  test('wrong arguments, and what does not fit', async () => {
    const relay = await relayAt(new ScriptedServer());
    const wrong = /** @type {[any, any, string][]} */ ([
      ['text', PEER, 'bytes'],
      [bytes('x'), undefined, 'peer'],
      [bytes('x'), '192.0.2.9', 'peer'],
      [bytes('x'), { address: 'name', port: 1 }, 'peer.address'],
      [bytes('x'), { address: 'fe80::1%eth0', port: 1 }, 'peer.address'],
      [bytes('x'), { address: '192.0.2.9', port: 0 }, 'peer.port'],
      [bytes('x'), { address: '192.0.2.9' }, 'peer.port'],
    ]);
    for (const [data, to, argument] of wrong) {
      expect(() => relay.send(data, to)).toThrow(
        expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT', argument }),
      );
    }
    expect(() => relay.send(bytes('x'), { address: '2001:db8::9', port: 1 })).toThrow(
      expect.objectContaining({ code: 'ERR_TURN_PEER_FAMILY' }),
    );
    await relay.permit(PEER);
    expect(() => relay.send(Buffer.alloc(65_472), PEER)).toThrow(
      expect.objectContaining({ code: 'ERR_TURN_PAYLOAD_TOO_LONG' }),
    );
    relay.send(Buffer.alloc(65_468), PEER);
    const channel = await relay.bindChannel(PEER);
    expect(() => channel.send(Buffer.alloc(65_504))).toThrow(
      expect.objectContaining({ code: 'ERR_TURN_PAYLOAD_TOO_LONG' }),
    );
    channel.send(Buffer.alloc(65_503));
    expect(relay.stats()).toMatchObject({ messagesSent: 2, sendFailed: 0 });
    expect(await rejection(relay.permit(/** @type {any} */ (['192.0.2.9', 5])))).toMatchObject({
      argument: 'peers[1]',
    });
    expect(await rejection(relay.permit('2001:db8::9'))).toMatchObject({
      code: 'ERR_TURN_PEER_FAMILY',
      message: 'The relay has no IPv6 address, and so it reaches no IPv6 peer.',
      hint: expect.stringContaining('relayFamily'),
    });
  });

  test('dontFragment goes into each Send indication, and no channel is taken', async () => {
    const server = new ScriptedServer();
    const peer = server.peer(PEER.address, PEER.port);
    const relay = await relayAt(server, { dontFragment: true });
    await relay.bindChannel(PEER);
    relay.send(bytes('x'), PEER);
    await until(() => peer.received.length > 0);
    expect(server.requests.at(-1)).toMatchObject({ method: 'Send' });
    expect(server.requests.at(-1)?.attributes.dontFragment).toBe(true);
  });
});

describe('receiving', () => {
  test('what nobody takes is bounded: the newest are dropped and counted', async () => {
    const server = new ScriptedServer();
    const peer = server.peer(PEER.address, PEER.port);
    const relay = await relayAt(server, { queueLength: 2 });
    await relay.permit(PEER);
    for (const word of ['one', 'two', 'three', 'four']) server.fromPeer(peer, word);
    await until(() => relay.dropped === 2);
    expect(relay.stats()).toMatchObject({ queued: 2, dropped: 2, messagesReceived: 4 });
    /** @type {string[]} */
    const got = [];
    for await (const { data } of relay) {
      got.push(text(data));
      if (got.length === 2) server.fromPeer(peer, 'five');
      if (got.length === 3) break;
    }
    expect(got).toEqual(['one', 'two', 'five']);
  });

  test('a readable that is cancelled takes no more from those who iterate', async () => {
    const server = new ScriptedServer();
    const peer = server.peer(PEER.address, PEER.port);
    const relay = await relayAt(server);
    await relay.permit(PEER);
    const reader = relay.readable.getReader();
    const reading = reader.read();
    await reader.cancel();
    expect(await reading).toEqual({ value: undefined, done: true });
    server.fromPeer(peer, 'one');
    const { value } = await relay[Symbol.asyncIterator]().next();
    expect(value && text(value.data)).toBe('one');
  });

  test('ICMP errors are events', async () => {
    const server = new ScriptedServer();
    const relay = await relayAt(server);
    await relay.permit(PEER);
    /** @type {any[]} */
    const events = [];
    relay.onevent = (event) => events.push(event);
    server.indicate('Data', { xorPeerAddress: PEER, icmp: { type: 3, code: 4, data: 1400 } });
    await until(() => events.length > 0);
    expect(events).toEqual([
      {
        type: 'icmp',
        peer: { ...PEER, family: 'IPv4' },
        icmpType: 3,
        icmpCode: 4,
        data: 1400,
      },
    ]);
  });

  test('a datagram that is too long for the network is counted, and ends nothing', async () => {
    const server = new ScriptedServer(DATAGRAMS);
    const { opened, transport } = spying(server);
    const relay = await relayAt(server, { transport });
    opened[0].onerror?.(Object.assign(new Error(), { cause: { code: 'EMSGSIZE' } }));
    expect(relay.stats().tooLong).toBe(1);
    await relay.refresh();
  });
});

describe('credentials that run out', () => {
  test('are renewed in time; a failure is told, and tried again', async () => {
    jest.useFakeTimers({
      doNotFake: ['queueMicrotask', 'nextTick', 'setImmediate', 'performance'],
    });
    const server = new ScriptedServer();
    let calls = 0;
    const credentials = async () => {
      calls += 1;
      if (calls === 2) throw new Error('not now');
      const { username, password } = CREDENTIALS;
      return { username, password, expiresAt: new Date(Date.now() + 100_000) };
    };
    const relay = await relayAt(server, { credentials });
    /** @type {any[]} */
    const events = [];
    relay.onevent = (event) => events.push(event);
    await jest.advanceTimersByTimeAsync(70_000);
    expect(calls).toBe(1);
    await jest.advanceTimersByTimeAsync(10_000);
    expect(calls).toBeGreaterThanOrEqual(2);
    expect(events[0]).toMatchObject({ type: 'credentials-failed', error: { message: 'not now' } });
    await jest.advanceTimersByTimeAsync(2000);
    expect(calls).toBe(3);
    await turn();
    expect(events[1]).toMatchObject({ type: 'refreshed' });
    await relay.close();
    await jest.advanceTimersByTimeAsync(200_000);
    expect(calls).toBe(3);
  });
});
