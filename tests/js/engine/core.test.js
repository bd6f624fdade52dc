// What the engine does to the core, and when the core traps: with hands on the instance between the two.
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import * as real from '#engine-wasm';
import {
  memoryServer,
  ownSockets,
  PATIENT,
  rejection,
  SERVER,
  success,
  turn,
} from '../client/support.js';
import { cleanUp } from '../transports/helpers.js';
import { recorder, SETTINGS, TURN_SETTINGS, turnRecorder } from './support.js';

/** @typedef {import('../../../dist/wasm/engine.mjs').MainModule} Core */

/** All instances that were made, the present one last. @type {Core[]} */
const cores = [];
jest.unstable_mockModule('#engine-wasm', () => ({
  ...real,
  instantiate: (/** @type {Uint8Array} */ wasm) => {
    const core = real.instantiate(wasm);
    cores.push(core);
    return core;
  },
}));
const { Engine } = await import('../../../js/engine/engine.js');
const { getMappedAddress, init, openStunClient } = await import('../../../js/index.js');
const { scriptedUdpServer } = await import('../client/support.js');
const { PosternError } = await import('../../../js/errors.js');

/** @type {unknown[]} */
const unhandled = [];
const note = (/** @type {unknown} */ error) => void unhandled.push(error);
beforeEach(() => {
  process.on('uncaughtException', note);
  process.on('unhandledRejection', note);
});
afterEach(async () => {
  await cleanUp();
  await turn();
  process.off('uncaughtException', note);
  process.off('unhandledRejection', note);
  expect(unhandled.splice(0)).toEqual([]);
  expect(await ownSockets()).toEqual([]);
});

const trap = new WebAssembly.RuntimeError('unreachable');

/** The present instance traps at its next call of a function. @param {keyof Core} name */
function rig(name) {
  Object.assign(/** @type {Core} */ (cores.at(-1)), {
    [name]: () => {
      throw trap;
    },
  });
}

const silence = () => undefined;
const yes = (/** @type {import('../../../js/codec/index.js').Message} */ request) =>
  success(request);

/** @param {unknown} error */
function expectInternal(error) {
  expect(error).toBeInstanceOf(PosternError);
  expect(error).toMatchObject({ code: 'ERR_INTERNAL', cause: trap });
}

describe('a trap', () => {
  // Wherever it comes, all are told, nothing hangs, and the next call has a core of its own.
  test.each(/** @type {const} */ (['process', 'command', 'open']))(
    'in %s() fails all that is under way, and the next call works',
    async (name) => {
      await init();
      const silent = await scriptedUdpServer(silence);
      const good = await scriptedUdpServer(yes);
      const clients = [await openStunClient(silent.uri), await openStunClient(silent.uri)];
      const promises = clients.map((client) => rejection(client.bind()));
      await turn();
      const count = cores.length;
      rig(name);
      promises.push(rejection(getMappedAddress(silent.uri)));
      for (const error of await Promise.all(promises)) expectInternal(error);
      for (const client of clients) {
        expect(await client.closed).toMatchObject({ error: { code: 'ERR_INTERNAL' } });
        expectInternal(await rejection(client.bind()));
        expect(() => client.keepAlive()).toThrow(expect.objectContaining({ code: 'ERR_INTERNAL' }));
        expect(Object.values(client.stats())).toEqual(Array(8).fill(0));
        await client.close();
      }
      expect(await getMappedAddress(good.uri, PATIENT)).toMatchObject({ address: '203.0.113.7' });
      expect(cores).toHaveLength(count + 1);
    },
  );

  test('in close(): the socket is closed all the same', async () => {
    const { uri } = await scriptedUdpServer(silence);
    const client = await openStunClient(uri);
    rig('close');
    await client.close();
    expect(await client.closed).toEqual({});
  });

  test('in cancel(): the call is aborted all the same', async () => {
    const { uri } = await scriptedUdpServer(silence);
    const controller = new AbortController();
    const client = await openStunClient(uri);
    const promise = rejection(client.bind({ signal: controller.signal }));
    const other = rejection(client.bind());
    await turn();
    rig('command');
    controller.abort('why');
    expect(await promise).toBe('why');
    expectInternal(await other);
  });

  test('in stats() and keepAlive()', async () => {
    const { uri } = await scriptedUdpServer(silence);
    for (const name of /** @type {const} */ (['stats', 'command'])) {
      const client = await openStunClient(uri);
      rig(name);
      if (name === 'stats') expect(Object.values(client.stats())).toEqual(Array(8).fill(0));
      else
        expect(() => client.keepAlive()).toThrow(expect.objectContaining({ code: 'ERR_INTERNAL' }));
      expect(await client.closed).toMatchObject({ error: { code: 'ERR_INTERNAL' } });
    }
  });

  test('while something is received', async () => {
    const server = memoryServer(silence);
    const client = await openStunClient(SERVER, { transport: server.transport });
    const promise = rejection(client.bind());
    await turn();
    rig('process');
    server.ends[1].send(Uint8Array.of(1, 2, 3));
    expectInternal(await promise);
    server.ends[1].send(Uint8Array.of(1, 2, 3));
    await client.closed;
  });

  test('while a timer rings', async () => {
    const { transport } = memoryServer(silence);
    const retransmission = { rtoMs: 5, rc: 7, rm: 16 };
    const client = await openStunClient(SERVER, { transport, retransmission });
    const promise = rejection(client.bind());
    await turn();
    rig('process');
    expectInternal(await promise);
  });

  test('leaves no timer', async () => {
    jest.useFakeTimers({ doNotFake: ['queueMicrotask', 'nextTick', 'setImmediate'] });
    try {
      const engine = new Engine(/** @type {Uint8Array} */ (real.embeddedWasm()));
      const owner = recorder();
      engine.startBinding(engine.open(SETTINGS, owner));
      await turn();
      expect(jest.getTimerCount()).toBe(1);
      rig('open');
      expect(() => engine.open(SETTINGS, recorder())).toThrow(
        expect.objectContaining({ code: 'ERR_INTERNAL' }),
      );
      expect(jest.getTimerCount()).toBe(0);
      await turn();
      expect(owner.losses).toHaveLength(1);
      expect(engine.isDead).toBe(true);
    } finally {
      jest.useRealTimers();
    }
  });

  test('loses relays too, and what is sent on them later goes nowhere', async () => {
    const engine = new Engine(/** @type {Uint8Array} */ (real.embeddedWasm()));
    const owner = turnRecorder();
    const peer = { address: '192.0.2.1', port: 1 };
    const relay = engine.openTurn(TURN_SETTINGS, owner);
    const bytes = Uint8Array.of(1);
    engine.send(relay, bytes, peer, false);
    rig('process');
    await turn();
    expect(owner.losses).toHaveLength(1);
    expectInternal(owner.losses[0]);
    engine.send(relay, bytes, { address: '192.0.2.2', port: 1 }, false);
    engine.sendChannel(relay, bytes, 0x4000);
    engine.stream(relay, bytes);
    for (const call of [
      () => engine.permit(relay, peer),
      () => engine.permit(relay, { address: '192.0.2.3', port: 1 }),
      () => engine.allocate(relay),
      () => engine.openBinder(relay, 1, owner),
    ]) {
      expect(call).toThrow(expect.objectContaining({ code: 'ERR_INTERNAL' }));
    }
    engine.close(relay);
    await turn();
    expect(owner.told).toEqual([]);
  });

  test('each who is told gets an error of their own', async () => {
    const { transport } = memoryServer(silence);
    const promises = ['stun:198.51.100.1', 'stun:198.51.100.2'].map((uri) =>
      rejection(getMappedAddress(uri, { transport })),
    );
    await turn();
    rig('process');
    const { 0: one, 1: other } = await Promise.all([...promises, trigger(transport)]);
    expect(one).not.toBe(other);
    expect([one.url, other.url]).toEqual(['stun:198.51.100.1', 'stun:198.51.100.2']);
    expect(one.attempts).toHaveLength(1);
  });
});

/** Makes the engine call process(). @param {import('../../../js/stun-options.js').StunOptions['transport']} transport */
async function trigger(transport) {
  return rejection(getMappedAddress(SERVER, { transport }));
}

describe('a core that cannot be made', () => {
  test('fails the call with ERR_WASM_LOAD, and can be tried again', async () => {
    expect(() => new Engine(new Uint8Array(8))).toThrow(
      expect.objectContaining({ code: 'ERR_WASM_LOAD' }),
    );
    expect(new Engine(/** @type {Uint8Array} */ (real.embeddedWasm())).isDead).toBe(false);
  });
});

describe('memory', () => {
  const size = (/** @type {Core} */ core) => core.wasmMemory.buffer.byteLength;

  test('is at most 1 MiB when idle', async () => {
    const engine = new Engine(/** @type {Uint8Array} */ (real.embeddedWasm()));
    expect(engine.isDead).toBe(false);
    expect(size(/** @type {Core} */ (cores.at(-1)))).toBeLessThanOrEqual(1 << 20);
  });

  test('does not grow with the number of clients that come and go', async () => {
    const engine = new Engine(/** @type {Uint8Array} */ (real.embeddedWasm()));
    const core = /** @type {Core} */ (cores.at(-1));
    const settings = { ...SETTINGS, software: 'x'.repeat(127) };
    const round = async () => {
      const handles = Array.from({ length: 8 }, () => engine.open(settings, recorder()));
      for (const handle of handles) for (let i = 0; i < 4; i++) engine.startBinding(handle);
      await turn();
      for (const handle of handles) engine.close(handle);
    };
    for (let i = 0; i < 5; i++) await round();
    const before = size(core);
    for (let i = 0; i < 120; i++) await round();
    expect(size(core)).toBe(before);
  });

  test('of a thousand clients of the package, one after the other, stays as it was', async () => {
    const { transport } = memoryServer(yes);
    await getMappedAddress(SERVER, { transport });
    const count = cores.length;
    const core = /** @type {Core} */ (cores.at(-1));
    const before = size(core);
    for (let i = 0; i < 1000; i++) {
      const client = await openStunClient(SERVER, { transport });
      await client.bind();
      await client.close();
    }
    expect(size(core)).toBe(before);
    expect(cores).toHaveLength(count);
  });

  test('grows with the clients that are open, and the engine goes on', async () => {
    const engine = new Engine(/** @type {Uint8Array} */ (real.embeddedWasm()));
    const core = /** @type {Core} */ (cores.at(-1));
    const before = size(core);
    const first = recorder();
    const handle = engine.open(SETTINGS, first);
    const handles = Array.from({ length: 1000 }, () => engine.open(SETTINGS, recorder()));
    expect(size(core)).toBeGreaterThan(before);
    engine.startBinding(handle);
    await turn();
    expect(first.sent).toHaveLength(1);
    for (const one of [handle, ...handles]) engine.close(one);
  });

  test('holds no password once a client with short-term credentials is open', () => {
    const engine = new Engine(/** @type {Uint8Array} */ (real.embeddedWasm()));
    const password = new TextEncoder().encode('correct horse battery staple');
    const username = new TextEncoder().encode('u');
    const credentials = { mechanism: /** @type {const} */ ('short-term'), username, password };
    engine.close(engine.open({ ...SETTINGS, ...credentials }, recorder()));
    const tooLong = { ...credentials, username: new Uint8Array(600) };
    expect(() => engine.open({ ...SETTINGS, ...tooLong }, recorder())).toThrow(
      expect.objectContaining({ code: 'ERR_STUN_CREDENTIALS' }),
    );
    const memory = Buffer.from(/** @type {Core} */ (cores.at(-1)).wasmMemory.buffer);
    expect(memory.indexOf(password)).toBe(-1);
  });
});
