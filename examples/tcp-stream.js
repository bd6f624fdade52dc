// Cutting a TCP stream into messages: here a stream that arrives seven bytes at a time.
//   node examples/tcp-stream.js
import { decode, encode, StreamDeframer } from 'postern/codec';

const stream = Buffer.concat([
  encode({ class: 'request', method: 'Binding', attributes: { software: 'one' } }),
  encode({ class: 'indication', method: 'Binding', fingerprint: true }),
]);

const deframer = new StreamDeframer({ maxFrameBytes: 2048 });
for (let at = 0; at < stream.length; at += 7) {
  for (const { type, bytes } of deframer.push(stream.subarray(at, at + 7))) {
    console.log(type, bytes.length, 'bytes:', decode(bytes).class);
  }
}
