// A transport of your own: any function that opens something that sends and receives. Here it is a pair in
// memory, with a server of a few lines at the other end; in a page it could be a WebSocket.
//   node examples/custom-transport.js
import { getMappedAddress, memoryTransportPair } from 'postern';
import { decode, encode } from 'postern/codec';

const [ours, theirs] = memoryTransportPair();
theirs.onbytes = (bytes, source) => {
  const { transactionId } = decode(bytes);
  const xorMappedAddress = source ?? { address: '192.0.2.1', port: 1 };
  theirs.send(
    encode({
      class: 'success',
      method: 'Binding',
      transactionId,
      attributes: { xorMappedAddress },
    }),
  );
};

const { address, port, transport } = await getMappedAddress('stun:192.0.2.10', {
  transport: async () => ours,
});
console.log({ address, port, transport });
