// 'postern/credentials' as TypeScript sees it: compiled, never run. What must not compile is marked.
import {
  type AccessToken,
  type CreateOptions,
  createAccessToken,
  createCredentials,
  createIceServers,
  type Explanation,
  explainCredentials,
  type Finding,
  type FindingId,
  type IceServerEntry,
  type NormalizedIceServers,
  normalizeIceServers,
  PosternError,
  type ResponseFormat,
  type Secret,
  type TimedCredentials,
  verifyCredentials,
} from 'postern/credentials';

declare const secret: Secret;
declare const response: unknown;

export async function making() {
  const options: CreateOptions = { secret, userId: 'alice', ttlSeconds: 60, algorithm: 'SHA-1' };
  const made: TimedCredentials = await createCredentials(options);
  const { iceServers, ttlSeconds, expiresAt } = await createIceServers({ ...options, urls: ['a'] });
  const servers: IceServerEntry[] = iceServers;
  // @ts-expect-error: a secret is needed
  await createCredentials({ userId: 'alice' });
  // @ts-expect-error: no server takes that
  await createCredentials({ secret, algorithm: 'MD5' });
  return [made.username.length + made.expiresAt, servers, ttlSeconds + expiresAt];
}

export async function sealing(key: Uint8Array) {
  const token: AccessToken = await createAccessToken({ kid: 'a', key, serverName: 'b' });
  // @ts-expect-error: for which server?
  await createAccessToken({ kid: 'a', key });
  return token.accessToken.length + token.expiresAt;
}

export async function verifying(credentials: TimedCredentials) {
  const verified = await verifyCredentials({ ...credentials, secrets: [secret, 'older'] as const });
  if (verified.valid) return verified.secretIndex + verified.expiresAt;
  // @ts-expect-error: which secret is not known then
  verified.secretIndex;
  const reason: 'expired' | 'no-timestamp' | 'wrong-secret' = verified.reason;
  return reason;
}

export async function explaining() {
  const { valid, findings }: Explanation = await explainCredentials({ username: response });
  const [first]: Finding[] = findings;
  const id: FindingId | undefined = first?.id;
  // @ts-expect-error: no such finding
  const isOther = id === 'expierd';
  return [valid === undefined, id === 'clock-skew', isOther];
}

export function normalizing() {
  try {
    const { format, iceServers, credentials }: NormalizedIceServers = normalizeIceServers(response);
    const known: ResponseFormat = format;
    return [known, iceServers[0]?.urls.length, credentials?.expiresAt];
  } catch (error) {
    return error instanceof PosternError ? error.code : undefined;
  }
}
