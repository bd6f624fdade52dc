// The public address of this machine, as a STUN server sees it.
//   node examples/mapped-address.js stun:stun.example.org [udp|tcp|tls]
import { getMappedAddress } from 'postern';

const [server = 'stun:127.0.0.1', transport] = process.argv.slice(2);
const { address, port, family, roundTripMs, serverAddress, phases } = await getMappedAddress(
  server,
  {
    transport: /** @type {'udp' | 'tcp' | 'tls' | undefined} */ (transport),
    timeoutMs: 5000,
  },
);
console.log({ address, port, family, roundTripMs, serverAddress, phases });
