// Attacks on the gateway itself, each from loopback and bounded: what it must not do, and that others are served meanwhile.
import { connect } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import { encode } from '../../../js/codec/index.js';
import {
  channelData,
  cleanUp,
  closedWith,
  dialGateway,
  NAME,
  ORIGIN,
  onCleanUp,
  openClient,
  refusedStatus,
  startGateway,
  tcpUpstream,
  ticketFor,
  udpUpstream,
} from './support.js';

afterEach(cleanUp);

const binding = () => encode({ class: 'request', method: 'Binding' });
const OTHER = { localAddress: '127.0.0.9' };
const MIB = 1024 * 1024;

/** What the tests measured, for who reads their output. @param {string} text */
const tell = (text) => void process.stdout.write(`${text}\n`);

/** @param {string} url */
async function isServed(url) {
  const client = await openClient(url, { ...OTHER, ticket: ticketFor() });
  const { class: kind } = await client.ask(binding());
  client.socket.terminate();
  return kind === 'success';
}

/** Memory that the process holds, with garbage gone where that can be asked for. */
function residentBytes() {
  globalThis.gc?.();
  return process.memoryUsage.rss();
}

describe('SSRF: no form of an address leads a client to where it must not go', () => {
  const hidden = [
    ['this machine', '127.0.0.1'],
    ['this machine, otherwise', '127.255.255.254'],
    ['this network', '0.0.0.0'],
    ['a private network', '10.0.0.1'],
    ['another private network', '172.16.0.1'],
    ['the network at home', '192.168.0.1'],
    ['the shared address space', '100.64.0.1'],
    ['link-local', '169.254.1.1'],
    ['the metadata of a cloud', '169.254.169.254'],
    ['multicast', '224.0.0.1'],
    ['broadcast', '255.255.255.255'],
    ['benchmarking', '198.18.0.1'],
    ['documentation', '203.0.113.1'],
    ['IPv6 loopback', '::1'],
    ['IPv6 unspecified', '::'],
    ['unique local', 'fd00::1'],
    ['the metadata of a cloud, over IPv6', 'fd00:ec2::254'],
    ['IPv6 link-local', 'fe80::1'],
    ['IPv6 site-local', 'fec0::1'],
    ['IPv6 multicast', 'ff02::1'],
    ['IPv4-mapped', '::ffff:127.0.0.1'],
    ['IPv4-mapped, public', '::ffff:8.8.8.8'],
    ['IPv4-compatible', '::127.0.0.1'],
    ['IPv4-translated', '::ffff:0:127.0.0.1'],
    ['NAT64', '64:ff9b::127.0.0.1'],
    ['NAT64 to the metadata of a cloud', '64:ff9b::169.254.169.254'],
    ['local NAT64', '64:ff9b:1::127.0.0.1'],
    ['6to4', '2002:7f00:1::1'],
    ['Teredo, its server', '2001:0:7f00:1:0:63bf:f7f7:f7f7'],
    ['Teredo, its client', '2001:0:808:808:0:63bf:80ff:fffe'],
    ['ISATAP', '2a00:1:2:3:0:5efe:127.0.0.1'],
    ['ISATAP, globally unique', '2a00:1:2:3:200:5efe:169.254.169.254'],
    ['ISATAP within 6to4', '2002:808:808:1:0:5efe:127.0.0.1'],
  ];
  const at = (/** @type {string} */ address, port = 80) => ({ address, port });
  /** @type {[string, (address: string) => Uint8Array][]} */
  const ways = [
    [
      'CreatePermission',
      (address) =>
        encode({
          class: 'request',
          method: 'CreatePermission',
          attributes: { xorPeerAddress: at(address) },
        }),
    ],
    [
      'ChannelBind',
      (address) =>
        encode({
          class: 'request',
          method: 'ChannelBind',
          attributes: { channelNumber: 0x4000, xorPeerAddress: at(address) },
        }),
    ],
    [
      'Send',
      (address) =>
        encode({
          class: 'indication',
          method: 'Send',
          attributes: { xorPeerAddress: at(address), data: Uint8Array.of(1) },
        }),
    ],
    [
      'the second peer of a CreatePermission',
      (address) =>
        encode({
          class: 'request',
          method: 'CreatePermission',
          attributes: { xorPeerAddress: [at('8.8.8.8'), at(address)] },
        }),
    ],
    [
      'the second peer of a Send indication',
      (address) =>
        encode({
          class: 'indication',
          method: 'Send',
          attributes: { xorPeerAddress: [at('8.8.8.8'), at(address)], data: Uint8Array.of(1) },
        }),
    ],
  ];

  test.each(ways)('%s', async (_, messageTo) => {
    const server = await udpUpstream();
    const limits = { connectsPerMinutePerIp: 1000 };
    const { url, gateway } = await startGateway({ upstream: server.upstream, policy: {}, limits });
    for (const [name, address] of hidden) {
      const client = await openClient(url);
      await client.allocate();
      const before = server.received.length;
      client.send(messageTo(address));
      expect([name, await client.closed]).toEqual([name, { code: 4403, reason: 'peer' }]);
      expect(server.received).toHaveLength(before);
    }
    const denied = Object.values(gateway.stats().denied).reduce((sum, count) => sum + count, 0);
    expect(denied).toBe(hidden.length);
  });

  test('a peer behind the integrity counts, too', async () => {
    const server = await udpUpstream();
    const { url } = await startGateway({ upstream: server.upstream, policy: {} });
    const client = await openClient(url);
    await client.allocate();
    const attributes = [0x0008, 20].flatMap((word) => [word >> 8, word & 255]);
    const good = encode({
      class: 'request',
      method: 'CreatePermission',
      attributes: { xorPeerAddress: at('8.8.8.8') },
    });
    const bad = encode({
      class: 'request',
      method: 'CreatePermission',
      transactionId: good.subarray(8, 20),
      attributes: { xorPeerAddress: at('127.0.0.1') },
    });
    const message = Buffer.concat([
      good,
      Buffer.from(attributes),
      Buffer.alloc(20),
      bad.subarray(20),
    ]);
    message.writeUInt16BE(message.length - 20, 2);
    client.send(message);
    expect(await client.closed).toEqual({ code: 4403, reason: 'peer' });
    expect(server.received).toHaveLength(1);
  });

  test('no client names a server: not in the path, the query or a header', async () => {
    const { port, received } = await udpUpstream();
    const { gateway, url } = await startGateway({ tickets: false });
    for (const path of [
      `127.0.0.1:${port}`,
      `turn:127.0.0.1:${port}`,
      `127.0.0.1%3A${port}`,
      `${NAME}/../127.0.0.1:${port}`,
    ]) {
      const { code } = await closedWith(`${gateway.url}${path}`, { ticket: null });
      expect(code).toBe(4403);
    }
    const asked = `${url}?upstream=127.0.0.1:${port}&host=127.0.0.1&port=${port}`;
    const headers = { Host: `127.0.0.1:${port}`, 'X-Forwarded-Host': `127.0.0.1:${port}` };
    expect((await closedWith(asked, { ticket: null, headers })).code).toBe(4502);
    expect(received).toHaveLength(0);
  });
});

describe('who may not come in', () => {
  test.each([
    ['forged', 'https://evil.example'],
    ['of a page without one', 'null'],
    ['that only begins like it', `${ORIGIN}.evil.example`],
  ])('an origin %s', async (_, origin) => {
    const { upstream } = await udpUpstream();
    const { url } = await startGateway({ upstream });
    expect(await refusedStatus(url, { origin })).toBe(403);
    expect(await isServed(url)).toBe(true);
  });

  test('an origin that is missing, with the ticket of a page', async () => {
    const { upstream } = await udpUpstream();
    const { url } = await startGateway({ upstream });
    expect(await refusedStatus(url, { origin: null })).toBe(401);
  });

  test.each(
    /** @type {[string, (ticket: string) => string, string][]} */ ([
      ['used before', (ticket) => ticket, 'ticket-used'],
      ['cut', (ticket) => ticket.slice(0, -3), 'ticket-invalid'],
      ['changed', (ticket) => ticket.replace(/^ticket\.W/, 'ticket.X'), 'ticket-invalid'],
    ]),
  )('a ticket that was %s', async (_, change, reason) => {
    const { upstream } = await udpUpstream();
    const { url } = await startGateway({ upstream });
    const ticket = ticketFor();
    await openClient(url, { ticket });
    expect(await closedWith(url, { ticket: change(ticket) })).toEqual({ code: 4401, reason });
  });

  test('a ticket that ran out', async () => {
    const { upstream } = await udpUpstream();
    const { url } = await startGateway({ upstream });
    const ticket = ticketFor({ nowMs: Date.now() - 30_001 });
    expect(await closedWith(url, { ticket })).toEqual({ code: 4401, reason: 'ticket-expired' });
  });

  test('10,000 guesses of a ticket open nothing', async () => {
    const { upstream } = await udpUpstream();
    const { url, gateway } = await startGateway({ upstream });
    const { readTicket } = await import('../../../js/gateway/tickets.js');
    const payload = ticketFor().split('.')[1];
    let opened = 0;
    for (let i = 0; i < 10_000; i++) {
      const guess = Buffer.alloc(32, i).toString('base64url');
      if (readTicket(`ticket.${payload}.${guess}`, [Buffer.from('x'.repeat(16))])) opened++;
    }
    expect(opened).toBe(0);
    // Over the network it is the attempts that are counted.
    for (let i = 0; i < 70; i++) await closedWith(url, { ticket: 'ticket.a.b' });
    expect(gateway.stats()).toMatchObject({
      opened: 0,
      refused: { 'ticket-invalid': 30, rate: 40 },
    });
    expect(await isServed(url)).toBe(true);
  });
});

test('a flood of upgrades from one address gets its few, and others are served', async () => {
  const { upstream } = await udpUpstream();
  const { url, gateway } = await startGateway({ upstream });
  const outcomes = await Promise.all(
    Array.from({ length: 500 }, async () => {
      const client = dialGateway(url);
      const isOpen = await client.opened.then(
        () => true,
        () => false,
      );
      if (!isOpen) return 'refused';
      client.send(binding());
      return Promise.race([
        client.next().then(() => 'in'),
        client.closed.then(({ code }) => String(code)),
      ]);
    }),
  );
  const inside = outcomes.filter((outcome) => outcome === 'in').length;
  tell(`flood of upgrades: of 500 at once ${inside} are in`);
  expect(inside).toBeGreaterThan(0);
  expect(inside).toBeLessThanOrEqual(8);
  expect(gateway.stats().connections).toBe(inside);
  expect(await isServed(url)).toBe(true);
});

describe('what a client sends', () => {
  /** A WebSocket by hand, past its handshake. @param {string} url @param {{ localAddress?: string }} [options] */
  async function rawWebSocket(url, { localAddress } = {}) {
    const { port, pathname } = new URL(url);
    const socket = connect({ host: '127.0.0.1', port: Number(port), localAddress });
    onCleanUp(() => socket.destroy());
    socket.on('error', () => {});
    const head = [
      `GET ${pathname} HTTP/1.1`,
      'Host: 127.0.0.1',
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
      `Sec-WebSocket-Protocol: turn, ${ticketFor()}`,
      `Origin: ${ORIGIN}`,
    ];
    socket.write(`${head.join('\r\n')}\r\n\r\n`);
    await new Promise((resolve) => socket.once('data', resolve));
    /** @type {Promise<number | undefined>} the code of the close frame, if one came */
    const closed = new Promise((resolve) => {
      /** @type {number | undefined} */
      let code;
      socket.on('data', (bytes) => {
        if (bytes[0] === 0x88) code = bytes.readUInt16BE(2);
      });
      socket.on('close', () => resolve(code));
    });
    return { socket, closed };
  }

  /** @param {number} first @param {bigint} length */
  function announcing(first, length) {
    const head = Buffer.alloc(14);
    head[0] = first;
    head[1] = 0x80 | 127;
    head.writeBigUInt64BE(length, 2);
    return head;
  }

  test.each([
    ['1 GiB', 1n << 30n],
    ['more than there is memory', 1n << 52n],
  ])('a message of %s, announced: nothing is held for it', async (_, length) => {
    const { upstream } = await udpUpstream();
    const { url, log } = await startGateway({ upstream });
    const { socket, closed } = await rawWebSocket(url);
    const before = residentBytes();
    socket.write(announcing(0x82, length));
    socket.write(Buffer.alloc(MIB));
    expect([1009, undefined]).toContain(await closed);
    expect(await log.when('end')).toMatchObject({ reason: 'too-long' });
    expect(residentBytes() - before).toBeLessThan(64 * MIB);
    expect(await isServed(url)).toBe(true);
  });

  test('a message of text', async () => {
    const { upstream } = await udpUpstream();
    const { url } = await startGateway({ upstream });
    const client = await openClient(url);
    client.send('{"type":"hello"}');
    expect(await client.closed).toEqual({ code: 1003, reason: 'text' });
  });

  test('a message in 1,000 pieces', async () => {
    const { upstream } = await udpUpstream();
    const { url, log } = await startGateway({ upstream });
    const { socket, closed } = await rawWebSocket(url);
    const piece = (/** @type {number} */ first) => Uint8Array.of(first, 0x81, 0, 0, 0, 0, 1);
    socket.write(piece(0x02));
    socket.write(Buffer.concat(Array.from({ length: 1000 }, () => piece(0x00))));
    expect([1008, undefined]).toContain(await closed);
    expect(await log.when('end')).toMatchObject({ reason: 'fragments' });
  });

  test('frames without a mask, and of kinds that do not exist', async () => {
    const { upstream } = await udpUpstream();
    const { url, gateway, log } = await startGateway({ upstream });
    for (const frame of [
      Uint8Array.of(0x82, 0),
      Uint8Array.of(0x83, 0x80, 0, 0, 0, 0),
      Uint8Array.of(0xf2, 0x80, 0, 0, 0, 0),
    ]) {
      const { socket, closed } = await rawWebSocket(url);
      socket.write(frame);
      expect([1002, undefined]).toContain(await closed);
    }
    await log.when('end', 2);
    expect(gateway.stats().ended.protocol).toBe(3);
  });

  test('pings without end are answered no faster than they are read', async () => {
    const { upstream } = await udpUpstream();
    const { url } = await startGateway({ upstream });
    const { socket, closed } = await rawWebSocket(url);
    const before = residentBytes();
    // It takes no answers.
    socket.pause();
    const ping = Buffer.concat(
      Array.from({ length: 10_000 }, () => Uint8Array.of(0x89, 0x80, 0, 0, 0, 0)),
    );
    for (let i = 0; i < 10; i++) socket.write(ping);
    expect(await isServed(url)).toBe(true);
    expect(residentBytes() - before).toBeLessThan(64 * MIB);
    socket.destroy();
    await closed;
  });

  test('a flood from one client is held back, and others are served meanwhile', async () => {
    const server = await tcpUpstream((bytes) =>
      bytes[0] < 4 && bytes.length < 100 ? success(bytes) : undefined,
    );
    const limits = { bytesPerSecond: 10_000 };
    const { url, gateway } = await startGateway({ upstream: server.upstream, limits });
    const flood = await openClient(url);
    await flood.allocate();
    const before = residentBytes();
    const message = channelData(0x4000, Buffer.alloc(1200));
    for (let i = 0; i < 50_000; i++) flood.send(message);
    for (let i = 0; i < 20; i++) {
      const other = await openClient(url, {
        localAddress: `127.0.0.${10 + i}`,
        ticket: ticketFor(),
      });
      expect((await other.ask(binding())).class).toBe('success');
    }
    const { bytesIn } = gateway.stats();
    const waiting = flood.socket.bufferedAmount;
    tell(
      `flood: ${bytesIn} bytes of ${50_000 * message.length} were read while 20 others were served`,
    );
    expect(bytesIn).toBeLessThan(20 * MIB);
    expect(bytesIn + waiting).toBeGreaterThan(0);
    expect(residentBytes() - before - waiting).toBeLessThan(128 * MIB);
  });
});

/** @param {Buffer} bytes */
function success(bytes) {
  return encode({
    class: 'success',
    method: bytes[1] === 3 ? 'Allocate' : 'Binding',
    transactionId: bytes.subarray(8, 20),
    attributes: { lifetime: 600 },
  });
}
