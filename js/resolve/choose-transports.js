// Which transports to look for: the checks with which RFC 5928 section 3 begins.

import { argumentError, PosternError } from '../errors.js';

/** @typedef {import('../uri.js').ServerUri} ServerUri */
/** @typedef {'udp' | 'tcp' | 'tls' | 'ws'} TransportName */

/** @type {readonly string[]} */
const NAMES = ['udp', 'tcp', 'tls', 'ws'];

const DTLS_HINT =
  "Use '?transport=tcp', which is TLS. Node.js has no DTLS, and no library that checks certificates was found.";

/** @param {ServerUri} uri @returns {TransportName[]} all that it allows, in the order to try */
function possibleTransports({ scheme, transport, secure }) {
  if (transport === 'ws') return ['ws'];
  if (secure && transport === 'udp') {
    throw new PosternError(
      'ERR_TRANSPORT_UNSUPPORTED',
      `A ${scheme}: URI with '?transport=udp' asks for DTLS, which is not supported.`,
      { hint: DTLS_HINT },
    );
  }
  if (secure) return ['tls'];
  return transport === null ? ['udp', 'tcp'] : [transport];
}

/** @param {ServerUri} uri @param {readonly TransportName[]} wanted none of which it allows */
function adviceFor({ scheme, transport, secure }, wanted) {
  if (wanted.includes('tls') && !secure) return `; for TLS the URI begins with ${scheme}s:`;
  if (wanted.includes('ws') && transport !== 'ws') return '; for a WebSocket name its wss:// URL';
  return '';
}

/**
 * @param {ServerUri} uri
 * @param {TransportName | readonly TransportName[]} [wanted] in order of preference; when left out,
 *   what the URI asks for: UDP for `stun:` (RFC 7064 section 3.2), UDP and then TCP for a `turn:`
 *   that names none
 * @returns {TransportName[]} at least one
 * @throws {TypeError} when the URI allows none of `wanted`
 */
export function chooseTransports(uri, wanted) {
  const possible = possibleTransports(uri);
  if (wanted === undefined) return uri.scheme === 'stun' ? ['udp'] : possible;

  const list = [wanted].flat();
  if (!list.every((name) => NAMES.includes(name))) {
    throw argumentError('options.transport', "'udp', 'tcp', 'tls' or 'ws'");
  }
  const chosen = list.filter((name) => possible.includes(name));
  if (chosen.length > 0) return chosen;

  const allowed = possible.map((name) => `'${name}'`).join(' or ');
  throw argumentError(
    'options.transport',
    `${allowed} to go with this ${uri.url ? 'WebSocket URL' : `${uri.scheme}: URI`}${adviceFor(uri, list)}`,
  );
}
