// A site with the page of the network test and all that it tests: TURN server, gateway, mirror, signalling, on this machine.
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { networkInterfaces } from 'node:os';
import { WebSocketServer } from 'ws';
import { ECHO_PROTOCOL } from '../../js/diagnose/signalling.js';
import { createGateway } from '../../js/gateway/index.js';
import { createPageHandler } from '../../js/page-server/index.js';
import { createMirror } from '../../js/server/index.js';
import { startServer } from './server-support.js';

/** @typedef {import('../../js/network-test/plan.js').NetworkPlan} NetworkPlan */

const HOST = '127.0.0.1';
export const USER = { username: 'alice-of-the-test', credential: 'a pass:word of the test' };
/** So short that tests do not take long. */
export const QUALITY = { seconds: 2, throughputSeconds: 1, maxKbps: 2500 };

/** Where a machine has nothing else, browsers find no address to send from. */
export const ownAddress = Object.values(networkInterfaces())
  .flatMap((all) => all ?? [])
  .find(({ internal, family }) => !internal && family === 'IPv4')?.address;

/** Of Firefox: to servers on loopback. */
export const LAUNCH = { preferences: { 'media.peerconnection.ice.loopback': true } };

/** A port at which nothing listens. */
async function closedPort() {
  const server = createHttpServer();
  server.listen(0, HOST);
  await once(server, 'listening');
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  server.close();
  await once(server, 'close');
  return port;
}

/**
 * @typedef {object} PageSite
 * @property {string} origin
 * @property {NetworkPlan} plan what /plan.json has; a test may change it
 * @property {() => Promise<void>} close
 */

/** @typedef {'good' | 'udp-blocked' | 'nothing' | 'wrong-password'} World */

/**
 * @param {World} [world]
 * @returns {Promise<PageSite>}
 */
export async function startSite(world = 'good') {
  /** @type {(() => unknown)[]} */
  const cleanUps = [];
  const http = createHttpServer();
  http.listen(0, HOST);
  await once(http, 'listening');
  const { port } = /** @type {import('node:net').AddressInfo} */ (http.address());
  const origin = `http://${HOST}:${port}`;

  const protocols = world === 'udp-blocked' ? ['tcp'] : ['udp', 'tcp'];
  const turn = await startServer({
    listen: protocols.map((protocol) => `${protocol}://${HOST}:0`),
    credentials: { [USER.username]: USER.credential },
  });
  cleanUps.push(() => turn.close());
  const places = Object.fromEntries(turn.addresses.map((one) => [one.protocol, one.port]));
  const gateway = await createGateway({
    server: http,
    path: '/turn',
    upstreams: { main: { url: `turn:${HOST}:${places.tcp}?transport=tcp`, allowPrivate: true } },
    origins: [origin],
    tickets: false,
    policy: { allow: [HOST] },
  });
  cleanUps.push(() => gateway.close());

  const closed = await closedPort();
  const udp = places.udp ?? closed;
  /** @type {NetworkPlan} */
  const plan = {
    name: 'office, second floor',
    iceServers: [
      { urls: [`stun:${HOST}:${udp}`] },
      {
        urls: [
          `turn:${HOST}:${udp}?transport=udp`,
          `turn:${HOST}:${places.tcp}?transport=tcp`,
          `ws://${HOST}:${port}/turn/main`,
        ],
        ...USER,
        ...(world === 'wrong-password' ? { credential: 'wrong' } : {}),
      },
    ],
    https: ['/ping'],
    signalling: ['/signal'],
    quality: QUALITY,
  };
  if (world === 'nothing') {
    plan.iceServers = [
      { urls: [`stun:${HOST}:${closed}`] },
      {
        urls: [
          `turn:${HOST}:${closed}?transport=udp`,
          `turn:${HOST}:${closed}?transport=tcp`,
          `ws://${HOST}:${closed}/turn/main`,
        ],
        ...USER,
      },
    ];
    plan.https = [`http://${HOST}:${closed}/ping`];
    plan.signalling = [`ws://${HOST}:${closed}/signal`];
  } else if (ownAddress !== undefined && world === 'good') {
    const mirror = await createMirror({
      addresses: [ownAddress],
      origins: [origin],
      portMap: [21_201, 21_202],
    });
    cleanUps.push(() => mirror.close());
    plan.mirror = '/mirror';
    http.on('request', (request, response) => {
      if (request.url === '/mirror') mirror.handler(request, response);
    });
  }

  const page = createPageHandler({ plan: () => ({ plan }) });
  http.on('request', (request, response) => {
    if (request.url === '/mirror') return;
    if (request.url === '/ping') response.writeHead(204).end();
    // Browsers ask of their own accord.
    else if (!page(request, response)) response.writeHead(404).end();
  });
  const sockets = new WebSocketServer({
    noServer: true,
    handleProtocols: (offered) => offered.has(ECHO_PROTOCOL) && ECHO_PROTOCOL,
  });
  http.on('upgrade', (request, socket, head) => {
    if (request.url !== '/signal') return;
    sockets.handleUpgrade(request, socket, head, (client) => {
      client.on('message', (data, isBinary) => client.send(data, { binary: isBinary }));
    });
  });
  return {
    origin,
    plan,
    close: async () => {
      for (const end of cleanUps.reverse()) await end();
      for (const client of sockets.clients) client.terminate();
      http.close();
      http.closeAllConnections();
    },
  };
}
