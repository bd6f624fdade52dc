// Where the server's core does not run.

import { PosternError } from '../../errors.js';

/** @type {typeof import('./node.js').startServer} */
export async function startServer() {
  const hint = 'addStunServer() runs in browsers too.';
  throw new PosternError('ERR_TRANSPORT_UNSUPPORTED', 'The TURN server is for Node.js.', { hint });
}
