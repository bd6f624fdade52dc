// A TCP connection to a server: straight, or through a proxy.

import { connect, isIP } from 'node:net';
import { connectError } from './open-errors.js';
import { ProxyExchange } from './proxy/exchange.js';
import { httpConnect } from './proxy/http-connect.js';
import { proxyTlsError, unfinishedError, unreachableProxyError } from './proxy/proxy-errors.js';
import { socks5Connect } from './proxy/socks5.js';
import { startTls } from './start-tls.js';
import { whenReady } from './when-ready.js';

/** @typedef {import('../address.js').TransportAddress} TransportAddress */
/** @typedef {import('./proxy/proxy-url.js').ProxyServer} ProxyServer */
/** @typedef {import('./transport.js').OpenPhases} OpenPhases */

/**
 * @typedef {object} DialOptions
 * @property {string} kind of the transport, for errors
 * @property {AbortSignal} [signal]
 * @property {number} timeoutMs for all steps together
 * @property {string} [localAddress]
 * @property {number} [localPort]
 * @property {ProxyServer} [proxy]
 * @property {import('./start-tls.js').TlsSettings} [proxyTls] with a proxy of https://
 * @property {string} [alpn] label of the protocol within TLS, for the proxy to know
 */

/** Carries one opening through its steps: one limit of time, and the time that each of them took. */
export class Dial {
  /** @type {OpenPhases} */ phases = {};
  #start = performance.now();
  #stepStart = this.#start;

  /** @param {TransportAddress} target @param {DialOptions} options */
  constructor(target, options) {
    this.target = target;
    this.options = options;
  }

  /**
   * Waits for one step, and goes on in the very event that ends it.
   *
   * @template T
   * @param {import('node:events').EventEmitter} emitter
   * @param {string} event
   * @param {keyof OpenPhases} phase
   * @param {object} then
   * @param {() => T | Promise<T>} then.open
   * @param {() => void} then.destroy
   * @param {(cause: unknown) => Error} then.toError
   * @returns {Promise<T>}
   */
  step(emitter, event, phase, { open, destroy, toError }) {
    const { signal, timeoutMs } = this.options;
    return whenReady(emitter, {
      event,
      signal,
      timeoutMs,
      elapsedMs: this.#stepStart - this.#start,
      open: () => {
        const now = performance.now();
        this.phases[phase] = (this.phases[phase] ?? 0) + now - this.#stepStart;
        this.#stepStart = now;
        return open();
      },
      destroy,
      toError,
    });
  }

  /**
   * @template T
   * @param {(socket: import('node:net').Socket) => T | Promise<T>} open gets the connected socket, in the event
   *   that says so; it is paused where a proxy has sent bytes already
   * @returns {Promise<T>}
   * @throws {import('../errors.js').PosternError} ERR_TRANSPORT_CONNECT, ERR_TRANSPORT_PROXY; or `signal.reason`
   */
  connect(open) {
    const { kind, proxy, localAddress, localPort } = this.options;
    const { address: host, port } =
      proxy === undefined ? this.target : { address: proxy.host, port: proxy.port };
    // Node looks the proxy's name up; the local address says of which family.
    const family = localAddress === undefined ? 0 : isIP(localAddress);
    const socket = connect({ host, port, localAddress, localPort, family });
    return this.step(socket, 'connect', 'connect', {
      open: () => (proxy === undefined ? open(socket) : this.#reachProxy(proxy, socket, open)),
      destroy: () => socket.destroy(),
      toError: (cause) =>
        proxy === undefined
          ? connectError(this.target, kind, cause)
          : unreachableProxyError(proxy, cause),
    });
  }

  /**
   * @template T
   * @param {ProxyServer} proxy
   * @param {import('node:net').Socket} socket
   * @param {(socket: import('node:net').Socket) => T | Promise<T>} open
   * @returns {Promise<T>}
   */
  #reachProxy(proxy, socket, open) {
    const { proxyTls } = this.options;
    if (proxyTls === undefined) return this.#openTunnel(proxy, socket, open);
    const secured = startTls(socket, proxyTls);
    return this.step(secured, 'secureConnect', 'proxy', {
      open: () => this.#openTunnel(proxy, secured, open),
      destroy: () => secured.destroy(),
      toError: (cause) => proxyTlsError(proxy, cause),
    });
  }

  /**
   * @template T
   * @param {ProxyServer} proxy
   * @param {import('node:net').Socket} socket
   * @param {(socket: import('node:net').Socket) => T | Promise<T>} open
   * @returns {Promise<T>}
   */
  #openTunnel(proxy, socket, open) {
    const { target } = this;
    const dialogue =
      proxy.protocol === 'socks5'
        ? socks5Connect(proxy, target)
        : httpConnect(proxy, target, this.options.alpn);
    const exchange = new ProxyExchange(socket, dialogue);
    return this.step(exchange, 'ready', 'proxy', {
      open: () => open(socket),
      destroy: () => {
        exchange.abandon();
        socket.destroy();
      },
      toError: (cause) => unfinishedError(proxy, target, cause),
    });
  }
}
