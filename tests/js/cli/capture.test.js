// Messages out of captures: formats, link types, IP, UDP and TCP.
import { describe, expect, test } from '@jest/globals';
import { findMessages, nothingSkipped } from '../../../js/cli/capture/find-messages.js';
import { encode } from '../../../js/codec/index.js';
import {
  ipv4,
  ipv6,
  join,
  LINKS,
  pcap,
  pcapng,
  SYN,
  TCP,
  tcp,
  UDP,
  u16,
  udp,
} from './make-capture.js';

/** @param {string} software tells messages apart */
const message = (software) =>
  encode({ class: 'request', method: 'Binding', attributes: { software } });
const A = message('A');
const B = message('a longer one: B');
const C = message('C');

/** @param {Uint8Array} bytes */
function read(bytes) {
  const skipped = nothingSkipped();
  const found = [...findMessages(bytes, { skipped })];
  return {
    found,
    skipped,
    names: found.map((entry) =>
      entry.type === 'stun' ? entry.message.attributes.software : entry.type,
    ),
  };
}

const over4 = (/** @type {Uint8Array} */ payload) => ipv4(UDP, udp(5000, 3478, payload));

describe.each(Object.entries(LINKS))('link type %s', (_, [linkType, wrap]) => {
  test.each([
    ['pcap', pcap],
    ['pcapng', pcapng],
  ])('%s', (_name, file) => {
    const frames = [wrap(over4(A)), wrap(ipv6(UDP, udp(6000, 3478, B)))];
    const { found, names, skipped } = read(file(linkType, frames));
    expect(names).toEqual(['A', 'a longer one: B']);
    expect(found.map(({ origin }) => origin)).toEqual([
      {
        packet: 1,
        seconds: 1_700_000_000.25,
        transport: 'udp',
        source: { address: '192.0.2.1', port: 5000 },
        destination: { address: '198.51.100.1', port: 3478 },
      },
      {
        packet: 2,
        seconds: 1_700_000_001.25,
        transport: 'udp',
        source: { address: '2001:db8::1', port: 6000 },
        destination: { address: '2001:db8::2', port: 3478 },
      },
    ]);
    expect(skipped).toEqual({ ...nothingSkipped(), packets: 2 });
  });
});

const [, ethernet] = LINKS.ethernet;

test.each([
  ['pcap, big-endian', pcap(1, [ethernet(over4(A))], { isLittle: false }), 1_700_000_000.25],
  ['pcap in nanoseconds', pcap(1, [ethernet(over4(A))], { isNano: true }), 1_700_000_000.25],
  ['pcapng, big-endian', pcapng(1, [ethernet(over4(A))], { isLittle: false }), 1_700_000_000.25],
  ['pcapng in nanoseconds', pcapng(1, [ethernet(over4(A))], { resolution: 9 }), 1_700_000_000.25],
  ['pcapng, simple packets', pcapng(1, [ethernet(over4(A))], { isSimple: true }), undefined],
])('%s', (_, bytes, seconds) => {
  const { found, names } = read(bytes);
  expect(names).toEqual(['A']);
  expect(found[0].origin.seconds).toBe(seconds);
});

test('two sections of pcapng, the second in another byte order', () => {
  const frames = [ethernet(over4(A))];
  const both = join(pcapng(1, frames), pcapng(1, [ethernet(over4(B))], { isLittle: false }));
  expect(read(both).names).toEqual(['A', 'a longer one: B']);
});

describe('IP', () => {
  const inPcap = (/** @type {Uint8Array[]} */ ...packets) =>
    read(
      pcap(
        1,
        packets.map((packet) => ethernet(packet)),
      ),
    );

  test('options of IPv4, and padding of Ethernet', () => {
    const packet = ipv4(UDP, udp(1, 2, A), { options: Buffer.alloc(8, 1) });
    expect(inPcap(join(packet, Buffer.alloc(10))).names).toEqual(['A']);
  });

  test('extension headers of IPv6', () => {
    const hop = join(60, 0, Buffer.alloc(6));
    const destination = join(43, 1, Buffer.alloc(14));
    const routing = join(51, 0, Buffer.alloc(6));
    const authentication = join(44, 1, Buffer.alloc(10));
    const atomic = join(UDP, 0, u16(0), Buffer.alloc(4));
    const headers = join(hop, destination, routing, authentication, atomic);
    expect(inPcap(ipv6(0, join(headers, udp(1, 2, A)))).names).toEqual(['A']);
  });

  test('fragments are counted, not put together', () => {
    const fragment6 = join(UDP, 0, u16(0x0001), Buffer.alloc(4), udp(1, 2, A));
    const { names, skipped } = inPcap(
      ipv4(UDP, udp(1, 2, A), { fragment: 0x2000 }),
      ipv4(UDP, A, { fragment: 0x00b9 }),
      ipv6(44, fragment6),
      over4(B),
    );
    expect(names).toEqual(['a longer one: B']);
    expect(skipped).toMatchObject({ packets: 4, fragments: 3, other: 0 });
  });

  test('what is something else is counted', () => {
    const { names, skipped } = inPcap(
      ipv4(1, Buffer.from('ICMP')),
      over4(Buffer.from('\x00\x01 a query of DNS, say')),
      ipv4(UDP, Buffer.from([1, 2, 3])),
      Buffer.from([0x10, 0x20]),
      Buffer.alloc(0),
      ipv6(0, Buffer.from([UDP, 200])),
    );
    expect(names).toEqual([]);
    expect(skipped).toMatchObject({ packets: 6, other: 6 });
  });

  test('other link types are counted', () => {
    expect(read(pcap(147, [over4(A)])).skipped).toMatchObject({ packets: 1, unknownLinkTypes: 1 });
  });

  test('packets that were captured in part', () => {
    const { names, skipped } = read(pcap(1, [ethernet(over4(A))], { cutTo: 60 }));
    expect(names).toEqual([]);
    expect(skipped.cut).toBe(1);
  });
});

describe('UDP', () => {
  const payload = (/** @type {Uint8Array} */ bytes) => read(pcap(101, [over4(bytes)]));

  test('ChannelData, with and without padding', () => {
    const data = join(u16(0x4001), u16(5), Buffer.from('hello'));
    for (const bytes of [data, join(data, 0, 0, 0)]) {
      const { found } = payload(bytes);
      expect(found).toEqual([expect.objectContaining({ type: 'channel-data', channel: 0x4001 })]);
      expect(Buffer.from(/** @type {any} */ (found[0]).data).toString()).toBe('hello');
    }
  });

  test('what only begins like ChannelData', () => {
    expect(payload(join(u16(0x4001), u16(50), Buffer.from('hello'))).names).toEqual([]);
  });

  test('a malformed message with the magic cookie is told', () => {
    const { found } = payload(A.subarray(0, A.length - 4));
    expect(found).toEqual([
      expect.objectContaining({ type: 'malformed', code: 'ERR_STUN_TRUNCATED' }),
    ]);
  });
});

describe('TCP', () => {
  const FIRST = 0xffffffff - 20;
  /** @param {number} at of the stream's first byte, which the numbers wrap around behind @param {Uint8Array | string} payload */
  const segment = (at, payload, ports = [5000, 3478]) =>
    ipv4(TCP, tcp(ports[0], ports[1], (FIRST + at) >>> 0, payload));
  const syn = ipv4(
    TCP,
    tcp(5000, 3478, FIRST - 1, '', { flags: SYN, options: Buffer.alloc(4, 1) }),
  );
  const capture = (/** @type {Uint8Array[]} */ ...packets) => read(pcap(101, packets));
  const stream = join(A, B, C);

  test('messages cut and joined', () => {
    const packets = [0, 7, 30, 60, 71].map((at, i, all) =>
      segment(at, stream.subarray(at, all[i + 1])),
    );
    const { names, found, skipped } = capture(syn, ...packets);
    expect(names).toEqual(['A', 'a longer one: B', 'C']);
    expect(found[0].origin).toMatchObject({ transport: 'tcp', source: { port: 5000 } });
    expect(skipped).toMatchObject({ streams: 0, other: 0 });
  });

  test('out of order, sent twice, and overlapping', () => {
    const part = (/** @type {number} */ from, /** @type {number} */ to) =>
      segment(from, stream.subarray(from, to));
    const { names } = capture(
      syn,
      part(40, 70),
      part(0, 20),
      part(0, 20),
      part(10, 45),
      part(70, 999),
      part(60, 80),
    );
    expect(names).toEqual(['A', 'a longer one: B', 'C']);
  });

  test('without the beginning of the connection', () => {
    expect(capture(segment(500, join(B, C))).names).toEqual(['a longer one: B', 'C']);
  });

  test('both directions, and a connection of the same ports after it', () => {
    const again = ipv4(TCP, tcp(5000, 3478, 77, '', { flags: SYN }));
    const { names } = capture(
      syn,
      segment(0, A.subarray(0, 10)),
      segment(0, B, [3478, 5000]),
      segment(10, A.subarray(10)),
      again,
      ipv4(TCP, tcp(5000, 3478, 78, C)),
    );
    expect(names).toEqual(['a longer one: B', 'A', 'C']);
  });

  test('ChannelData between messages, padded', () => {
    const { names } = capture(segment(0, join(A, u16(0x4001), u16(1), 0xff, 0, 0, 0, C)));
    expect(names).toEqual(['A', 'channel-data', 'C']);
  });

  test('another protocol is ignored', () => {
    const { names, skipped } = capture(
      segment(0, '\x16\x03\x01 TLS'),
      segment(8, A),
      segment(0, 'POST /', [1, 2]),
    );
    expect(names).toEqual([]);
    expect(skipped.streams).toBe(2);
  });

  test('a stream that stops making sense is told, once', () => {
    const { found, names, skipped } = capture(
      segment(0, join(A, [0xff, 0xff, 0xff, 0xff], A)),
      segment(900, A),
    );
    expect(names).toEqual(['A', 'malformed']);
    expect(found[1]).toMatchObject({ code: 'ERR_STREAM_DESYNCHRONISED', offset: A.length });
    expect(skipped.streams).toBe(1);
  });

  test('missing bytes: no end of waiting', () => {
    const late = Array.from({ length: 300 }, (_, i) => segment(100 + 10 * i, Buffer.alloc(10)));
    const { names, skipped } = capture(syn, ...late, segment(0, A));
    expect(names).toEqual([]);
    expect(skipped.streams).toBe(1);
  });
});

describe('files that are broken', () => {
  const good = pcap(101, [over4(A), over4(B)]);
  const goodNg = pcapng(101, [over4(A), over4(B)]);

  test('pcap: cut anywhere, what is before the cut is read, and the place is told', () => {
    for (let length = 4; length < good.length; length += 1) {
      const { found, names } = read(good.subarray(0, length));
      const isAtBoundary = length === 24 || length === good.length - 16 - over4(B).length;
      expect(names.filter((name) => name !== 'malformed')).toEqual(
        length < good.length - 16 - over4(B).length ? [] : ['A'],
      );
      expect(names.includes('malformed')).toBe(!isAtBoundary);
      if (isAtBoundary) continue;
      const last = /** @type {any} */ (found.at(-1));
      expect(last.code).toBe('ERR_CAPTURE');
      expect(last.offset).toBeLessThanOrEqual(length);
      expect(last.sentence).toContain(`at byte ${last.offset} of the file`);
    }
  });

  test('pcapng: cut anywhere', () => {
    for (let length = 4; length < goodNg.length; length += 1) {
      const { found } = read(goodNg.subarray(0, length));
      for (const entry of found) {
        if (entry.type === 'malformed') expect(entry.offset).toBeLessThanOrEqual(length);
      }
    }
  });

  test('any byte changed: no exception, no end of memory', () => {
    for (const file of [good, goodNg]) {
      for (let at = 4; at < file.length; at += 1) {
        for (const value of [0x00, 0x7f, 0xff]) {
          const changed = Buffer.from(file);
          changed[at] = value;
          expect(Array.isArray(read(changed).found)).toBe(true);
        }
      }
    }
  });

  test.each([
    [
      'a packet that claims too much',
      join(good.subarray(0, 32), [0xff, 0xff, 0xff, 0x7f], good.subarray(36)),
      /claims \d+ bytes/,
    ],
    ['no byte order', join(goodNg.subarray(0, 8), [1, 2, 3, 4], goodNg.subarray(12)), /byte order/],
    [
      'a block without a length',
      join(goodNg.subarray(0, 4), [0, 0, 0, 0], goodNg.subarray(8)),
      /has the length 0/,
    ],
  ])('%s', (_, bytes, sentence) => {
    const { found } = read(bytes);
    expect(found).toEqual([
      expect.objectContaining({ type: 'malformed', sentence: expect.stringMatching(sentence) }),
    ]);
  });

  test('a packet of an interface that is not there', () => {
    const section = pcapng(101, []).subarray(0, 28);
    const packets = pcapng(101, [over4(A)]);
    const packet = packets.subarray(packets.length - over4(A).length - 32);
    expect(read(join(section, packet)).found).toEqual([
      expect.objectContaining({
        sentence: expect.stringMatching(/interface 0, which is not there/),
      }),
    ]);
  });
});

describe('bytes that are no capture', () => {
  test('one message', () => {
    expect(read(A)).toMatchObject({ names: ['A'], found: [{ origin: { offset: 0 } }] });
  });

  test('a stream of them, with ChannelData', () => {
    const { names, found } = read(join(A, u16(0x4001), u16(1), 0xff, 0, 0, 0, B));
    expect(names).toEqual(['A', 'channel-data', 'a longer one: B']);
    expect(found.map(({ origin }) => origin.offset)).toEqual([0, A.length, A.length + 8]);
  });

  test('a longer stream than the core looks at in one go', () => {
    const many = Buffer.concat(Array.from({ length: 5000 }, () => Buffer.from(A)));
    const { found } = read(many);
    expect(found).toHaveLength(5000);
    expect(found[4999]).toMatchObject({ type: 'stun', origin: { offset: 4999 * A.length } });
  });

  test.each([
    ['a message that is cut', A.subarray(0, 21), 'ERR_STUN_TRUNCATED', 2],
    [
      'two, of which the second is cut',
      join(A, B.subarray(0, 22)),
      'ERR_STUN_TRUNCATED',
      A.length + 22,
    ],
    [
      'two, of which the second lacks a byte',
      join(A, B.subarray(0, B.length - 1)),
      'ERR_STUN_TRUNCATED',
      A.length + B.length - 1,
    ],
    [
      'something behind the first',
      join(A, 0xff, 0xff, 0xff, 0xff),
      'ERR_STREAM_DESYNCHRONISED',
      A.length,
    ],
    ['no STUN at all', Buffer.from('hello world'), 'ERR_STUN_TOO_SHORT', 11],
  ])('%s', (_, bytes, code, offset) => {
    const { found } = read(bytes);
    expect(found.at(-1)).toMatchObject({ type: 'malformed', code, offset });
  });
});
