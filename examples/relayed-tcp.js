// TCP through a TURN server (RFC 6062): connects to a peer, and prints what it says.
//   node examples/relayed-tcp.js 'turn:turn.example.org?transport=tcp' alice secret 198.51.100.7 80
import { allocate } from 'postern';

const [urls, username, credential, address, port] = process.argv.slice(2);
if (port === undefined) {
  console.error(
    'usage: node examples/relayed-tcp.js <turn URI> <user name> <password> <address> <port>',
  );
  process.exit(64);
}

const relay = await allocate({ urls, username, credential }, { relayTransport: 'tcp' });
try {
  const connection = await relay.connect({ address, port: Number(port) });
  // As a stream of node:stream; connection.readable and connection.writable are Web Streams.
  const socket = connection.duplex();
  socket.end(`HEAD / HTTP/1.0\r\nHost: ${address}\r\n\r\n`);
  for await (const chunk of socket) process.stdout.write(chunk);
} finally {
  await relay.close();
}
