// What `postern serve --page` serves over HTTP: the page of the network test, its plan, and all that the page talks to besides
// the TURN server.
import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { argumentError } from '../errors.js';
import { createGateway } from '../gateway/index.js';
import { listen, shut } from '../metrics/admin-listener.js';
import { createPageHandler } from '../page-server/index.js';
import { createMirror, createReflector } from '../server/index.js';
import { freeUdpPorts, loopbackAddresses } from './loopback.js';
import { Echo, refuseUpgrade } from './page-echo.js';
import { checkPage } from './page-options.js';
import { planOfPage, upstreamOf } from './page-plan.js';
import { hostAndPort } from './serve-announce.js';

/** @typedef {import('node:http').IncomingMessage} IncomingMessage */
/** @typedef {import('node:http').ServerResponse} ServerResponse */
/** @typedef {import('../gateway/index.js').GatewayOptions} GatewayOptions */
/** @typedef {import('../server/index.js').Server} Server */
/** @typedef {import('./page-options.js').PageOptions} PageOptions */
/** @typedef {import('../server/index.js').ServerOptions} ServerOptions */

/**
 * What it stands on.
 *
 * @typedef {object} PageWorld
 * @property {Server} server
 * @property {() => ServerOptions} options of the server, as they are now
 * @property {GatewayOptions['log']} [log]
 */

const UPSTREAM = 'main';
const GATEWAY_PATH = '/turn';
const REQUEST_MS = 5000;
const MAX_HEADER_BYTES = 8192;
const MAX_CONNECTIONS = 1000;
/** Of servers for calls, where they are free: something to see in a map of ports. */
const MIRROR_PORTS = [5349, 10_000, 19_302];
const REFLECTOR_PORTS = [5004, 16_384, 49_151];
const SIP_PORTS = [5060];

/** As long as nothing else is said about loopback. @returns {Promise<Pick<PageOptions, 'mirror' | 'reflector'>>} */
async function forLoopback() {
  const address = '127.0.0.1';
  const [portMap, udp, sip] = await Promise.all(
    [MIRROR_PORTS, REFLECTOR_PORTS, SIP_PORTS].map((ports) => freeUdpPorts(ports, address)),
  );
  return {
    mirror: { addresses: loopbackAddresses(), portMap },
    reflector: { addresses: [address], udp: [0, ...udp], sip },
  };
}

/** Of a loopback listener. @param {string} address @param {number} port */
const ownOrigins = (address, port) =>
  [address, 'localhost'].map((host) => `http://${hostAndPort({ address: host, port })}`);

/** @param {PageOptions} options @param {import('node:tls').SecureContextOptions | undefined} tls */
function httpServer({ origins = [], trustProxy = false }, tls) {
  const settings = {
    maxHeaderSize: MAX_HEADER_BYTES,
    headersTimeout: REQUEST_MS,
    requestTimeout: REQUEST_MS,
  };
  const isSecure = trustProxy === false && origins.some((one) => one.startsWith('https:'));
  if (!isSecure) return createHttpServer(settings);
  if (tls === undefined) {
    throw argumentError(
      'options.page.origins',
      'of http: on loopback, or given with tls, or with page.trustProxy where a proxy does TLS',
    );
  }
  return createHttpsServer({ ...settings, ...tls });
}

export class PageSite {
  #options;
  #world;
  #http;
  /** @type {Map<string, string>} origins by the host that requests name */ #origins = new Map();
  /** @type {(() => Promise<void>)[]} what to close, the newest first */ #open = [];
  #echo;
  /** @type {import('../server/index.js').Mirror | undefined} */ #mirror;
  /** @type {import('../server/index.js').Reflector | undefined} */ #reflector;
  /** @type {import('../gateway/index.js').Gateway | undefined} */ gateway;
  /** @type {import('../page-server/index.js').PageHandler} */ #page = () => false;

  /** @param {PageOptions} options @param {PageWorld} world */
  constructor(options, world) {
    this.#options = options;
    this.#world = world;
    checkPage(options);
    this.#http = httpServer(options, world.options().tls);
    this.#http.maxConnections = MAX_CONNECTIONS;
    this.#echo = new Echo(options.trustProxy ?? false);
  }

  /** @returns {Promise<this>} whatever was opened is closed where not all can be */
  async open() {
    try {
      await this.#start();
    } catch (error) {
      await this.close();
      throw error;
    }
    return this;
  }

  async #start() {
    const { port, address = '127.0.0.1', isLocal, trustProxy, origins: given } = this.#options;
    this.#http.on('request', (request, response) => this.#request(request, response));
    this.#http.on('upgrade', (request, socket, head) => this.#upgrade(request, socket, head));
    await listen(this.#http, port, address, 'The page');
    this.#open.push(async () => {
      this.#echo.close();
      await shut(this.#http);
    });
    const bound = /** @type {import('node:net').AddressInfo} */ (this.#http.address());
    const origins = [...(given ?? ownOrigins(address, bound.port))];
    this.#page = createPageHandler({
      plan: ({ headers }) => this.plan(this.#origins.get(headers.host ?? '')),
    });
    const { mirror, reflector } = {
      ...(isLocal === true ? await forLoopback() : {}),
      ...this.#options,
    };
    if (mirror !== undefined) {
      const opened = await createMirror({ ...mirror, origins, trustProxy });
      this.#mirror = opened;
      this.#open.push(() => opened.close());
    }
    if (reflector !== undefined) {
      const opened = await createReflector({ ...reflector, origins, trustProxy });
      this.#reflector = opened;
      this.#open.push(() => opened.close());
    }
    await this.#openGateway(origins);
    // From now on somebody is answered.
    for (const origin of origins) this.#origins.set(new URL(origin).host, origin);
  }

  /** @param {string[]} origins */
  async #openGateway(origins) {
    const { relay, policy } = this.#world.options();
    const upstream = relay === false ? undefined : upstreamOf(this.#world.server);
    if (upstream === undefined) return;
    const gateway = await createGateway({
      server: this.#http,
      path: GATEWAY_PATH,
      upstreams: { [UPSTREAM]: upstream },
      origins,
      // The server has a password for each page, which plan.json tells pages of these origins only.
      tickets: false,
      policy,
      trustProxy: this.#options.trustProxy,
      log: this.#world.log,
    });
    this.gateway = gateway;
    this.#open.push(() => gateway.close());
  }

  /** Where it listens. */
  get address() {
    return /** @type {import('node:net').AddressInfo} */ (this.#http.address());
  }

  /** Where browsers find it, by its first origin. */
  get url() {
    const [origin] = this.#origins.values();
    return `${origin}/`;
  }

  /**
   * What pages are to test, with credentials made for it.
   *
   * @param {string} [origin] that the page came from; the first if left out
   */
  plan(origin = [...this.#origins.values()][0]) {
    return planOfPage({
      server: this.#world.server,
      options: this.#world.options(),
      origin,
      paths: {
        gateway: this.gateway && `${GATEWAY_PATH}/${UPSTREAM}`,
        mirror: this.#mirror && '/mirror',
        reflector: this.#reflector && '/reflector',
      },
    });
  }

  /** A new certificate. @param {import('node:tls').SecureContextOptions} tls */
  setSecureContext(tls) {
    if ('setSecureContext' in this.#http) this.#http.setSecureContext(tls);
  }

  /** @param {IncomingMessage} request @param {ServerResponse} response */
  #request(request, response) {
    const { headers, method, url = '' } = request;
    const [path] = url.split('?', 1);
    // A page whose name was made to lead here (DNS rebinding) gets nothing.
    if (!this.#origins.has(headers.host ?? '')) answer(response, 403, 'not this name\n');
    else if (path === '/mirror' && this.#mirror !== undefined) {
      this.#mirror.handler(request, response);
    } else if (path === '/reflector' && this.#reflector !== undefined) {
      this.#reflector.handler(request, response);
    } else if (path === '/ping') {
      if (method === 'GET' || method === 'HEAD') answer(response, 204);
      else answer(response, 405, 'GET only\n');
    } else if (!this.#page(request, response)) answer(response, 404, 'not here\n');
  }

  /** @param {IncomingMessage} request @param {import('node:stream').Duplex} socket @param {Buffer} head */
  #upgrade(request, socket, head) {
    const { headers, url = '' } = request;
    const [path] = url.split('?', 1);
    // The gateway listens too.
    if (path.startsWith(`${GATEWAY_PATH}/`) && this.gateway !== undefined) return;
    const origin = this.#origins.get(headers.host ?? '');
    const isOurs =
      headers.origin === undefined || [...this.#origins.values()].includes(headers.origin);
    if (origin === undefined || !isOurs) refuseUpgrade(socket, 403);
    else if (path === '/signal') this.#echo.take(request, socket, head);
    else refuseUpgrade(socket, 404);
  }

  /** Ends the gateway gently. @param {{ timeoutMs: number }} options */
  async drain(options) {
    await this.gateway?.drain(options);
  }

  /** Idempotent. */
  async close() {
    // The sockets of the gateway have to be told before their server goes.
    for (const close of this.#open.splice(0).reverse()) await close();
  }
}

/** @param {ServerResponse} response @param {number} status @param {string} [text] */
function answer(response, status, text) {
  response.writeHead(status, {
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    ...(text === undefined ? {} : { 'Content-Type': 'text/plain; charset=utf-8' }),
  });
  response.end(text);
}

/** @param {PageOptions} options @param {PageWorld} world @returns {Promise<PageSite>} */
export const openPage = (options, world) => new PageSite(options, world).open();
