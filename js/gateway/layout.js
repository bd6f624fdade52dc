// What JavaScript knows about the core of the gateway: the mirror of bindings/gateway_port.h and src/server/screening.h.
// tests/js/gateway/core.test.js holds them together.

/** Arguments of the core's gatewayPlace(). */
export const PLACES = /** @type {const} */ ({ inbox: 0, inboxBytes: 1, reply: 2 });

/** The lists of addRule(). */
export const RULES = /** @type {const} */ ({ allow: 0, deny: 1, nat64: 2 });

/** What screen() returns for what may pass: the length without padding, shifted, and flags. */
export const FLAG_BITS = 2;
export const CARRIES_DATA = 1;
export const IS_REQUEST = 2;

/** Why a client's message is refused: what screen() returns, negative. */
export const RULINGS = /** @type {const} */ ({
  malformed: -2,
  method: -3,
  attribute: -4,
  peer: -5,
});

/** What reply() returns. */
export const REPLIES = /** @type {const} */ ({
  malformed: 0,
  control: 1,
  data: 2,
  allocated: 3,
  error: 4,
});

/** Words that reply() leaves. */
export const REPLY_WORDS = /** @type {const} */ ({ contentBytes: 0, lifetime: 1, errorCode: 2 });
