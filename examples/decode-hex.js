// What a captured packet says.
//   node examples/decode-hex.js 000100002112a442b7e7a701bc34d686fa87dfae
import { classify, decode, PosternError } from 'postern/codec';

const hex = process.argv[2] ?? '0101000c2112a442b7e7a701bc34d686fa87dfae002000080001a147e112a643';
const bytes = Buffer.from(hex, 'hex');
try {
  const message = decode(bytes, { allowClassic: true });
  console.log(message.class, message.method, message.fingerprint);
  for (const { name, type, value, counts } of message) {
    console.log(name ?? `0x${type.toString(16)}`, value, counts ? '' : '(to be ignored)');
  }
} catch (error) {
  if (!(error instanceof PosternError)) throw error;
  console.log(
    `${error.code} at byte ${error.offset}: ${error.message} It looks like ${classify(bytes)}.`,
  );
}
