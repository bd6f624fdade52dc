// 'postern/testing' as TypeScript sees it: compiled, never run. What must not compile is marked.
import {
  addStunServer,
  addTurnServer,
  type Conditions,
  createNetwork,
  type Host,
  type MappingInfo,
  type Nat,
  type NatOptions,
  type Network,
  type NetworkStats,
  type Packet,
  type PosternError,
  type UdpSocket,
} from 'postern/testing';

const symmetric: NatOptions = {
  mapping: 'address-and-port-dependent',
  filtering: 'address-and-port-dependent',
  addresses: ['203.0.113.1', '203.0.113.2'] as const,
  blocks: [{ port: [1, 1023], direction: 'in' }],
};

export async function simulating() {
  const network: Network = createNetwork({ seed: 3, loss: 0.1, clock: 'virtual' });
  const carrier: Nat = network.addNat({
    blocks: ({ remote, bytes }) => remote.port === bytes.length,
  });
  const home = network.addNat({ ...symmetric, behind: carrier });
  const office = network.addFirewall({ blocks: 'udp' });
  const host: Host = network.addHost({ name: 'phone', nat: home });
  const socket: UdpSocket = host.openUdp({ port: 5000 });
  socket.onmessage = (bytes, { address, port, family }) => {
    socket.send(bytes.subarray(0, port), { address, port });
    return family;
  };
  const answer: number = await network.runUntil(new Promise<number>((resolve) => resolve(1)), {
    limitMs: 1000,
    signal: AbortSignal.timeout(5),
  });
  const found: Packet | undefined = await network.runUntil(() => network.packets[0]);
  network.setConditions({ loss: 0 });
  const conditions: Readonly<Conditions> = network.conditions;
  const stats: NetworkStats = network.stats();
  const mappings: MappingInfo[] = home.mappings();
  await network.advance(1000);
  await network.run();
  await network.close();
  return [
    answer,
    found?.because,
    conditions.loss,
    stats.dropped.filtered,
    mappings[0]?.outside.port,
    office,
  ];
}

export async function serving(network: Network, host: Host) {
  const stun = await addStunServer(network, { addresses: ['192.0.2.1', '192.0.2.2'] });
  const { server, urls } = await addTurnServer(network, { credentials: { alice: 'secret' } });
  const transport = await host.transport({ address: '192.0.2.1', port: 3478 }, {});
  return [stun.urls, stun.stats().answers, server.stats().allocations, urls, transport.kind];
}

export const code = (error: PosternError) => error.code === 'ERR_SIMULATION_STALLED';

// @ts-expect-error: RFC 3489's word
createNetwork().addNat({ mapping: 'symmetric' });
// @ts-expect-error: firewalls translate nothing
createNetwork().addFirewall({ mapping: 'endpoint-independent' });
// @ts-expect-error: TCP is not simulated
await addTurnServer(createNetwork(), { listen: 'tcp://192.0.2.1:3478' });
// @ts-expect-error: a port is a number
createNetwork().addHost().openUdp({ port: '5000' });
