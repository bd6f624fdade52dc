// What the tests of the network test share: servers on loopback for a plan, and runs of it.
import { WebSocketServer } from 'ws';
import { runNetworkTest } from '../../../js/network-test/index.js';
import { webServer } from '../measure/support.js';
import { startServer, TLS, USER } from '../server/support.js';
import { cleanUpWith, fixture } from '../transports/helpers.js';

/** @typedef {import('../../../js/network-test/index.js').NetworkPlan} NetworkPlan */
/** @typedef {import('../../../js/network-test/index.js').NetworkTestOptions} NetworkTestOptions */
/** @typedef {import('../../../js/network-test/index.js').TestEvent} TestEvent */
/** @typedef {import('../../../js/report/index.js').Report} Report */

export const CREDENTIALS = { username: USER.username, credential: USER.password };

/** The least that is a measuring. */
export const BRIEF = Object.freeze({ seconds: 2, throughputSeconds: 0, packetsPerSecond: 20 });

/** Our own server, by a name where its certificate is looked at. */
export async function turnServer({
  reflector = false,
  protocols = ['udp', 'tcp', 'tls', 'ws', 'wss'],
} = {}) {
  const server = await startServer({
    listen: protocols.map((protocol) => `${protocol}://127.0.0.1:0`),
    tls: TLS,
    ...(reflector ? { reflector: { addresses: ['127.0.0.1'], udp: [0, 0], sip: [0] } } : {}),
  });
  const urls = server.urls.map((url) =>
    /^(turns|wss):/.test(url) ? url.replace('127.0.0.1', 'localhost') : url,
  );
  return { server, urls };
}

/** HTTPS, and a WebSocket on the same port. @param {string} [certificate] */
export async function applicationServer(certificate = 'good') {
  const { server, port } = await webServer(undefined, certificate);
  const sockets = new WebSocketServer({ server });
  cleanUpWith(() => {
    for (const client of sockets.clients) client.terminate();
    sockets.close();
  });
  return { https: [`https://localhost:${port}/`], signalling: [`wss://localhost:${port}/`] };
}

/** @param {NetworkPlan} plan @param {NetworkTestOptions} [options] @returns {Promise<{ report: Report, events: TestEvent[] }>} */
export async function run(plan, options = {}) {
  /** @type {TestEvent[]} */
  const events = [];
  const report = await runNetworkTest(plan, {
    tls: { ca: fixture('ca') },
    onEvent: (event) => void events.push(event),
    ...options,
  });
  return { report, events };
}

/** @param {Report} report */
export const findingIds = ({ findings }) => findings.map(({ id }) => id);
