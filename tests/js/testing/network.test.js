// The simulated network: chance, the log, hosts and sockets.
import { describe, expect, test } from '@jest/globals';
import { REASONS } from '../../../js/testing/packet-log.js';
import { behindNat, bytesOf, inboxOf, network } from './support.js';

/** Two hosts, and many packets from the one to the other. @param {import('./support.js').NetworkOptions} options @param {number} count */
async function flow(options, count, everyMs = 1) {
  const world = network(options);
  const [from, to] = [world.addHost({ name: 'from' }), world.addHost({ name: 'to' })];
  const [sender, receiver] = [from.openUdp(), to.openUdp()];
  /** @type {number[]} */
  const arrived = [];
  receiver.onmessage = (bytes) => void arrived.push(new DataView(bytes.buffer).getUint32(0));
  for (let i = 0; i < count; i += 1) {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setUint32(0, i);
    sender.send(bytes, receiver.localAddress);
    await world.advance(everyMs);
  }
  await world.run();
  return { world, arrived };
}

describe('conditions', () => {
  test('without any, everything arrives once, in order, after the latency', async () => {
    const { world, arrived } = await flow({ latencyMs: 25 }, 100);
    expect(arrived).toEqual(Array.from({ length: 100 }, (_, i) => i));
    for (const { sentAt, endedAt } of world.packets) expect(Number(endedAt) - sentAt).toBe(25);
  });

  test('loss, duplication and reordering are as often as was asked for, within three sigma', async () => {
    const count = 4000;
    const sigma = (/** @type {number} */ share) => Math.sqrt(share * (1 - share) * count);
    const { world, arrived } = await flow(
      { seed: 7, loss: 0.2, duplication: 0.1, reordering: 0.05, heldBackMs: 30 },
      count,
    );
    const { sent, duplicated, delivered, dropped } = world.stats();
    expect(sent).toBe(count);
    expect(Math.abs(duplicated - count * 0.1)).toBeLessThan(3 * sigma(0.1));
    expect(Math.abs(dropped.loss - (count + duplicated) * 0.2)).toBeLessThan(3.3 * sigma(0.2));
    expect(delivered).toBe(count + duplicated - dropped.loss);
    expect(arrived).toHaveLength(delivered);
    const heldBack = world.packets.filter(
      ({ sentAt, endedAt = 0, outcome }) => outcome === 'delivered' && endedAt - sentAt > 30,
    ).length;
    expect(Math.abs(heldBack - delivered * 0.05)).toBeLessThan(3 * sigma(0.05));
    const late = arrived.filter((number, i) => arrived.slice(0, i).some((one) => one > number));
    expect(late.length).toBeGreaterThanOrEqual(heldBack * 0.9);
  });

  test('jitter lets packets overtake each other, within its bounds', async () => {
    const { world, arrived } = await flow({ latencyMs: 10, jitterMs: 40 }, 300);
    const delays = world.packets.map(({ sentAt, endedAt }) => Number(endedAt) - sentAt);
    expect(Math.min(...delays)).toBeGreaterThanOrEqual(10);
    expect(Math.max(...delays)).toBeLessThan(50);
    expect(Math.max(...delays)).toBeGreaterThan(45);
    expect(arrived).not.toEqual([...arrived].sort((a, b) => a - b));
  });

  test('may change meanwhile', async () => {
    const world = network({ latencyMs: 5 });
    const [one, other] = [world.addHost().openUdp(), world.addHost().openUdp()];
    const inbox = inboxOf(other);
    one.send(bytesOf('before'), other.localAddress);
    world.setConditions({ loss: 1 });
    expect(world.conditions).toMatchObject({ loss: 1, latencyMs: 5 });
    one.send(bytesOf('meanwhile'), other.localAddress);
    world.setConditions({ loss: 0 });
    one.send(bytesOf('after'), other.localAddress);
    await world.run();
    expect(inbox.map(({ text }) => text)).toEqual(['before', 'after']);
  });
});

describe('chance', () => {
  const options = { loss: 0.1, duplication: 0.1, jitterMs: 20, reordering: 0.1 };
  /** @param {number} seed */
  async function logOf(seed) {
    const { world, socket, places } = behindNat(
      {
        mapping: 'address-and-port-dependent',
        addresses: ['203.0.113.1', '203.0.113.2'],
        pooling: 'arbitrary',
      },
      { ...options, seed },
    );
    for (let i = 0; i < 50; i += 1) {
      for (const place of Object.values(places)) socket.send(bytesOf(`${i}`), place.localAddress);
      await world.advance(3);
    }
    await world.run();
    return world.explain(1000);
  }

  test('the same seed is the same log, and another seed another', async () => {
    const [first, again, other] = [await logOf(5), await logOf(5), await logOf(6)];
    expect(first.split('\n').length).toBeGreaterThan(150);
    expect(again).toBe(first);
    expect(other).not.toBe(first);
  });

  test('a number of the seed for who wants one', () => {
    const [one, other] = [network({ seed: 9 }), network({ seed: 9 })];
    const numbers = Array.from({ length: 5 }, () => one.random());
    expect(Array.from({ length: 5 }, () => other.random())).toEqual(numbers);
    for (const number of numbers) expect(number >= 0 && number < 1).toBe(true);
  });
});

describe('the log', () => {
  test('a line says who, what, by what way, and why not', async () => {
    const { world, socket, places, nat } = behindNat({}, { latencyMs: 10.25 });
    socket.send(
      Uint8Array.of(0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, ...new Uint8Array(12)),
      places.first.localAddress,
    );
    await world.run();
    const [{ source }] = world.packets[0].hops;
    places.otherAddress.send(Uint8Array.of(0x40, 0, 0, 1, 7), source);
    places.first.send(Uint8Array.of(1, 2), source);
    await world.run();
    world
      .addHost({ name: 'lonely' })
      .openUdp()
      .send(new Uint8Array(3), { address: '8.8.8.8', port: 9 });
    expect(world.explain().split('\n')).toEqual([
      `#1 0.0 ms inside 10.0.0.2:5000 to 192.0.2.1:1111: Binding request, 20 bytes; NAT 1 made it 203.0.113.1:${source.port} to 192.0.2.1:1111; reached host 2 at 10.3 ms`,
      `#2 10.3 ms host 3 192.0.2.2:1111 to 203.0.113.1:${source.port}: ChannelData, 5 bytes; dropped by NAT 1: ${REASONS.filtered}`,
      `#3 10.3 ms host 2 192.0.2.1:1111 to 203.0.113.1:${source.port}: 2 bytes; NAT 1 made it 192.0.2.1:1111 to 10.0.0.2:5000; reached inside at 20.5 ms`,
      `#4 20.5 ms lonely 198.18.0.1:49152 to 8.8.8.8:9: 3 bytes; dropped by network: ${REASONS['no-route']}`,
    ]);
    expect(world.explain(1)).toMatch(/^#4 /);
    expect(`${nat}`).toBe(
      `NAT 1: 10.0.0.2:5000 = 203.0.113.1:${source.port}, first to 192.0.2.1:1111`,
    );
  });

  test('counts agree with it, also where it has forgotten', async () => {
    const world = network({ loss: 0.5 });
    const [one, other] = [world.addHost().openUdp(), world.addHost().openUdp()];
    for (let i = 0; i < 12_000; i += 1) one.send(new Uint8Array(1), other.localAddress);
    expect(world.explain(1)).toMatch(/under way$|lost it$/);
    await world.run();
    const { sent, delivered, underWay, dropped } = world.stats();
    expect([sent, underWay, delivered + dropped.loss]).toEqual([12_000, 0, 12_000]);
    expect(world.packets).toHaveLength(10_000);
    expect(world.packets[0].number).toBe(2001);
  });

  test('bytes are as they were sent, whatever becomes of the buffer', async () => {
    const { world, socket, places } = behindNat();
    const buffer = bytesOf('before');
    socket.send(buffer, places.first.localAddress);
    buffer.fill(0);
    const inbox = inboxOf(places.first);
    places.first.onmessage = (bytes) => {
      inbox.push({ text: new TextDecoder().decode(bytes), from: '' });
      bytes.fill(0);
    };
    await world.run();
    expect(inbox[0].text).toBe('before');
    expect(world.packets[0].bytes).toEqual(bytesOf('before'));
  });
});

describe('hosts and sockets', () => {
  test('where no socket is, and where another is connected to', async () => {
    const { world, places } = behindNat();
    const host = world.addHost({ name: 'server' });
    const far = { address: host.addresses[0], port: 7000 };
    places.first.send(bytesOf('x'), far);
    await world.run();
    expect(world.packets[0]).toMatchObject({ because: 'no-socket', endedBy: 'server' });
    const inbox = inboxOf(host.openUdp({ port: 7000, remote: places.first.localAddress }));
    places.first.send(bytesOf('friend'), far);
    places.otherPort.send(bytesOf('stranger'), far);
    await world.run();
    expect(inbox.map(({ text }) => text)).toEqual(['friend']);
    expect(world.stats().dropped['not-connected']).toBe(1);
  });

  test('closed sockets send and get nothing, and give their port back', async () => {
    const { world, socket, places, inside } = behindNat();
    const inbox = inboxOf(places.first);
    let closed = 0;
    places.first.onclose = () => {
      closed += 1;
    };
    socket.send(bytesOf('x'), places.first.localAddress);
    places.first.close();
    places.first.close();
    await world.run();
    expect([inbox, closed]).toEqual([[], 1]);
    await socket[Symbol.asyncDispose]();
    expect(socket.send(bytesOf('x'), places.otherPort.localAddress)).toBe(false);
    expect(inside.openUdp({ port: 5000 }).localAddress).toEqual({
      address: '10.0.0.2',
      port: 5000,
      family: 'IPv4',
    });
  });

  test('close() of the network ends it all, and may be called again', async () => {
    const { world, socket, places } = behindNat();
    const inbox = inboxOf(places.first);
    socket.send(bytesOf('x'), places.first.localAddress);
    await world.close();
    await world[Symbol.asyncDispose]();
    await world.run();
    expect(inbox).toEqual([]);
    expect(world.stats()).toMatchObject({ underWay: 0, dropped: { closed: 1 } });
  });

  test('the same inside addresses behind different NATs', async () => {
    const world = network();
    const far = world.addHost().openUdp();
    const inbox = inboxOf(far);
    for (let i = 0; i < 3; i += 1) {
      const host = world.addHost({ nat: world.addNat(), address: '192.168.1.2' });
      host.openUdp({ port: 5000 }).send(bytesOf(`${i}`), far.localAddress);
    }
    await world.run();
    expect(new Set(inbox.map(({ from }) => from.split(':')[0])).size).toBe(3);
  });

  test('ports are given one after the other, none twice', () => {
    const host = network().addHost();
    const first = host.openUdp();
    host.openUdp({ port: first.localAddress.port + 1 });
    first.close();
    expect(host.openUdp().localAddress.port).toBe(first.localAddress.port + 2);
    for (let i = 0; i < 16_382; i += 1) host.openUdp();
    expect(() => host.openUdp()).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT', argument: 'options.port' }),
    );
  });
});
