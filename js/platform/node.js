// What Node gives: sockets and DNS.
import { namedProxy } from '../transports/proxy/choose-proxy.js';
import { openTcp } from '../transports/tcp.js';
import { openTls } from '../transports/tls.js';
import { openUdp } from '../transports/udp.js';
import { openWebSocket } from '../transports/websocket.js';
import { ConnectionDuplex } from '../turn/connection-duplex.js';

export { resolveServer } from '../resolve/through-proxy.js';
export { dgramSocket } from '../turn/dgram-socket.js';

const OPENERS = { udp: openUdp, tcp: openTcp, tls: openTls, ws: openWebSocket };

/** @type {import('./platform.js').Platform['openTransport']} */
export const openTransport = async (candidate, { proxy, ...options }) =>
  OPENERS[candidate.transport](candidate, {
    ...options,
    proxy: candidate.via === 'proxy' ? namedProxy(proxy) : undefined,
  });

/** @type {import('./platform.js').Platform['toDuplex']} */
export const toDuplex = (streams) => new ConnectionDuplex(streams);
