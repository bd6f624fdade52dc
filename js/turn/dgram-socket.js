// The socket of turnSocket(): all that a socket of node:dgram does, by a relay. Node only.
import { lookup as systemLookup } from 'node:dns';
import { EventEmitter } from 'node:events';
import { familyOf } from '../address.js';
import { codeOf } from '../system-error.js';
import { checkPort, readSendArguments } from './dgram-arguments.js';
import {
  alreadyBoundError,
  badBufferSizeError,
  bufferSizeError,
  connectedError,
  missingArgumentError,
  notConnectedError,
  notRunningError,
  systemError,
  typeError,
} from './dgram-errors.js';

/** @typedef {import('../codec/values.js').TransportAddress} TransportAddress */
/** @typedef {import('./dgram-arguments.js').SendCallback} SendCallback */
/** @typedef {import('./dgram-errors.js').ErrnoName} ErrnoName */
/** @typedef {import('./turn-socket.js').Lookup} Lookup */
/** @typedef {import('./turn-socket.js').SocketRelay} SocketRelay */
/** @typedef {import('./turn-socket.js').TurnSocketOptions} TurnSocketOptions */

const FAMILY_NUMBERS = { IPv4: 4, IPv6: 6 };
/** Where dgram sends what has no address. */
const LOOPBACK = { IPv4: '127.0.0.1', IPv6: '::1' };
/** What buffers are said to hold until somebody sets them: there are none of the system that is ours alone. */
const BUFFER_BYTES = 65_536;
const MAX_BUFFER_BYTES = 0x7fffffff;

/** How the system would call what a relay refuses. @type {Record<string, ErrnoName>} */
const ERRNO = {
  ERR_TURN_PAYLOAD_TOO_LONG: 'EMSGSIZE',
  ERR_TURN_PEER_FAMILY: 'EINVAL',
  ERR_INVALID_ARGUMENT: 'EINVAL',
};

/** @typedef {{ callback: () => void, bytes: number }} Queued */

class DgramSocket extends EventEmitter {
  #relay;
  /** @type {Lookup} */ #lookup;
  #hasOwnLookup;
  /** @type {'unbound' | 'binding' | 'bound' | 'closed'} */ #state = 'unbound';
  /** What was asked for while the socket was being bound. @type {(() => void)[]} */ #queue = [];
  /** @type {'no' | 'connecting' | 'connected'} */ #connected = 'no';
  /** @type {TransportAddress | undefined} */ #remote;
  #sendQueueBytes = 0;
  #sendQueueCount = 0;
  #bufferBytes = { send: BUFFER_BYTES, recv: BUFFER_BYTES };

  /** @param {SocketRelay} relay @param {TurnSocketOptions} options */
  constructor(relay, { lookup, signal }) {
    super();
    this.#relay = relay;
    this.#hasOwnLookup = lookup !== undefined;
    this.#lookup = lookup ?? systemLookup;
    /** As dgram.createSocket() was asked for it. */
    this.type = relay.relayedAddress.family === 'IPv6' ? 'udp6' : 'udp4';
    relay.closed.then(({ error }) => process.nextTick(() => this.#relayEnded(error)));
    if (signal === undefined) return;
    const abort = () => {
      if (this.#state !== 'closed') this.close();
    };
    if (signal.aborted) process.nextTick(abort);
    else {
      signal.addEventListener('abort', abort, { once: true });
      this.once('close', () => signal.removeEventListener('abort', abort));
    }
  }

  /**
   * The server has chosen address and port already, so those that are asked for are not looked at.
   *
   * @param {...unknown} args (port?, address?, callback?), or (options?, callback?)
   */
  bind(...args) {
    this.#mustRun();
    if (this.#state !== 'unbound') throw alreadyBoundError();
    this.#state = 'binding';
    const callback = args.find((argument) => typeof argument === 'function');
    if (callback) this.once('listening', /** @type {() => void} */ (callback));
    process.nextTick(() => {
      if (this.#state !== 'binding') return;
      this.#state = 'bound';
      this.#relay.onmessage = (data, peer) => this.#receive(data, peer);
      this.emit('listening');
      for (const waiting of this.#queue.splice(0)) waiting();
    });
    return this;
  }

  /** The relayed address. */
  address() {
    this.#mustRun();
    if (this.#state !== 'bound') throw systemError('getsockname', 'EBADF');
    const { address, family, port } = this.#relay.relayedAddress;
    return { address, family, port };
  }

  /** @param {...unknown} args in any of the forms of node:dgram */
  send(...args) {
    const isConnected = this.#connected === 'connected';
    const { bytes, port, address, callback } = readSendArguments(args, isConnected);
    this.#mustRun();
    this.#whenBound(() => {
      if (this.#state === 'closed') return;
      const { address: remote, port: remotePort } = this.#remote ?? {};
      if (isConnected && remote !== undefined && remotePort !== undefined) {
        this.#sendTo(bytes, remote, remotePort, callback);
        return;
      }
      this.#find(address, (error, ip) => {
        if (this.#state === 'closed') return;
        if (error === null) this.#sendTo(bytes, ip, port, callback);
        else if (callback !== undefined) process.nextTick(callback, error);
        else process.nextTick(() => this.emit('error', error));
      });
    });
  }

  /**
   * The form of before send() had several.
   *
   * @param {unknown} buffer
   * @param {unknown} offset
   * @param {unknown} length
   * @param {unknown} port
   * @param {unknown} address
   * @param {SendCallback} [callback]
   */
  sendto(buffer, offset, length, port, address, callback) {
    for (const [name, value] of Object.entries({ offset, length, port })) {
      if (typeof value !== 'number') throw typeError(name, 'of type number', value);
    }
    if (typeof address !== 'string') throw typeError('address', 'of type string', address);
    this.send(buffer, offset, length, port, address, callback);
  }

  /** @param {unknown} port @param {unknown} [address] @param {unknown} [callback] */
  connect(port, address, callback) {
    const number = checkPort(port);
    const host = typeof address === 'function' ? undefined : address;
    const done = /** @type {((error?: Error) => void) | undefined} */ (
      typeof address === 'function' ? address : callback
    );
    if (host !== undefined && typeof host !== 'string') {
      throw typeError('address', 'of type string', host);
    }
    this.#mustRun();
    if (this.#connected !== 'no') throw connectedError();
    this.#connected = 'connecting';
    this.#whenBound(() => {
      if (this.#state === 'closed') return;
      if (done) this.once('connect', done);
      this.#find(host, (error, ip) => this.#connectTo(error, ip, number, done));
    });
  }

  disconnect() {
    this.#mustRun();
    if (this.#connected !== 'connected') throw notConnectedError();
    this.#connected = 'no';
    this.#remote = undefined;
  }

  remoteAddress() {
    this.#mustRun();
    if (this.#remote === undefined) throw notConnectedError();
    const { address, family, port } = this.#remote;
    return { address, family, port };
  }

  /** Closes the relay as well; 'close' comes when the server has been told. @param {() => void} [callback] */
  close(callback) {
    if (typeof callback === 'function') this.once('close', callback);
    if (this.#queue.length > 0) {
      // Behind what was to be sent when the socket is bound.
      this.#queue.push(() => this.close());
      return this;
    }
    this.#mustRun();
    this.#finish();
    return this;
  }

  async [Symbol.asyncDispose]() {
    if (this.#state === 'closed') return;
    await new Promise((/** @type {(value?: undefined) => void} */ resolve) =>
      this.close(() => resolve()),
    );
  }

  /** The process stays alive while the socket is open; the default. */
  ref() {
    this.#relay.ref();
    return this;
  }

  unref() {
    this.#relay.unref();
    return this;
  }

  // What follows sets options of the system's socket, which the server has and nobody else can set. They are checked
  // as dgram checks them, and change nothing.

  /** @param {boolean} _isOn */
  setBroadcast(_isOn) {
    this.#mustBeBound('setBroadcast');
  }

  /** @param {number} hops */
  setTTL(hops) {
    return this.#checkHops('setTTL', hops, 1);
  }

  /** @param {number} hops */
  setMulticastTTL(hops) {
    return this.#checkHops('setMulticastTTL', hops, 0);
  }

  /** @param {boolean} isOn */
  setMulticastLoopback(isOn) {
    this.#mustBeBound('setMulticastLoopback');
    return isOn;
  }

  /** @param {string} address */
  setMulticastInterface(address) {
    this.#mustRun();
    if (typeof address !== 'string') throw typeError('interfaceAddress', 'of type string', address);
    this.#mustBeBound('setMulticastInterface');
  }

  /** A relay is in no group. @param {string} group @throws ENODEV, as where no interface does multicast */
  addMembership(group) {
    this.#refuseGroup('addMembership', [['multicastAddress', group]]);
  }

  /** @param {string} group */
  dropMembership(group) {
    this.#refuseGroup('dropMembership', [['multicastAddress', group]]);
  }

  /** @param {string} source @param {string} group */
  addSourceSpecificMembership(source, group) {
    this.#refuseGroup('addSourceSpecificMembership', [
      ['sourceAddress', source],
      ['groupAddress', group],
    ]);
  }

  /** @param {string} source @param {string} group */
  dropSourceSpecificMembership(source, group) {
    this.#refuseGroup('dropSourceSpecificMembership', [
      ['sourceAddress', source],
      ['groupAddress', group],
    ]);
  }

  getSendBufferSize() {
    return this.#bufferSize('send');
  }

  getRecvBufferSize() {
    return this.#bufferSize('recv');
  }

  /** @param {number} size is only remembered */
  setSendBufferSize(size) {
    this.#setBufferSize('send', size);
  }

  /** @param {number} size is only remembered */
  setRecvBufferSize(size) {
    this.#setBufferSize('recv', size);
  }

  /** Bytes that wait for the way to the server to be free. */
  getSendQueueSize() {
    return this.#sendQueueBytes;
  }

  /** Datagrams that wait likewise. */
  getSendQueueCount() {
    return this.#sendQueueCount;
  }

  #mustRun() {
    if (this.#state === 'closed') throw notRunningError();
  }

  /** @param {string} syscall */
  #mustBeBound(syscall) {
    this.#mustRun();
    if (this.#state !== 'bound') throw systemError(syscall, 'EBADF');
  }

  /** @param {() => void} action is run when the socket is bound, and not at all if it never is */
  #whenBound(action) {
    if (this.#state === 'unbound') this.bind();
    if (this.#state === 'bound') action();
    else this.#queue.push(action);
  }

  /**
   * @param {string | undefined} name
   * @param {(error: NodeJS.ErrnoException | null, ip: string) => void} callback
   */
  #find(name, callback) {
    const families = this.#relay.relayedAddresses.map(({ family }) => family);
    const host = name || LOOPBACK[families[0]];
    // The system's look-up gives addresses back as they are.
    if (!this.#hasOwnLookup && familyOf(host) !== undefined) callback(null, host);
    else this.#lookup(host, families.length > 1 ? 0 : FAMILY_NUMBERS[families[0]], callback);
  }

  /**
   * @param {Buffer} bytes
   * @param {string} address
   * @param {number} port
   * @param {SendCallback | undefined} callback
   */
  #sendTo(bytes, address, port, callback) {
    const size = bytes.length;
    let hasRoom;
    try {
      hasRoom = this.#relay.send(bytes, { address, port });
    } catch (error) {
      const name = ERRNO[codeOf(error) ?? ''];
      if (name === undefined) throw error;
      if (callback) process.nextTick(callback, systemError('send', name, { address, port }, error));
      return;
    }
    if (hasRoom) {
      if (callback) process.nextTick(callback, null, size);
      return;
    }
    this.#sendQueueBytes += size;
    this.#sendQueueCount += 1;
    this.#relay.ready.then(() => {
      this.#sendQueueBytes -= size;
      this.#sendQueueCount -= 1;
      // Out of the promise: what the callback throws is an exception, as of dgram's.
      if (callback) process.nextTick(callback, null, size);
    });
  }

  /**
   * @param {NodeJS.ErrnoException | null} error
   * @param {string} ip
   * @param {number} port
   * @param {((error?: Error) => void) | undefined} done
   */
  #connectTo(error, ip, port, done) {
    if (this.#state === 'closed') return;
    const family = error === null ? familyOf(ip) : undefined;
    const isReachable = this.#relay.relayedAddresses.some((own) => own.family === family);
    if (isReachable && family !== undefined) {
      this.#connected = 'connected';
      this.#remote = { address: ip, family, port };
      process.nextTick(() => this.emit('connect'));
      return;
    }
    this.#connected = 'no';
    const failure = error ?? systemError('connect', 'EINVAL', { address: ip, port });
    process.nextTick(() => {
      if (done === undefined) this.emit('error', failure);
      else {
        this.removeListener('connect', done);
        done(failure);
      }
    });
  }

  /** @param {Uint8Array} data @param {TransportAddress} peer */
  #receive(data, { address, family, port }) {
    const remote = this.#remote;
    // A connected socket hears its peer only.
    if (remote !== undefined && (remote.port !== port || remote.address !== address)) return;
    const message = Buffer.from(
      /** @type {ArrayBuffer} */ (data.buffer),
      data.byteOffset,
      data.byteLength,
    );
    this.emit('message', message, { address, family, port, size: data.length });
  }

  #finish() {
    this.#state = 'closed';
    this.#queue = [];
    this.#relay.onmessage = undefined;
    this.#remote = undefined;
    // Neither rejects.
    this.#relay.close().then(() => process.nextTick(() => this.emit('close')));
  }

  /** @param {Error | undefined} error */
  #relayEnded(error) {
    if (this.#state === 'closed') return;
    this.#finish();
    if (error !== undefined) this.emit('error', error);
  }

  /** @param {string} syscall @param {unknown} hops @param {number} least */
  #checkHops(syscall, hops, least) {
    this.#mustRun();
    if (typeof hops !== 'number') throw typeError('ttl', 'of type number', hops);
    this.#mustBeBound(syscall);
    if (hops < least || hops > 255) throw systemError(syscall, 'EINVAL');
    return hops;
  }

  /** @param {string} syscall @param {[string, unknown][]} args */
  #refuseGroup(syscall, args) {
    this.#mustRun();
    for (const [name, value] of args) {
      if (!value && syscall.endsWith('addMembership')) throw missingArgumentError(name);
      if (!value && syscall === 'dropMembership') throw missingArgumentError(name);
      if (typeof value !== 'string') throw typeError(name, 'of type string', value);
    }
    throw systemError(syscall, 'ENODEV');
  }

  /** @param {'send' | 'recv'} which */
  #bufferSize(which) {
    if (this.#state !== 'bound') throw bufferSizeError(`uv_${which}_buffer_size`);
    return this.#bufferBytes[which];
  }

  /** @param {'send' | 'recv'} which @param {unknown} size */
  #setBufferSize(which, size) {
    const isRight = typeof size === 'number' && Number.isInteger(size) && size >= 0;
    if (!isRight || size > MAX_BUFFER_BYTES) throw badBufferSizeError();
    if (this.#state !== 'bound') throw bufferSizeError(`uv_${which}_buffer_size`);
    this.#bufferBytes[which] = size;
  }
}

/** @type {import('../platform/platform.js').Platform['dgramSocket']} */
export const dgramSocket = (relay, options) => /** @type {any} */ (new DgramSocket(relay, options));
