// 'postern/server' as TypeScript sees it: compiled, never run. What must not compile is marked.
import {
  type AllocationEnd,
  type AllocationInfo,
  createServer,
  type FindPassword,
  type PolicyOptions,
  type PosternError,
  type QuotaOptions,
  type RelayOptions,
  type Server,
  type ServerEnd,
  type ServerOptions,
  type ServerStats,
} from 'postern/server';

const findPassword: FindPassword = async (username, realm) =>
  username === `alice@${realm}` ? 'secret' : undefined;
const relay: RelayOptions = {
  addresses: ['10.0.0.5'],
  external: { '10.0.0.5': '203.0.113.5' },
  ports: [49152, 65535],
  tcp: false,
};
const policy: PolicyOptions = { allow: ['10.1.0.0/16'], deny: ['10.1.2.3'] };
const quota: QuotaOptions = { allocations: 100, allocationsPerUser: 4 };

export async function serving(signal: AbortSignal) {
  const options: ServerOptions = {
    listen: ['udp://0.0.0.0:3478', { protocol: 'tcp', address: '0.0.0.0', port: 3478 }],
    tls: { cert: '', key: '' },
    credentials: findPassword,
    secret: ['new', 'old'],
    lifetime: { max: 1200 },
    relay,
    policy,
    quota,
    signal,
  };
  const server: Server = await createServer(options);
  await createServer({ credentials: { alice: 'secret' }, relay: false });
  // @ts-expect-error: a password is a text
  await createServer({ credentials: { alice: 5 } });
  // @ts-expect-error: two ports
  await createServer({ relay: { ports: [49152] } });
  // @ts-expect-error: no such option
  await createServer({ relm: 'example.org' });

  const protocol: 'udp' | 'tcp' | 'tls' | 'ws' | 'wss' | undefined = server.addresses[0]?.protocol;
  const urls: readonly string[] = server.urls;
  server.on('allocation', ({ username, client, relayedAddresses }) => {
    void [username.length, client.port, relayedAddresses[0]?.address];
  });
  server.once('end', (end: AllocationInfo & AllocationEnd) => void end.durationMs.toFixed());
  // @ts-expect-error: no such event
  server.on('allocations', () => {});
  // @ts-expect-error: how long it lasted is known at the end
  server.on('refresh', ({ durationMs }) => void durationMs);
  const stats: ServerStats = server.stats();
  const relayed: number = stats.relayedToPeersBytes + stats.connections;
  // @ts-expect-error: no such number
  void stats.relayed;
  const text: string = server.metrics();

  server.setUser('bob', 'secret');
  const wasThere: boolean = server.removeUser('bob');
  server.setSecret(['new']);
  server.setSecureContext({ cert: '', key: '' });
  const left: number = await server.drain({ timeoutMs: 1000, signal });
  await server.close();
  const end: ServerEnd = await server.closed;
  const reason: 'closed' | 'aborted' | 'drained' | 'error' = end.reason;
  return { protocol, urls, relayed, text, wasThere, left, reason, list: server.allocations() };
}

export const codeOf = (error: PosternError) => error.code;
