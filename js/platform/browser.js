// What a browser gives: neither sockets nor DNS.
import { PosternError } from '../errors.js';

const HINT =
  'Bring a transport of your own as options.transport, or use RTCPeerConnection, whose candidates of type srflx show the mapped address.';

/** @returns {Promise<never>} */
async function unsupported() {
  throw new PosternError(
    'ERR_TRANSPORT_UNSUPPORTED',
    'A browser lets no page open UDP, TCP or TLS connections of its own.',
    { hint: HINT },
  );
}

/** @type {import('./platform.js').Platform['resolveServer']} */
export const resolveServer = unsupported;

/** @type {import('./platform.js').Platform['openTransport']} */
export const openTransport = unsupported;
