// What the server does not renew: permissions, channels, and the allocation itself. Time is the test's.
import { afterEach, beforeAll, expect, jest, test } from '@jest/globals';
import { turn } from '../client/support.js';
import { ScriptedServer, stream } from './scripted-server.js';
import { bytes, closeRelays, relayAt, text, until } from './support.js';

/** @typedef {import('../../../js/turn/relay-event.js').RelayEvent} RelayEvent */
/** @typedef {import('./scripted-server.js').Reply} Reply */

// For all of the file, as the engine serves all relays and takes the time never to go back.
beforeAll(() => {
  jest.useFakeTimers({ doNotFake: ['queueMicrotask', 'nextTick', 'setImmediate'] });
});
afterEach(closeRelays);

const PEER = { address: '192.0.2.9', port: 4000 };
const OTHER = { address: '192.0.2.10', port: 4000 };

/** Second by second, with all that follows of each. @param {number} seconds @param {() => boolean} isOver */
async function pass(seconds, isOver) {
  for (let i = 0; i < seconds && !isOver(); i += 1) {
    jest.advanceTimersByTime(1000);
    await turn();
  }
}

/** @param {import('../../../js/turn/allocate-options.js').AllocateOptions} options */
async function start(options) {
  const server = new ScriptedServer(stream());
  const peer = server.peer(PEER.address, PEER.port);
  const relay = await relayAt(server, options);
  /** @type {RelayEvent[]} */
  const events = [];
  relay.onevent = (event) => events.push(event);
  return { server, peer, relay, events };
}

/** From now on the server refuses these requests. @param {ScriptedServer} server @param {string} method @param {number} code */
function refuse(server, method, code) {
  server.script = (request) => (request.method === method ? { code, signed: true } : undefined);
}

test('a permission: told for the peer that is refused, and what is sent to it asks anew', async () => {
  const { server, peer, relay, events } = await start({ permissionLifetimeMs: 30_000 });
  await relay.permit([PEER, OTHER]);
  server.script = ({ method, attributes }) =>
    method === 'CreatePermission' && attributes.xorPeerAddress?.address === PEER.address
      ? { code: 403, signed: true }
      : undefined;
  await pass(60, () => events.length > 0);
  expect(events).toMatchObject([
    {
      type: 'permission-lost',
      peer: { address: PEER.address },
      error: { code: 'ERR_STUN_RESPONSE', errorCode: 403, phase: 'permission' },
    },
  ]);

  server.script = () => undefined;
  server.allocation.permissions.delete(PEER.address);
  relay.send(bytes('again'), PEER);
  await until(() => peer.received.length > 0);
  expect(peer.received).toEqual(['again']);
});

test('a channel: it is closed, and what is sent to the peer goes as indications', async () => {
  const { server, peer, relay, events } = await start({ channelLifetimeMs: 30_000 });
  const channel = await relay.bindChannel(PEER);
  refuse(server, 'ChannelBind', 400);
  await pass(60, () => events.length > 0);
  expect(events).toMatchObject([
    {
      type: 'channel-lost',
      channel: channel.number,
      peer: PEER,
      error: { code: 'ERR_STUN_RESPONSE', errorCode: 400, phase: 'channel' },
    },
  ]);
  expect(channel.isOpen).toBe(false);
  const before = relay.stats().sendDropped;
  channel.send(bytes('nowhere'));
  expect(relay.stats().sendDropped).toBe(before + 1);

  server.allocation.channels.clear();
  relay.send(bytes('again'), PEER);
  await until(() => peer.received.length > 0);
  expect(server.requests.at(-1)).toMatchObject({ method: 'Send' });
  server.script = () => undefined;
  const next = await relay.bindChannel(PEER);
  expect(next.isOpen).toBe(true);
  server.fromPeer(peer, 'answer');
  const { value } = await relay[Symbol.asyncIterator]().next();
  expect(value && text(value.data)).toBe('answer');
});

test('the allocation: the server puts the refreshes off until its lifetime is over', async () => {
  const { server, relay, events } = await start({ lifetimeSeconds: 60 });
  let isOver = false;
  relay.closed.then(() => {
    isOver = true;
  });
  refuse(server, 'Refresh', 500);
  await pass(59, () => isOver);
  expect(isOver).toBe(false);
  expect(server.count('Refresh')).toBeGreaterThan(1);
  await pass(2, () => isOver);
  expect(await relay.closed).toMatchObject({
    reason: 'expired',
    error: { code: 'ERR_TURN_EXPIRED' },
  });
  expect(events).toEqual([]);
  expect(() => relay.send(bytes('x'), PEER)).not.toThrow();
});
