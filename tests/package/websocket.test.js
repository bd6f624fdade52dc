import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { WebSocketServer } from 'ws';
import { startStunResponder } from '../../js/dev/stun-responder.js';
import { openPage } from '../browser/browsers.js';
import { bundlePage, describeInBrowsers } from '../browser/in-browsers.js';
import { STRICT_POLICY, serve } from '../browser/server.js';
import { openBridge } from '../support/websocket-bridge.js';

const _project = fileURLToPath(new URL('../..', import.meta.url));

/** Reports what becomes of each case; the query of its URL says where the servers are. */
const PROGRAM = `
  import { getMappedAddress, init, openStunClient } from './js/index.js';
  import { openWebSocket } from './js/transports/websocket.js';

  const { gateway, peer, nobody } = Object.fromEntries(new URLSearchParams(location.search));
  const outcome = (promise) => promise.catch(({ code, message }) => ({ code, message }));
  const next = (transport, handler) => new Promise((resolve) => { transport[handler] = resolve; });

  const results = {};
  try {
    await init({ wasmUrl: '/engine.wasm' });
    const { address, transport, serverAddress } = await getMappedAddress(gateway + 'turn?token=x');
    results.mapped = { address, transport, serverAddress };
    const client = await openStunClient(gateway);
    await client.bind();
    results.again = (await client.bind()).requestsSent;
    await client.close();
    results.noSubProtocol = await outcome(openWebSocket({ url: peer + 'no-sub-protocol' }));
    results.nobody = await outcome(openWebSocket({ url: nobody }));

    const echo = await openWebSocket({ url: peer + 'echo' });
    const answers = [];
    const all = new Promise((resolve) => {
      echo.onbytes = (bytes) => answers.push([...bytes]) === 2 && resolve();
    });
    results.sent = [echo.send(Uint8Array.of(0, 1, 255)), echo.send(new Uint8Array(9).subarray(2, 4))];
    await all;
    results.answers = answers;
    results.droppedMessages = echo.droppedMessages;
    echo.close();
    results.closed = String(await next(echo, 'onclose'));

    const slow = await openWebSocket({ url: peer + 'slow' });
    const drained = next(slow, 'ondrain');
    while (slow.send(new Uint8Array(65536)));
    const ended = next(slow, 'onclose');
    await fetch('/resume');
    await drained;
    results.drained = slow.send(Uint8Array.of(1));
    await fetch('/end');
    results.ended = (await ended).message;
  } catch (error) {
    results.error = String(error.stack ?? error);
  }
  await fetch('/report', { method: 'POST', body: JSON.stringify(results) });
`;

/** @type {Awaited<ReturnType<typeof bundlePage>>} */
let bundle;
beforeAll(async () => {
  bundle = await bundlePage(PROGRAM, 'WebSocket');
}, 60_000);
afterAll(() => bundle?.remove());

/** A server whose paths each do something else. */
async function peerServer() {
  const server = new WebSocketServer({
    host: '127.0.0.1',
    port: 0,
    handleProtocols: (offered, { url }) =>
      url !== '/no-sub-protocol' && offered.has('turn') && 'turn',
  });
  /** @type {import('ws').WebSocket | undefined} */
  let slow;
  server.on('connection', (socket, { url }) => {
    if (url === '/slow') {
      slow = socket;
      socket.pause();
    } else if (url === '/echo') {
      socket.send('text');
      socket.on('message', (data) => socket.send(data));
    }
  });
  await new Promise((resolve) => server.on('listening', resolve));
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  return {
    url: `ws://127.0.0.1:${port}/`,
    resume: () => slow?.resume(),
    end: () => slow?.close(1013),
    close: () => {
      for (const client of server.clients) client.terminate();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}

describeInBrowsers((running) => {
  test('STUN through a gateway, and all that a WebSocket does', async () => {
    const responder = await startStunResponder();
    const gateway = await openBridge({
      upstream: { address: responder.host, port: responder.tcpPort },
    });
    const peer = await peerServer();
    const gone = await peerServer();
    await gone.close();
    const site = await serve(bundle.directory, { policy: `${STRICT_POLICY}; connect-src *` });
    const { page, problems } = await openPage(running.browser);
    page.on('request', (request) => {
      if (request.url().endsWith('/resume')) peer.resume();
      if (request.url().endsWith('/end')) peer.end();
    });
    try {
      const report = site.nextReport();
      const where = { gateway: gateway.url, peer: peer.url, nobody: gone.url };
      await page.goto(`${site.origin}/?${new URLSearchParams(where)}`);
      const results = await report;
      expect({ ...results, problems: results.error ? problems : [] }).toEqual({
        mapped: {
          address: '127.0.0.1',
          transport: 'ws',
          serverAddress: { address: '127.0.0.1', port: gateway.port, family: 'IPv4' },
        },
        again: 1,
        noSubProtocol: {
          code: 'ERR_TRANSPORT_CONNECT',
          message: expect.stringContaining('No WS connection'),
        },
        nobody: {
          code: 'ERR_TRANSPORT_CONNECT',
          message: expect.stringContaining('No WS connection'),
        },
        sent: [true, true],
        answers: [
          [0, 1, 255],
          [0, 0],
        ],
        droppedMessages: 1,
        closed: 'undefined',
        drained: true,
        ended: 'The server closed the WebSocket: it is overloaded, try again later (1013).',
        problems: [],
      });
    } finally {
      await page.close();
      await site.close();
      await peer.close();
      await gateway.close();
      await responder.close();
    }
  }, 60_000);
});
