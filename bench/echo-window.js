// Messages to an echo peer and back, so many in flight: the clock of the relayed echo, for each client alike.

/** A message that has not come back for so long never will. */
const LOST_AFTER_MS = 2000;

/** A message begins with its number. */
export const NUMBER_SIZE = 4;

/**
 * @typedef {object} EchoRun
 * @property {number} count messages
 * @property {number} inFlight how many may be unanswered
 * @property {number} payload bytes of a message, at least NUMBER_SIZE
 * @property {(message: Buffer) => unknown} send may keep the message: each is a buffer of its own
 */

/**
 * @typedef {object} EchoTimes
 * @property {Float64Array} rttsUs sorted, of what came back
 * @property {number} lost
 * @property {number} elapsedMs
 * @property {{ user: number, system: number }} cpuUs of the process, in microseconds
 */

/** One client's messages. Hand each that arrives to `arrived`; run() may be called again when it has ended. */
export class EchoWindow {
  /** @type {((message: Uint8Array) => void) | undefined} */
  #onmessage;

  /** @param {Uint8Array} message */
  arrived = (message) => this.#onmessage?.(message);

  /**
   * @param {EchoRun} run
   * @returns {Promise<EchoTimes>} rejects when send() fails or what comes back is not what was sent
   */
  run({ count, inFlight, payload, send }) {
    const sentAt = new Float64Array(count); // 0: not under way
    const rttsUs = new Float64Array(count);
    let sent = 0;
    let back = 0;
    let lost = 0;
    let flying = 0;
    let lastBack = 0;
    const cpu = process.cpuUsage();
    const start = performance.now();

    return new Promise((resolve, reject) => {
      const finish = () => {
        clearInterval(timer);
        this.#onmessage = undefined;
      };
      /** @param {unknown} error */
      const fail = (error) => {
        finish();
        reject(error);
      };
      const fill = () => {
        while (flying < inFlight && sent < count) {
          const message = Buffer.alloc(payload);
          message.writeUInt32BE(sent);
          sentAt[sent++] = performance.now();
          flying++;
          try {
            const outcome = send(message);
            if (outcome instanceof Promise) outcome.catch(fail);
          } catch (error) {
            fail(error);
            return;
          }
        }
        if (back + lost < count) return;
        const elapsedMs = performance.now() - start;
        const cpuUs = process.cpuUsage(cpu);
        finish();
        resolve({ rttsUs: rttsUs.subarray(0, back).sort(), lost, elapsedMs, cpuUs });
      };
      const timer = setInterval(() => {
        if (performance.now() - lastBack < LOST_AFTER_MS) return;
        sentAt.fill(0); // too late from now on
        lost += flying;
        flying = 0;
        lastBack = performance.now();
        fill();
      }, LOST_AFTER_MS / 2);
      this.#onmessage = (message) => {
        const now = performance.now();
        if (message.length !== payload) {
          fail(new Error(`${message.length} bytes came back of ${payload}`));
          return;
        }
        const number = message[0] * 2 ** 24 + ((message[1] << 16) | (message[2] << 8) | message[3]);
        if (number >= sent || sentAt[number] === 0) return; // given up, or of the run before
        rttsUs[back++] = (now - sentAt[number]) * 1000;
        sentAt[number] = 0;
        flying--;
        lastBack = now;
        fill();
      };
      lastBack = start;
      fill();
    });
  }
}

/**
 * What is printed for a run.
 *
 * @param {{ impl: string, version: string, mode: string, payload: number, inFlight: number }} what
 * @param {EchoTimes} times
 */
export function echoResult({ impl, version, mode, payload, inFlight }, times) {
  const { rttsUs, lost, elapsedMs, cpuUs } = times;
  const trips = rttsUs.length;
  if (trips === 0) throw new Error('nothing came back');
  const quantile = (/** @type {number} */ q) => rttsUs[Math.round(q * (trips - 1))];
  return {
    impl,
    version,
    mode,
    payload,
    in_flight: inFlight,
    round_trips: trips,
    lost,
    round_trips_per_second: trips / (elapsedMs / 1000),
    p50_us: quantile(0.5),
    p99_us: quantile(0.99),
    cpu_us_per_round_trip: (cpuUs.user + cpuUs.system) / trips,
    user_us_per_round_trip: cpuUs.user / trips,
    system_us_per_round_trip: cpuUs.system / trips,
  };
}
