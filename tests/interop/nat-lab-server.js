// A child process of nat-lab.test.js: our server on two addresses with two ports each.
// Usage: node nat-lab-server.js PORT ADDRESS OTHER_ADDRESS; says 'ready' when it listens.
import { createServer } from '../../js/server/index.js';

const [port, ...addresses] = process.argv.slice(2);
const ports = [Number(port), Number(port) + 1];
await createServer({
  listen: addresses.flatMap((address) => ports.map((each) => `udp://${address}:${each}`)),
  credentials: { user: 'pass' },
  realm: 'example.org',
  relay: { addresses: [addresses[0]] },
});
console.log('ready');
