// The page of `postern serve --page`: what may be said of it.
import { argumentError } from '../errors.js';
import { checkTrustProxy } from '../gateway/client-address.js';
import { checkOrigin } from '../gateway/origins.js';
import { checkMirrorOptions } from '../mirror/options.js';
import { checkReflectorOptions } from '../reflector/options.js';

/** @typedef {import('../server/index.js').MirrorOptions} MirrorOptions */
/** @typedef {import('../server/index.js').ReflectorOptions} ReflectorOptions */

/**
 * @typedef {object} PageOptions
 * @property {number} port 0: any that is free
 * @property {string} [address] default '127.0.0.1'
 * @property {readonly string[]} [origins] by which browsers know it, such as 'https://test.example.org'; those of loopback if
 *   left out, which another address cannot do without
 * @property {import('../gateway/client-address.js').TrustedProxies} [trustProxy] a proxy that does TLS stands before it.
 *   Without one, the page itself does where an origin is of https
 * @property {Omit<MirrorOptions, 'origins' | 'trustProxy'>} [mirror]
 * @property {Omit<ReflectorOptions, 'origins' | 'trustProxy'>} [reflector]
 * @property {true} [isLocal] mirror and reflector on loopback, where nothing else is said
 */

const LOOPBACK = /^(127\.\d+\.\d+\.\d+|::1)$/;

/** @param {PageOptions} options @throws {TypeError} ERR_INVALID_ARGUMENT, of 'options.page' */
export function checkPage({ address = '127.0.0.1', origins, trustProxy, mirror, reflector }) {
  const name = 'options.page';
  checkTrustProxy(trustProxy, `${name}.trustProxy`);
  if (origins !== undefined && (!Array.isArray(origins) || origins.length === 0)) {
    throw argumentError(`${name}.origins`, "a list such as ['https://test.example.org']");
  }
  for (const [i, one] of (origins ?? []).entries()) checkOrigin(one, `${name}.origins[${i}]`);
  if (origins === undefined && !LOOPBACK.test(address)) {
    throw argumentError(
      `${name}.origins`,
      `given to listen on ${address}, in a file for --config: by which names browsers know the page, such as ` +
        "['https://test.example.org']",
    );
  }
  // Theirs are those of the page, which may be known later.
  const shared = { origins: ['http://localhost'] };
  if (mirror !== undefined) checkMirrorOptions({ ...mirror, ...shared }, `${name}.mirror`);
  if (reflector !== undefined)
    checkReflectorOptions({ ...reflector, ...shared }, `${name}.reflector`);
}
