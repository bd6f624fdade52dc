// What coturn refuses, and what it forgets: quotas, ports, kinds of relays, 5-tuples.
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { allocate } from '../../js/index.js';
import { openUdp } from '../../js/transports/udp.js';
import { openBridge } from '../support/websocket-bridge.js';
import { describeWithCoturn, startCoturn } from './coturn.js';
import { fixtureCertificate, rejection } from './support.js';
import { Belongings, openSockets, options, relayUrl, until, users } from './turn-support.js';

jest.setTimeout(60_000);

const HOST = '127.0.0.1';

describeWithCoturn('refusals', () => {
  const belongings = new Belongings();
  afterEach(() => belongings.release());
  const start = (/** @type {Parameters<typeof startCoturn>[0]} */ more) =>
    belongings.hold(startCoturn({ hosts: [HOST], users, ...more }));
  /** @param {import('./coturn.js').Coturn} server @param {import('../../js/index.js').AllocateOptions} [more] */
  const relayAt = (server, more) =>
    belongings.hold(allocate(relayUrl(HOST, server, 'udp'), { ...options, ...more }));

  /** @param {Promise<unknown>} asking @param {number} errorCode */
  async function expectRefusal(asking, errorCode) {
    const error = await rejection(asking);
    expect(error).toMatchObject({ code: 'ERR_STUN_RESPONSE', errorCode, phase: 'allocate' });
    expect(error.reason).toMatch(/^\w[^\0]*$/);
    expect(error.hint).toMatch(/\w/);
    return error;
  }

  test('a quota of one: 486, and close() makes room', async () => {
    const names = { udp: 'u', tcp: 't', tls: 's', ws: 'w' };
    const server = await start({
      userQuota: 1,
      users: Object.fromEntries(Object.values(names).map((name) => [name, 'secret'])),
      tls: fixtureCertificate.files,
    });
    const upstream = { address: HOST, port: server.port };
    const bridge = await belongings.hold(openBridge({ upstream }));
    const run = async (/** @type {import('./turn-support.js').TransportName} */ transport) => {
      const url = transport === 'ws' ? bridge.url : relayUrl(HOST, server, transport);
      const credentials = { username: names[transport], password: 'secret' };
      const open = () => belongings.hold(allocate(url, { ...options, credentials }));
      const relay = await open();
      await expectRefusal(open(), 486);
      await relay.close();
      await allocatedBefore(open, 486);
    };
    await Promise.all([run('udp'), run('tcp'), run('tls'), run('ws')]);
  });

  test('nothing is left at the server of what was given up', async () => {
    const attempts = 40;
    const server = await start({ userQuota: attempts });
    const url = relayUrl(HOST, server, 'udp');
    for (let turns = 0; turns < attempts; turns += 1) {
      const controller = new AbortController();
      const allocating = allocate(url, { ...options, signal: controller.signal });
      const settled = allocating.then(
        (relay) => relay.close(),
        () => {},
      );
      for (let i = 0; i < turns; i += 1) await new Promise(setImmediate);
      controller.abort();
      await settled;
    }
    await until(() => openSockets() === 0);
    for (let i = 0; i < attempts; i += 1) await allocatedBefore(() => relayAt(server), 486);
    await expectRefusal(relayAt(server), 486);
  });

  test('all ports in use: 508', async () => {
    const server = await start({ relayPortCount: 2 });
    await relayAt(server);
    const relay = await relayAt(server);
    await expectRefusal(relayAt(server), 508);
    await relay.close();
    await allocatedBefore(() => relayAt(server), 508);
  });

  test('a kind of relay that is turned off: 442', async () => {
    await expectRefusal(relayAt(await start({ udpRelay: false })), 442);
    const server = await start({ tcpRelay: false });
    const url = relayUrl(HOST, server, 'tcp');
    await expectRefusal(allocate(url, { ...options, relayTransport: 'tcp' }), 442);
  });

  describe('a 5-tuple that the server still knows: 437', () => {
    test('from a port that is given: said', async () => {
      const server = await start({});
      const { leave, port } = await allocateAndLeave(server);
      await leave();
      await expectRefusal(relayAt(server, { localPort: port }), 437);
    });

    test('from any other: another 5-tuple is taken', async () => {
      const server = await start({});
      const { leave, port } = await allocateAndLeave(server);
      await leave();
      let opened = 0;
      const relay = await relayAt(server, {
        transport: (target, where) => {
          opened += 1;
          return openUdp(target, { ...where, localPort: opened === 1 ? port : undefined });
        },
      });
      expect(opened).toBe(2);
      expect(relay.localAddress.port).not.toBe(port);
      expect(relay.attempts).toMatchObject([{ code: 'ERR_STUN_RESPONSE', errorCode: 437 }]);
    });
  });
});

/** Far less than an allocation lives by itself, which is 10 minutes. */
const LONG_MS = 20_000;
const AGAIN_MS = 100;

/**
 * coturn forgets an allocation up to a second after it was given back.
 *
 * @param {() => Promise<unknown>} open
 * @param {number} errorCode of what it says meanwhile
 */
async function allocatedBefore(open, errorCode) {
  const end = performance.now() + LONG_MS;
  for (;;) {
    try {
      return await open();
    } catch (error) {
      const { errorCode: code } = /** @type {{ errorCode?: number }} */ (error);
      if (code !== errorCode || performance.now() > end) throw error;
      await wait(AGAIN_MS);
    }
  }
}

/**
 * An allocation whose client goes without a word, as a process that died.
 *
 * @param {import('./coturn.js').Coturn} server
 */
async function allocateAndLeave(server) {
  /** @type {import('../../js/transports/transport.js').Transport | undefined} */
  let transport;
  const relay = await allocate(relayUrl(HOST, server, 'udp'), {
    ...options,
    transport: async (target, where) => {
      transport = await openUdp(target, where);
      return transport;
    },
  });
  return {
    port: relay.localAddress.port,
    leave: async () => {
      transport?.close();
      await relay.closed;
    },
  };
}
