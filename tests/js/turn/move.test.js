// Moving an allocation to another 5-tuple (RFC 8016).
import { afterEach, describe, expect, test } from '@jest/globals';
import { rejection } from '../client/support.js';
import { DATAGRAMS, MESSAGES, ScriptedServer, stream } from './scripted-server.js';
import { bytes, closeRelays, relayAt, text, until } from './support.js';

afterEach(closeRelays);

const PEER = { address: '192.0.2.9', port: 4000 };

describe.each([
  ['datagrams', DATAGRAMS],
  ['whole messages', MESSAGES],
  ['a stream', stream(3)],
])('over %s', (_, medium) => {
  test('the relay goes on from another address, and the old transport is closed', async () => {
    const server = new ScriptedServer(medium);
    const peer = server.peer(PEER.address, PEER.port, { echoes: true });
    const relay = await relayAt(server, { mobility: true });
    /** @type {any[]} */
    const events = [];
    relay.onevent = (event) => events.push(event);
    await relay.permit(PEER);
    await relay.move({ localAddress: '192.0.2.2', localPort: 7 });
    expect(relay.localAddress).toMatchObject({ address: '192.0.2.2', port: 7 });
    expect(server.opened[1]).toMatchObject({ localAddress: '192.0.2.2', localPort: 7 });
    expect(events).toMatchObject([{ type: 'moved', localAddress: { port: 7 } }]);
    relay.send(bytes('after'), PEER);
    for await (const { data } of relay) {
      expect(text(data)).toBe('after');
      break;
    }
    expect(peer.received).toEqual(['after']);
    await relay.close();
    expect(server.allocations.size).toBe(0);
  });

  test('the server refuses: the relay goes back', async () => {
    const server = new ScriptedServer(medium);
    server.peer(PEER.address, PEER.port, { echoes: true });
    const relay = await relayAt(server, { mobility: true });
    const before = relay.localAddress;
    server.script = ({ attributes }) =>
      attributes.mobilityTicket ? { code: 403, signed: true } : undefined;
    expect(await rejection(relay.move())).toMatchObject({ errorCode: 403, phase: 'move' });
    server.script = () => undefined;
    expect(relay.localAddress).toEqual(before);
    relay.send(bytes('still'), PEER);
    for await (const { data } of relay) {
      expect(text(data)).toBe('still');
      break;
    }
  });
});

test.each([
  ['messages', MESSAGES],
  ['a stream', stream()],
])('over %s, the new connection breaks: the relay goes back', async (_, medium) => {
  const server = new ScriptedServer(medium);
  server.peer(PEER.address, PEER.port, { echoes: true });
  const relay = await relayAt(server, { mobility: true });
  server.script = ({ attributes }, { far }) => {
    if (!attributes.mobilityTicket) return undefined;
    far.close();
    return 'silence';
  };
  expect(await rejection(relay.move())).toMatchObject({ code: 'ERR_TRANSPORT_CLOSED' });
  relay.send(bytes('still'), PEER);
  for await (const { data } of relay) {
    expect(text(data)).toBe('still');
    break;
  }
});

test('both connections break: the relay has ended', async () => {
  const server = new ScriptedServer(stream());
  const relay = await relayAt(server, { mobility: true });
  server.script = ({ attributes }) => {
    if (!attributes.mobilityTicket) return undefined;
    for (const { far } of server.connections) far.close();
    return 'silence';
  };
  expect(await rejection(relay.move())).toMatchObject({ code: 'ERR_TRANSPORT_CLOSED' });
  expect(await relay.closed).toMatchObject({ reason: 'transport' });
});

test('without a ticket: ERR_TURN_NO_MOBILITY, and nothing stays open', async () => {
  const server = new ScriptedServer();
  const relay = await relayAt(server);
  expect(await rejection(relay.move())).toMatchObject({ code: 'ERR_TURN_NO_MOBILITY' });
  expect(await rejection(relay.move(/** @type {any} */ ({ localAddress: 'x' })))).toMatchObject({
    argument: 'options.localAddress',
  });
  await relay.permit(PEER);
});

test('close() while moving', async () => {
  const server = new ScriptedServer();
  const relay = await relayAt(server, { mobility: true });
  server.script = ({ attributes }) => (attributes.mobilityTicket ? 'silence' : undefined);
  const moving = rejection(relay.move());
  await until(() => server.connections.length > 1);
  await relay.close();
  expect(await moving).toMatchObject({ code: 'ERR_TURN_NO_ALLOCATION' });
});
