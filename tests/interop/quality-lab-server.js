// A child process of quality-lab.test.js: our TURN server on one address, for UDP and TCP.
// Usage: node quality-lab-server.js PORT ADDRESS; says 'ready' when it listens.
import { createServer } from '../../js/server/index.js';

const [port, address] = process.argv.slice(2);
await createServer({
  listen: ['udp', 'tcp'].map((protocol) => `${protocol}://${address}:${port}`),
  credentials: { user: 'pass' },
  realm: 'example.org',
  relay: { addresses: [address] },
  // The addresses of documentation, which are those of the lab, are no peers by default.
  policy: { allow: [`${address}/32`] },
});
console.log('ready');
