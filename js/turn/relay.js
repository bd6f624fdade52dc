// A relay: an address at a TURN server at which peers reach this client (RFC 8656).

import { familyOf } from '../address.js';
import { requireObject } from '../codec/arguments.js';
import { argumentError, PosternError } from '../errors.js';
import { checkInteger, checkSignal } from '../option-checks.js';
import { abortable } from '../resolve/abortable.js';
import { Channels } from './channels.js';
import { MessageQueue } from './message-queue.js';
import { checkPeer, checkPeerHost } from './peer.js';
import { PeerConnections } from './peer-connections.js';
import { relayEvent } from './relay-event.js';
import { readableOf, writableOf } from './relay-streams.js';
import { reportException } from './report-exception.js';
import { Sender } from './sender.js';
import { readTurnCredentials } from './turn-credentials.js';

/** @typedef {import('../codec/values.js').TransportAddress} TransportAddress */
/** @typedef {import('../engine/turn-types.js').TurnEvent} TurnEvent */
/** @typedef {import('./peer.js').PeerAddress} PeerAddress */
/** @typedef {import('./peer.js').PeerHost} PeerHost */
/** @typedef {import('./relay-channel.js').RelayChannel} RelayChannel */
/** @typedef {import('./relay-connection.js').RelayConnection} RelayConnection */
/** @typedef {import('./relay-event.js').RelayEvent} RelayEvent */
/** @typedef {import('./relay-origin.js').RelayOrigin} RelayOrigin */
/** @typedef {import('./relay-streams.js').RelayMessage} RelayMessage */
/** @typedef {import('./relay-streams.js').UdpMessage} UdpMessage */
/** @typedef {import('./turn-credentials.js').Credentials} Credentials */
/** @typedef {import('./turn-session.js').RelayEnd} RelayEnd */
/** @typedef {import('./turn-session.js').TurnSession} TurnSession */

/**
 * Made by allocate(). Keeps itself alive until close(): the allocation, its permissions and channels are refreshed in
 * time. Datagrams of peers go to one taker: `onmessage` while it is set, else to those who iterate or read `readable`,
 * each datagram to one of them.
 *
 * @implements {AsyncDisposable}
 * @implements {AsyncIterable<RelayMessage>}
 */
export class Relay {
  /**
   * Gets each datagram as it comes: `data` belongs to the receiver; `channel` is 0 where it came by Data indication.
   * While it is set, nothing is queued; what was queued before stays for iteration. What it throws is reported as what
   * an event listener throws, and ends nothing.
   *
   * @type {((data: Uint8Array, peer: TransportAddress, channel: number) => void) | undefined}
   */
  onmessage = undefined;

  /** Hears of what comes unasked. What it throws is reported likewise. @type {((event: RelayEvent) => void) | undefined} */
  onevent = undefined;

  #session;
  #sender;
  #origin;
  /** @type {MessageQueue<RelayMessage>} */ #queue;
  #connections;
  #channels;
  /** Ends what is being opened, with the relay. */
  #ending = new AbortController();
  /** @type {ReadableStream<UdpMessage> | undefined} */ #readable;
  /** @type {WritableStream<UdpMessage> | undefined} */ #writable;
  /** @type {((error: unknown) => void) | undefined} */ #failWritable;
  #messagesReceived = 0;
  #bytesReceived = 0;
  #lifetimeSeconds;

  /** What the server calls itself (SOFTWARE). @type {string | undefined} */ software;

  /**
   * @param {TurnSession} session
   * @param {TurnEvent} allocated
   * @param {RelayOrigin} origin
   * @internal
   */
  constructor(session, allocated, origin) {
    const { allocation } = allocated;
    if (allocation === undefined) throw new PosternError('ERR_INTERNAL');
    const { relayedAddresses, mappedAddress, reservationToken } = allocation;
    this.#session = session;
    this.#origin = origin;
    this.#queue = new MessageQueue(origin.queueLength);
    this.#lifetimeSeconds = allocation.lifetimeSeconds;
    /** Where peers reach this client: one address, or two of different families. */
    this.relayedAddresses = relayedAddresses;
    /** The first of them. */
    this.relayedAddress = relayedAddresses[0];
    /** How the server sees this client. */
    this.mappedAddress = mappedAddress;
    /** With which another relay gets the port after this one's: see options.evenPort. */
    this.reservationToken = reservationToken;
    this.software = allocated.software || undefined;
    /** The server that made it, as the caller wrote it; a WebSocket's without the query, which may hold keys. */
    this.url = origin.url;
    this.phases = origin.phases;
    /** The ways that failed before. */
    this.attempts = origin.attempts;
    this.#sender = new Sender(session, {
      families: relayedAddresses.map(({ family }) => family),
      dontFragment: origin.dontFragment,
      report: (address, error) =>
        this.#tell({ type: 'permission-failed', address, error: toError(error) }),
    });
    this.#channels = new Channels(session, this.#sender);
    this.#connections = new PeerConnections(
      session,
      ({ signal }) => origin.open({ signal, localAddress: origin.localAddress }),
      (peer, error) => this.#tell({ type: 'connection-failed', peer, error: toError(error) }),
    );
    session.setOwner({
      data: (data, peer, channel) => this.#receive(data, peer, channel),
      event: (event) => this.#handleEvent(event),
      drain: () => this.#sender.drain(),
      end: (end) => this.#handleEnd(end),
    });
  }

  /** How this end of the transport to the server is called on this machine. */
  get localAddress() {
    return this.#session.transport.localAddress;
  }

  get serverAddress() {
    return this.#session.transport.remoteAddress;
  }

  /** 'udp', 'tcp', 'tls', 'ws', or the name of a transport of the caller's. */
  get transport() {
    return this.#session.transport.kind;
  }

  /** What the server granted last: without a refresh the allocation would live so long. */
  get lifetimeMs() {
    return this.#lifetimeSeconds * 1000;
  }

  /** Datagrams that came and were lost, because `queueLength` were waiting to be taken: the newest are dropped. */
  get dropped() {
    return this.#queue.dropped;
  }

  /** Resolves when send() may be called again after a false, and when the relay ends. Never rejects. @returns {Promise<void>} */
  get ready() {
    return this.#sender.ready;
  }

  /** Resolves when the relay has ended and its socket is gone; never rejects. @returns {Promise<RelayEnd>} */
  get closed() {
    return this.#session.closed;
  }

  /**
   * Lets peers send to the relay (CreatePermission, RFC 8656 section 9): all ports of their addresses. The relay renews
   * it until revoke(). Who has permission, or is being asked for, costs no request.
   *
   * @param {PeerHost | readonly PeerHost[]} peers
   * @param {{ signal?: AbortSignal }} [options]
   * @returns {Promise<void>} when the server has granted all
   * @throws {TypeError} ERR_INVALID_ARGUMENT
   * @throws {PosternError} ERR_STUN_RESPONSE with `errorCode`, such as 403; ERR_TURN_PEER_FAMILY,
   *   ERR_TURN_PERMISSION_LIMIT, ERR_STUN_TIMEOUT, ERR_TURN_NO_ALLOCATION; ERR_CANCELLED when it was revoked meanwhile;
   *   or `signal.reason`
   */
  async permit(peers, options = {}) {
    const signal = checkWaiting(options);
    const isList = Array.isArray(peers);
    const addresses = (isList ? peers : [peers]).map((peer, i) =>
      checkPeerHost(peer, isList ? `peers[${i}]` : 'peers'),
    );
    this.#requireAllocation();
    const { permissions } = this.#sender;
    for (const address of addresses) this.#sender.requireFamily(familyOf(address) ?? 'IPv4');
    const requests = addresses.map((address) => permissions.request(permissions.of(address)));
    await abortable(Promise.all(requests).then(ignore), signal);
  }

  /**
   * Renews the permission of a peer's address no longer: the server forgets it within 5 minutes. A channel to the peer
   * keeps it.
   *
   * @param {PeerHost} peer
   * @throws {TypeError} ERR_INVALID_ARGUMENT
   */
  revoke(peer) {
    this.#sender.permissions.revoke(checkPeerHost(peer));
  }

  /**
   * Sends a datagram to a peer: as ChannelData where it has a channel, else as a Send indication. A peer without
   * permission gets it first; what is sent meanwhile waits, up to 256 datagrams and 256 KiB of all peers, and is dropped
   * and counted when the server refuses (onevent tells 'permission-failed'; for 5 s after that, the peer's datagrams are
   * dropped at once). As with UDP, nobody knows whether it arrives; after the end of the relay it is dropped and counted.
   *
   * @param {Uint8Array} bytes are copied
   * @param {PeerAddress} to
   * @returns {boolean} false: wait for `ready` before sending more
   * @throws {TypeError} ERR_INVALID_ARGUMENT, also for relays of TCP
   * @throws {PosternError} ERR_TURN_PAYLOAD_TOO_LONG; ERR_TURN_PEER_FAMILY when the relay has no address of the peer's
   *   family
   */
  send(bytes, to) {
    if (this.#origin.relaysTcp) throw datagramsNeeded();
    return this.#sender.send(bytes, to);
  }

  /**
   * Binds a channel to a peer (RFC 8656 section 12), which gives it permission as well. Asked for a peer that has one,
   * it gives that.
   *
   * @param {PeerAddress} peer
   * @param {{ signal?: AbortSignal }} [options]
   * @returns {Promise<RelayChannel>}
   * @throws {TypeError} ERR_INVALID_ARGUMENT, also for relays of TCP
   * @throws {PosternError} as permit() does, and ERR_TURN_CHANNEL_LIMIT; or `signal.reason`
   */
  async bindChannel(peer, options = {}) {
    const signal = checkWaiting(options);
    const to = checkPeer(peer);
    if (this.#origin.relaysTcp) throw datagramsNeeded();
    this.#requireAllocation();
    this.#sender.requireFamily(to.family);
    return this.#channels.bind(to, signal);
  }

  /**
   * Connects to a peer over TCP through the server (RFC 6062): for relays with relayTransport 'tcp'.
   *
   * @param {PeerAddress} peer
   * @param {{ signal?: AbortSignal }} [options]
   * @returns {Promise<RelayConnection>}
   * @throws {TypeError} ERR_INVALID_ARGUMENT, also for relays of UDP
   * @throws {PosternError} ERR_STUN_RESPONSE with `errorCode` 446 (there is one already), 447 (the peer cannot be
   *   reached) and others; ERR_TURN_PEER_FAMILY, ERR_TURN_CONNECTION_LIMIT, ERR_TRANSPORT_CONNECT,
   *   ERR_TURN_NO_ALLOCATION; or `signal.reason`
   */
  async connect(peer, options = {}) {
    const signal = checkWaiting(options);
    const to = checkPeer(peer);
    if (!this.#origin.relaysTcp) throw connectionsNeeded();
    this.#requireAllocation();
    this.#sender.requireFamily(to.family);
    return this.#connections.connect(to, signal);
  }

  /**
   * The TCP connections that peers make to the relayed address (RFC 6062 section 5.4), for relays with relayTransport
   * 'tcp'. Peers need permission first. While somebody iterates, connections are taken as they come, up to 16 that
   * nobody has fetched; before, 16 are kept in mind for the 30 s that the server gives them.
   *
   * @returns {AsyncIterableIterator<RelayConnection, undefined>} ends with the relay, and throws what that ended with
   * @throws {TypeError} ERR_INVALID_ARGUMENT for relays of UDP
   */
  connections() {
    if (!this.#origin.relaysTcp) throw connectionsNeeded();
    return this.#connections.incoming.read();
  }

  /**
   * The datagrams of peers as a stream; see UDPMessage of W3C Direct Sockets. Nothing is read ahead of who reads it.
   * Cancelling it leaves the relay as it is.
   *
   * @returns {ReadableStream<UdpMessage>} always the same
   */
  get readable() {
    this.#readable ??= readableOf(() => this.#queue.read());
    return this.#readable;
  }

  /**
   * The way to send datagrams as a stream, whose chunks name their peers. Closing it leaves the relay as it is.
   *
   * @returns {WritableStream<UdpMessage>} always the same
   */
  get writable() {
    this.#writable ??= writableOf({
      send: (bytes, to) => this.send(bytes, to),
      ready: () => this.ready,
      onend: (fail) => {
        this.#failWritable = fail;
        if (this.#session.endError !== undefined) fail(this.#session.endError);
      },
    });
    return this.#writable;
  }

  /** @returns {AsyncIterableIterator<RelayMessage, undefined>} ends with the relay, and throws what that ended with */
  [Symbol.asyncIterator]() {
    return this.#queue.read();
  }

  /**
   * Refreshes the allocation now (RFC 8656 section 8); in time for its lifetime it is done anyway.
   *
   * @param {{ lifetimeSeconds?: number, signal?: AbortSignal }} [options] `lifetimeSeconds`: to ask for, from now on
   * @returns {Promise<void>} `lifetimeMs` has what was granted
   * @throws {TypeError} ERR_INVALID_ARGUMENT
   * @throws {PosternError} ERR_STUN_RESPONSE, ERR_STUN_TIMEOUT, ERR_TURN_NO_ALLOCATION; or `signal.reason`
   */
  async refresh(options = {}) {
    const signal = checkWaiting(options);
    const { lifetimeSeconds } = options;
    const seconds = checkInteger(lifetimeSeconds, 'options.lifetimeSeconds', 1, 0xffffffff);
    await abortable(this.#session.refresh(seconds), signal);
  }

  /**
   * Goes on with other credentials. A Refresh shows what the server thinks of them: onevent tells 'refreshed', or
   * 'credentials-refused' when it wants those that made the allocation (441), with which the relay goes on then.
   *
   * @param {Credentials} credentials
   * @throws {TypeError} ERR_INVALID_ARGUMENT
   * @throws {PosternError} ERR_STUN_CREDENTIALS, ERR_STRING_EMPTY, ERR_STRING_DISALLOWED, ERR_TURN_NO_ALLOCATION
   */
  setCredentials(credentials) {
    this.#session.setCredentials(readTurnCredentials(credentials));
  }

  /**
   * Moves the allocation to another 5-tuple (RFC 8016), as after a change of networks: opens another transport of the
   * same kind to the same server, and goes on over it. What is sent meanwhile goes that way already. When the server
   * refuses, the relay goes back to the transport it had.
   *
   * @param {{ localAddress?: string, localPort?: number, signal?: AbortSignal }} [options] of this machine; `signal`
   *   ends the opening
   * @returns {Promise<void>}
   * @throws {TypeError} ERR_INVALID_ARGUMENT
   * @throws {PosternError} ERR_TURN_NO_MOBILITY without options.mobility of allocate(), or where the server does not do
   *   it; ERR_STUN_RESPONSE, ERR_STUN_TIMEOUT, ERR_TRANSPORT_CONNECT, ERR_TURN_NO_ALLOCATION; or `signal.reason`
   */
  async move(options = {}) {
    const signal = checkWaiting(options);
    const { localAddress, localPort } = options;
    if (localAddress !== undefined && familyOf(String(localAddress)) === undefined) {
      throw argumentError('options.localAddress', 'an IP address');
    }
    checkInteger(localPort, 'options.localPort', 0, 0xffff);
    this.#requireAllocation();
    const ending = this.#ending.signal;
    const next = await this.#origin.open({
      localAddress,
      localPort,
      signal: signal === undefined ? ending : AbortSignal.any([signal, ending]),
    });
    await this.#session.moveTo(next);
    this.#tell({ type: 'moved', localAddress: this.localAddress });
  }

  /**
   * What has come and gone. Sent: `messagesSent`, `bytesSent`; `sendDropped`, which never left; `waitingMessages` and
   * `waitingBytes`, for a permission; `tooLong` for the network. Received: `messagesReceived`, `bytesReceived`;
   * `queued`, to be taken; `dropped`, for lack of room; `connectionsDropped`, of TCP. And how many messages of the
   * server's were dropped, by reason: `malformed`, `unexpected`, `wrongSource`, `unknownTransaction`, `late`,
   * `badFingerprint`, `badIntegrity`, `ignored`, `unknownChannel`, `unpermitted`, `droppedEvents`, `sendFailed`.
   *
   * @returns {Record<string, number>}
   */
  stats() {
    const sender = this.#sender;
    return {
      messagesSent: sender.messagesSent,
      bytesSent: sender.bytesSent,
      sendDropped: sender.dropped,
      waitingMessages: sender.waitingMessages,
      waitingBytes: sender.waitingBytes,
      tooLong: this.#session.tooLong,
      messagesReceived: this.#messagesReceived,
      bytesReceived: this.#bytesReceived,
      queued: this.#queue.length,
      dropped: this.#queue.dropped,
      connectionsDropped: this.#connections.incoming.dropped,
      ...this.#session.stats(),
    };
  }

  /**
   * Gives the allocation back (Refresh with LIFETIME 0, RFC 8656 section 8), waits for the server's answer up to 1 s, and
   * closes the transport. What is under way fails with ERR_TURN_NO_ALLOCATION. Idempotent.
   *
   * @returns {Promise<void>}
   */
  async close() {
    this.#sender.end();
    await this.#session.close();
  }

  async [Symbol.asyncDispose]() {
    await this.close();
  }

  /** Lets the relay keep the process alive, and its TCP connections as well: the default. */
  ref() {
    this.#session.ref();
    this.#connections.ref();
  }

  /**
   * Lets the process end in spite of it, and of its TCP connections, open or to come; the allocation is left to run out
   * then. A WebSocket keeps the process alive all the same: it has no unref().
   */
  unref() {
    this.#session.unref();
    this.#connections.unref();
  }

  /** @param {import('../engine/turn-types.js').TurnCredentials} credentials that the caller's function has returned @internal */
  adoptCredentials(credentials) {
    this.#session.setCredentials(credentials);
  }

  /** @param {unknown} error of the caller's function @internal */
  reportCredentials(error) {
    this.#tell({ type: 'credentials-failed', error: toError(error) });
  }

  #requireAllocation() {
    if (this.#session.endError !== undefined) throw this.#session.endError;
  }

  /** @param {Uint8Array} data @param {TransportAddress} peer @param {number} channel */
  #receive(data, peer, channel) {
    this.#messagesReceived += 1;
    this.#bytesReceived += data.length;
    if (channel !== 0 && this.#channels.deliver(channel, data)) return;
    if (this.onmessage === undefined) this.#queue.push({ data, peer, channel });
    else {
      try {
        this.onmessage(data, peer, channel);
      } catch (error) {
        reportException(error);
      }
    }
  }

  /** @param {TurnEvent} event */
  #handleEvent(event) {
    const { type, number, peer } = event;
    if (type === 'connection-attempt') {
      if (peer !== undefined) this.#connections.incoming.announced(number, peer);
      return;
    }
    if (type === 'refreshed') this.#lifetimeSeconds = number;
    if (type === 'permission-lost' && peer !== undefined) {
      this.#sender.permissions.lost(peer.address);
    }
    if (type === 'channel-lost') this.#channels.lost(number);
    const told = relayEvent(event);
    if (told !== undefined) this.#tell(told);
  }

  /** @param {RelayEvent} event */
  #tell(event) {
    try {
      this.onevent?.(event);
    } catch (error) {
      reportException(error);
    }
  }

  /** @param {RelayEnd} end */
  #handleEnd({ error }) {
    const reason = this.#session.endError;
    this.#sender.end();
    this.#ending.abort(reason);
    this.#channels.end();
    this.#connections.end(reason, error);
    this.#queue.end(error);
    this.#failWritable?.(reason);
  }
}

/** @param {{ signal?: AbortSignal }} options @returns {AbortSignal | undefined} not aborted */
function checkWaiting(options) {
  const { signal } = requireObject(options, 'options');
  checkSignal(signal, 'options.signal');
  signal?.throwIfAborted();
  return signal;
}

// What a relay is made for is chosen when it is allocated (REQUESTED-TRANSPORT): a server drops the other kind's requests.
const datagramsNeeded = () =>
  argumentError(
    'options.relayTransport',
    "'udp' when allocating, to send datagrams; one of 'tcp' has connect() and connections()",
  );
const connectionsNeeded = () =>
  argumentError('options.relayTransport', "'tcp' when allocating, to have TCP connections");

/** @param {unknown} thrown @returns {Error} */
const toError = (thrown) => (thrown instanceof Error ? thrown : new Error(String(thrown)));

const ignore = () => {};
