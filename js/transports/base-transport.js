/**
 * What all transports share: an end that is reported once, even to those who ask late.
 *
 * @implements {AsyncDisposable}
 */
export class BaseTransport {
  /** @type {((error: Error) => void) | undefined} */ onerror = undefined;
  /** @type {(() => void) | undefined} */ ondrain = undefined;

  /** @type {((error: Error | undefined) => void) | undefined} */ #onclose;
  /** @type {{ error: Error | undefined } | undefined} */ #end;
  /** @type {(() => void)[]} */ #waiting = [];

  get onclose() {
    return this.#onclose;
  }

  set onclose(handler) {
    this.#onclose = handler;
    const end = this.#end;
    if (end === undefined) return;
    queueMicrotask(() => {
      if (this.#onclose === handler) handler?.(end.error);
    });
  }

  /**
   * For subclasses: the handle is gone.
   *
   * @protected
   * @param {Error | undefined} error
   */
  ended(error) {
    if (this.#end !== undefined) return;
    this.#end = { error };
    for (const resolve of this.#waiting) resolve();
    this.#onclose?.(error);
  }

  close() {
    this.ended(undefined);
  }

  /** Closes, and waits until the handle is gone. */
  // Where the symbol is missing there is no `await using` either, and nobody calls this.
  async [Symbol.asyncDispose]() {
    this.close();
    if (this.#end !== undefined) return;
    await new Promise((/** @type {(value?: undefined) => void} */ resolve) =>
      this.#waiting.push(resolve),
    );
  }
}
