// The servers and peers that the tests of the TURN client stand on: that they start, answer and come back.
import { createHmac } from 'node:crypto';
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { decode, encode, prepareKey } from '../../js/codec/index.js';
import { getMappedAddress } from '../../js/index.js';
import { reservePorts } from '../support/local-server.js';
import { connectTcpPeer, startTcpEcho } from '../support/tcp-peers.js';
import { startUdpPeer } from '../support/udp-peers.js';
import { describeWithCoturn, startCoturn } from './coturn.js';
import { describeWithP1Stun, startP1Stun } from './p1-stun.js';
import { describeWithPion, startPion } from './pion.js';
import {
  exchangeTcp,
  exchangeUdp,
  fixtureCertificate,
  NAME,
  rejection,
  resolverOf,
  uriOf,
} from './support.js';

jest.setTimeout(60_000);

/** @type {(() => Promise<void>)[]} */
const cleanUps = [];
afterEach(async () => {
  for (const end of cleanUps.splice(0).reverse()) await end();
});

/** @template {{ stop(): Promise<void> }} T @param {Promise<T>} starting @returns {Promise<T>} */
async function stopped(starting) {
  const server = await starting;
  cleanUps.push(() => server.stop());
  return server;
}

/** @template {{ close(): Promise<void> }} T @param {Promise<T>} starting @returns {Promise<T>} */
async function closed(starting) {
  const peer = await starting;
  cleanUps.push(() => peer.close());
  return peer;
}

/** REQUESTED-TRANSPORT is a number of the IP protocols. */
const TCP = 6;
const UDP = 17;

/** What an Allocate without credentials is answered with. @param {string} host @param {number} port */
const allocate = async (host, port, attributes = {}) =>
  decode(
    await exchangeUdp(
      host,
      port,
      encode({
        class: 'request',
        method: 'Allocate',
        attributes: { requestedTransport: UDP, ...attributes },
      }),
    ),
  );

/**
 * What an Allocate is answered with, once challenged.
 *
 * @param {number} port
 * @param {string} username
 * @param {string} password
 */
async function allocateAs(port, username, password) {
  const socket = await closed(startUdpPeer({ answer: () => undefined }));
  const request = async (
    /** @type {Partial<import('../../js/codec/index.js').MessageInput>} */ more,
  ) => {
    const message = { class: 'request', method: 'Allocate', ...more };
    const to = { address: '127.0.0.1', port };
    await socket.send(encode(/** @type {any} */ (message)), to);
    return decode((await socket.next()).data);
  };
  const { realm, nonce } = (await request({ attributes: { requestedTransport: UDP } })).attributes;
  return request({
    attributes: { requestedTransport: UDP, username, realm, nonce },
    key: prepareKey({ username, password, realm }),
  });
}

/** What a web service would hand out. @param {string} secret @param {string} suffix */
function shortLived(secret, suffix) {
  const username = `${Math.floor(Date.now() / 1000) + 3600}${suffix}`;
  return { username, password: createHmac('sha1', secret).update(username).digest('base64') };
}

/**
 * @param {string} host
 * @param {import('../support/local-server.js').LocalServer} server
 */
async function expectBindings(host, server) {
  for (const transport of /** @type {const} */ (['udp', 'tcp'])) {
    expect(await getMappedAddress(uriOf(host, server.port), { transport })).toMatchObject({
      address: host,
    });
  }
  const options = { tls: { ca: fixtureCertificate.ca }, resolver: resolverOf(host) };
  expect(await getMappedAddress(uriOf(NAME, server.tlsPort, 'stuns'), options)).toMatchObject({
    address: host,
  });
}

const users = { alice: 'pass:word', bob: 'secret' };
const tls = fixtureCertificate.files;

for (const [describeWithServer, start] of /** @type {const} */ ([
  [describeWithCoturn, () => startCoturn({ users, tls, args: ['-f'] })],
  [describeWithPion, () => startPion({ users, tls })],
  [describeWithP1Stun, () => startP1Stun({ users, tls, relay6: '::1' })],
])) {
  describeWithServer('as a server for tests', () => {
    test('it answers over UDP, TCP and TLS, and asks who allocates', async () => {
      const server = await stopped(start());
      for (const host of ['127.0.0.1', '::1']) {
        await expectBindings(host, server);
        const { class: kind, attributes } = await allocate(host, server.port);
        expect(kind).toBe('error');
        expect(attributes).toMatchObject({ errorCode: { code: 401 }, realm: 'example.org' });
        expect(attributes.nonce).not.toHaveLength(0);
      }
    });

    test('it knows its users', async () => {
      const { port } = await stopped(start());
      const { class: kind, attributes } = await allocateAs(port, 'alice', users.alice);
      expect(kind).toBe('success');
      expect(attributes.xorRelayedAddress).toMatchObject({ address: '127.0.0.1' });
      expect((await allocateAs(port, 'alice', users.bob)).class).toBe('error');
      expect((await allocateAs(port, 'carol', users.alice)).class).toBe('error');
    });

    test('it comes back on the same ports, however it went', async () => {
      const server = await stopped(start());
      for (const signal of /** @type {const} */ (['SIGTERM', 'SIGKILL'])) {
        const { pid } = server;
        await server.halt(signal);
        expect(server.pid).toBeUndefined();
        const uri = uriOf('127.0.0.1', server.port);
        expect(await rejection(getMappedAddress(uri))).toMatchObject({
          code: 'ERR_TRANSPORT_CONNECT',
        });
        await server.resume();
        expect(server.pid).not.toBe(pid);
        await expectBindings('127.0.0.1', server);
      }
    });

    test('frozen, it keeps silent; thawed, it answers', async () => {
      const server = await stopped(start());
      server.freeze();
      let answered = false;
      const answer = allocate('127.0.0.1', server.port).then((message) => {
        answered = true;
        return message;
      });
      // The kernel takes the connection in its stead; by then the datagram has been delivered, too.
      await closed(connectTcpPeer({ address: '127.0.0.1', port: server.port }));
      expect(answered).toBe(false);
      server.thaw();
      expect((await answer).attributes.errorCode).toMatchObject({ code: 401 });
    });
  });
}

for (const [describeWithServer, start, suffix] of /** @type {const} */ ([
  [describeWithCoturn, () => startCoturn({ secret: 'north' }), ':alice'],
  [describeWithPion, () => startPion({ secret: 'north' }), ''],
])) {
  describeWithServer('short-lived credentials', () => {
    test('of its secret, and of another', async () => {
      const { port } = await stopped(start());
      for (const [secret, kind] of [
        ['north', 'success'],
        ['south', 'error'],
      ]) {
        const { username, password } = shortLived(secret, suffix);
        expect((await allocateAs(port, username, password)).class).toBe(kind);
      }
    });
  });
}

describeWithCoturn('with options', () => {
  test('it relays from addresses of both families', async () => {
    const { port } = await stopped(startCoturn());
    for (const [requestedAddressFamily, address] of [
      ['IPv4', '127.0.0.1'],
      ['IPv6', '::1'],
    ]) {
      const { attributes } = await allocate('127.0.0.1', port, { requestedAddressFamily });
      expect(attributes.xorRelayedAddress).toMatchObject({ address });
    }
  });

  test('several at once', async () => {
    const servers = await Promise.all([1, 2, 3].map(() => stopped(startCoturn({ users }))));
    expect(new Set(servers.map(({ port }) => port)).size).toBe(3);
    for (const { port } of servers) {
      expect((await allocate('::1', port)).attributes.errorCode).toMatchObject({ code: 401 });
    }
  });

  test('every option is one that it takes', async () => {
    const server = await stopped(
      startCoturn({
        secret: 'north',
        mobility: true,
        deniedPeers: ['10.0.0.1', '10.1.0.0-10.1.255.255'],
        relayPortCount: 2,
        staleNonceSeconds: 600,
        userQuota: 4,
        totalQuota: 8,
        maxAllocateLifetimeSeconds: 900,
        permissionLifetimeSeconds: 30,
        channelLifetimeSeconds: 60,
        tls,
        args: ['--no-software-attribute'],
      }),
    );
    expect(server.log()).not.toMatch(/unrecognized option|unknown/i);
    expect((await allocate('127.0.0.1', server.port)).attributes.errorCode).toMatchObject({
      code: 401,
    });
  });

  test('without relays of a kind: 442', async () => {
    const noUdp = await stopped(startCoturn({ udpRelay: false }));
    expect((await allocate('127.0.0.1', noUdp.port)).attributes.errorCode).toMatchObject({
      code: 442,
    });
    const request = /** @type {const} */ ({
      class: 'request',
      method: 'Allocate',
      attributes: { requestedTransport: TCP },
    });
    const overTcp = (/** @type {number} */ port) => exchangeTcp('127.0.0.1', port, encode(request));
    expect((await overTcp(noUdp.port)).class).toBe('success');
    const noTcp = await stopped(startCoturn({ tcpRelay: false }));
    expect((await overTcp(noTcp.port)).attributes.errorCode).toMatchObject({ code: 442 });
  });

  test('with few ports to relay from: 508', async () => {
    const server = await stopped(startCoturn({ relayPortCount: 2, hosts: ['127.0.0.1'] }));
    const ports = [];
    for (let i = 0; i < 2; i++) {
      const { attributes } = await allocate('127.0.0.1', server.port);
      ports.push(attributes.xorRelayedAddress?.port);
    }
    expect(ports.sort()).toEqual(server.relayPorts.slice(0, 2));
    expect((await allocate('127.0.0.1', server.port)).attributes.errorCode).toMatchObject({
      code: 508,
    });
  });

  test('with a quota for all: 486', async () => {
    const server = await stopped(startCoturn({ totalQuota: 1 }));
    expect((await allocate('127.0.0.1', server.port)).class).toBe('success');
    expect((await allocate('127.0.0.1', server.port)).attributes.errorCode).toMatchObject({
      code: 486,
    });
  });

  test('two that point at each other', async () => {
    const hosts = ['127.0.0.1'];
    const [one, other] = [await reservePorts(hosts), await reservePorts(hosts)];
    for (const [ports, target] of [
      [one, other],
      [other, one],
    ]) {
      const alternateServers = [`127.0.0.1:${target.port}`];
      const tlsAlternateServers = [`127.0.0.1:${target.tlsPort}`];
      const options = { hosts, ports, users, tls, alternateServers, tlsAlternateServers };
      const server = await stopped(startCoturn(options));
      expect((await allocate('127.0.0.1', server.port)).attributes).toMatchObject({
        errorCode: { code: 300 },
        alternateServer: { address: '127.0.0.1', port: target.port },
      });
    }
  });

  test('with OAuth, it names its authorization server', async () => {
    const server = await stopped(
      startCoturn({
        oauth: {
          serverName: 'turn.example.org',
          keys: [{ kid: "the king's key", key: Buffer.alloc(32, 7), algorithm: 'A256GCM' }],
        },
      }),
    );
    expect((await allocate('127.0.0.1', server.port)).attributes).toMatchObject({
      errorCode: { code: 401 },
      thirdPartyAuthorization: 'turn.example.org',
    });
  });

  test('one that cannot start says why', async () => {
    const error = await rejection(startCoturn({ args: ['--no-such-option'] }));
    expect(error.message).toContain('it has ended');
    expect(error.message).toContain('no-such-option');
  });

  test('a port that is taken is an error where it was asked for', async () => {
    const ports = await reservePorts(['127.0.0.1']);
    const holder = await closed(startTcpEcho({ port: ports.port }));
    const error = await rejection(startCoturn({ ports, hosts: ['127.0.0.1'] }));
    expect(error.message).toContain('a port is taken');
    await holder.close();
  });
});

describe('peers', () => {
  for (const host of ['127.0.0.1', '::1']) {
    test(`UDP at ${host}: echo, and words of its own`, async () => {
      const echo = await closed(startUdpPeer({ host }));
      const silent = await closed(startUdpPeer({ host, answer: () => undefined }));
      await silent.send(Buffer.from('hello'), echo);
      const { data, source } = await silent.next();
      expect(String(data)).toBe('hello');
      expect(source.port).toBe(echo.port);
      expect(echo).toMatchObject({ datagrams: 1, bytes: 5 });
      expect(echo.lastSource).toMatchObject({ address: host, port: silent.port });
      await silent.close();
      await silent.close();
    });

    test(`TCP at ${host}: echo, its end, and a reset`, async () => {
      const echo = await closed(startTcpEcho({ host }));
      const peer = await closed(connectTcpPeer(echo));
      await peer.write(Buffer.from('over TCP'));
      expect(String(await peer.read(4))).toBe('over');
      expect(String(await peer.read(4))).toBe(' TCP');
      expect(echo).toMatchObject({ accepted: 1, open: 1, bytes: 8 });
      expect(echo.sources).toEqual([{ address: host, port: peer.port }]);
      peer.end();
      await peer.ended;
      await expect(peer.read(1)).rejects.toThrow('ended after 0 of 1 bytes');

      const cut = await closed(connectTcpPeer(echo));
      await cut.write(Buffer.from('x'));
      await cut.read(1);
      echo.resetConnections();
      await cut.ended;
      await echo.close();
      await echo.close();
      await expect(connectTcpPeer(echo)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    });
  }
});
