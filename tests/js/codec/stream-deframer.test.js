// Cutting streams: the result does not depend on how the stream came in.
import { describe, expect, test } from '@jest/globals';
import { classify, decode, encode, StreamDeframer } from '../../../js/codec/index.js';
import { fromHex, Random, thrownBy, toHex } from './support.js';
import { bytesOf, readVectors } from './vectors.js';

/** @typedef {{ id: string, hex: string, then?: any, maxFrameBytes?: number, frames: any[], pending: number, error?: any }} Vector */

/** @type {Vector[]} */
const streams = readVectors('streams').streams;

/**
 * Pushes all chunks: frames, what is left, and the error, which push() gives at once or at the next call.
 *
 * @param {Iterable<Uint8Array>} chunks
 * @param {number} [maxFrameBytes] as the vectors have it
 */
function deframe(chunks, maxFrameBytes = 65540) {
  const deframer = new StreamDeframer({ maxFrameBytes });
  /** @type {{ type: string, hex: string }[]} */
  const frames = [];
  /** @type {{ code: string, offset: number } | undefined} */
  let error;
  try {
    for (const chunk of chunks) {
      for (const { type, bytes } of deframer.push(chunk)) frames.push({ type, hex: toHex(bytes) });
    }
    deframer.push(new Uint8Array());
  } catch (thrown) {
    const { code, offset } = /** @type {any} */ (thrown);
    error = { code, offset };
    // It stays so, whatever comes.
    expect(thrownBy(() => deframer.push(fromHex('40000000')))).toBe(thrown);
    expect(thrownBy(() => deframer.push(new Uint8Array()))).toBe(thrown);
  }
  return { frames, pending: deframer.pendingBytes, error };
}

/** @param {Uint8Array} stream @param {number} size */
function* chunksOf(stream, size) {
  for (let at = 0; at < stream.length; at += size) yield stream.subarray(at, at + size);
}

/** @param {Vector} vector */
function expectedOf(vector) {
  const hex = toHex(bytesOf(vector));
  return {
    frames: vector.frames.map(({ type, offset, length }) => ({
      type,
      hex: hex.slice(offset * 2, (offset + length) * 2),
    })),
    pending: vector.pending,
    error: vector.error,
  };
}

describe.each(streams.map((vector) => /** @type {const} */ ([vector.id, vector])))(
  '%s',
  (_id, vector) => {
    const stream = bytesOf(vector);
    const expected = expectedOf(vector);

    test('in one piece', () => {
      expect(deframe([stream], vector.maxFrameBytes)).toEqual(expected);
    });

    test.each([1, 2, 3, 5, 7, 64])('in chunks of %i', (size) => {
      expect(deframe(chunksOf(stream, size), vector.maxFrameBytes)).toEqual(expected);
    });

    test('in two pieces, cut at every byte', () => {
      const step = stream.length > 2000 ? 997 : 1;
      for (let cut = 0; cut <= stream.length; cut += step) {
        const pieces = [stream.subarray(0, cut), stream.subarray(cut)];
        expect({ cut, ...deframe(pieces, vector.maxFrameBytes) }).toEqual({ cut, ...expected });
      }
    });
  },
);

/** A frame of either kind, padded as on a stream. @param {Random} random @param {number} longest */
function frame(random, longest) {
  const data = random.bytes(random.below(longest));
  if (random.below(2) === 0) {
    return encode({
      class: 'indication',
      method: 'Send',
      attributes: { data },
      fingerprint: random.below(2) === 0,
    });
  }
  const framed = new Uint8Array(4 + ((data.length + 3) & ~3));
  new DataView(framed.buffer).setUint16(0, 0x4000 + random.below(0x1000));
  new DataView(framed.buffer).setUint16(2, data.length);
  framed.set(data, 4);
  return framed;
}

/** @param {Uint8Array} padded */
function contentOf(padded) {
  const length = ((padded[2] ?? 0) << 8) | (padded[3] ?? 0);
  const isStun = classify(padded) === 'stun';
  return {
    type: isStun ? 'stun' : 'channel-data',
    hex: toHex(isStun ? padded : padded.subarray(0, 4 + length)),
  };
}

describe('long streams', () => {
  test.each([
    ['short frames', 600, 40],
    ['frames of packet size', 300, 1400],
    ['long frames', 20, 65_000],
  ])('%s, in chunks of random sizes up to more than the core holds', (_title, count, longest) => {
    const random = new Random(count);
    const list = Array.from({ length: count }, () => frame(random, longest));
    const stream = Buffer.concat(list);
    const expected = { frames: list.map(contentOf), pending: 0, error: undefined };
    for (const most of [30, 1500, 70_000, 300_000]) {
      const chunks = [];
      for (let at = 0; at < stream.length; ) {
        const size = 1 + random.below(most);
        chunks.push(stream.subarray(at, at + size));
        at += size;
      }
      expect(deframe(chunks)).toEqual(expected);
    }
    expect(deframe([stream])).toEqual(expected);
  });

  test('a fault deep in a long chunk: everything before it is good', () => {
    const random = new Random(5);
    const list = Array.from({ length: 500 }, () => frame(random, 400));
    const good = Buffer.concat(list);
    const { frames, error } = deframe([Buffer.concat([good, fromHex('ffffffff'), good])]);
    expect(frames).toEqual(list.map(contentOf));
    expect(error).toEqual({ code: 'ERR_STREAM_DESYNCHRONISED', offset: good.length });
  });
});

describe('memory', () => {
  const message = encode({
    class: 'success',
    method: 'Binding',
    attributes: { software: 'x' },
    fingerprint: true,
  });

  test('frames that lie whole in a chunk are slices of it', () => {
    const chunk = Buffer.concat([message, message, message.subarray(0, 9)]);
    const frames = new StreamDeframer().push(chunk);
    expect(frames.length).toBe(2);
    for (const { bytes } of frames) expect(bytes.buffer).toBe(chunk.buffer);
  });

  test('a frame that spans chunks has bytes of its own, which stay', () => {
    const deframer = new StreamDeframer();
    const chunk = Uint8Array.from(message);
    expect(deframer.push(chunk.subarray(0, 10))).toEqual([]);
    const [first] = deframer.push(chunk.subarray(10));
    chunk.fill(0);
    for (let i = 0; i < 10; i += 1) {
      deframer.push(message.subarray(0, 10));
      deframer.push(message.subarray(10));
    }
    expect(first?.bytes).toEqual(message);
    expect(decode(/** @type {Uint8Array} */ (first?.bytes)).fingerprint).toBe('valid');
  });

  test('pendingBytes counts what came, not what was announced', () => {
    const deframer = new StreamDeframer();
    const counts = [];
    for (const byte of fromHex('0001fffc2112a442')) {
      deframer.push(Uint8Array.of(byte));
      counts.push(deframer.pendingBytes);
    }
    expect(counts).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });

  test('deframers do not disturb each other', () => {
    const random = new Random(6);
    const jobs = Array.from({ length: 10 }, () => {
      const list = Array.from({ length: 20 }, () => frame(random, 300));
      return {
        deframer: new StreamDeframer(),
        stream: Buffer.concat(list),
        at: 0,
        list,
        frames: /** @type {any[]} */ ([]),
      };
    });
    while (jobs.some(({ at, stream }) => at < stream.length)) {
      const job = random.pick(jobs);
      const size = 1 + random.below(200);
      for (const { type, bytes } of job.deframer.push(job.stream.subarray(job.at, job.at + size))) {
        job.frames.push({ type, hex: toHex(bytes) });
      }
      job.at += size;
    }
    for (const { list, frames } of jobs) expect(frames).toEqual(list.map(contentOf));
  });
});

describe('limits', () => {
  test.each([
    ['a message', '0001fffc', 20 + 0xfffc],
    ['ChannelData', '4000ffff', 4 + 0x10000],
    ['ChannelData, padding and all', '40000011', 4 + 20],
  ])('%s may be as long as the limit and no longer', (_title, hex, length) => {
    const stream = new Uint8Array(length);
    stream.set(fromHex(hex));
    expect(deframe([stream], length).frames.length).toBe(1);
    expect(new StreamDeframer().push(stream).length).toBe(1);
    const error = { code: 'ERR_STREAM_FRAME_TOO_LONG', offset: 0 };
    expect(deframe([stream.subarray(0, 4)], length - 1)).toEqual({ frames: [], pending: 0, error });
  });
});

describe('classify', () => {
  // RFC 7983 section 7, figure 3; RFC 9443 section 3, figure 3.
  const ranges = /** @type {const} */ ([
    [0, 3, 'stun', 'stun', 'stun'],
    [4, 15, 'unknown', 'unknown', 'unknown'],
    [16, 19, 'zrtp', 'zrtp', 'zrtp'],
    [20, 63, 'dtls', 'dtls', 'dtls'],
    [64, 79, 'turn-channel', 'quic', 'turn-channel'],
    [80, 127, 'unknown', 'quic', 'quic'],
    [128, 191, 'rtp', 'rtp', 'rtp'],
    [192, 255, 'unknown', 'quic', 'quic'],
  ]);

  test.each(ranges)(
    '%i to %i: %s; with QUIC %s, from a TURN server %s',
    (from, to, plain, quic, relayed) => {
      for (let first = from; first <= to; first += 1) {
        const packet = Uint8Array.of(first, 0);
        expect(classify(packet)).toBe(plain);
        expect(classify(packet, { fromTurnServer: true })).toBe(plain);
        expect(classify(packet, { quic: true })).toBe(quic);
        expect(classify(packet, { quic: true, fromTurnServer: true })).toBe(relayed);
      }
    },
  );

  test('an empty packet', () => {
    expect(classify(new Uint8Array())).toBe('unknown');
  });
});
