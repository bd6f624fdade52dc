// How a server ends: at once, with a signal, or when its allocations have ended; and that nothing is left then.
import { once } from 'node:events';
import { afterEach, describe, expect, test } from '@jest/globals';
import { createServer } from '../../../js/server/index.js';
import { startTcpEcho } from '../../support/tcp-peers.js';
import { ownSockets, rejection } from '../client/support.js';
import {
  cleanUp,
  cutOff,
  DEFAULTS,
  HandClient,
  HOST,
  onCleanUp,
  ping,
  relayAt,
  startServer,
  TLS,
  tcpSocket,
  told,
  until,
  wireTo,
} from './support.js';

afterEach(cleanUp);

const ALL = ['udp', 'tcp', 'tls', 'ws', 'wss'];
const listen = ALL.map((protocol) => `${protocol}://${HOST}:0`);

describe('close()', () => {
  test('ends everything; clients over connections notice, ports come free', async () => {
    const before = await ownSockets();
    const server = await startServer({ listen, tls: TLS });
    const wires = await Promise.all(ALL.map((protocol) => wireTo(server, protocol)));
    for (const wire of wires) await new HandClient(wire).allocate();
    const half = await tcpSocket(server.addresses[2]);
    const [udp, ...streams] = wires;
    const places = server.addresses.map(({ protocol, port }) => `${protocol}://${HOST}:${port}`);
    await server.close();
    await Promise.all([...streams.map(({ closed }) => closed), cutOff(half)]);
    expect(server.stats()).toMatchObject({ allocations: 0, connections: 0, relaySockets: 0 });
    expect(await server.closed).toEqual({ reason: 'closed' });
    udp.close();
    await udp.closed;
    expect(await ownSockets()).toEqual(before);
    // The same ports again.
    const next = await startServer({ listen: places, tls: TLS });
    expect(await ping(await wireTo(next, 'tls'))).toBeDefined();
  });

  test('the project’s client over TCP hears it', async () => {
    const server = await startServer({ listen, tls: TLS });
    const relay = await relayAt(server, { protocol: 'tcp' });
    await server.close();
    expect((await relay.closed).error).toMatchObject({ code: 'ERR_TRANSPORT_CLOSED' });
  });

  test('may be called as often as one likes, and by `await using`', async () => {
    const server = await startServer();
    const both = [server.close(), server.close(), server[Symbol.asyncDispose]()];
    await Promise.all(both);
    await server.close();
    expect(await server.closed).toEqual({ reason: 'closed' });
  });

  test('ends connections of peers, joined or not', async () => {
    const server = await startServer({ listen: [`tcp://${HOST}:0`] });
    const echo = await startTcpEcho();
    onCleanUp(() => echo.close());
    const relay = await relayAt(server, { relayTransport: 'tcp' });
    const connection = await relay.connect(echo);
    await relay.permit(HOST);
    const waiting = await tcpSocket(relay.relayedAddress);
    await server.close();
    await connection.closed;
    await Promise.all([cutOff(waiting), until(() => echo.open === 0)]);
  });

  test('afterwards users may still be named, in vain', async () => {
    const server = await startServer();
    await server.close();
    server.setUser('user', 'other');
    server.setSecret('x');
    server.removeUser('user');
    server.setSecureContext(TLS);
  });
});

describe('a signal', () => {
  test('that was given before: nothing is opened', async () => {
    const before = await ownSockets();
    const reason = new Error('why');
    const options = { ...DEFAULTS, listen, tls: TLS, signal: AbortSignal.abort(reason) };
    expect(await rejection(createServer(/** @type {any} */ (options)))).toBe(reason);
    expect(await ownSockets()).toEqual(before);
  });

  test('that is given while the ports are opened', async () => {
    const before = await ownSockets();
    const controller = new AbortController();
    const options = { ...DEFAULTS, listen, tls: TLS, signal: controller.signal };
    const starting = rejection(createServer(/** @type {any} */ (options)));
    controller.abort('why');
    expect(await starting).toBe('why');
    expect(await ownSockets()).toEqual(before);
  });

  test('ends the server', async () => {
    const controller = new AbortController();
    const server = await startServer({ signal: controller.signal });
    const relayed = told(server, 'end');
    await relayAt(server);
    controller.abort('why');
    expect(await server.closed).toEqual({ reason: 'aborted', error: 'why' });
    expect(await relayed).toMatchObject({ username: 'user' });
    await server.close();
    expect(await server.closed).toEqual({ reason: 'aborted', error: 'why' });
  });
});

describe('drain()', () => {
  test('takes no new allocations, serves those that are there, and ends with the last', async () => {
    const server = await startServer({ listen, tls: TLS });
    const [one, other] = [await relayAt(server), await relayAt(server, { protocol: 'tcp' })];
    const drained = server.drain();
    expect(await rejection(relayAt(server))).toMatchObject({ errorCode: 508 });
    await one.refresh();
    await one.permit(HOST);
    await other.refresh();
    await one.close();
    await other.refresh();
    await other.close();
    expect(await drained).toBe(0);
    expect(await server.closed).toEqual({ reason: 'drained' });
  });

  test('TCP connections of allocations that are there are still made', async () => {
    const server = await startServer({ listen, tls: TLS });
    const echo = await startTcpEcho();
    onCleanUp(() => echo.close());
    const relay = await relayAt(server, { protocol: 'tcp', relayTransport: 'tcp' });
    const drained = server.drain();
    const duplex = (await relay.connect(echo)).duplex().on('error', () => {});
    duplex.write('hello');
    expect(`${(await once(duplex, 'data'))[0]}`).toBe('hello');
    await relay.close();
    expect(await drained).toBe(0);
  });

  test('sends clients elsewhere: 300', async () => {
    const next = await startServer();
    const { port } = next.addresses[0];
    const server = await startServer({ alternate: `${HOST}:${port}` });
    await relayAt(server);
    const drained = server.drain({ timeoutMs: 60_000 });
    const sent = await relayAt(server);
    expect(sent.serverAddress).toMatchObject({ port });
    expect(next.allocations()).toHaveLength(1);
    await server.close();
    await drained;
  });

  test('without allocations it ends at once', async () => {
    const server = await startServer();
    expect(await server.drain()).toBe(0);
    expect(await server.closed).toEqual({ reason: 'drained' });
    expect(await server.drain()).toBe(0);
  });

  test('ends the rest when the time is over, and tells how many', async () => {
    const server = await startServer();
    const [ended] = [told(server, 'end'), await relayAt(server), await relayAt(server)];
    expect(await server.drain({ timeoutMs: 1 })).toBe(2);
    await ended;
    expect(server.stats()).toMatchObject({ allocations: 0, relaySockets: 0 });
  });

  test('a signal stops waiting: the server goes on as before', async () => {
    const server = await startServer();
    const relay = await relayAt(server);
    const controller = new AbortController();
    const draining = rejection(server.drain({ signal: controller.signal, timeoutMs: 60_000 }));
    controller.abort('why');
    expect(await draining).toBe('why');
    await relay.refresh();
    await relayAt(server);
    expect(await rejection(server.drain({ signal: AbortSignal.abort('no') }))).toBe('no');
    expect(server.allocations()).toHaveLength(2);
  });

  test('close() ends the waiting', async () => {
    const server = await startServer();
    await relayAt(server);
    const draining = server.drain();
    await server.close();
    await draining;
    expect(await server.closed).toEqual({ reason: 'closed' });
  });

  test.each([
    [{ timeoutMs: -1 }, 'options.timeoutMs'],
    [{ timeoutMs: '1' }, 'options.timeoutMs'],
    [{ signal: {} }, 'options.signal'],
  ])('%p is refused', async (options, argument) => {
    const server = await startServer();
    expect(await rejection(server.drain(/** @type {any} */ (options)))).toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
      argument,
    });
    await relayAt(server);
  });
});
