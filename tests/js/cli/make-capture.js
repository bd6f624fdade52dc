// Captures, made byte by byte: packets, frames, and files of both formats.

/** @param {...(number | Uint8Array | readonly number[])} parts numbers are bytes */
export const join = (...parts) =>
  Buffer.concat(
    parts.map((part) => (typeof part === 'number' ? Buffer.from([part]) : Buffer.from(part))),
  );

/** @param {number} value */
export const u16 = (value) => [(value >> 8) & 0xff, value & 0xff];
/** @param {number} value */
export const u32 = (value) => [...u16((value >>> 16) & 0xffff), ...u16(value & 0xffff)];

/** @param {number} source @param {number} destination @param {Uint8Array} payload */
export const udp = (source, destination, payload) =>
  join(u16(source), u16(destination), u16(8 + payload.length), u16(0), payload);

/**
 * @param {number} source
 * @param {number} destination
 * @param {number} sequence
 * @param {Uint8Array | string} payload
 * @param {{ flags?: number, options?: Uint8Array }} [more] options: a multiple of 4 bytes
 */
export const tcp = (
  source,
  destination,
  sequence,
  payload,
  { flags = 0x10, options = Buffer.alloc(0) } = {},
) =>
  join(
    u16(source),
    u16(destination),
    u32(sequence),
    u32(0),
    (5 + options.length / 4) << 4,
    flags,
    u16(1000),
    u16(0),
    u16(0),
    options,
    Buffer.from(payload),
  );

export const UDP = 17;
export const TCP = 6;
export const SYN = 0x02;
/** Documentation addresses (RFC 5737, RFC 3849). */
const V4 = { source: [192, 0, 2, 1], destination: [198, 51, 100, 1] };
const V6 = {
  source: [0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
  destination: [0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2],
};

/** @param {number} protocol @param {Uint8Array} body @param {{ fragment?: number, options?: Uint8Array }} [more] */
export const ipv4 = (protocol, body, { fragment = 0, options = Buffer.alloc(0) } = {}) =>
  join(
    0x45 + options.length / 4,
    0,
    u16(20 + options.length + body.length),
    u16(1),
    u16(fragment),
    64,
    protocol,
    u16(0),
    V4.source,
    V4.destination,
    options,
    body,
  );

/** @param {number} protocol of the first header behind it @param {Uint8Array} body extension headers and what is behind */
export const ipv6 = (protocol, body) =>
  join(0x60, 0, 0, 0, u16(body.length), protocol, 64, V6.source, V6.destination, body);

const MACS = Buffer.alloc(12, 2);
/** Frames by name: LINKTYPE_ value, and how an IP packet is wrapped. */
export const LINKS = /** @type {const} */ ({
  ethernet: [1, (/** @type {Uint8Array} */ ip, type = etherType(ip)) => join(MACS, u16(type), ip)],
  vlan: [
    1,
    (/** @type {Uint8Array} */ ip) =>
      join(MACS, u16(0x88a8), u16(5), u16(0x8100), u16(7), u16(etherType(ip)), ip),
  ],
  cooked: [
    113,
    (/** @type {Uint8Array} */ ip) =>
      join(u16(0), u16(1), u16(6), Buffer.alloc(8, 2), u16(etherType(ip)), ip),
  ],
  cooked2: [
    276,
    (/** @type {Uint8Array} */ ip) =>
      join(u16(etherType(ip)), u16(0), u32(1), u16(1), 0, 6, Buffer.alloc(8, 2), ip),
  ],
  raw: [101, (/** @type {Uint8Array} */ ip) => join(ip)],
  null: [0, (/** @type {Uint8Array} */ ip) => join([2, 0, 0, 0], ip)],
  loop: [108, (/** @type {Uint8Array} */ ip) => join([0, 0, 0, 2], ip)],
});

/** @param {Uint8Array} ip */
const etherType = (ip) => (ip[0] >> 4 === 6 ? 0x86dd : 0x0800);

/** When the first packet was captured; each later one comes a second after. */
const FIRST_SECOND = 1_700_000_000;

/** @param {boolean} isLittle */
function writer(isLittle) {
  return {
    /** @param {number} value */
    u16: (value) => (isLittle ? u16(value).reverse() : u16(value)),
    /** @param {number} value */
    u32: (value) => (isLittle ? u32(value).reverse() : u32(value)),
  };
}

/**
 * @param {number} linkType
 * @param {readonly Uint8Array[]} frames
 * @param {{ isLittle?: boolean, isNano?: boolean, cutTo?: number }} [options]
 */
export function pcap(linkType, frames, { isLittle = true, isNano = false, cutTo = 65535 } = {}) {
  const w = writer(isLittle);
  const header = join(
    w.u32(isNano ? 0xa1b23c4d : 0xa1b2c3d4),
    w.u16(2),
    w.u16(4),
    w.u32(0),
    w.u32(0),
    w.u32(cutTo),
    w.u32(linkType),
  );
  const records = frames.map((frame, i) => {
    const captured = frame.subarray(0, cutTo);
    const fraction = isNano ? 250_000_000 : 250_000;
    return join(
      w.u32(FIRST_SECOND + i),
      w.u32(fraction),
      w.u32(captured.length),
      w.u32(frame.length),
      captured,
    );
  });
  return join(header, ...records);
}

/**
 * @param {number} linkType
 * @param {readonly Uint8Array[]} frames
 * @param {{ isLittle?: boolean, isSimple?: boolean, resolution?: number }} [options] resolution: if_tsresol
 */
export function pcapng(linkType, frames, { isLittle = true, isSimple = false, resolution } = {}) {
  const w = writer(isLittle);
  /** @param {number} type @param {Uint8Array} body */
  const block = (type, body) => {
    const padded = join(body, Buffer.alloc((4 - (body.length % 4)) % 4));
    return join(w.u32(type), w.u32(padded.length + 12), padded, w.u32(padded.length + 12));
  };
  const section = block(
    0x0a0d0d0a,
    join(w.u32(0x1a2b3c4d), w.u16(1), w.u16(0), w.u32(0xffffffff), w.u32(0xffffffff)),
  );
  const options =
    resolution === undefined
      ? Buffer.alloc(0)
      : join(w.u16(9), w.u16(1), resolution, 0, 0, 0, w.u16(0), w.u16(0));
  const description = block(1, join(w.u16(linkType), w.u16(0), w.u32(0), options));
  const perSecond = resolution === undefined ? 1e6 : 10 ** resolution;
  const packets = frames.map((frame, i) => {
    if (isSimple) return block(3, join(w.u32(frame.length), frame));
    const ticks = BigInt(FIRST_SECOND + i) * BigInt(perSecond) + BigInt(perSecond / 4);
    const time = join(w.u32(Number(ticks >> 32n)), w.u32(Number(ticks & 0xffffffffn)));
    return block(6, join(w.u32(0), time, w.u32(frame.length), w.u32(frame.length), frame));
  });
  // A block of a type that nobody knows is to be skipped.
  return join(section, block(0x0bad, Buffer.from('abc')), description, ...packets);
}
