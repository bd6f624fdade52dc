// How much somebody has sent, against a rate: a token bucket that is filled once a tick, so that a message costs two
// additions and no clock.

export class Meter {
  #messagesPerMs;
  #bytesPerMs;
  #mostMessages;
  #mostBytes;
  #messages;
  #bytes;
  #filledAt;

  /**
   * A second's worth may come at once.
   *
   * @param {number} messagesPerSecond
   * @param {number} bytesPerSecond
   * @param {number} now in milliseconds
   */
  constructor(messagesPerSecond, bytesPerSecond, now) {
    this.#filledAt = now;
    this.#messagesPerMs = messagesPerSecond / 1000;
    this.#bytesPerMs = bytesPerSecond / 1000;
    this.#mostMessages = messagesPerSecond;
    this.#mostBytes = bytesPerSecond;
    this.#messages = messagesPerSecond;
    this.#bytes = bytesPerSecond;
  }

  /** @param {number} messages @param {number} bytes @returns {boolean} whether there is something left */
  take(messages, bytes) {
    this.#messages -= messages;
    this.#bytes -= bytes;
    return this.hasLeft;
  }

  get hasLeft() {
    return this.#messages > 0 && this.#bytes > 0;
  }

  /** Whoever shares it may call this in the same tick. @param {number} now in milliseconds */
  fill(now) {
    const elapsedMs = now - this.#filledAt;
    if (elapsedMs <= 0) return;
    this.#filledAt = now;
    this.#messages = Math.min(this.#mostMessages, this.#messages + elapsedMs * this.#messagesPerMs);
    this.#bytes = Math.min(this.#mostBytes, this.#bytes + elapsedMs * this.#bytesPerMs);
  }
}
