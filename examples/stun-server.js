// A STUN responder over UDP, made of decode() and encode().
//   node examples/stun-server.js 3478
import { createSocket } from 'node:dgram';
import { decode, encode } from 'postern/codec';

const socket = createSocket('udp4');
socket.on('message', (bytes, { address, port }) => {
  let request;
  try {
    request = decode(bytes);
  } catch {
    return; // not STUN
  }
  if (request.class !== 'request' || request.method !== 'Binding') return;
  const { transactionId, unknownRequired } = request;
  const response =
    unknownRequired.length > 0
      ? encode({
          class: 'error',
          method: 'Binding',
          transactionId,
          attributes: {
            errorCode: { code: 420, reason: 'Unknown Attribute' },
            unknownAttributes: unknownRequired,
          },
        })
      : encode({
          class: 'success',
          method: 'Binding',
          transactionId,
          attributes: { xorMappedAddress: { address, port }, software: 'example' },
          fingerprint: true,
        });
  socket.send(response, port, address);
});
socket.bind(Number(process.argv[2] ?? 3478), '127.0.0.1', () =>
  console.log('listening', socket.address()),
);
