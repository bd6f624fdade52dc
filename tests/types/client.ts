// 'postern' as TypeScript sees it: compiled, never run. What must not compile is marked.
import {
  formatUri,
  getMappedAddress,
  init,
  openStunClient,
  PosternError,
  parseUri,
  type StunClient,
} from 'postern';

class OwnWebSocket {
  constructor(
    readonly url: string,
    readonly protocols: string[],
  ) {}
}

export async function mappedAddress(signal: AbortSignal) {
  const result = await getMappedAddress('stun:stun.example.org', {
    signal,
    timeoutMs: 5000,
    transport: 'udp',
    family: 4,
  });
  const address: string = result.address;
  const port: number = result.port;
  const family: 'IPv4' | 'IPv6' = result.family;
  const roundTripMs: number | null = result.roundTripMs;
  const software: string | undefined = result.software;
  // @ts-expect-error: it may be null
  const _roundTripMs: number = result.roundTripMs;
  // @ts-expect-error: no such member
  result.latency;
  await getMappedAddress({
    urls: ['stun:a.example.org', 'stuns:b.example.org'],
    username: 'u',
    credential: 'p',
  });
  await getMappedAddress({ urls: 'stun:a.example.org' } satisfies { urls: string });
  await getMappedAddress('stun:a.example.org', {
    credentials: { username: 'u', password: 'p', mechanism: 'short-term' },
  });
  await getMappedAddress('wss://turn.example.org/turn', {
    transport: 'ws',
    WebSocket: OwnWebSocket,
  });
  // @ts-expect-error: not a class
  await getMappedAddress('wss://turn.example.org/turn', { WebSocket: 'ws' });
  // @ts-expect-error: a server is a URI or an RTCIceServer
  await getMappedAddress(3478);
  // @ts-expect-error: no such transport
  await getMappedAddress('stun:a.example.org', { transport: 'sctp' });
  // @ts-expect-error: no such option
  await getMappedAddress('stun:a.example.org', { timeout: 5000 });
  // @ts-expect-error: 4 or 6
  await getMappedAddress('stun:a.example.org', { family: 'IPv4' });
  return { address, port, family, roundTripMs, software, _roundTripMs };
}

export async function client() {
  await init();
  const opened: StunClient = await openStunClient('stun:stun.example.org');
  const { address } = await opened.bind();
  opened.keepAlive();
  await opened.close();
  return address satisfies string;
}

export function uris() {
  const parsed = parseUri('turns:turn.example.org?transport=tcp');
  return formatUri(parsed) satisfies string;
}

export async function failures() {
  try {
    await getMappedAddress('stun:stun.example.org');
  } catch (error) {
    if (!(error instanceof PosternError)) throw error;
    const { errorCode, reason, attempts } = error;
    if (error.code === 'ERR_STUN_RESPONSE' && errorCode === 401)
      return reason satisfies string | undefined;
    return attempts?.[0]?.transport satisfies string | undefined;
  }
  return undefined;
}
