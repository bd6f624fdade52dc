// Packets of each look: they are what they look like, the mark is found in them, and whatever else comes is read safely.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { classify, decode, prepareKey, verify } from '../../../js/codec/index.js';
import {
  randomPacket,
  readPacket,
  rtpPacket,
  stunPacket,
} from '../../../js/reflector/packets/looks.js';
import {
  flowNumber,
  handleOf,
  LOOKS,
  MARK_BYTES,
  MAX_FLOWS,
  MAX_NUMBER,
  MAX_SEQUENCE,
  partsOfFlowNumber,
  readMark,
  writeMark,
} from '../../../js/reflector/packets/marks.js';
import { sipAnswer, sipBytes, sipInvite, sipLength } from '../../../js/reflector/packets/sip.js';
import { fromStream, MAX_STREAM_BYTES, toStream } from '../../../js/reflector/packets/stream.js';

const keys = { handle: Buffer.from('0102030405060708', 'hex'), key: Buffer.alloc(32, 7) };
const stunKey = prepareKey({ password: keys.key });
const PLACE = /** @type {const} */ ({ transport: 'udp', port: 5060 });
const LOCAL = { address: '10.0.0.2', port: 40000 };
const REMOTE = { address: '192.0.2.1', port: 5060 };
const KINDS = /** @type {const} */ (['probe', 'answer', 'up', 'down', 'hello', 'token']);

/** @param {import('../../../js/reflector/packets/marks.js').Look} look @param {Uint8Array} mark @param {number} [bytes] */
function packetOf(look, mark, bytes = 200) {
  if (look === 'stun') return stunPacket(mark, stunKey);
  if (look === 'rtp') return rtpPacket(mark, 5);
  if (look === 'random') return randomPacket(mark, bytes);
  return sipBytes(sipInvite(mark, { transport: 'udp', local: LOCAL, remote: REMOTE }));
}

const anyLook = fc.constantFrom(...LOOKS);
const anyNumber = fc.integer({ min: 0, max: MAX_NUMBER });
const anyKind = fc.constantFrom(...KINDS);

describe('the mark', () => {
  test('is found in a packet of each look, with its kind and number', () => {
    fc.assert(
      fc.property(anyLook, anyKind, anyNumber, (look, kind, number) => {
        const packet = readPacket(packetOf(look, writeMark(keys, kind, number, look, PLACE)));
        expect(packet?.look).toBe(look);
        const [mark, ...others] = packet?.marks ?? [];
        expect(others).toEqual([]);
        expect(handleOf(mark)).toBe('0102030405060708');
        expect(readMark(mark, keys.key, look, PLACE)).toEqual({ kind, number });
      }),
    );
  });

  test('is of its key, look, port, transport and number alone', () => {
    const mark = writeMark(keys, 'probe', 5, 'rtp', PLACE);
    expect(mark).toHaveLength(MARK_BYTES);
    const read = (/** @type {any} */ look, /** @type {object} */ place, key = keys.key) =>
      readMark(mark, key, look, { ...PLACE, ...place });
    expect(read('rtp', {})).toEqual({ kind: 'probe', number: 5 });
    expect(read('stun', {})).toBe(undefined);
    expect(read('rtp', { port: 5061 })).toBe(undefined);
    expect(read('rtp', { transport: 'tcp' })).toBe(undefined);
    expect(read('rtp', {}, Buffer.alloc(32, 8))).toBe(undefined);
  });

  test('holds no bit that may be another', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 8 * MARK_BYTES - 1 }), (bit) => {
        const mark = writeMark(keys, 'probe', 5, 'rtp', PLACE);
        mark[bit >> 3] ^= 1 << (bit & 7);
        expect(readMark(mark, keys.key, 'rtp', PLACE)).toBe(undefined);
      }),
    );
  });

  test('of a flow has the flow and the place in it', () => {
    const anyFlow = fc.integer({ min: 0, max: MAX_FLOWS - 1 });
    fc.assert(
      fc.property(anyFlow, fc.integer({ min: 0, max: MAX_SEQUENCE }), (flow, sequence) => {
        const number = flowNumber(flow, sequence);
        expect(number).toBeLessThanOrEqual(MAX_NUMBER);
        expect(partsOfFlowNumber(number)).toEqual({ flow, sequence });
      }),
    );
  });
});

describe('the looks', () => {
  const markOf = (/** @type {any} */ look) => writeMark(keys, 'probe', 9, look, PLACE);

  test('STUN is a Binding request as ICE sends it: whole, signed, with FINGERPRINT', () => {
    const bytes = stunPacket(markOf('stun'), stunKey);
    expect(classify(bytes)).toBe('stun');
    const message = decode(bytes);
    expect([message.method, message.class, message.fingerprint]).toEqual([
      'Binding',
      'request',
      'valid',
    ]);
    expect(verify(message, stunKey)).toBe(true);
    expect(message.attributes.username).toMatch(/^[A-Za-z\d+/]{16}:[A-Za-z\d+/]{4}$/);
    expect(message.attributes.priority).toBeGreaterThan(0);
  });

  test('its answer tells where the request came from, and is no longer', () => {
    const mark = writeMark(keys, 'answer', 9, 'stun', PLACE);
    for (const mapped of [
      { address: '203.0.113.5', port: 4000 },
      { address: '2001:db8::5', port: 4000 },
    ]) {
      const bytes = stunPacket(mark, stunKey, mapped);
      expect(bytes.length).toBeLessThanOrEqual(stunPacket(mark, stunKey).length);
      const message = decode(bytes);
      expect(message.class).toBe('success');
      expect(message.attributes.xorMappedAddress).toMatchObject(mapped);
      const [found] = readPacket(bytes)?.marks ?? [];
      expect(readMark(found, keys.key, 'stun', PLACE)).toEqual({ kind: 'answer', number: 9 });
    }
  });

  test('RTP has version 2, a payload type that is in use, and numbers that go on', () => {
    const packets = [8, 9].map((number) => Buffer.from(rtpPacket(markOf('rtp'), number)));
    for (const packet of packets) {
      expect(classify(packet)).toBe('rtp');
      expect([packet[0], [0, 111].includes(packet[1]), packet.length]).toEqual([0x80, true, 172]);
    }
    expect(packets.map((packet) => packet.readUInt16BE(2))).toEqual([8, 9]);
    expect(packets.map((packet) => packet.readUInt32BE(4))).toEqual([8 * 160, 9 * 160]);
    expect(packets[0].subarray(8, 12)).toEqual(packets[1].subarray(8, 12));
  });

  test('random looks like no protocol that is known', () => {
    for (let i = 0; i < 100; i += 1) {
      expect(classify(randomPacket(markOf('random'), 64), { quic: true })).toBe('unknown');
    }
  });

  test("SIP is an INVITE with the client's own address in each place where ALGs look", () => {
    const text = Buffer.from(packetOf('sip', markOf('sip'))).toString('latin1');
    const [head, body] = text.split('\r\n\r\n');
    expect(head).toMatch(/^INVITE sip:test@192\.0\.2\.1:5060 SIP\/2\.0\r\n/);
    for (const line of [
      /^Via: SIP\/2\.0\/UDP 10\.0\.0\.2:40000;branch=z9hG4bK[\da-f]{48};rport$/m,
      /^Contact: <sip:test@10\.0\.0\.2:40000;transport=udp>$/m,
      /^Call-ID: [\da-f]{48}@10\.0\.0\.2$/m,
      /^From: .*<sip:test@10\.0\.0\.2:40000>;tag=/m,
      new RegExp(`^Content-Length: ${body.length}$`, 'm'),
    ]) {
      expect(head).toMatch(line);
    }
    expect(body).toMatch(/^o=- 1 1 IN IP4 10\.0\.0\.2\r$/m);
    expect(body).toMatch(/^c=IN IP4 10\.0\.0\.2\r$/m);
    expect(body).toMatch(/^m=audio 40002 RTP\/AVP 0 111\r$/m);
  });

  test('SIP survives what replaces all but one of its marks', () => {
    const mark = markOf('sip');
    const id = Buffer.from(mark).toString('hex');
    const text = Buffer.from(packetOf('sip', mark)).toString('latin1');
    expect(text.split(id)).toHaveLength(4);
    for (const kept of [0, 1, 2]) {
      let at = -1;
      const changed = text.replaceAll(id, (found) => {
        at += 1;
        return at === kept ? found : 'something-else';
      });
      const [found] = readPacket(sipBytes(changed))?.marks ?? [];
      expect(readMark(found, keys.key, 'sip', PLACE)).toEqual({ kind: 'probe', number: 9 });
    }
  });

  test('the answer to SIP copies what it has to, carries its own mark, and is no longer', () => {
    const request = packetOf('sip', markOf('sip'));
    const mark = writeMark(keys, 'answer', 9, 'sip', PLACE);
    const text = sipAnswer(mark, request, REMOTE) ?? '';
    expect(text.length).toBeLessThanOrEqual(request.length);
    expect(text).toMatch(/^SIP\/2\.0 200 OK\r\nVia: SIP\/2\.0\/UDP 10\.0\.0\.2:40000;/);
    expect(text).toMatch(/^c=IN IP4 192\.0\.2\.1\r$/m);
    const marks = readPacket(sipBytes(text))?.marks ?? [];
    const read = marks.map((one) => readMark(one, keys.key, 'sip', PLACE));
    expect(read).toContainEqual({ kind: 'answer', number: 9 });
    // Where that does not fit, it goes without SDP, or not at all.
    const short = sipBytes('INVITE sip:a@b SIP/2.0\r\nTo: x\r\n\r\n');
    expect(sipAnswer(mark, short, REMOTE)).toBe(undefined);
    expect(sipAnswer(mark, sipBytes('INVITE sip:a@b SIP/2.0\r\n\r\n'), REMOTE)).toBe(undefined);
  });
});

describe('whatever comes', () => {
  const anyBytes = fc.uint8Array({ maxLength: 1500 });
  const anyStart = fc.constantFrom(
    [0x00, 0x01],
    [0x80, 0x00],
    [0x05],
    [...Buffer.from('INVITE sip:a@b SIP/2.0\r\n')],
    [...Buffer.from('SIP/2.0 200 OK\r\n')],
    [],
  );

  test('is a packet with whole marks, or none', () => {
    fc.assert(
      fc.property(anyStart, anyBytes, (start, rest) => {
        const packet = readPacket(Buffer.concat([Uint8Array.from(start), rest]));
        if (packet === undefined) return;
        expect(LOOKS).toContain(packet.look);
        expect(packet.marks.length).toBeGreaterThan(0);
        expect(packet.marks.length).toBeLessThanOrEqual(4);
        for (const mark of packet.marks) {
          expect(mark).toHaveLength(MARK_BYTES);
          expect(readMark(mark, keys.key, packet.look, PLACE)).toBe(undefined);
        }
      }),
      { numRuns: 1000 },
    );
  });

  test('a packet that was cut or changed is never taken for another', () => {
    fc.assert(
      fc.property(anyLook, fc.nat(2000), fc.nat(2000), fc.nat(255), (look, cut, at, value) => {
        const bytes = Buffer.from(packetOf(look, writeMark(keys, 'probe', 9, look, PLACE)));
        bytes[at % bytes.length] = value;
        const packet = readPacket(bytes.subarray(0, 1 + (cut % bytes.length)));
        for (const mark of packet?.marks ?? []) {
          const read = readMark(mark, keys.key, packet?.look ?? 'sip', PLACE);
          if (read !== undefined) expect(read).toEqual({ kind: 'probe', number: 9 });
        }
      }),
      { numRuns: 1000 },
    );
  });

  test('a stream is cut where it was put together, in whatever pieces it comes', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(anyLook, fc.integer({ min: 40, max: 1200 })), { maxLength: 5 }),
        fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 50 }),
        (packets, pieces) => {
          const sent = packets.map(([look, bytes], i) =>
            toStream(look, packetOf(look, writeMark(keys, 'probe', i, look, PLACE), bytes)),
          );
          const stream = Buffer.concat(sent);
          const numbers = [];
          let received = Buffer.alloc(0);
          for (let at = 0, i = 0; at < stream.length; i += 1) {
            const length = pieces[i % pieces.length];
            received = Buffer.concat([received, stream.subarray(at, at + length)]);
            at += length;
            for (;;) {
              const found = fromStream(received);
              expect(found).not.toBe(null);
              if (!found) break;
              const packet = readPacket(found.packet);
              const [mark] = packet?.marks ?? [];
              numbers.push(readMark(mark, keys.key, packet?.look ?? 'sip', PLACE)?.number);
              received = received.subarray(found.length);
            }
          }
          expect(numbers).toEqual(packets.map((_, i) => i));
          expect(received).toHaveLength(0);
        },
      ),
    );
  });

  test('a stream of anything is cut within its bounds, given up, or waited for', () => {
    fc.assert(
      fc.property(anyStart, fc.uint8Array({ maxLength: 6000 }), (start, rest) => {
        const bytes = Buffer.concat([Uint8Array.from(start), rest]);
        const found = fromStream(bytes);
        if (!found) {
          if (found === undefined) expect(bytes.length).toBeLessThanOrEqual(MAX_STREAM_BYTES);
          return;
        }
        expect(found.length).toBeGreaterThan(0);
        expect(found.length).toBeLessThanOrEqual(Math.min(bytes.length, MAX_STREAM_BYTES));
        expect(found.packet.length).toBeLessThanOrEqual(found.length);
      }),
      { numRuns: 1000 },
    );
  });

  test('the length of SIP is what Content-Length says, in either form', () => {
    const of = (/** @type {string} */ text) => sipLength(Buffer.from(text));
    expect(of('A b SIP/2.0\r\nContent-Length: 3\r\n\r\nabcd')).toBe(37);
    expect(of('A b SIP/2.0\r\nl : 3\r\n\r\nabcd')).toBe(25);
    expect(of('A b SIP/2.0\r\nVia: x\r\n\r\nabcd')).toBe(23);
    expect(of('A b SIP/2.0\r\nContent-Length: 5\r\n\r\nabcd')).toBe(undefined);
    expect(of('A b SIP/2.0\r\nContent-Length: 5\r\n')).toBe(undefined);
  });
});
