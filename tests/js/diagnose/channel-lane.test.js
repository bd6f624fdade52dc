// Data channels as a lane of packets: when it takes no more, and what is left out then.
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { ChannelLane } from '../../../js/diagnose/channel-lane.js';
import { Marks } from '../../../js/measure/quality/marks.js';
import { Probes } from '../../../js/measure/quality/probes.js';

/** As much of an RTCDataChannel as is used. */
class PlayedChannel extends EventTarget {
  readyState = 'open';
  bufferedAmount = 0;
  bufferedAmountLowThreshold = -1;
  /** @type {Uint8Array[]} */ sent = [];

  /** @param {Uint8Array} bytes */
  send(bytes) {
    this.sent.push(Uint8Array.from(bytes));
    this.bufferedAmount += bytes.length;
  }

  drain() {
    this.bufferedAmount = 0;
    this.dispatchEvent(new Event('bufferedamountlow'));
  }
}

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

/** @param {boolean} isStream */
function open(isStream) {
  const [near, far] = [new PlayedChannel(), new PlayedChannel()];
  const path = /** @type {any} */ ({ near: { datagrams: near }, far: { datagrams: far } });
  return { near, far, lane: new ChannelLane(path, isStream) };
}

test('what comes to the far end is what comes back', () => {
  const { near, far, lane } = open(false);
  /** @type {Uint8Array[]} */
  const came = [];
  lane.onbytes = (bytes) => came.push(bytes);
  lane.send(Uint8Array.of(1, 2, 3));
  expect(near.sent).toEqual([Uint8Array.of(1, 2, 3)]);
  const { buffer: data } = Uint8Array.of(4, 5);
  far.dispatchEvent(new MessageEvent('message', { data }));
  far.dispatchEvent(new MessageEvent('message', { data: 'text' }));
  expect(came).toEqual([Uint8Array.of(4, 5)]);
});

test('much that waits is enough', () => {
  const { near, lane } = open(false);
  for (let i = 0; i < 7; i += 1) lane.send(new Uint8Array(1160));
  expect(lane.isBlocked).toBe(false);
  lane.send(new Uint8Array(1160));
  expect(lane.isBlocked).toBe(true);
  near.drain();
  expect(lane.isBlocked).toBe(false);
});

test('so is little, where SCTP pauses', () => {
  const { near, lane } = open(false);
  lane.send(new Uint8Array(160));
  jest.advanceTimersByTime(50);
  expect(lane.isBlocked).toBe(false);
  jest.advanceTimersByTime(1);
  expect(lane.isBlocked).toBe(true);
  near.drain();
  lane.send(new Uint8Array(160));
  expect(lane.isBlocked).toBe(false);
});

test.each([
  [false, 3],
  [true, 50],
])('in a pause nothing is counted, unless it is of a stream (%s)', (isStream, count) => {
  const { near, lane } = open(isStream);
  const probes = new Probes({
    lane,
    marks: new Marks(),
    flow: 1,
    packetsPerSecond: 50,
    payloadBytes: 160,
    onArrival: () => {},
  });
  probes.start();
  jest.advanceTimersByTime(990);
  probes.stop();
  expect(probes.sent.next).toBe(count);
  expect(near.sent).toHaveLength(count);
});

test.each(/** @type {const} */ (['near', 'far']))('it ends with its %s end', (end) => {
  const { lane, ...ends } = open(false);
  expect(lane.ended.aborted).toBe(false);
  ends[end].dispatchEvent(new Event('close'));
  expect(lane.ended.reason).toMatchObject({ code: 'ERR_TRANSPORT_CLOSED' });
  ends.near.readyState = 'closed';
  lane.send(Uint8Array.of(1));
  expect(ends.near.sent).toEqual([]);
});
