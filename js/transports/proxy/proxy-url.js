// What a proxy is named with: a URL.

import { domainToASCII } from 'node:url';
import { canonicalAddress, formatTransportAddress } from '../../address.js';
import { argumentError } from '../../errors.js';

/** @typedef {'http' | 'https' | 'socks5'} ProxyProtocol */

/** Ports of the schemes; 1080 by RFC 1928 section 3. */
const DEFAULT_PORTS = { http: 80, https: 443, socks5: 1080 };

/** @type {Record<string, ProxyProtocol>} */
const SCHEMES = {
  'http:': 'http',
  'https:': 'https',
  'socks5:': 'socks5',
  // Elsewhere the 'h' asks that the proxy resolve names. Here it always does.
  'socks5h:': 'socks5',
};

/** RFC 1929 section 2: lengths of one byte. */
const MAX_SOCKS_CREDENTIAL_BYTES = 255;

/** A proxy, and how to log in there. The credentials show in no dump of the object. */
export class ProxyServer {
  /** @type {{ username: string, password: string } | undefined} */ #credentials;

  /**
   * @param {ProxyProtocol} protocol
   * @param {string} host a name, or an IP address without brackets
   * @param {number} port
   * @param {{ username: string, password: string }} [credentials]
   */
  constructor(protocol, host, port, credentials) {
    this.protocol = protocol;
    this.host = host;
    this.port = port;
    this.#credentials = credentials;
  }

  get credentials() {
    return this.#credentials;
  }

  /** For people, without the credentials. */
  toString() {
    return formatTransportAddress({ address: this.host, port: this.port });
  }
}

/** @param {string} text @param {(reason: string) => Error} refuse */
function decodePart(text, refuse) {
  try {
    return decodeURIComponent(text);
  } catch {
    throw refuse("whose user name and password have '%' only as part of percent-encoding");
  }
}

/** @param {string} text */
// biome-ignore lint/suspicious/noControlCharactersInRegex: those are what must not be in it
const hasControls = (text) => /[\u0000-\u001f\u007f]/.test(text);

/**
 * @param {URL} url
 * @param {ProxyProtocol} protocol
 * @param {(reason: string) => Error} refuse
 */
function readCredentials(url, protocol, refuse) {
  if (url.username === '' && url.password === '') return undefined;
  const username = decodePart(url.username, refuse);
  const password = decodePart(url.password, refuse);
  if (protocol === 'socks5') {
    const lengths = [username, password].map((text) => Buffer.byteLength(text));
    // Without a password there are servers that take the user name for a key.
    if (username === '' || Math.max(...lengths) > MAX_SOCKS_CREDENTIAL_BYTES) {
      throw refuse('whose user name and password have at most 255 bytes each (RFC 1929)');
    }
  } else if (username.includes(':') || hasControls(username + password)) {
    throw refuse(
      "whose user name holds no ':', and neither it nor the password a control character (RFC 7617)",
    );
  }
  return { username, password };
}

/** @param {string} hostname of a URL @returns {string} empty when it is none */
function readHost(hostname) {
  if (hostname.startsWith('[')) return canonicalAddress(hostname.slice(1, -1)) ?? '';
  return domainToASCII(hostname);
}

/**
 * Reads the URL of a proxy: `http://`, `https://` (TLS to the proxy itself), `socks5://` or
 * `socks5h://`, with `user:password@` where it asks for that, percent-encoded.
 *
 * @param {string} text such as 'http://user:password@proxy.example.org:3128'; the ports are 80, 443 and 1080
 *   when left out
 * @param {string} [expected] what the argument must be, in the error; a part of the sentence
 * @returns {ProxyServer}
 * @throws {TypeError} ERR_INVALID_ARGUMENT for 'options.proxy'; nothing of `text` is in the message, since it
 *   may hold a password
 */
export function parseProxyUrl(text, expected = 'a URL') {
  const refuse = (/** @type {string} */ reason) =>
    argumentError('options.proxy', `${expected} ${reason}`);
  const example = "such as 'http://proxy.example.org:3128' or 'socks5://user:password@host'";
  if (typeof text !== 'string' || !URL.canParse(text)) throw refuse(example);
  const url = new URL(text);
  const protocol = Object.hasOwn(SCHEMES, url.protocol) ? SCHEMES[url.protocol] : undefined;
  if (protocol === undefined) {
    throw refuse('that begins with http://, https://, socks5:// or socks5h://');
  }
  if (!/^\/?$/.test(url.pathname) || url.search !== '' || url.hash !== '') {
    throw refuse('that ends after the host and the port');
  }
  const host = readHost(url.hostname);
  const port = url.port === '' ? DEFAULT_PORTS[protocol] : Number(url.port);
  if (host === '' || port === 0) throw refuse(example);
  return new ProxyServer(protocol, host, port, readCredentials(url, protocol, refuse));
}
