// A call that is given up: it rejects with the signal's reason, and leaves nothing open.
import { afterEach, describe, expect, test } from '@jest/globals';
import { getMappedAddress, openStunClient } from '../../../js/index.js';
import { cleanUp, tcpServer } from '../transports/helpers.js';
import {
  gate,
  memoryServer,
  ownSockets,
  rejection,
  SERVER,
  scriptedTcpServer,
  scriptedUdpServer,
  success,
  turn,
  uriOf,
} from './support.js';

afterEach(async () => {
  await cleanUp();
  expect(await ownSockets()).toEqual([]);
});

const why = { the: 'reason, which need not be an Error' };

test('aborted before: nothing is sent, nothing is opened', async () => {
  const { transport, targets } = memoryServer((request) => success(request));
  for (const call of [getMappedAddress, openStunClient]) {
    expect(await rejection(call(SERVER, { transport, signal: AbortSignal.abort(why) }))).toBe(why);
  }
  expect(targets).toEqual([]);
});

test('a wrong argument is reported even then', async () => {
  const signal = AbortSignal.abort(why);
  expect(await rejection(getMappedAddress('nonsense', { signal }))).toMatchObject({
    code: 'ERR_INVALID_URI',
  });
});

test('while the name is looked up', async () => {
  const controller = new AbortController();
  const { opened, open } = gate();
  const never = new Promise(() => {});
  const lookup = () => {
    open();
    return never;
  };
  const resolver = { lookup, resolveSrv: () => never };
  const promise = rejection(
    getMappedAddress('stun:stun.example.org:3478', { resolver, signal: controller.signal }),
  );
  await opened;
  controller.abort(why);
  expect(await promise).toBe(why);
});

test.each([getMappedAddress, openStunClient])(
  'while a transport opens that does not look at the signal: %p',
  async (call) => {
    const controller = new AbortController();
    const { opened, open } = gate();
    const transport = () => {
      open();
      return new Promise(() => {});
    };
    const promise = rejection(call(SERVER, { transport, signal: controller.signal }));
    await opened;
    controller.abort(why);
    expect(await promise).toBe(why);
  },
);

test('while the TLS handshake waits', async () => {
  const controller = new AbortController();
  const { opened, open } = gate();
  const { target } = await tcpServer((socket) => void socket.once('data', open));
  const tls = { servername: 'stun.example.org' };
  const promise = rejection(
    getMappedAddress(uriOf(target, 'stuns'), { tls, signal: controller.signal }),
  );
  await opened;
  controller.abort(why);
  expect(await promise).toBe(why);
});

describe.each([
  ['udp', scriptedUdpServer],
  ['tcp', scriptedTcpServer],
])('while the answer is awaited over %s', (transport, start) => {
  test('the reason is handed on as it is, and the socket is closed at once', async () => {
    const controller = new AbortController();
    const { opened, open } = gate();
    const server = await start(() => void open());
    const options = { transport: /** @type {'udp'} */ (transport), signal: controller.signal };
    const promise = rejection(getMappedAddress(server.uri, options));
    await opened;
    const before = (await ownSockets()).length;
    controller.abort(why);
    expect(await promise).toBe(why);
    // Gone with the call: the server's ends are all that is left. Over TCP, its side of the connection too.
    expect((await ownSockets()).length).toBeLessThan(before);
    await cleanUp();
    expect(await ownSockets()).toEqual([]);
  });
});

test('a reason of undefined becomes what the platform makes of it', async () => {
  const controller = new AbortController();
  const { transport } = memoryServer(() => void controller.abort());
  const error = await rejection(getMappedAddress(SERVER, { transport, signal: controller.signal }));
  expect(error.name).toBe('AbortError');
  expect(error).toBe(controller.signal.reason);
});

test('an answer that comes with the abort is too late', async () => {
  const controller = new AbortController();
  const { transport } = memoryServer((request) => {
    controller.abort(why);
    return success(request);
  });
  expect(await rejection(getMappedAddress(SERVER, { transport, signal: controller.signal }))).toBe(
    why,
  );
});

test('an abort after the end changes nothing', async () => {
  const controller = new AbortController();
  const { transport } = memoryServer((request) => success(request));
  const result = await getMappedAddress(SERVER, { transport, signal: controller.signal });
  controller.abort(why);
  expect(result.address).toBe('203.0.113.7');
});

test('no other server is asked', async () => {
  const controller = new AbortController();
  const server = memoryServer(() => void controller.abort(why));
  const servers = ['stun:198.51.100.1', 'stun:198.51.100.2'];
  const options = { transport: server.transport, signal: controller.signal };
  expect(await rejection(getMappedAddress(servers, options))).toBe(why);
  expect(server.targets.map(({ address }) => address)).toEqual(['198.51.100.1']);
});

test('a signal that many calls share keeps none of them', async () => {
  const { signal } = new AbortController();
  const { transport } = memoryServer((request) => success(request));
  let listeners = 0;
  const { addEventListener, removeEventListener } = signal;
  signal.addEventListener = (/** @type {any[]} */ ...args) => {
    listeners++;
    Reflect.apply(addEventListener, signal, args);
  };
  signal.removeEventListener = (/** @type {any[]} */ ...args) => {
    listeners--;
    Reflect.apply(removeEventListener, signal, args);
  };
  const client = await openStunClient(SERVER, { transport, signal });
  for (let i = 0; i < 10; i++) await client.bind({ signal });
  await client.close();
  expect(listeners).toBe(0);
});

test('openStunClient: what opens after the abort is closed', async () => {
  const controller = new AbortController();
  const { opened, open } = gate();
  const server = memoryServer(() => undefined);
  const transport = async (/** @type {any} */ target) => {
    await opened;
    return server.transport(target, {});
  };
  const promise = rejection(openStunClient(SERVER, { transport, signal: controller.signal }));
  await turn();
  controller.abort(why);
  expect(await promise).toBe(why);
  open();
  await turn();
  expect(server.ends[0].send(Uint8Array.of(1))).toBe(false);
});
