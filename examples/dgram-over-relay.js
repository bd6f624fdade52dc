// Code that was written for node:dgram, over a relay: only the line that makes the socket changes.
//   node examples/dgram-over-relay.js turn:turn.example.org alice secret 198.51.100.7 40000
import { allocate, turnSocket } from 'postern';

const [urls, username, credential, address, port] = process.argv.slice(2);
if (port === undefined) {
  console.error(
    'usage: node examples/dgram-over-relay.js <turn URI> <user name> <password> <address> <port>',
  );
  process.exit(64);
}

const socket = turnSocket(await allocate({ urls, username, credential })); // was: createSocket('udp4')

socket.on('message', (message, { address: from, port: fromPort }) => {
  console.log(`${message} from ${from}:${fromPort}`);
  socket.close();
});
socket.bind(() => {
  console.log('listening on', socket.address());
  socket.send('ping', Number(port), address);
});
