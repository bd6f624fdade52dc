// WebSockets whose connection is made here: over a family, through a proxy, by the resolver of the test.
import { WebSocket } from 'ws';
import { openConnection, placeOfUrl } from './connection.js';
import { errorOf } from './measured.js';

/** @typedef {import('../check/check-ice-servers.js').CheckRow} CheckRow */
/** @typedef {import('./connection.js').Connection} Connection */
/** @typedef {import('./options.js').MeasureOptions} MeasureOptions */

/** @param {Connection} connection @param {boolean} isProxied @returns {Partial<CheckRow>} */
function factsOf({ socket, phases, candidate }, isProxied) {
  const { localAddress: address = '', localPort: port = 0 } = socket;
  const { address: there, port: portThere, family } = candidate;
  return {
    phases: { ...phases },
    localAddress: { address, port, family },
    ...(isProxied ? {} : { serverAddress: { address: there, port: portThere, family } }),
  };
}

/**
 * A class for `options.WebSocket` of the client. Node.js has no WebSocket before version 22, and none takes a proxy.
 *
 * @param {MeasureOptions} options
 * @param {{ family?: 4 | 6, proxy?: string }} way
 * @param {Partial<CheckRow>} told gets what is known of the connection, also why there is none: a WebSocket tells less
 * @returns {import('../transports/websocket.js').WebSocketConstructor}
 */
export function webSocketThrough(options, { family, proxy }, told) {
  return class extends WebSocket {
    /** @param {string} url @param {string[]} protocols */
    constructor(url, protocols) {
      const ended = new AbortController();
      const signal = AbortSignal.any([options.signal, ended.signal]);
      const place = { ...placeOfUrl(new URL(url), options, proxy), family };
      /** @param {unknown} _ @param {(error: unknown, socket?: unknown) => void} done */
      const createConnection = (_, done) => {
        openConnection(place, { ...options, signal }).then(
          (connection) => {
            Object.assign(told, factsOf(connection, proxy !== undefined));
            done(null, connection.socket);
            // A proxy's socket is paused; by then the request listens.
            setImmediate(() => connection.socket.resume());
          },
          (error) => {
            if (!signal.aborted) Object.assign(told, errorOf(error));
            done(error);
          },
        );
      };
      super(url, protocols, {
        createConnection: /** @type {any} */ (createConnection),
        origin: options.origin,
      });
      this.once('close', () => ended.abort());
    }
  };
}
