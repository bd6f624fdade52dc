// Waits until all is done that is waiting for nothing but its turn.

// As it was when this was loaded: frameworks of tests put a timer that stands still in its place.
const { setImmediate } = /** @type {{ setImmediate?: (callback: () => void) => void }} */ (
  globalThis
);
/** @type {(callback: () => void) => void} */
const nextTask =
  setImmediate ??
  ((callback) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      callback();
    };
    port2.postMessage(undefined);
  });

/** Resolves when promises that were settled have had their reactions, and those of these. @returns {Promise<void>} */
export const settled = () => new Promise((resolve) => nextTask(resolve));

const { setTimeout: sleep } = globalThis;

/**
 * Gives what goes by the machine's own time a chance: modules that are being loaded, WebAssembly, cryptography.
 *
 * @param {() => boolean} isOver
 * @param {number} ms
 */
export async function patience(isOver, ms) {
  for (let i = 0; i < ms && !isOver(); i += 1) {
    await new Promise((resolve) => {
      sleep(resolve, 1);
    });
  }
}
