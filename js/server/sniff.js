// Several protocols on one port: the first byte that a client sends tells which it is.

/** @typedef {import('node:net').Socket} Socket */

/** RFC 8446 section 5.1: the content type of a handshake. */
const TLS_HANDSHAKE = 0x16;
const isLetter = (/** @type {number} */ byte) => byte >= 0x41 && byte <= 0x5a;

/**
 * @typedef {object} Routes what may come; what is left out may not
 * @property {(socket: Socket) => void} [turn]
 * @property {(socket: Socket) => void} [http]
 * @property {(socket: Socket) => void} [tls]
 */

/**
 * Hands the socket to the one whose protocol it speaks; one alone gets it at once.
 *
 * @param {Socket} socket
 * @param {Routes} routes
 */
export function route(socket, { turn, http, tls }) {
  const [only, ...others] = [turn, http, tls].filter((use) => use !== undefined);
  if (others.length === 0) {
    only?.(socket);
    return;
  }
  const onerror = () => socket.destroy();
  socket.once('error', onerror);
  socket.once('data', (/** @type {Buffer} */ bytes) => {
    socket.pause();
    socket.off('error', onerror);
    const [first] = bytes;
    // No client begins with ChannelData, whose first byte could be a letter (RFC 8656 section 12.4): it has no channel.
    const use = first === TLS_HANDSHAKE && tls ? tls : isLetter(first) && http ? http : turn;
    if (use === undefined) {
      socket.destroy();
      return;
    }
    socket.unshift(bytes);
    use(socket);
  });
}
