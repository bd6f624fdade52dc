// 'postern/codec' as TypeScript sees it: compiled, never run. What must not compile is marked.
import {
  type AttributesInput,
  classify,
  decode,
  decodeBatch,
  encode,
  encodeBatch,
  encodeInto,
  type Frame,
  init,
  Message,
  type MessageAttributes,
  type MessageInput,
  nonceFeatures,
  PosternError,
  type PreparedKey,
  prepareKey,
  StreamDeframer,
  type TransportAddress,
  userhash,
  verify,
  verifyBatch,
} from 'postern/codec';

/** True where two types are the same, `any` included. */
type Same<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
declare function expectType<Expected>(): <Actual>(
  value: Actual,
  ...same: Same<Actual, Expected> extends true ? [] : [never]
) => void;

declare const bytes: Uint8Array;
const message: Message = decode(bytes, { allowClassic: true });

export function header() {
  expectType<'request' | 'indication' | 'success' | 'error'>()(message.class);
  expectType<boolean>()(message.isClassic);
  expectType<number[]>()(message.unknownRequired);
  expectType<'absent' | 'valid' | 'invalid'>()(message.fingerprint);
  const { method } = message;
  if (method === 'Allocate' || method === 0x0abc) return true;
  // @ts-expect-error: no such method
  return method === 'Alocate';
}

export function attributes() {
  const { attributes } = message;
  // One of each form; that every attribute is there, the generated table says (below).
  expectType<number | undefined>()(attributes.xorMappedAddress?.port);
  expectType<'IPv4' | 'IPv6' | undefined>()(attributes.xorRelayedAddress?.family);
  expectType<string | undefined>()(attributes.software);
  expectType<Uint8Array | undefined>()(attributes.data);
  expectType<number | undefined>()(attributes.lifetime);
  expectType<bigint | undefined>()(attributes.iceControlling);
  expectType<boolean | undefined>()(attributes.useCandidate);
  expectType<number[] | undefined>()(attributes.unknownAttributes);
  expectType<number | undefined>()(attributes.errorCode?.code);
  expectType<string | undefined>()(attributes.addressErrorCode?.reason);
  expectType<number | 'MD5' | 'SHA-256' | undefined>()(attributes.passwordAlgorithm?.algorithm);
  expectType<Uint8Array | undefined>()(attributes.passwordAlgorithms?.[0]?.parameters);
  expectType<boolean | undefined>()(attributes.changeRequest?.changeIp);
  expectType<'IPv4' | 'IPv6' | undefined>()(attributes.requestedAddressFamily);
  // @ts-expect-error: it may be missing
  attributes.xorMappedAddress.port;
  // @ts-expect-error: no such attribute
  attributes.xorMapedAddress;
  // @ts-expect-error: a number
  attributes.lifetime?.toUpperCase();
}

export function values() {
  expectType<number | undefined>()(message.get('lifetime'));
  expectType<TransportAddress[]>()(message.getAll('xorPeerAddress'));
  expectType<unknown>()(message.get(0x8022));
  expectType<unknown[]>()(message.getAll('X-UNKNOWN'));
  expectType<Uint8Array | undefined>()(message.raw('nonce'));
  for (const { type, name, offset, length, counts } of message) {
    expectType<number>()(type + offset + length);
    expectType<string | undefined>()(name);
    expectType<boolean>()(counts);
  }
  // @ts-expect-error: a name or a number
  message.get(undefined);
}

/** Every attribute that can be written can be read, and completion offers each. */
type Written = keyof AttributesInput;
const _readable: Same<Exclude<Written, keyof MessageAttributes>, never> = true;
const _complete: { [Name in Written]-?: AttributesInput[Name] } | undefined = undefined;

export { _complete, _readable };

export function writing() {
  const key = prepareKey({
    username: 'user',
    realm: 'realm',
    password: 'pass',
    algorithm: 'SHA-256',
  });
  expectType<PreparedKey>()(key);
  prepareKey({ password: bytes, preparation: 'none' });
  expectType<'MD5' | 'SHA-256' | undefined>()(key.algorithm);
  const input: MessageInput = {
    class: 'request',
    method: 'Allocate',
    attributes: {
      username: 'user',
      realm: bytes,
      requestedTransport: 17,
      xorPeerAddress: [
        { address: '192.0.2.1', port: 1 },
        { address: '::1', port: 2 },
      ],
      passwordAlgorithms: ['MD5', { algorithm: 2 }],
      errorCode: { code: 401 },
      iceControlled: 1n,
      software: undefined,
    },
    rawAttributes: [{ type: 0x7fff, value: bytes }],
    key,
    integrity: 'both',
    integrityLength: 16,
    fingerprint: true,
  };
  expectType<Uint8Array>()(encode(input));
  expectType<number>()(encodeInto(bytes, input, 4));
  expectType<Uint8Array[]>()(encodeBatch([input, input]));
  encode({
    class: 'success',
    method: 0x0abc,
    attributes: { xorMappedAddress: message.attributes.xorMappedAddress },
  });

  // @ts-expect-error: no such class
  encode({ class: 'response', method: 'Binding' });
  // @ts-expect-error: no such method
  encode({ class: 'request', method: 'binding' });
  // @ts-expect-error: no such attribute
  encode({ class: 'request', method: 'Binding', attributes: { xorMapedAddress: undefined } });
  // @ts-expect-error: a number
  encode({ class: 'request', method: 'Binding', attributes: { lifetime: '600' } });
  // @ts-expect-error: computed, not given
  encode({ class: 'request', method: 'Binding', attributes: { messageIntegrity: bytes } });
  // @ts-expect-error: never registered
  encode({ class: 'request', method: 'Binding', attributes: { msVersion: bytes } });
  // @ts-expect-error: not both at once
  encode({ class: 'request', method: 'Binding', attributes: { lifetime: [1, 2] } });
  // @ts-expect-error: a key is what prepareKey() makes
  encode({ class: 'request', method: 'Binding', key: 'secret' });
  // @ts-expect-error: no such algorithm
  prepareKey({ username: 'u', realm: 'r', password: 'p', algorithm: 'SHA-1' });
  // @ts-expect-error: it takes a password
  prepareKey({ username: 'u' });
}

export function checking(key: PreparedKey) {
  expectType<boolean>()(verify(message, key, { integrity: 'sha256', leastLength: 16 }));
  const results = decodeBatch([bytes, new ArrayBuffer(20), new DataView(new ArrayBuffer(20))]);
  const good = results.filter((result) => result instanceof Message);
  expectType<Message[]>()(good);
  expectType<boolean[]>()(verifyBatch(good, key));
  for (const result of results) {
    if (result instanceof PosternError) expectType<number | undefined>()(result.offset);
    else expectType<Message>()(result);
  }
  // @ts-expect-error: a batch may hold errors
  verifyBatch(results, key);
  // @ts-expect-error: a message, not its bytes
  verify(bytes, key);
  // @ts-expect-error: no such option
  verify(message, key, { integrity: 'both' });
  // @ts-expect-error: bytes
  decode('000100');
}

export async function others(signal: AbortSignal) {
  await init();
  await init({ wasmUrl: new URL('https://example.org/codec.wasm'), signal });
  await init({ wasmBinary: bytes });
  const frames = new StreamDeframer({ maxFrameBytes: 1500 }).push(bytes);
  expectType<Frame[]>()(frames);
  if (frames[0]?.type === 'channel-data') expectType<Uint8Array>()(frames[0].bytes);
  expectType<Uint8Array>()(userhash({ username: 'u', realm: 'r' }));
  expectType<boolean | undefined>()(
    nonceFeatures('obMatJos2AAAA', { bitOrder: 'left' })?.usernameAnonymity,
  );
  const protocol = classify(bytes, { quic: true });
  if (protocol === 'turn-channel') return;
  // @ts-expect-error: no such protocol
  if (protocol === 'sctp') return;
}

export function errors(error: unknown) {
  if (!(error instanceof PosternError)) return;
  if (error.code === 'ERR_STUN_TRUNCATED') expectType<number | undefined>()(error.offset);
  expectType<string | undefined>()(error.hint);
  // @ts-expect-error: no such code
  if (error.code === 'ERR_STUN_NOPE') return;
}
