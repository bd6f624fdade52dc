// Whether a process waits for its relays.
import { expect, jest, test } from '@jest/globals';
import { runModule } from '../client/child.js';

jest.setTimeout(120_000);

/** A server on loopback, in the same process, which it does not keep alive. */
const SERVER = `
  import { createServer } from 'node:net';
  import { allocate } from './js/index.js';
  import { CREDENTIALS, ScriptedServer, stream } from './tests/js/turn/scripted-server.js';
  const server = new ScriptedServer(stream());
  const peer = server.peer('192.0.2.9', 4000);
  const target = { address: '198.51.100.1', port: 3478 };
  const listener = createServer(async (socket) => {
    socket.unref();
    const near = await server.transport(target, {});
    socket.on('data', (bytes) => near.send(bytes)).on('close', () => near.close());
    near.onbytes = (bytes) => socket.write(bytes);
    near.onclose = () => socket.destroy();
  });
  await new Promise((resolve) => listener.listen(0, '127.0.0.1', resolve));
  listener.unref();
  const url = 'turn:127.0.0.1:' + listener.address().port + '?transport=tcp';
  const relay = await allocate(url, { credentials: CREDENTIALS, relayTransport: 'tcp' });
  relay.closed.then(() => console.log('closed'));
`;

/** @param {string} source */
async function output(source) {
  const { status, stdout, stderr } = await runModule(SERVER + source);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return stdout;
}

test('it does, with the TCP connections to peers, until they are closed', async () => {
  const stdout = await output(`
    const connection = await relay.connect(peer);
    connection.closed.then(() => console.log('connection closed'));
    setImmediate(() => relay.close());
  `);
  expect(stdout).toBe('connection closed\nclosed\n');
});

test('unref() lets it end: with what is due for the relay, and its TCP connections', async () => {
  const stdout = await output(`
    await relay.connect(peer);
    const handles = () => process.getActiveResourcesInfo().filter((kind) => /Timeout|TCP/.test(kind));
    const before = handles().length;
    relay.unref();
    console.log(before > 0, handles());
  `);
  expect(stdout).toBe('true []\n');
});
