// A UDP peer on loopback that sends back what it is sent, until the end of its stdin. Prints its address as one line
// of JSON.

import { startUdpPeer } from '../../tests/support/udp-peers.js';

const peer = await startUdpPeer();
console.log(JSON.stringify({ address: peer.address, port: peer.port }));
process.stdin.resume().on('end', () => peer.close());
