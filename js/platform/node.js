// What Node gives: sockets and DNS.
import { openTcp } from '../transports/tcp.js';
import { openTls } from '../transports/tls.js';
import { openUdp } from '../transports/udp.js';
import { openWebSocket } from '../transports/websocket.js';

export { resolveServer } from '../resolve/resolve-server.js';

const OPENERS = { udp: openUdp, tcp: openTcp, tls: openTls, ws: openWebSocket };

/** @type {import('./platform.js').Platform['openTransport']} */
export const openTransport = (candidate, options) =>
  OPENERS[candidate.transport](candidate, options);
