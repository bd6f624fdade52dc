// What the tests of the engine share.

/** What a StunClient without credentials opens with. */
export const SETTINGS = {
  isReliable: false,
  server: { address: '198.51.100.1', port: 3478 },
  software: '',
  mechanism: /** @type {const} */ ('none'),
  username: new Uint8Array(),
  password: new Uint8Array(),
  realm: new Uint8Array(),
  rtoMs: 0,
  rc: 0,
  rm: 0,
  tiMs: 0,
  featureBitsFromLeft: false,
};

/** An owner that writes down what it is told. */
export function recorder() {
  return {
    /** @type {Uint8Array[]} */ sent: [],
    /** @type {import('../../../js/engine/read-event.js').ClientEvent[]} */ events: [],
    /** @type {import('../../../js/errors.js').PosternError[]} */ losses: [],
    /** @param {Uint8Array} bytes */
    transmit(bytes) {
      this.sent.push(bytes);
    },
    /** @param {import('../../../js/engine/read-event.js').ClientEvent} event */
    settle(event) {
      this.events.push(event);
    },
    /** @param {import('../../../js/errors.js').PosternError} error */
    lost(error) {
      this.losses.push(error);
    },
  };
}
