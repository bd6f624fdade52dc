// What JavaScript knows about the mailbox of NAT discovery: the mirror of bindings/nat_mailbox.h, and of the lists in
// src/client/nat. tests/js/nat/layout.test.js holds them together.

/** kEntropyBytes of bindings/nat_engine.h. */
export const NAT_ENTROPY_BYTES = 256;

export const NAT_INPUT = /** @type {const} */ ({
  message: 0,
  stream: 1,
  opened: 2,
  closed: 3,
  localPortTaken: 4,
  sendFailed: 5,
});

export const NAT_OUTPUT = /** @type {const} */ ({
  transmit: 0,
  openSocket: 1,
  closeSocket: 2,
  test: 3,
  done: 4,
});

/** Words of a NatPlaceRecord, and the places in it. */
export const NAT_PLACE_WORDS = 10;
export const NAT_PLACE = /** @type {const} */ ({
  samePortAs: 3,
  port: 4,
  addressBytes: 5,
  address: 6,
});

/** Words of a NatTestRecord, and the places in it. */
export const NAT_TEST_WORDS = 29;
export const NAT_TEST = /** @type {const} */ ({
  test: 3,
  topic: 4,
  name: 5,
  run: 6,
  outcome: 7,
  changeAddress: 8,
  changePort: 9,
  responsePort: 10,
  paddingBytes: 11,
  requestsSent: 12,
  roundTripMicroseconds: 13,
  arrivedAt: 14,
  answerBytes: 15,
  errorCode: 16,
  addresses: 17,
});

/** Words of a NatDoneRecord, and the places in it; words of each of its findings. */
export const NAT_DONE_WORDS = 38;
export const NAT_DONE = /** @type {const} */ ({
  findings: 3,
  lifetimeReason: 31,
  atLeastMilliseconds: 32,
  atMostMilliseconds: 33,
  addresses: 34,
});
export const NAT_FINDING_WORDS = 4;

/** struct Findings of nat_verdict.h, in its order. */
export const NAT_FINDINGS = /** @type {const} */ ([
  'behindNat',
  'mapping',
  'filtering',
  'hairpinning',
  'preservesPort',
  'requestFragments',
  'answerFragments',
]);

/** enum Topic of nat_test.h, in its order; and so on. */
export const NAT_TOPICS = /** @type {const} */ ([
  'filtering',
  'mapping',
  'hairpinning',
  'fragments',
  'lifetime',
]);

export const NAT_TESTS = /** @type {const} */ ([
  'before',
  'after',
  'other-port',
  'other-address',
  'other-both',
  'change-port',
  'change-address',
  'change-both',
  'again-port',
  'again-address',
  'again-both',
  'hairpin',
  'padded-request',
  'padded-briefly',
  'padded-both',
  'response-port',
]);

export const NAT_OUTCOMES = /** @type {const} */ ([
  'waiting',
  'answered',
  'refused',
  'silent',
  'not-sent',
  'not-needed',
]);

/** enum Behaviour of nat_verdict.h, in its order; and so on. */
export const NAT_BEHAVIOURS = /** @type {const} */ ([
  'unknown',
  'endpoint-independent',
  'address-dependent',
  'address-and-port-dependent',
]);

export const NAT_REASONS = /** @type {const} */ ([
  'none',
  'not-tested',
  'no-nat',
  'no-answer',
  'not-sent',
  'lossy',
  'local-port',
  'no-other-address',
  'other-address-same',
  'other-address-silent',
  'other-address-refused',
  'other-address-inside',
  'change-request-refused',
  'change-request-ignored',
  'change-request-elsewhere',
  'change-request-unanswered',
  'mapping-changed',
  'mapping-dependent',
  'padding-refused',
  'padding-not-returned',
  'padding-unanswered',
  'request-fragments-blocked',
  'response-port-refused',
  'response-port-ignored',
  'response-port-unanswered',
  'inconsistent',
  'runs-differ',
]);

/** Counters in the order of client::nat::NatStats. */
export const NAT_STATS = /** @type {const} */ ([
  'malformed',
  'unexpected',
  'unknownTransaction',
  'wrongSource',
  'ignored',
]);
