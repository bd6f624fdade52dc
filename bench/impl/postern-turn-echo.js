// postern's TURN client: messages to an echo peer through a relay and back. How it is driven is in ../echo-client.js.
//
// What is sent: mode channel: by send() of a channel; mode send: by the relay's send(), as Send indications.

import { readEchoOptions, serveEchoes } from '../echo-client.js';
import { EchoWindow } from '../echo-window.js';
import { postern, version } from './client.js';

const options = readEchoOptions();
const { server, user, password, peer } = options;
const relay = await postern.allocate(`turn:${server.address}:${server.port}?transport=udp`, {
  credentials: { username: user, password },
});
const window = new EchoWindow();
/** @type {(message: Buffer) => boolean} */
let send;
if (options.mode === 'channel') {
  const channel = await relay.bindChannel(peer);
  channel.onmessage = window.arrived;
  send = (message) => channel.send(message);
} else {
  await relay.permit(peer);
  relay.onmessage = window.arrived;
  send = (message) => relay.send(message, peer);
}
await serveEchoes(options, { impl: 'postern', version, window, send });
await relay.close();
