// A page that tests this machine's servers with diagnose(), under a strict policy, and the servers.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer as createWebServer } from 'node:http';
import { createServer as createTcpServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import { afterAll, afterEach, beforeAll } from '@jest/globals';
import { WebSocketServer } from 'ws';
import { ECHO_PROTOCOL } from '../../js/diagnose/signalling.js';
import { createGateway } from '../../js/gateway/index.js';
import { fromJson } from '../../js/report/index.js';
import { openPage } from '../browser/browsers.js';
import { bundlePage } from '../browser/in-browsers.js';
import { serve } from '../browser/server.js';
import { HOST, startServer } from './server-support.js';

/** @typedef {import('../../js/diagnose/index.js').NetworkPlan} NetworkPlan */
/** @typedef {import('../../js/diagnose/index.js').TestEvent} TestEvent */
/** @typedef {import('../../js/report/index.js').Report} Report */

export const USER = { username: 'user', credential: 'pass:word' };
export const CREDENTIALS = { [USER.username]: USER.credential };
export const LONG = 90_000;

/** Where a machine has nothing else, browsers find no address to send from. */
export const own = Object.values(networkInterfaces())
  .flatMap((all) => all ?? [])
  .find(({ internal, family }) => !internal && family === 'IPv4')?.address;

/** What a page needs besides its own files: WebSockets and web servers of this machine. */
export const POLICY =
  "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; img-src 'self'; " +
  `connect-src 'self' ws://${HOST}:* http://${HOST}:* https://${HOST}:*`;

/** Lets the test call diagnose(), and keeps an eye on all that is opened for it. */
const PROGRAM = `
  import { diagnose } from './js/diagnose/index.js';
  import { toJson } from './js/report/index.js';

  const opened = [];
  for (const name of ['RTCPeerConnection', 'WebSocket']) {
    const Original = globalThis[name];
    globalThis[name] = class extends Original {
      constructor(...args) {
        super(...args);
        opened.push(this);
      }
    };
  }
  const isClosed = (one) =>
    one instanceof WebSocket ? one.readyState >= WebSocket.CLOSING : one.signalingState === 'closed';

  globalThis.run = async (plan, { abortAt, without = [], ...options } = {}) => {
    for (const name of without) Reflect.deleteProperty(globalThis, name);
    const controller = new AbortController();
    const events = [];
    const onEvent = (event) => {
      events.push(event);
      if (event.type === abortAt) controller.abort('enough');
    };
    const { signal } = controller;
    const settings = { wasmUrl: '/engine.wasm', timeoutMs: 2000, ...options, signal, onEvent };
    const outcome = await diagnose(plan, settings).then(
      (report) => ({ json: toJson(report) }),
      (error) => ({ error: String(error.stack ?? error) }),
    );
    const open = opened.filter((one) => !isClosed(one)).length;
    // As one text: Firefox hands an object over once, and events have those of the report.
    return JSON.stringify({ ...outcome, events, opened: opened.length, open });
  };
`;

/** @type {Awaited<ReturnType<typeof bundlePage>>} */
let bundle;
/** Where the page is served. @type {import('../browser/server.js').Site} */
export let site;
beforeAll(async () => {
  bundle = await bundlePage(PROGRAM, 'diagnose');
  site = await serve(bundle.directory, { policy: POLICY });
}, 60_000);
afterAll(async () => {
  await site?.close();
  await bundle?.remove();
});

/** What ends with the test. @type {(() => unknown)[]} */
export const cleanUps = [];
afterEach(async () => {
  for (const end of cleanUps.splice(0).reverse()) await end();
});

/** For describeInBrowsers(). */
export const OPTIONS = {
  missing: process.env.CI !== 'true' && own === undefined && 'this machine has loopback only',
  // Firefox sends from the loopback address only when it is told to.
  launch: { preferences: { 'media.peerconnection.ice.loopback': true } },
};

/** @param {Parameters<typeof startServer>[0]} [options] */
export async function turnServer(options = {}) {
  const server = await startServer({ credentials: CREDENTIALS, ...options });
  cleanUps.push(() => server.close());
  const [udp, tcp] = server.urls;
  return { server, udp, tcp, stun: udp.replace(/^turn:(.*)\?.*$/, 'stun:$1') };
}

/** A gateway in front of a TURN server, which lets this page in. @param {string} url */
export async function gatewayTo(url) {
  const gateway = await createGateway({
    port: 0,
    upstreams: { main: { url, allowPrivate: true } },
    origins: [site.origin],
    tickets: false,
    policy: { allow: [HOST] },
  });
  cleanUps.push(() => gateway.close());
  return `${gateway.url}main`;
}

/** A web server on a port of its own: /shared may be read by pages of others; WebSockets on /echo and /plain. */
export async function webServer() {
  const server = createWebServer((request, response) => {
    if (request.url === '/shared') response.setHeader('Access-Control-Allow-Origin', '*');
    response.writeHead(204).end();
  });
  const sockets = new WebSocketServer({
    noServer: true,
    handleProtocols: (protocols, request) =>
      request.url === '/echo' && protocols.has(ECHO_PROTOCOL) ? ECHO_PROTOCOL : false,
  });
  server.on('upgrade', (request, socket, head) =>
    sockets.handleUpgrade(request, socket, head, (client) => {
      client.on('message', (data, isBinary) => client.send(data, { binary: isBinary }));
    }),
  );
  server.listen(0, HOST);
  await once(server, 'listening');
  cleanUps.push(() => {
    for (const client of sockets.clients) client.terminate();
    server.close();
    server.closeAllConnections();
  });
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  return `${HOST}:${port}`;
}

/** A UDP port that takes everything and answers nothing. */
export async function silentPort() {
  const socket = createSocket('udp4');
  socket.bind(0, HOST);
  await once(socket, 'listening');
  cleanUps.push(() => socket.close());
  return socket.address().port;
}

/** Where connections are taken, and nothing is ever said. */
export async function silentServer() {
  const server = createTcpServer();
  /** @type {import('node:net').Socket[]} */
  const sockets = [];
  server.on('connection', (socket) => sockets.push(socket.on('error', () => {})));
  server.listen(0, HOST);
  await once(server, 'listening');
  cleanUps.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  return `${HOST}:${port}`;
}

/**
 * @param {import('puppeteer-core').Browser} browser
 * @param {NetworkPlan} plan
 * @param {{ timeoutMs?: number, abortAt?: TestEvent['type'], without?: string[] }} [options]
 */
export async function runIn(browser, plan, options = {}) {
  const { page, problems } = await openPage(browser);
  try {
    await page.goto(site.origin);
    await page.waitForFunction('globalThis.run !== undefined');
    const found = await page.evaluate(
      (given, settings) => /** @type {any} */ (globalThis).run(given, settings),
      plan,
      options,
    );
    const { json, events, ...rest } =
      /** @type {{ json?: string, error?: string, events: TestEvent[], opened: number, open: number }} */ (
        JSON.parse(found)
      );
    // It is valid, or it would not be read.
    if (json !== undefined) fromJson(json);
    const report = events.flatMap((event) => (event.type === 'report' ? [event.report] : []))[0];
    return { report, events, ...rest, problems };
  } finally {
    await page.close();
  }
}

/** @param {{ report?: Report, error?: string }} found @returns {Report} */
export function reportOf({ report, error }) {
  if (report === undefined) throw new Error(error);
  return report;
}

/**
 * Measurements of a kind.
 *
 * @template {import('../../js/report/index.js').Measurement['kind']} K
 * @param {Report} report
 * @param {K} kind
 */
export const ofKind = ({ measurements }, kind) =>
  measurements.flatMap((one) =>
    one.kind === kind
      ? [/** @type {Extract<import('../../js/report/index.js').Measurement, { kind: K }>} */ (one)]
      : [],
  );
/** @param {Report} report */
export const findingsOf = ({ findings }) => findings.map(({ id }) => id);
