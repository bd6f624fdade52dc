// Writes that belong together go out together: what a turn of the event loop brings for one socket becomes one call of the
// system. No message waits longer than until the end of that turn.

export class Flush {
  /** @type {import('node:stream').Writable[]} */ #corked = [];
  #isDue = false;

  /** Before something is written. @param {import('node:stream').Writable} socket */
  hold(socket) {
    if (socket.writableCorked > 0) return;
    socket.cork();
    this.#corked.push(socket);
    if (this.#isDue) return;
    this.#isDue = true;
    setImmediate(this.#release);
  }

  #release = () => {
    this.#isDue = false;
    const corked = this.#corked;
    this.#corked = [];
    for (const socket of corked) socket.uncork();
  };
}
