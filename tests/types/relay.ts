// Relays as TypeScript sees them: compiled, never run. What must not compile is marked.
import {
  type AllocateOptions,
  allocate,
  type CheckRow,
  checkIceServers,
  type IceServer,
  type PosternError,
  type Relay,
  type RelayConnection,
  type RelayEnd,
  type RelayEvent,
  type TransportAddress,
} from 'postern';
import { createAccessToken } from 'postern/credentials';

export async function relayed(signal: AbortSignal) {
  const relay: Relay = await allocate(
    ['turn:turn.example.org', { urls: ['turns:a.example.org'], username: 'u', credential: 'p' }],
    {
      signal,
      timeoutMs: 5000,
      strategy: 'race',
      headStartMs: 100,
      relayFamily: 'both',
      evenPort: 'reserve',
      mobility: true,
      credentials: async () => ({ username: 'u', credential: 'p', expiresAt: new Date() }),
    },
  );
  const token = await createAccessToken({ kid: 'a', key: new Uint8Array(32), serverName: 'b' });
  await allocate('turn:turn.example.org', { credentials: token });
  const address: string = relay.relayedAddress.address;
  const mapped: number | undefined = relay.mappedAddress?.port;
  await relay.permit(['192.0.2.1', { address: '192.0.2.2', port: 1 }], { signal });
  const mayGoOn: boolean = relay.send(new Uint8Array(1), { address: '192.0.2.1', port: 1 });
  if (!mayGoOn) await relay.ready;
  relay.onmessage = (data: Uint8Array, peer, channel: number) => void [data, peer.port, channel];
  relay.onevent = (event) => {
    if (event.type === 'icmp') return void event.icmpCode;
    if (event.type === 'permission-lost') return void event.error.hint;
    // @ts-expect-error: only of 'icmp'
    return void event.icmpType;
  };
  for await (const { data, peer } of relay) {
    const bytes: Uint8Array = data;
    return [bytes, peer.address, address, mapped];
  }
  const channel = await relay.bindChannel({ address: '192.0.2.1', port: 1 });
  channel.onmessage = (data: Uint8Array) => void data.length;
  for await (const connection of relay.connections()) {
    await connection.readable.pipeTo(connection.writable);
    connection.duplex().end();
  }
  const end: { reason: string; error?: PosternError } = await relay.closed;
  const ms: number | undefined = relay.phases.tls;
  const code: number | undefined = relay.attempts[0]?.errorCode;
  // @ts-expect-error: a peer has a port
  relay.send(new Uint8Array(1), { address: '192.0.2.1' });
  // @ts-expect-error: bytes
  relay.send('text', { address: '192.0.2.1', port: 1 });
  // @ts-expect-error: no such strategy
  await allocate('turn:a.example.org', { strategy: 'random' });
  // @ts-expect-error: a token has a key
  await allocate('turn:a.example.org', { credentials: { kid: 'k' } });
  await allocate('wss://a.example.org/', {
    credentials: { kid: 'k', accessToken: new Uint8Array(1), macKey: new Uint8Array(20) },
  });
  return [end, ms, code];
}

/** The types have names, for the functions of those who use them. */
export async function named(servers: IceServer[], options: AllocateOptions) {
  const relay = await allocate(servers, options);
  const told: RelayEvent['type'][] = [];
  relay.onevent = ({ type }: RelayEvent) => void told.push(type);
  const peer: TransportAddress = relay.relayedAddress;
  const connection: RelayConnection = await relay.connect(peer);
  connection.unref();
  const { reason }: RelayEnd = await relay.closed;
  const rows: CheckRow[] = await checkIceServers(servers);
  return { told, reason, failed: rows.filter(({ ok }) => !ok) };
}
