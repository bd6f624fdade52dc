// npm werift-ice's TURN client: messages to an echo peer through a relay and back. How it is driven is in
// ../echo-client.js.
//
// What is sent:
//
// - mode channel: sendData(), which binds a channel on its first call and sends ChannelData then.
// - mode send: sendData() cannot be kept from binding a channel, so the indication is put together here by the
//   same calls as its own, which it falls back to where a bind fails.

import { readEchoOptions, serveEchoes } from '../echo-client.js';
import { EchoWindow } from '../echo-window.js';
import { peerVersion, requirePeer } from './peer.js';

const { Message, classes, createTurnClient, methods } = requirePeer('werift-ice');

/** The form that werift has addresses in. @param {{ address: string, port: number }} address */
const pair = ({ address, port }) => /** @type {const} */ ([address, port]);

const options = readEchoOptions();
const peer = pair(options.peer);
const turn = await createTurnClient({
  address: pair(options.server),
  username: options.user,
  password: options.password,
});
try {
  const window = new EchoWindow();
  turn.onData.subscribe(window.arrived);

  const send =
    options.mode === 'channel'
      ? (/** @type {Buffer} */ message) => turn.sendData(message, peer)
      : (/** @type {Buffer} */ message) =>
          turn.sendStun(
            new Message(methods.SEND, classes.INDICATION)
              .setAttribute('DATA', message)
              .setAttribute('XOR-PEER-ADDRESS', peer),
            turn.server,
          );
  // Rejects where the server refuses; sendData() would go on with indications.
  if (options.mode === 'channel') await turn.getChannel(peer);
  else await turn.getPermission(peer);

  const version = peerVersion('werift-ice');
  await serveEchoes(options, { impl: 'werift', version, window, send });
} finally {
  await turn.close();
}
// Its timer for the next Refresh cannot be cancelled, and would keep the process for minutes.
process.exit();
