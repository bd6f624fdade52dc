// discoverNat() where there are no sockets.
import { PosternError } from '../errors.js';

/**
 * @param {import('../ice-server.js').ServerInput} _server
 * @param {import('./options.js').NatOptions} _options
 * @returns {Promise<import('./result.js').NatResult>}
 */
export async function discoverNat(_server, _options) {
  throw new PosternError(
    'ERR_TRANSPORT_UNSUPPORTED',
    'A browser lets no page open UDP sockets, so that it cannot test NATs this way.',
    {
      hint: 'In a page, use diagnoseNat() of postern/diagnose, with a mirror; or run this in Node.js.',
    },
  );
}
