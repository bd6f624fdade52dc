// Relays in the engine, without transports: a server made of the codec answers what they send.
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { embeddedWasm } from '#engine-wasm';
import { decode, encode, prepareKey, verify } from '../../../js/codec/index.js';
import { Engine } from '../../../js/engine/engine.js';
import { success, turn } from '../client/support.js';
import { recorder, TURN_SETTINGS, turnRecorder } from './support.js';

/** @typedef {import('../../../js/codec/index.js').Message} Message */

const wasm = /** @type {Uint8Array} */ (embeddedWasm());
const RELAYED = { address: '203.0.113.1', port: 50_000 };
const MAPPED = { address: '203.0.113.9', port: 4711 };
const PEER = { address: '192.0.2.77', port: 9999 };
const OTHER = { address: '2001:db8::77', port: 1234 };
const noPermission = expect.objectContaining({ code: 'ERR_TURN_NO_ALLOCATION' });

/** @type {Engine} */
let engine;
/** @type {ReturnType<typeof turnRecorder>} */
let owner;
/** @type {number} */
let handle;
/** The server's answers to requests, by method. @type {(request: Message) => Uint8Array} */
let answer;
/** How the server's bytes come. @type {(bytes: Uint8Array) => void} */
let deliver;

beforeEach(() => {
  engine = new Engine(wasm);
  owner = turnRecorder();
  answer = grant;
  deliver = (bytes) => engine.datagram(handle, bytes);
});
afterEach(() => engine.close(handle));

/** @param {Message} request */
function grant({ method, transactionId }) {
  const attributes =
    method === 'Allocate'
      ? { xorRelayedAddress: RELAYED, xorMappedAddress: MAPPED, lifetime: 600, software: 'mini' }
      : { lifetime: method === 'Refresh' ? 600 : undefined };
  return encode({ class: 'success', method, transactionId, attributes });
}

/** @param {Partial<import('../../../js/engine/turn-types.js').TurnSettings>} [settings] */
function open(settings) {
  handle = engine.openTurn({ ...TURN_SETTINGS, ...settings }, owner);
}

/** Answers what is sent until nothing more is. */
async function settle() {
  await turn();
  while (owner.sent.length > 0) {
    for (const bytes of owner.sent.splice(0)) deliver(answer(decode(bytes)));
    await turn();
  }
}

/** @param {import('../../../js/engine/turn-types.js').AllocateRequest} [request] */
async function allocate(request) {
  open();
  engine.allocate(handle, request);
  await settle();
  owner.events = [];
  owner.told = [];
}

/** @param {Uint8Array} data @param {{ address: string, port: number }} [peer] */
const dataIndication = (data, peer = PEER) =>
  encode({ class: 'indication', method: 'Data', attributes: { xorPeerAddress: peer, data } });

/** @param {number} channel @param {Uint8Array} data */
function channelData(channel, data) {
  const bytes = new Uint8Array(4 + data.length);
  new DataView(bytes.buffer).setUint32(0, channel * 0x10000 + data.length);
  bytes.set(data, 4);
  return bytes;
}

describe('allocate()', () => {
  test('asks, and tells what was granted', async () => {
    open({ software: 'me', fingerprint: true });
    engine.allocate(handle, {
      evenPort: true,
      lifetimeSeconds: 900,
      dontFragment: true,
      family: 4,
    });
    await turn();
    const request = decode(owner.sent[0]);
    expect(request).toMatchObject({ class: 'request', method: 'Allocate' });
    expect(request.attributes).toMatchObject({
      requestedTransport: 17,
      evenPort: false,
      lifetime: 900,
      dontFragment: true,
      software: 'me',
    });
    expect(request.attributes.fingerprint).toBeDefined();
    await settle();
    expect(owner.events).toEqual([
      {
        type: 'allocated',
        errc: 0,
        errorCode: 0,
        token: 0,
        number: 600,
        detail: 0,
        peer: undefined,
        requestsSent: 1,
        roundTripMs: expect.any(Number),
        isAuthenticated: false,
        alternateServers: [],
        alternateDomain: '',
        reason: '',
        realm: '',
        software: 'mini',
        thirdParty: '',
        unknownAttributes: [],
        allocation: {
          relayedAddresses: [{ ...RELAYED, family: 'IPv4' }],
          mappedAddress: { ...MAPPED, family: 'IPv4' },
          lifetimeSeconds: 600,
          reservationToken: undefined,
          hasTicket: false,
          refusedFamily: undefined,
          refusedCode: 0,
        },
      },
    ]);
  });

  test('of two families, with a token and a ticket', async () => {
    const six = { address: '2001:db8::1', port: 50_000 };
    const token = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
    answer = ({ method, transactionId }) =>
      encode({
        class: 'success',
        method,
        transactionId,
        attributes: {
          xorRelayedAddress: [RELAYED, six],
          xorMappedAddress: MAPPED,
          lifetime: 60,
          reservationToken: token,
          mobilityTicket: Uint8Array.of(9, 9),
        },
      });
    open();
    engine.allocate(handle, { family: 'both', mobility: true });
    await settle();
    expect(owner.events[0].allocation).toMatchObject({
      relayedAddresses: [
        { ...RELAYED, family: 'IPv4' },
        { ...six, family: 'IPv6' },
      ],
      reservationToken: token,
      hasTicket: true,
      lifetimeSeconds: 60,
    });
  });

  test('refused', async () => {
    open();
    answer = ({ method, transactionId }) =>
      encode({
        class: 'error',
        method,
        transactionId,
        attributes: {
          errorCode: { code: 300, reason: 'elsewhere' },
          alternateServer: { address: '192.0.2.4', port: 3479 },
          alternateDomain: 'turn.example.org',
        },
      });
    engine.allocate(handle);
    await settle();
    expect(owner.events).toMatchObject([
      {
        type: 'allocate-failed',
        errorCode: 300,
        reason: 'elsewhere',
        alternateServers: [{ address: '192.0.2.4', port: 3479, family: 'IPv4' }],
        alternateDomain: 'turn.example.org',
        allocation: undefined,
      },
    ]);
  });

  test('with a challenge: long-term credentials', async () => {
    const encoder = new TextEncoder();
    const key = prepareKey({ username: 'u', realm: 'r', password: 'p' });
    open({
      mechanism: 'long-term',
      username: encoder.encode('u'),
      password: encoder.encode('p'),
    });
    answer = (request) => {
      const { method, transactionId, attributes } = request;
      if (attributes.username === undefined) {
        const challenge = { errorCode: { code: 401 }, realm: 'r', nonce: 'n' };
        return encode({ class: 'error', method, transactionId, attributes: challenge });
      }
      expect(verify(request, key)).toBeTruthy();
      const granted = { xorRelayedAddress: RELAYED, xorMappedAddress: MAPPED, lifetime: 600 };
      return encode({ class: 'success', method, transactionId, attributes: granted, key });
    };
    engine.allocate(handle);
    await settle();
    expect(owner.events).toMatchObject([
      { type: 'allocated', requestsSent: 2, isAuthenticated: true },
    ]);
  });

  test('with a token of a third party (RFC 7635)', async () => {
    const accessToken = new Uint8Array(32).fill(7);
    const username = new TextEncoder().encode('kid');
    open({ mechanism: 'third-party', username, password: new Uint8Array(20), accessToken });
    engine.allocate(handle);
    await turn();
    const first = decode(owner.sent[0]);
    deliver(
      encode({
        class: 'error',
        method: 'Allocate',
        transactionId: first.transactionId,
        attributes: {
          errorCode: { code: 401 },
          realm: 'r',
          nonce: 'n',
          thirdPartyAuthorization: 'auth.example.org',
        },
      }),
    );
    await turn();
    const { attributes } = decode(owner.sent[1]);
    expect(attributes.username).toBe('kid');
    expect(attributes.accessToken).toEqual(accessToken);
  });
});

describe('data', () => {
  test('goes out as indications and on channels', async () => {
    await allocate();
    engine.permit(handle, PEER);
    const channel = engine.bindChannel(handle, PEER);
    expect(channel).toBeGreaterThanOrEqual(0x4000);
    await settle();
    expect(owner.events.map(({ type, number }) => [type, number])).toEqual([
      ['permitted', 0],
      ['channel-bound', channel],
    ]);
    const data = Uint8Array.of(1, 2, 3);
    engine.send(handle, data, PEER, false);
    engine.send(handle, data, { ...PEER, address: `${PEER.address}%zone` }, true);
    engine.sendChannel(handle, data, channel);
    data.fill(0);
    await turn();
    const [first, second, third] = owner.sent;
    expect(decode(first)).toMatchObject({ class: 'indication', method: 'Send' });
    expect(decode(first).attributes).toMatchObject({
      xorPeerAddress: PEER,
      data: Uint8Array.of(1, 2, 3),
    });
    expect(decode(first).attributes.dontFragment).toBeUndefined();
    expect(decode(second).attributes.dontFragment).toBe(true);
    expect(third).toEqual(channelData(channel, Uint8Array.of(1, 2, 3)));
  });

  test('comes in as parts of what was given, with one frozen object for each peer', async () => {
    await allocate({ family: 'both' });
    answer = grant;
    engine.permit(handle, PEER);
    const channel = engine.bindChannel(handle, PEER);
    await settle();
    const chunk = channelData(channel, Uint8Array.of(4, 5));
    for (let i = 0; i < 3; i++) {
      engine.datagram(handle, dataIndication(Uint8Array.of(i)));
      engine.datagram(handle, chunk);
      engine.datagram(handle, dataIndication(Uint8Array.of(i), { ...PEER, port: 1 }));
    }
    await turn();
    expect(owner.datas).toHaveLength(9);
    expect(owner.datas.map(({ channel: number }) => number).slice(0, 3)).toEqual([0, channel, 0]);
    const peers = new Set(owner.datas.map(({ peer }) => peer));
    expect([...peers]).toEqual([
      { ...PEER, family: 'IPv4' },
      { ...PEER, port: 1, family: 'IPv4' },
    ]);
    for (const peer of peers) expect(Object.isFrozen(peer)).toBe(true);
    expect(owner.datas[1].data).toEqual(Uint8Array.of(4, 5));
    expect(owner.datas[1].data.buffer).toBe(chunk.buffer);
  });

  test('of peers of IPv6', async () => {
    answer = (request) =>
      request.method === 'Allocate'
        ? encode({
            class: 'success',
            method: 'Allocate',
            transactionId: request.transactionId,
            attributes: { xorRelayedAddress: OTHER, xorMappedAddress: MAPPED, lifetime: 600 },
          })
        : grant(request);
    await allocate({ family: 6 });
    engine.permit(handle, OTHER);
    await settle();
    engine.send(handle, Uint8Array.of(1), OTHER, false);
    for (const port of [1234, 1234, 4321, 1234]) {
      engine.datagram(handle, dataIndication(Uint8Array.of(2), { ...OTHER, port }));
    }
    await turn();
    expect(decode(owner.sent[0]).attributes.xorPeerAddress).toMatchObject(OTHER);
    const peers = owner.datas.map(({ peer }) => peer);
    expect(peers[0]).toEqual({ ...OTHER, family: 'IPv6' });
    expect([peers[1], peers[3]]).toEqual([peers[0], peers[0]]);
    expect(peers[3]).toBe(peers[0]);
    expect(peers[2].port).toBe(4321);
  });

  test('is refused where there is no permission, and counted', async () => {
    open();
    engine.send(handle, Uint8Array.of(1), PEER, false);
    engine.sendChannel(handle, Uint8Array.of(1), 0x4000);
    engine.send(handle, Uint8Array.of(1), { address: 'no address', port: 1 }, false);
    engine.sendChannel(handle, new Uint8Array(80_000), 0x4000);
    await turn();
    expect(owner.sent).toEqual([]);
    expect(engine.turnStats(handle)).toMatchObject({ sendFailed: 4, malformed: 0 });
    engine.datagram(handle, Uint8Array.of(0xff));
    engine.datagramFrom(handle, dataIndication(Uint8Array.of(1)), PEER);
    expect(engine.turnStats(handle)).toMatchObject({ malformed: 1, wrongSource: 1 });
  });

  test('more than the mailbox holds: nothing is lost, all in order', async () => {
    await allocate();
    const channel = engine.bindChannel(handle, PEER);
    await settle();
    for (let i = 0; i < 5000; i++) {
      engine.sendChannel(handle, Uint8Array.of(i & 0xff, i >> 8), channel);
      engine.datagram(handle, channelData(channel, Uint8Array.of(i & 0xff, i >> 8)));
      if (i % 100 === 0) engine.sendChannel(handle, new Uint8Array(60_000), channel);
    }
    await turn();
    const small = owner.sent.filter((bytes) => bytes.length < 100);
    expect(small).toHaveLength(5000);
    expect(owner.sent).toHaveLength(5050);
    small.forEach((bytes, i) => {
      if (bytes[4] + 256 * bytes[5] !== i) throw new Error(`${i} is out of order`);
    });
    owner.datas.forEach(({ data }, i) => {
      if (data[0] + 256 * data[1] !== i) throw new Error(`${i} is out of order`);
    });
    expect(owner.datas).toHaveLength(5000);
  });

  test('an owner may send while it is told', async () => {
    await allocate();
    const channel = engine.bindChannel(handle, PEER);
    await settle();
    let count = 0;
    owner.data = (data) => {
      count += 1;
      if (count < 100) engine.sendChannel(handle, data, channel);
    };
    owner.transmit = (bytes) => engine.datagram(handle, bytes);
    engine.sendChannel(handle, Uint8Array.of(1), channel);
    await turn();
    expect(count).toBe(100);
  });
});

test('peers are told apart even when there are more than are remembered', async () => {
  await allocate();
  engine.bindChannel(handle, PEER);
  await settle();
  for (let round = 0; round < 2; round++) {
    for (let port = 1; port <= 1500; port++) {
      engine.datagram(handle, dataIndication(Uint8Array.of(1), { ...PEER, port }));
    }
  }
  await turn();
  expect(owner.datas).toHaveLength(3000);
  owner.datas.forEach(({ peer }, i) => {
    if (peer.port !== (i % 1500) + 1) throw new Error(`${i} came from ${peer.port}`);
  });
});

describe('an owner that throws', () => {
  test('keeps the others from nothing', async () => {
    await allocate();
    const channel = engine.bindChannel(handle, PEER);
    await settle();
    /** @type {unknown[]} */
    const thrown = [];
    const note = (/** @type {unknown} */ error) => void thrown.push(error);
    const spy = jest
      .spyOn(globalThis, 'queueMicrotask')
      .mockImplementation((task) => void Promise.resolve().then(task).catch(note));
    try {
      const error = new Error('from the owner');
      let count = 0;
      owner.data = () => {
        count += 1;
        throw error;
      };
      for (let i = 0; i < 3; i++) engine.datagram(handle, channelData(channel, Uint8Array.of(i)));
      engine.sendChannel(handle, Uint8Array.of(1), channel);
      await turn();
      expect(count).toBe(3);
      expect(thrown).toEqual([error, error, error]);
      expect(owner.sent).toHaveLength(1);
    } finally {
      spy.mockRestore();
    }
  });
});

describe('a stream', () => {
  test.each([1, 3, 100, 1000])('in pieces of %i bytes', async (length) => {
    deliver = (bytes) => {
      for (let at = 0; at < bytes.length; at += length) {
        engine.stream(handle, bytes.subarray(at, at + length));
      }
    };
    open({ isReliable: true, padsChannelData: true });
    engine.allocate(handle);
    const datas = Array.from({ length: 20 }, (_, i) => new Uint8Array(4 * i).fill(i));
    await settle();
    const channel = engine.bindChannel(handle, PEER);
    await settle();
    deliver(Buffer.concat(datas.map((data) => channelData(channel, data))));
    await turn();
    expect(owner.datas.map(({ data }) => data)).toEqual(datas);
    engine.sendChannel(handle, Uint8Array.of(1, 2, 3), channel);
    await turn();
    expect(owner.sent).toHaveLength(1);
    expect(owner.sent[0]).toHaveLength(8);
  });

  test('longer than the inbox', async () => {
    deliver = (bytes) => engine.stream(handle, bytes);
    open({ isReliable: true, padsChannelData: true });
    engine.allocate(handle);
    await settle();
    const channel = engine.bindChannel(handle, PEER);
    await settle();
    const data = new Uint8Array(60_000).map((_, i) => i * 7);
    deliver(Buffer.concat(Array(20).fill(channelData(channel, data))));
    await turn();
    expect(owner.datas).toHaveLength(20);
    for (const { data: got } of owner.datas) expect(Buffer.compare(got, data)).toBe(0);
  });
});

describe('commands', () => {
  test('end with their events', async () => {
    await allocate();
    engine.refresh(handle, 1200);
    await turn();
    expect(decode(owner.sent[0]).attributes.lifetime).toBe(1200);
    await settle();
    const channel = engine.bindChannel(handle, PEER);
    await settle();
    engine.releaseChannel(handle, channel);
    engine.releasePermission(handle, PEER);
    engine.setCredentials(handle, {
      mechanism: 'long-term',
      username: Uint8Array.of(1),
      password: Uint8Array.of(2),
      realm: new Uint8Array(),
    });
    engine.closeAllocation(handle);
    await turn();
    const last = decode(/** @type {Uint8Array} */ (owner.sent.at(-1)));
    expect(last).toMatchObject({ method: 'Refresh' });
    expect(owner.told.filter((one) => one !== 'transmit').slice(0, 2)).toEqual([
      'refreshed',
      'channel-bound',
    ]);
  });

  test('are refused at once where there is no allocation', () => {
    open();
    expect(() => engine.permit(handle, PEER)).toThrow(noPermission);
    expect(() => engine.bindChannel(handle, PEER)).toThrow(noPermission);
    expect(() => engine.connect(handle, PEER)).toThrow(noPermission);
    expect(() => engine.refresh(handle)).toThrow(noPermission);
    expect(() => engine.move(handle)).toThrow(noPermission);
    expect(() => engine.permit(handle, { address: 'example.org', port: 1 })).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT', argument: 'peer.address' }),
    );
    expect(() => engine.startBinding(handle)).toThrow(
      expect.objectContaining({ code: 'ERR_NO_SUCH_HANDLE' }),
    );
    expect(() => engine.allocate(handle, { reservationToken: new Uint8Array(7) })).toThrow(
      expect.objectContaining({ code: 'ERR_STUN_RECORD' }),
    );
  });

  test('the end of the transport loses the allocation', async () => {
    await allocate();
    engine.transportClosed(handle);
    await turn();
    expect(owner.told).toEqual(['lost']);
  });

  test('nothing is told after close()', async () => {
    await allocate();
    const channel = engine.bindChannel(handle, PEER);
    await settle();
    owner.told = [];
    engine.sendChannel(handle, Uint8Array.of(1), channel);
    engine.close(handle);
    engine.datagram(handle, channelData(channel, Uint8Array.of(1)));
    await turn();
    expect(owner.told).toEqual([]);
    expect(Object.values(engine.turnStats(handle)).every((count) => count === 0)).toBe(true);
  });
});

describe('openBinder()', () => {
  /** @param {Uint8Array} request @param {number[]} behind */
  const answered = (request, ...behind) =>
    Buffer.concat([success(decode(request), { xorMappedAddress: undefined }), Buffer.from(behind)]);

  test('tells that it is bound, then what lay behind the answer', async () => {
    await allocate({ transport: 'tcp' });
    const binder = turnRecorder();
    const other = engine.openBinder(handle, 4711, binder);
    await turn();
    expect(decode(binder.sent[0])).toMatchObject({ method: 'ConnectionBind' });
    expect(decode(binder.sent[0]).attributes.connectionId).toBe(4711);
    const stream = answered(binder.sent[0], 1, 2, 3);
    engine.stream(other, stream.subarray(0, 7));
    engine.stream(other, stream.subarray(7));
    engine.stream(other, Uint8Array.of(4, 5));
    await turn();
    expect(binder.told).toEqual(['transmit', 'connected', 'leftover', 'leftover']);
    expect(Buffer.concat(binder.leftovers)).toEqual(Buffer.of(1, 2, 3, 4, 5));
    expect(binder.events).toMatchObject([{ type: 'connected', errc: 0 }]);
    engine.close(other);
  });

  test('fails with the connection', async () => {
    await allocate({ transport: 'tcp' });
    const binder = turnRecorder();
    const other = engine.openBinder(handle, 4711, binder);
    engine.transportClosed(other);
    await turn();
    expect(binder.events).toMatchObject([{ type: 'connect-failed' }]);
    engine.close(other);
    expect(() => engine.openBinder(other, 1, binder)).toThrow(
      expect.objectContaining({ code: 'ERR_NO_SUCH_HANDLE' }),
    );
  });
});

test('clients of all kinds side by side: each is told its own', async () => {
  await allocate();
  const stun = recorder();
  const other = engine.open(TURN_SETTINGS, stun);
  const transaction = engine.startBinding(other);
  engine.permit(handle, PEER);
  await turn();
  engine.datagram(other, success(decode(stun.sent[0])));
  await settle();
  expect(stun.events).toMatchObject([{ transaction }]);
  expect(owner.events).toMatchObject([{ type: 'permitted' }]);
  engine.close(other);
});
