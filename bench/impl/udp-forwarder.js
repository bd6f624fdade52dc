// One UDP hop more on loopback, without TURN: what comes goes to PEER (address:port), what that answers goes back to
// whoever sent last. Prints its address as one line of JSON, and ends at the end of its stdin.

import { createSocket } from 'node:dgram';
import { once } from 'node:events';

const [address, port] = process.argv[2].split(':');
const [near, far] = [createSocket('udp4'), createSocket('udp4')];
far.connect(Number(port), address);
near.bind(0, '127.0.0.1');
await Promise.all([once(far, 'connect'), once(near, 'listening')]);
for (const socket of [near, far]) socket.setRecvBufferSize(1 << 20);

/** @type {import('node:dgram').RemoteInfo | undefined} */
let client;
near.on('message', (data, source) => {
  client = source;
  far.send(data);
});
far.on('message', (data) => near.send(data, client?.port, client?.address));
const own = near.address();
process.stdout.write(`${JSON.stringify({ address: own.address, port: own.port })}\n`);
process.stdin.resume().on('end', () => {
  near.close();
  far.close();
});
