// How a gateway closes a WebSocket: the codes of docs/gateway.md, which a page reads as `event.code`.

/**
 * Codes of RFC 6455 section 7.4.1 and its registry, and from 4400 on our own, which are HTTP's plus 4000.
 */
export const CLOSE = /** @type {const} */ ({
  /** The server has closed its connection in order. */
  done: 1000,
  /** The gateway is closed. */
  goingAway: 1001,
  /** A message of text. */
  text: 1003,
  /** A method or an attribute that this gateway does not carry. */
  policy: 1008,
  /** The connection to the server broke, or what came on it were no messages; or the gateway failed. */
  failed: 1011,
  /** The gateway restarts: come back in a while. */
  restart: 1012,
  /** Too many connections, or the client does not read. */
  overload: 1013,
  /** Neither a STUN message nor ChannelData. */
  notStun: 4400,
  /** The ticket is missing, wrong, used or too old. */
  ticket: 4401,
  /** There is no such upstream, its address is not allowed, or the peer is not. */
  denied: 4403,
  /** No message came in time, or none for too long, or the session has lasted long enough. */
  time: 4408,
  /** Too many connections of this address or user. */
  quota: 4413,
  /** Too many attempts of this address. */
  rate: 4429,
  /** The server refuses the connection, or its name is not found. */
  refused: 4502,
  /** The server did not answer in time, or takes no bytes. */
  unanswered: 4504,
});

/** @typedef {(typeof CLOSE)[keyof typeof CLOSE]} CloseCode */
