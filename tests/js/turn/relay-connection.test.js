// Back-pressure of TCP connections to peers, over a transport that the test has a hand in.
import { expect, test } from '@jest/globals';
import { memoryTransportPair } from '../../../js/transports/memory.js';
import { RelayConnection } from '../../../js/turn/relay-connection.js';
import { rejection, turn } from '../client/support.js';
import { bytes, text } from './support.js';

/** @type {import('../../../js/codec/values.js').TransportAddress} */
const PEER = { address: '192.0.2.9', port: 4000, family: 'IPv4' };

/** @param {boolean} framed */
function connected(framed) {
  const [near, far] = memoryTransportPair({ reliable: true, framed });
  return { near, far, connection: new RelayConnection(near, PEER) };
}

test('a write waits until the transport has room', async () => {
  const { near, connection } = connected(false);
  near.send = () => false;
  const writer = connection.writable.getWriter();
  let isWritten = false;
  const written = writer.write(bytes('x')).then(() => {
    isWritten = true;
  });
  await turn();
  expect(isWritten).toBe(false);
  near.ondrain?.();
  await written;
});

test('a write that waits fails when the connection ends', async () => {
  const { near, far, connection } = connected(false);
  near.send = () => false;
  const writer = connection.writable.getWriter();
  writer.closed.catch(() => {});
  const written = rejection(writer.write(bytes('x')));
  await turn();
  far.close();
  expect(await written).toMatchObject({ code: 'ERR_TRANSPORT_CLOSED' });
});

test('what is written is a copy', async () => {
  const { far, connection } = connected(false);
  const writer = connection.writable.getWriter();
  const chunk = bytes('hello');
  await writer.write(chunk);
  chunk.fill(0);
  far.onbytes = (some) => expect(text(some)).toBe('hello');
  await turn();
  expect.assertions(1);
});

test('a chunk that is no bytes fails the stream', async () => {
  const { connection } = connected(false);
  const writer = connection.writable.getWriter();
  writer.closed.catch(() => {});
  expect(await rejection(writer.write(/** @type {any} */ ('text')))).toMatchObject({
    code: 'ERR_INVALID_ARGUMENT',
    argument: 'chunk',
  });
});

test('TCP is read no further than who reads the stream', async () => {
  const { near, far, connection } = connected(false);
  for (let i = 0; i < 10; i += 1) far.send(Buffer.alloc(40_000));
  await turn();
  expect(near.onbytes).toBeUndefined();
  const reader = connection.readable.getReader();
  for (let i = 0; i < 10; i += 1) expect((await reader.read()).value).toHaveLength(40_000);
  expect(near.onbytes).toBeDefined();
});

test('a WebSocket cannot be told to wait: what is too much ends the connection', async () => {
  const { near, far, connection } = connected(true);
  const piece = Buffer.alloc(1024 * 1024);
  for (let i = 0; i < 16; i += 1) far.send(piece);
  await turn();
  expect(near.onbytes).toBeDefined();
  far.send(piece);
  const { error } = await connection.closed;
  expect(error).toMatchObject({ code: 'ERR_TRANSPORT_CLOSED' });
  expect(error?.message).toContain('More came in');
});

test('cancel() and abort() close the connection', async () => {
  const first = connected(false);
  await first.connection.readable.cancel();
  expect(await first.connection.closed).toEqual({});
  const second = connected(false);
  await second.connection.writable.abort();
  expect(await second.connection.closed).toEqual({});
  const third = connected(false);
  await third.connection[Symbol.asyncDispose]();
  await third.connection.close();
});
