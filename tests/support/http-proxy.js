// A small HTTP proxy that knows CONNECT (RFC 9110 section 9.3.6) and nothing else, for tests on loopback.

import { listenOnLoopback, passOn, writeSlowly } from './loopback.js';

/**
 * @typedef {object} HttpProxyOptions
 * @property {string} [login] 'user:password' that Basic has to bring; none is asked for when left out
 * @property {string[]} [challenges] values of Proxy-Authenticate; default: Basic
 * @property {(authority: string) => string | undefined} [answer] raw text to send in place of a tunnel; the
 *   connection ends with it
 * @property {string} [success] raw header that says that the tunnel is open
 * @property {boolean} [isSlow] answers byte by byte
 * @property {string} [early] bytes of the tunnel, in one piece with the header
 * @property {boolean} [isSilent] never answers
 * @property {Record<string, string>} [names] addresses of names
 * @property {import('node:tls').TlsOptions} [tls] serves TLS
 */

/** @param {HttpProxyOptions} [options] */
export async function startHttpProxy(options = {}) {
  const { login, challenges = ['Basic realm="test"'], answer, names = {}, isSilent, tls } = options;
  const { success = 'HTTP/1.1 200 Connection established\r\n\r\n', early = '' } = options;
  /** @type {{ authority: string, header: string }[]} */
  const requests = [];

  /** @param {import('node:net').Socket} socket @param {string} text */
  const write = async (socket, text) => {
    if (options.isSlow) await writeSlowly(socket, Buffer.from(text, 'latin1'));
    else socket.write(text, 'latin1');
  };
  /** @param {import('node:net').Socket} socket @param {string} text */
  const refuse = async (socket, text) => {
    await write(socket, text);
    socket.end();
  };

  /** @param {import('node:net').Socket} socket @param {string} header */
  const serve = async (socket, header) => {
    const authority = /^CONNECT (\S+) HTTP\/1\.1\r\n/.exec(header)?.[1] ?? '';
    requests.push({ authority, header });
    if (isSilent) return;
    const own = answer?.(authority);
    if (own !== undefined) return refuse(socket, own);
    const token = /^Proxy-Authorization: Basic (\S+)\r\n/m.exec(header)?.[1] ?? '';
    if (login !== undefined && Buffer.from(token, 'base64').toString() !== login) {
      const fields = challenges.map((value) => `Proxy-Authenticate: ${value}\r\n`).join('');
      return refuse(socket, `HTTP/1.1 407 Proxy Authentication Required\r\n${fields}\r\n`);
    }
    const { hostname, port } = new URL(`tcp://${authority}`);
    const host = hostname.replace(/^\[|\]$/g, '');
    passOn(
      socket,
      { host: names[host] ?? host, port: Number(port) },
      () => write(socket, success + early),
      () => void refuse(socket, 'HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n'),
    );
  };

  const listener = await listenOnLoopback((socket) => {
    let text = '';
    const onData = (/** @type {Buffer} */ bytes) => {
      text += bytes.toString('latin1');
      if (!text.includes('\r\n\r\n')) return;
      socket.off('data', onData);
      socket.pause();
      void serve(socket, text);
    };
    socket.on('data', onData);
  }, options);
  const url = (/** @type {string} */ userinfo = '') =>
    `${tls ? 'https' : 'http'}://${userinfo && `${userinfo}@`}${listener.host}:${listener.port}`;
  return { ...listener, url, requests };
}
