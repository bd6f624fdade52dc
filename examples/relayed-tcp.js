// TCP through a TURN server (RFC 6062): connects to a peer, and prints what it says.
//   node examples/relayed-tcp.js 'turn:turn.example.org?transport=tcp' alice secret 198.51.100.7 80
import { Readable } from 'node:stream';
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
  const { readable, writable } = await relay.connect({ address, port: Number(port) });
  const writer = writable.getWriter();
  await writer.write(new TextEncoder().encode(`HEAD / HTTP/1.0\r\nHost: ${address}\r\n\r\n`));
  await writer.close();
  for await (const chunk of Readable.fromWeb(readable)) process.stdout.write(chunk);
} finally {
  await relay.close();
}
