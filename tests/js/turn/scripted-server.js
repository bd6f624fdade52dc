// A TURN server in memory that does what a test says: RFC 8656, 6062 and 8016 as far as a client can tell.
import { decode, encode, prepareKey, StreamDeframer, verify } from '../../../js/codec/index.js';
import { memoryTransportPair } from '../../../js/transports/memory.js';

/** @typedef {import('../../../js/codec/index.js').Message} Message */
/** @typedef {import('../../../js/codec/values.js').TransportAddress} TransportAddress */
/** @typedef {import('../../../js/transports/memory.js').Network} Network */
/** @typedef {import('../../../js/transports/transport.js').Transport} Transport */
/** @typedef {import('../../../js/transports/transport.js').TransportTarget} TransportTarget */
/** @typedef {NonNullable<import('../../../js/codec/encode.js').MessageInput['attributes']>} Attributes */

/** What the script says instead of the server: bytes, or what makes an error response; undefined: as usual. */
/** @typedef {Uint8Array | { code: number, attributes?: Attributes, signed?: boolean } | 'silence' | undefined} Reply */

/** How the bytes travel: datagrams, a stream cut into pieces, or whole messages that nothing can lose. */
/** @typedef {{ reliable: boolean, framed: boolean, split?: number }} Medium */
export const DATAGRAMS = { reliable: false, framed: true };
export const MESSAGES = { reliable: true, framed: true };
/** @param {number} [split] bytes in a piece @returns {Medium} */
export const stream = (split) => ({ reliable: true, framed: false, split });

export const REALM = 'example.org';
export const CREDENTIALS = { username: 'zoë', password: 'pa:ss wörd' };
/** Documentation addresses (RFC 5737, RFC 3849). */
export const SERVER_ADDRESS = '198.51.100.1';
export const RELAYED = '203.0.113.1';
export const RELAYED_6 = '2001:db8::1';

const UDP = 17;
const TCP = 6;

/** @param {TransportAddress | { address: string, port: number }} address */
const keyOf = ({ address, port }) => `${address}|${port}`;

/** @param {string} address */
const familyOf = (address) => (address.includes(':') ? 'IPv6' : 'IPv4');

/**
 * One client connection of the server.
 *
 * @typedef {object} Connection
 * @property {Transport} far the server's end
 * @property {TransportAddress} client
 * @property {Allocation | undefined} allocation
 * @property {((bytes: Uint8Array) => void) | undefined} raw after ConnectionBind
 */

/**
 * @typedef {object} Allocation
 * @property {Connection} connection
 * @property {TransportAddress[]} relayed
 * @property {Set<string>} permissions
 * @property {Map<number, TransportAddress>} channels
 * @property {boolean} isTcp
 * @property {number} lifetime
 * @property {Uint8Array | undefined} ticket
 */

/**
 * A peer of the world behind the server.
 *
 * @typedef {object} Peer
 * @property {string} address
 * @property {number} port
 * @property {string[]} received texts
 * @property {boolean} echoes
 * @property {Transport[]} connections its ends of TCP connections
 */

export class ScriptedServer {
  /** All requests and indications, as they came. @type {Message[]} */ requests = [];
  /** Where clients came from. @type {TransportTarget[]} */ targets = [];
  /** Options with which they opened transports. @type {any[]} */ opened = [];
  /** @type {Connection[]} */ connections = [];
  /** @type {Set<Allocation>} */ allocations = new Set();
  nonce = 'nonce-1';
  lifetime = 600;
  /** Taken before anything else. @type {(request: Message, connection: Connection) => Reply} */ script =
    () => undefined;

  #medium;
  #key;
  /** @type {Map<string, Peer>} */ #peers = new Map();
  /** @type {Map<number, { peer: Transport }>} */ #unbound = new Map();
  #nextPort = 49_152;
  #nextClientPort = 50_000;
  #nextConnectionId = 1;
  #address;

  /**
   * @param {Medium} [medium]
   * @param {object} [options]
   * @param {boolean} [options.open] asks for no credentials
   * @param {string} [options.address]
   * @param {{ username: string, password: string }} [options.credentials]
   */
  constructor(medium = DATAGRAMS, { open = false, address, credentials = CREDENTIALS } = {}) {
    this.#medium = medium;
    this.#address = address;
    this.#key = open ? undefined : prepareKey({ ...credentials, realm: REALM });
  }

  /** For options.transport. @type {import('../../../js/transports/transport.js').OpenTransport} */
  transport = async (target, options) => {
    options.signal?.throwIfAborted();
    this.targets.push(target);
    this.opened.push(options);
    const { reliable, framed, split } = this.#medium;
    const address = options.localAddress ?? '192.0.2.1';
    const port = options.localPort || this.#nextClientPort++;
    /** @type {readonly [TransportAddress, TransportAddress]} */
    const addresses = [
      { address, port, family: familyOf(address) },
      {
        address: this.#address ?? target.address,
        port: target.port,
        family: familyOf(target.address),
      },
    ];
    /** @type {Network | undefined} */
    const network = split === undefined ? undefined : cutting(split);
    const [near, far] = memoryTransportPair({ reliable, framed, addresses, network });
    this.#serve({ far, client: addresses[0], allocation: undefined, raw: undefined });
    return near;
  };

  /** @param {string} address @param {number} port @param {Partial<Peer>} [more] @returns {Peer} */
  peer(address, port, more = {}) {
    const peer = { address, port, received: [], echoes: false, connections: [], ...more };
    this.#peers.set(keyOf(peer), peer);
    return peer;
  }

  /** A datagram of a peer's to a relayed address. @param {Peer} peer @param {string | Uint8Array} data @param {Allocation} [to] */
  fromPeer(peer, data, to = this.allocation) {
    if (!to.permissions.has(peer.address)) return;
    const bytes = Buffer.from(data);
    const from = { address: peer.address, port: peer.port };
    for (const [number, bound] of to.channels) {
      if (keyOf(bound) === keyOf(from)) {
        to.connection.far.send(channelData(number, bytes));
        return;
      }
    }
    this.indicate('Data', { xorPeerAddress: from, data: bytes }, to);
  }

  /** @param {'Data' | 'ConnectionAttempt'} method @param {Attributes} attributes @param {Allocation} [to] */
  indicate(method, attributes, to = this.allocation) {
    to.connection.far.send(encode({ class: 'indication', method, attributes }));
  }

  /** A peer's TCP connection to the relayed address. @param {Peer} peer @returns {Transport} the peer's end */
  connectFrom(peer) {
    const [mine, theirs] = memoryTransportPair({ reliable: true });
    const connectionId = this.#nextConnectionId++;
    this.#unbound.set(connectionId, { peer: mine });
    this.indicate('ConnectionAttempt', {
      xorPeerAddress: { address: peer.address, port: peer.port },
      connectionId,
    });
    return theirs;
  }

  /** The only one. @returns {Allocation} */
  get allocation() {
    if (this.allocations.size !== 1) throw new Error(`${this.allocations.size} allocations`);
    const [one] = this.allocations;
    return one;
  }

  /** How many requests there were of a method. @param {string} method */
  count(method) {
    return this.requests.filter((request) => request.method === method).length;
  }

  /** @param {Connection} connection */
  #serve(connection) {
    this.connections.push(connection);
    const { far } = connection;
    const deframer = far.framed ? undefined : new StreamDeframer();
    far.onbytes = (bytes) => {
      if (connection.raw !== undefined) return connection.raw(bytes);
      if (deframer === undefined) return this.#receive(bytes, connection);
      for (const frame of deframer.push(bytes)) this.#receive(frame.bytes, connection);
    };
    far.onclose = () => {
      if (connection.allocation && !connection.allocation.ticket) {
        this.allocations.delete(connection.allocation);
      }
    };
  }

  /** @param {Uint8Array} bytes @param {Connection} connection */
  #receive(bytes, connection) {
    if ((bytes[0] & 0xc0) === 0x40) return this.#channelData(bytes, connection);
    const request = decode(bytes);
    this.requests.push(request);
    const reply = this.script(request, connection) ?? this.#answer(request, connection);
    if (reply === undefined || reply === 'silence') return;
    if (reply instanceof Uint8Array) connection.far.send(reply);
    else {
      const { code, attributes, signed = false } = reply;
      connection.far.send(
        encode({
          class: 'error',
          method: /** @type {any} */ (request.method),
          transactionId: request.transactionId,
          attributes: { errorCode: { code }, ...attributes },
          key: signed ? this.#key : undefined,
        }),
      );
    }
  }

  /** @param {Message} request @param {Attributes} [attributes] */
  success({ method, transactionId }, attributes = {}) {
    return encode({
      class: 'success',
      method: /** @type {any} */ (method),
      transactionId,
      attributes: { ...attributes, software: 'scripted' },
      key: this.#key,
    });
  }

  /** @param {Message} request @returns {Reply} */
  #challenge({ attributes: { nonce } }) {
    const attributes = { realm: REALM, nonce: this.nonce };
    if (nonce === undefined) return { code: 401, attributes };
    return nonce === this.nonce ? undefined : { code: 438, attributes };
  }

  /** @param {Message} request @param {Connection} connection @returns {Reply} */
  #answer(request, connection) {
    if (request.class === 'indication') return this.#indication(request, connection);
    if (this.#key !== undefined) {
      const challenge = this.#challenge(request);
      if (challenge !== undefined) return challenge;
      if (!verify(request, this.#key)) {
        return { code: 401, attributes: { realm: REALM, nonce: this.nonce } };
      }
    }
    if (request.method === 'Allocate') return this.#allocate(request, connection);
    if (request.method === 'ConnectionBind') return this.#bindConnection(request, connection);
    if (request.method === 'Refresh') return this.#refresh(request, connection);
    const { allocation } = connection;
    if (allocation === undefined) return { code: 437, signed: true };
    switch (request.method) {
      case 'CreatePermission':
        for (const { value } of [...request].filter(({ name }) => name === 'XOR-PEER-ADDRESS')) {
          allocation.permissions.add(/** @type {TransportAddress} */ (value).address);
        }
        return this.success(request);
      case 'ChannelBind':
        return this.#bindChannel(request, allocation);
      case 'Connect':
        return this.#connect(request);
      default:
        return { code: 400, signed: true };
    }
  }

  /** @param {Message} request @param {Connection} connection */
  #allocate(request, connection) {
    const { attributes } = request;
    const { requestedAddressFamily, additionalAddressFamily, lifetime } = attributes;
    const families = [requestedAddressFamily ?? 'IPv4'];
    if (additionalAddressFamily !== undefined) families.push(additionalAddressFamily);
    /** @type {TransportAddress[]} */
    const relayed = families.map((family) => ({
      address: family === 'IPv6' ? RELAYED_6 : RELAYED,
      port: this.#nextPort++,
      family,
    }));
    /** @type {Allocation} */
    const allocation = {
      connection,
      relayed,
      permissions: new Set(),
      channels: new Map(),
      isTcp: attributes.requestedTransport === TCP,
      lifetime: lifetime ?? this.lifetime,
      ticket: attributes.mobilityTicket === undefined ? undefined : Buffer.from('ticket'),
    };
    if (!allocation.isTcp && attributes.requestedTransport !== UDP) return { code: 442 };
    connection.allocation = allocation;
    this.allocations.add(allocation);
    return this.success(request, {
      xorRelayedAddress: relayed,
      xorMappedAddress: connection.client,
      lifetime: allocation.lifetime,
      reservationToken: attributes.evenPort ? Buffer.from('12345678') : undefined,
      mobilityTicket: allocation.ticket,
    });
  }

  /** @param {Message} request @param {Connection} connection @returns {Reply} */
  #refresh(request, connection) {
    const { lifetime = this.lifetime, mobilityTicket } = request.attributes;
    let { allocation } = connection;
    if (mobilityTicket !== undefined && mobilityTicket.length > 0) {
      allocation = [...this.allocations].find(
        ({ ticket }) => ticket !== undefined && Buffer.from(ticket).equals(mobilityTicket),
      );
      if (allocation !== undefined) {
        allocation.connection.allocation = undefined;
        allocation.connection = connection;
        connection.allocation = allocation;
      }
    }
    if (allocation === undefined) return { code: 437, signed: true };
    allocation.lifetime = lifetime;
    if (lifetime === 0) {
      this.allocations.delete(allocation);
      connection.allocation = undefined;
    }
    const moved = mobilityTicket === undefined ? undefined : Buffer.from('ticket');
    return this.success(request, { lifetime, mobilityTicket: moved });
  }

  /** @param {Message} request @param {Allocation} allocation @returns {Reply} */
  #bindChannel(request, allocation) {
    const { channelNumber, xorPeerAddress } = request.attributes;
    if (channelNumber === undefined || xorPeerAddress === undefined) return { code: 400 };
    allocation.channels.set(channelNumber, xorPeerAddress);
    allocation.permissions.add(xorPeerAddress.address);
    return this.success(request);
  }

  /** @param {Message} request @returns {Reply} */
  #connect(request) {
    const { xorPeerAddress } = request.attributes;
    const peer = xorPeerAddress && this.#peers.get(keyOf(xorPeerAddress));
    if (peer === undefined) return { code: 447, signed: true };
    const [mine, theirs] = memoryTransportPair({ reliable: true });
    peer.connections.push(theirs);
    const connectionId = this.#nextConnectionId++;
    this.#unbound.set(connectionId, { peer: mine });
    return this.success(request, { connectionId });
  }

  /** @param {Message} request @param {Connection} connection @returns {Reply} */
  #bindConnection(request, connection) {
    const { connectionId = 0 } = request.attributes;
    const unbound = this.#unbound.get(connectionId);
    if (unbound === undefined) return { code: 400, signed: true };
    this.#unbound.delete(connectionId);
    const { peer } = unbound;
    const { far } = connection;
    connection.raw = (bytes) => void peer.send(bytes);
    far.send(this.success(request));
    // What the peer has sent already comes right behind the answer.
    peer.onbytes = (bytes) => void far.send(bytes);
    peer.onclose = () => far.close();
    far.onclose = () => peer.close();
    return 'silence';
  }

  /** @param {Message} message @param {Connection} connection @returns {Reply} */
  #indication({ method, attributes }, { allocation }) {
    if (method !== 'Send' || allocation === undefined) return 'silence';
    const { xorPeerAddress, data } = attributes;
    if (xorPeerAddress !== undefined && data !== undefined) {
      this.#toPeer(xorPeerAddress, data, allocation);
    }
    return 'silence';
  }

  /** @param {Uint8Array} bytes @param {Connection} connection */
  #channelData(bytes, { allocation }) {
    const number = (bytes[0] << 8) | bytes[1];
    const length = (bytes[2] << 8) | bytes[3];
    const to = allocation?.channels.get(number);
    if (allocation !== undefined && to !== undefined) {
      this.#toPeer(to, bytes.subarray(4, 4 + length), allocation);
    }
  }

  /** @param {TransportAddress} to @param {Uint8Array} data @param {Allocation} allocation */
  #toPeer(to, data, allocation) {
    const peer = this.#peers.get(keyOf(to));
    if (peer === undefined || !allocation.permissions.has(to.address)) return;
    peer.received.push(Buffer.from(data).toString());
    if (peer.echoes) this.fromPeer(peer, Buffer.from(data), allocation);
  }
}

/** @param {number} number @param {Uint8Array} data padded, which all media allow */
function channelData(number, data) {
  const bytes = Buffer.alloc(4 + ((data.length + 3) & ~3));
  bytes.writeUInt16BE(number, 0);
  bytes.writeUInt16BE(data.length, 2);
  bytes.set(data, 4);
  return bytes;
}

/** Delivers in pieces of so many bytes. @param {number} size @returns {Network} */
function cutting(size) {
  return ({ bytes, deliver }) =>
    queueMicrotask(() => {
      for (let at = 0; at < bytes.length; at += size) deliver(bytes.subarray(at, at + size));
    });
}
