// What postern should reach, and whether it did.

/**
 * @typedef {object} Verdict
 * @property {number} value what was measured
 * @property {string} unit
 * @property {boolean} reached
 * @property {string} asked
 *
 * @typedef {(name: string) => number | undefined} SpeedOver how many times as fast as NAME
 *   postern is in this bench; undefined when that was not measured
 */

const OVER_BEST_PEER = 10;
const OVER_NATIVE_LIBRARY = 1;
const TIME_OF_OWN_NATIVE = 1.5;
const STARTUP_MS = 15;

/** CPU of a relayed echo over that of the same program on a socket without TURN. */
const RELAY_CPU_OVER_SOCKET = 1.25;
const RELAY_PROTOCOL_US = 2;
const RELAY_MEMORY_MIB = 64;

/** What the server relays beside a forwarder of Node's without a protocol, and beside node-turn. */
const SERVER_OVER_FORWARDER = 0.8;
const SERVER_OVER_NODE_TURN = 3;
/** What the gateway passes on beside a WebSocket server that sends back what it is sent, or to UDP. */
const GATEWAY_OVER_ECHO = 0.7;
/** What V8 may keep of a minute's garbage. */
const SOAK_ADDED_MIB = 8;

/** Gzip sizes, everything that a browser loads. */
const GZIP_BYTES = /** @type {Record<string, number>} */ ({
  'size-codec': 32 * 1024,
  'size-client': 64 * 1024,
  'size-page': 120 * 1024,
});

/**
 * The fastest native library known to us is a Rust codec that can't be in this run. Where it was
 * measured, on one machine with Pion, it was this many times as fast as Pion (1.16 and 2.0 us,
 * 0.95 and 2.1 us), so Pion stands in for it here.
 *
 * @type {Record<string, number>}
 */
const FASTEST_OVER_PION = {
  'decode-verify': 2.0 / 1.16,
  'encode-allocate-auth': 2.1 / 0.95,
};

/**
 * @param {number} value
 * @param {string} unit
 * @param {number} most
 * @param {string} asked
 * @returns {Verdict}
 */
const atMost = (value, unit, most, asked) => ({ value, unit, reached: value <= most, asked });

/**
 * @param {string} bench
 * @param {string[]} peers npm packages
 * @param {SpeedOver} speedOver
 * @returns {Verdict[]}
 */
export function judgeSpeed(bench, peers, speedOver) {
  /** @type {Verdict[]} */
  const verdicts = [];
  /** @param {number} value @param {number} least @param {string} asked */
  const atLeast = (value, least, asked) =>
    verdicts.push({ value, unit: 'x', reached: value >= least, asked });

  const best = peers
    .map((name) => ({ name, speed: speedOver(name) ?? Number.POSITIVE_INFINITY }))
    .reduce((one, other) => (other.speed < one.speed ? other : one));
  if (Number.isFinite(best.speed)) {
    const asked = `at least ${OVER_BEST_PEER} times as fast as the best npm peer (${best.name})`;
    atLeast(best.speed, OVER_BEST_PEER, asked);
  }

  const overPion = speedOver('pion');
  const factor = FASTEST_OVER_PION[bench];
  if (factor && overPion !== undefined) {
    atLeast(overPion, OVER_NATIVE_LIBRARY, 'no slower than the native library in this run (pion)');
    const asked = `at least ${factor.toFixed(2)} times as fast as pion, as the fastest native library known was where both were measured`;
    atLeast(overPion, factor, asked);
  }

  const overNative = speedOver('postern-native');
  if (overNative !== undefined) {
    const asked = `at most ${TIME_OF_OWN_NATIVE} times the time of our own native build`;
    verdicts.push(atMost(1 / overNative, 'x', TIME_OF_OWN_NATIVE, asked));
  }
  return verdicts;
}

/** @param {number} aboveEmptyMs */
export const judgeStartup = (aboveEmptyMs) =>
  atMost(aboveEmptyMs, 'ms', STARTUP_MS, `at most ${STARTUP_MS} ms above an empty Node process`);

/**
 * @param {string} name
 * @param {number} gzipBytes
 * @returns {Verdict | undefined}
 */
export function judgeSize(name, gzipBytes) {
  const most = GZIP_BYTES[name];
  if (most === undefined) return undefined;
  return atMost(gzipBytes, 'bytes', most, `at most ${most} bytes gzip, all in`);
}

/**
 * @param {'rate' | 'cpu' | 'rtt-p50' | 'rtt-p99'} metric
 * @param {(name: string) => number | undefined} ratioTo postern's value over that of NAME; undefined when that was not
 *   measured
 * @returns {Verdict[]}
 */
export function judgeRelay(metric, ratioTo) {
  /** @type {Verdict[]} */
  const verdicts = [];
  const isRate = metric === 'rate';
  /** @param {string} name @param {number} bound @param {string} asked */
  const hold = (name, bound, asked) => {
    const value = ratioTo(name);
    if (value === undefined) return;
    verdicts.push({ value, unit: 'x', reached: isRate ? value >= bound : value <= bound, asked });
  };
  if (metric === 'cpu') {
    const asked = `at most ${RELAY_CPU_OVER_SOCKET} times the CPU of the same program on a socket without TURN`;
    hold('dgram', RELAY_CPU_OVER_SOCKET, asked);
  }
  if (isRate) hold('pion', 1, "at least as many a second as Pion's client");
  if (metric === 'rtt-p50') hold('pion', 1, "at most the time of Pion's client");
  hold('werift', 1, isRate ? "more a second than werift's client" : "less than werift's client");
  return verdicts;
}

/** @param {number} microseconds */
export const judgeRelayProtocol = (microseconds) =>
  atMost(microseconds, 'us', RELAY_PROTOCOL_US, `less than ${RELAY_PROTOCOL_US} us an echo`);

/** @param {number} mebibytes @param {string} unit */
export const judgeRelayMemory = (mebibytes, unit) =>
  atMost(
    mebibytes,
    unit,
    RELAY_MEMORY_MIB,
    `at most ${RELAY_MEMORY_MIB} MiB above the idle process`,
  );

/**
 * @param {'rate' | 'cpu' | 'rtt-p50' | 'rtt-p99'} metric
 * @param {(name: string) => number | undefined} ratioTo postern's value over that of NAME; undefined when that was not
 *   measured
 * @param {[name: string, least: number, what: string][]} bounds
 * @returns {Verdict[]}
 */
function judgeLoad(metric, ratioTo, bounds) {
  return bounds.flatMap(([name, least, what]) => {
    const value = ratioTo(name);
    if (value === undefined) return [];
    if (metric === 'rate') {
      const asked = `at least ${least} times the messages of ${what}`;
      return [{ value, unit: 'x', reached: value >= least, asked }];
    }
    if (metric !== 'cpu') return [];
    // The same by what a message takes, which does not depend on who else wants the processor.
    const asked = `at most 1/${least} of the CPU of ${what}`;
    return [atMost(value, 'x', 1 / least, asked)];
  });
}

/**
 * @param {Parameters<typeof judgeLoad>[0]} metric
 * @param {Parameters<typeof judgeLoad>[1]} ratioTo
 */
export const judgeServer = (metric, ratioTo) =>
  judgeLoad(metric, ratioTo, [
    ['dgram', SERVER_OVER_FORWARDER, 'a forwarder in Node without a protocol'],
    ['node-turn', SERVER_OVER_NODE_TURN, 'node-turn'],
  ]);

/**
 * @param {Parameters<typeof judgeLoad>[0]} metric
 * @param {Parameters<typeof judgeLoad>[1]} ratioTo
 */
export const judgeGateway = (metric, ratioTo) =>
  judgeLoad(metric, ratioTo, [
    ['ws-echo', GATEWAY_OVER_ECHO, 'a WebSocket server that sends back what it is sent'],
    ['ws-dgram', GATEWAY_OVER_ECHO, 'a WebSocket server with a UDP socket for each connection'],
  ]);

/**
 * @param {{ lostAllocations: number, lostMessages: number, addedMebibytes: number, leftSockets: number }} soak
 * @returns {Verdict[]}
 */
export const judgeServerSoak = ({ lostAllocations, lostMessages, addedMebibytes, leftSockets }) => [
  atMost(lostAllocations, 'allocations', 0, 'no allocation lost'),
  atMost(lostMessages, 'messages', 0, 'no message lost'),
  atMost(addedMebibytes, 'MiB', SOAK_ADDED_MIB, `at most ${SOAK_ADDED_MIB} MiB added`),
  atMost(leftSockets, 'open files', 0, 'no socket left'),
];
