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

/** What a relay without credentials opens with, on UDP. */
export const TURN_SETTINGS = {
  ...SETTINGS,
  fingerprint: false,
  padsChannelData: false,
  permissionLifetimeMs: 0,
  channelLifetimeMs: 0,
  refreshEveryMs: 0,
  keepAliveMs: 0,
};

/** An owner of a relay, or of a ConnectionBind, that writes down what it is told, in order too. */
export function turnRecorder() {
  return {
    /** @type {Uint8Array[]} */ sent: [],
    /** @type {import('../../../js/engine/turn-types.js').TurnEvent[]} */ events: [],
    /** @type {{ data: Uint8Array, peer: import('../../../js/engine/turn-types.js').TransportAddress, channel: number }[]} */
    datas: [],
    /** @type {Uint8Array[]} */ leftovers: [],
    /** @type {import('../../../js/errors.js').PosternError[]} */ losses: [],
    /** @type {string[]} */ told: [],
    /** @param {Uint8Array} bytes */
    transmit(bytes) {
      this.sent.push(bytes);
      this.told.push('transmit');
    },
    /**
     * @param {Uint8Array} data
     * @param {import('../../../js/engine/turn-types.js').TransportAddress} peer
     * @param {number} channel
     */
    data(data, peer, channel) {
      this.datas.push({ data, peer, channel });
      this.told.push('data');
    },
    /** @param {import('../../../js/engine/turn-types.js').TurnEvent} event */
    event(event) {
      this.events.push(event);
      this.told.push(event.type);
    },
    /** @param {Uint8Array} bytes */
    leftover(bytes) {
      this.leftovers.push(bytes);
      this.told.push('leftover');
    },
    /** @param {import('../../../js/errors.js').PosternError} error */
    lost(error) {
      this.losses.push(error);
    },
  };
}
