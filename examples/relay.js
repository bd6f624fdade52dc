// A relay: an address at a TURN server at which a peer can reach this machine, whatever stands between.
//   node examples/relay.js turn:turn.example.org alice secret 198.51.100.7:40000
import { allocate } from 'postern';

const [url, username, credential, peer = ''] = process.argv.slice(2);
const [, address, port] = /^(.*):(\d+)$/.exec(peer) ?? [];
if (!url || !address) {
  console.error(
    'usage: node examples/relay.js <turn URI> <user name> <password> <peer address:port>',
  );
  process.exit(64);
}

const relay = await allocate({ urls: url, username, credential });
console.log(`relayed address: ${relay.relayedAddress.address}:${relay.relayedAddress.port}`);
console.log(`over ${relay.transport}, in ms:`, relay.phases);
relay.closed.then(({ reason, error }) => console.log('ended:', reason, error?.message ?? ''));
process.once('SIGINT', () => relay.close());

// A channel costs four bytes a datagram; send() of the relay would do as well.
const channel = await relay.bindChannel({ address, port: Number(port) });
channel.send(new TextEncoder().encode('hello'));
for await (const { data, peer: from } of relay) {
  console.log(`${from.address}:${from.port}:`, new TextDecoder().decode(data));
}
