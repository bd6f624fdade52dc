// What a relay does, whatever it is reached over: run for each medium by relay.test.js.
import { expect, test } from '@jest/globals';
import { encode, prepareKey } from '../../../js/codec/index.js';
import { rejection } from '../client/support.js';
import { CREDENTIALS, REALM, RELAYED, RELAYED_6, ScriptedServer } from './scripted-server.js';
import { bytes, relayAt, SERVER, text, until } from './support.js';

/** @typedef {import('./scripted-server.js').Medium} Medium */

const PEER = { address: '192.0.2.9', port: 4000 };

/** @param {Medium} medium */
export function behavesAsRelay(medium) {
  test('allocates, tells what was granted, and gives it back', async () => {
    const server = new ScriptedServer(medium);
    const relay = await relayAt(server, { software: 'test', lifetimeSeconds: 300 });
    expect(relay).toMatchObject({
      relayedAddress: { address: RELAYED, family: 'IPv4' },
      relayedAddresses: [{ address: RELAYED }],
      mappedAddress: { address: '192.0.2.1', port: 50_000, family: 'IPv4' },
      serverAddress: { address: '198.51.100.1', port: 3478 },
      transport: 'memory',
      url: SERVER,
      lifetimeMs: 300_000,
      software: 'scripted',
      attempts: [],
      reservationToken: undefined,
    });
    expect(Object.keys(relay.phases).sort()).toEqual(['allocate', 'challenge', 'connect', 'dns']);
    expect(server.requests.map(({ attributes }) => attributes.software)).toEqual(['test', 'test']);
    await relay.close();
    expect(await relay.closed).toEqual({ reason: 'closed' });
    expect(server.allocations.size).toBe(0);
    expect(server.requests.at(-1)?.attributes.lifetime).toBe(0);
  });

  test('without credentials, where the server asks for none: no challenge', async () => {
    const server = new ScriptedServer(medium, { open: true });
    const relay = await relayAt(server, { credentials: undefined });
    expect(relay.phases.challenge).toBe(0);
    expect(server.count('Allocate')).toBe(1);
    await relay.close();
  });

  test('asks for what the options say', async () => {
    const server = new ScriptedServer(medium);
    const relay = await relayAt(server, { relayFamily: 'both', evenPort: 'reserve' });
    expect(relay.relayedAddresses).toMatchObject([{ address: RELAYED }, { address: RELAYED_6 }]);
    expect(relay.reservationToken).toEqual(new Uint8Array(bytes('12345678')));
    expect(server.requests.at(-1)?.attributes).toMatchObject({
      additionalAddressFamily: 'IPv6',
      evenPort: true,
    });
    await relay.close();
  });

  test('send() asks for the permission itself; what comes meanwhile waits, in order', async () => {
    const server = new ScriptedServer(medium);
    const relay = await relayAt(server);
    const peer = server.peer(PEER.address, PEER.port, { echoes: true });
    const other = server.peer(PEER.address, 4001);
    const words = bytes('one');
    expect(relay.send(words, PEER)).toBe(true);
    // The bytes are the caller's again.
    words.fill(0);
    relay.send(bytes('two'), PEER);
    relay.send(bytes('three'), { address: PEER.address, port: 4001 });
    expect(relay.stats()).toMatchObject({ waitingMessages: 3, waitingBytes: 11, messagesSent: 0 });
    /** @type {string[]} */
    const came = [];
    for await (const { data, peer: from, channel } of relay) {
      expect(from).toEqual({ ...PEER, family: 'IPv4' });
      expect(channel).toBe(0);
      came.push(text(data));
      if (came.length === 2) break;
    }
    expect(came).toEqual(['one', 'two']);
    expect(peer.received).toEqual(['one', 'two']);
    expect(other.received).toEqual(['three']);
    expect(server.count('CreatePermission')).toBe(1);
    expect(relay.stats()).toMatchObject({ waitingMessages: 0, waitingBytes: 0, messagesSent: 3 });
    await relay.close();
  });

  test('permit() merges with what is under way, and costs nothing for who has it', async () => {
    const server = new ScriptedServer(medium);
    const relay = await relayAt(server);
    await Promise.all([
      relay.permit('192.0.2.9'),
      relay.permit(['192.0.2.9', { address: '192.0.2.10', port: 5 }]),
    ]);
    await relay.permit('192.0.2.10');
    const asked = server.requests.filter(({ method }) => method === 'CreatePermission');
    const peers = asked.flatMap((request) =>
      [...request].filter(({ name }) => name === 'XOR-PEER-ADDRESS').map(({ value }) => value),
    );
    expect(peers).toHaveLength(2);
    await relay.close();
  });

  test('a refused permission: permit() rejects, what waits is dropped and told', async () => {
    const server = new ScriptedServer(medium);
    const relay = await relayAt(server);
    server.script = ({ method }) =>
      method === 'CreatePermission' ? { code: 403, signed: true } : undefined;
    /** @type {any[]} */
    const events = [];
    relay.onevent = (event) => events.push(event);
    expect(await rejection(relay.permit(PEER))).toMatchObject({
      code: 'ERR_STUN_RESPONSE',
      errorCode: 403,
      phase: 'permission',
    });
    const asked = server.count('CreatePermission');
    // It was refused just now: not asked again for each datagram.
    relay.send(bytes('one'), PEER);
    expect(relay.stats()).toMatchObject({ sendDropped: 1, waitingMessages: 0 });
    const other = { address: '192.0.2.10', port: 1 };
    relay.send(bytes('two'), other);
    relay.send(bytes('three'), other);
    await until(() => events.length > 0);
    expect(events).toMatchObject([
      { type: 'permission-failed', address: other.address, error: { errorCode: 403 } },
    ]);
    expect(relay.stats()).toMatchObject({ sendDropped: 3, waitingMessages: 0, waitingBytes: 0 });
    expect(server.count('CreatePermission')).toBe(asked + 1);
    await relay.close();
  });

  test('channels: both ways, one for each peer, and onmessage of their own', async () => {
    const server = new ScriptedServer(medium);
    const relay = await relayAt(server);
    const peer = server.peer(PEER.address, PEER.port, { echoes: true });
    const [channel, again] = await Promise.all([
      relay.bindChannel(PEER),
      relay.bindChannel({ ...PEER }),
    ]);
    expect(again).toBe(channel);
    expect(await relay.bindChannel(PEER)).toBe(channel);
    expect(channel).toMatchObject({ number: 0x4000, peer: { ...PEER, family: 'IPv4' } });
    expect(server.count('ChannelBind')).toBe(1);

    /** @type {string[]} */
    const own = [];
    channel.onmessage = (data) => own.push(text(data));
    expect(channel.send(bytes('a'))).toBe(true);
    // send() takes the channel, too.
    relay.send(bytes('bcd'), PEER);
    await until(() => own.length === 2);
    expect(own).toEqual(['a', 'bcd']);
    expect(server.count('Send')).toBe(0);

    channel.onmessage = undefined;
    /** @type {any[]} */
    const common = [];
    relay.onmessage = (data, from, number) => common.push([text(data), from.port, number]);
    channel.send(bytes('e'));
    await until(() => common.length === 1);
    expect(common).toEqual([['e', PEER.port, 0x4000]]);

    channel.close();
    channel.close();
    expect(channel.send(bytes('f'))).toBe(false);
    expect(relay.stats().sendDropped).toBe(1);
    relay.send(bytes('g'), PEER);
    await until(() => peer.received.includes('g'));
    expect(server.count('Send')).toBe(1);
    await relay.close();
    expect(channel.isOpen).toBe(false);
  });

  test('streams: what is written comes back', async () => {
    const server = new ScriptedServer(medium);
    server.peer(PEER.address, PEER.port, { echoes: true });
    const relay = await relayAt(server);
    expect(relay.readable).toBe(relay.readable);
    const writer = relay.writable.getWriter();
    const reader = relay.readable.getReader();
    await writer.write({
      data: bytes('hello'),
      remoteAddress: PEER.address,
      remotePort: PEER.port,
    });
    const { value } = await reader.read();
    expect(value && text(value.data)).toBe('hello');
    expect(value).toMatchObject({ remoteAddress: PEER.address, remotePort: PEER.port });
    await relay.close();
    expect(await reader.read()).toEqual({ value: undefined, done: true });
    expect(await rejection(writer.closed)).toMatchObject({ code: 'ERR_TURN_NO_ALLOCATION' });
  });

  test('a stale nonce is answered with the new one, and nobody notices', async () => {
    const server = new ScriptedServer(medium);
    const relay = await relayAt(server);
    server.nonce = 'nonce-2';
    await relay.permit(PEER);
    expect(server.count('CreatePermission')).toBe(2);
    await relay.close();
    expect(server.allocations.size).toBe(0);
  });

  test('refresh() takes another lifetime, and tells', async () => {
    const server = new ScriptedServer(medium);
    const relay = await relayAt(server);
    /** @type {any[]} */
    const events = [];
    relay.onevent = (event) => events.push(event);
    await Promise.all([relay.refresh({ lifetimeSeconds: 900 }), relay.refresh()]);
    expect(relay.lifetimeMs).toBe(900_000);
    expect(events).toEqual([
      { type: 'refreshed', lifetimeMs: 900_000 },
      { type: 'refreshed', lifetimeMs: 900_000 },
    ]);
    await relay.close();
  });

  test('setCredentials(): accepted, or refused with the old ones kept', async () => {
    const server = new ScriptedServer(medium);
    const relay = await relayAt(server);
    /** @type {any[]} */
    const events = [];
    relay.onevent = (event) => events.push(event);
    relay.setCredentials({ ...CREDENTIALS });
    await until(() => events.length === 1);
    expect(events[0].type).toBe('refreshed');
    const other = { username: 'other', password: 'x' };
    const key = prepareKey({ ...other, realm: REALM });
    server.script = ({ attributes, transactionId, method }) => {
      if (attributes.username !== other.username) return undefined;
      const wrong = { errorCode: { code: 441 } };
      return encode({
        class: 'error',
        method: /** @type {any} */ (method),
        transactionId,
        attributes: wrong,
        key,
      });
    };
    relay.setCredentials({ username: 'other', credential: 'x' });
    await until(() => events.some(({ type }) => type === 'credentials-refused'));
    server.script = () => undefined;
    await relay.permit(PEER);
    await relay.close();
    expect(server.allocations.size).toBe(0);
  });

  test('close() fails what is under way, and later calls, with one error; data is dropped', async () => {
    const server = new ScriptedServer(medium);
    const relay = await relayAt(server);
    server.script = ({ method }) => (method === 'Refresh' ? undefined : 'silence');
    const gone = { code: 'ERR_TURN_NO_ALLOCATION', message: 'The relay was closed.' };
    const waiting = [rejection(relay.permit(PEER)), rejection(relay.bindChannel(PEER))];
    relay.send(bytes('one'), { address: '192.0.2.77', port: 1 });
    const closing = relay.close();
    for (const error of await Promise.all(waiting)) expect(error).toMatchObject(gone);
    await Promise.all([closing, relay.close()]);
    expect(relay.send(bytes('two'), PEER)).toBe(false);
    expect(relay.stats().sendDropped).toBe(2);
    await relay.ready;
    for (const late of [relay.permit(PEER), relay.bindChannel(PEER), relay.refresh()]) {
      expect(await rejection(late)).toMatchObject(gone);
    }
    expect(() => relay.setCredentials(CREDENTIALS)).toThrow(expect.objectContaining(gone));
    relay.revoke(PEER);
    await relay[Symbol.asyncDispose]();
  });

  test('a signal ends the waiting, and nothing else', async () => {
    const server = new ScriptedServer(medium);
    const relay = await relayAt(server);
    server.script = ({ method }) => (method === 'ChannelBind' ? 'silence' : undefined);
    const controller = new AbortController();
    const { signal } = controller;
    const asked = [relay.bindChannel(PEER, { signal }), relay.bindChannel(PEER)];
    controller.abort('why');
    expect(await rejection(asked[0])).toBe('why');
    await until(() => server.count('ChannelBind') > 0);
    const other = rejection(asked[1]);
    await relay.close();
    expect(await other).toMatchObject({ code: 'ERR_TURN_NO_ALLOCATION' });
  });

  test('callbacks that throw end nothing', async () => {
    const server = new ScriptedServer(medium);
    server.peer(PEER.address, PEER.port, { echoes: true });
    const relay = await relayAt(server);
    /** @type {unknown[]} */
    const reported = [];
    const { reportError } = globalThis;
    globalThis.reportError = (error) => void reported.push(error);
    try {
      relay.onmessage = () => {
        throw new Error('onmessage');
      };
      relay.onevent = () => {
        throw new Error('onevent');
      };
      relay.send(bytes('one'), PEER);
      await relay.refresh();
      await until(() => reported.length === 2);
      expect(reported.map(String).sort()).toEqual(['Error: onevent', 'Error: onmessage']);
    } finally {
      globalThis.reportError = reportError;
    }
    await relay.close();
  });
}
