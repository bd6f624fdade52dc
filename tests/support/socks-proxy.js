// A small SOCKS5 proxy (RFC 1928) with user name and password (RFC 1929), for tests on loopback.

import { listenOnLoopback, passOn, writeSlowly } from './loopback.js';

/**
 * @typedef {object} SocksProxyOptions
 * @property {{ username: string, password: string }} [login] asked for, when given
 * @property {number} [method] answers the greeting with this one, whatever it offered
 * @property {number} [reply] refuses with this code
 * @property {boolean} [isBrief] refuses with the code alone, and ends
 * @property {number[]} [bound] the address in the answer, with its kind, without the port; default 0.0.0.0
 * @property {boolean} [isSlow] answers byte by byte
 * @property {boolean} [isSilent] never answers
 * @property {Uint8Array} [garbage] answers the greeting with this
 * @property {string} [early] bytes of the tunnel, in one piece with the answer
 * @property {Record<string, string>} [names] addresses of names
 */

/** The bytes of one client, as many at a time as are asked for. @param {import('node:net').Socket} socket */
function reader(socket) {
  let held = Buffer.alloc(0);
  /** @type {(() => void) | undefined} */ let wake;
  const onData = (/** @type {Buffer} */ bytes) => {
    held = Buffer.concat([held, bytes]);
    wake?.();
  };
  socket.on('data', onData);
  return {
    /** @param {number} count */
    async take(count) {
      while (held.length < count) {
        await new Promise((/** @type {(value?: undefined) => void} */ resolve) => {
          wake = resolve;
        });
      }
      const bytes = held.subarray(0, count);
      held = held.subarray(count);
      return bytes;
    },
    stop() {
      socket.off('data', onData);
      socket.pause();
      if (held.length > 0) socket.unshift(held);
    },
  };
}

/** @param {SocksProxyOptions} [options] */
export async function startSocksProxy(options = {}) {
  const { login, method, reply, isBrief, bound = [1, 0, 0, 0, 0], garbage, names = {} } = options;
  /** @type {{ methods: number[], username?: string, kind?: number, host?: string, port?: number }[]} */
  const requests = [];

  /** @param {import('node:net').Socket} socket */
  const serve = async (socket) => {
    const { take, stop } = reader(socket);
    const write = async (/** @type {ArrayLike<number>} */ bytes) => {
      if (options.isSlow) await writeSlowly(socket, Uint8Array.from(bytes));
      else socket.write(Uint8Array.from(bytes));
    };
    const text = async () => (await take((await take(1))[0])).toString();

    const [, count] = await take(2);
    const methods = [...(await take(count))];
    /** @type {typeof requests[number]} */
    const request = { methods };
    requests.push(request);
    if (options.isSilent) return;
    if (garbage !== undefined) {
      await write(garbage);
      return;
    }
    const wanted = method ?? (login === undefined ? 0 : 2);
    const chosen = method === undefined && !methods.includes(wanted) ? 0xff : wanted;
    await write([5, chosen]);
    if (chosen === 0xff) {
      socket.end();
      return;
    }
    if (login !== undefined) {
      await take(1);
      request.username = await text();
      const isRight = (await text()) === login.password && request.username === login.username;
      await write([1, isRight ? 0 : 1]);
      if (!isRight) {
        socket.end();
        return;
      }
    }
    const [, , , kind] = await take(4);
    request.kind = kind;
    if (kind === 1) request.host = [...(await take(4))].join('.');
    else if (kind === 3) request.host = await text();
    else request.host = (await take(16)).toString('hex').replace(/(....)(?!$)/g, '$1:');
    request.port = (await take(2)).readUInt16BE();
    if (reply !== undefined) {
      await write(isBrief ? [5, reply] : [5, reply, 0, ...bound, 0, 0]);
      socket.end();
      return;
    }
    stop();
    passOn(
      socket,
      { host: names[request.host] ?? request.host, port: request.port },
      () => write([5, 0, 0, ...bound, 0, 0, ...Buffer.from(options.early ?? '')]),
      () => void write([5, 5, 0, ...bound, 0, 0]).then(() => socket.end()),
    );
  };

  const listener = await listenOnLoopback((socket) => void serve(socket), {});
  const url = (/** @type {string} */ userinfo = '', scheme = 'socks5') =>
    `${scheme}://${userinfo && `${userinfo}@`}${listener.host}:${listener.port}`;
  return { ...listener, url, requests };
}
