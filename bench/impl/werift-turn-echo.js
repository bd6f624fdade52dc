// npm werift-ice's TURN client: messages to an echo peer through a relay and back, so many in flight. Prints one
// line of JSON. The flags are those of ../pion/turn-echo/main.go.
//
// What is sent:
//
// - mode channel: sendData(), which binds a channel on its first call and sends ChannelData then.
// - mode send: sendData() cannot be kept from binding a channel, so the indication is put together here by the
//   same calls as its own, which it falls back to where a bind fails.

import { parseArgs } from 'node:util';
import { EchoWindow, echoResult, NUMBER_SIZE } from '../echo-window.js';
import { peerVersion, requirePeer } from './peer.js';

const { Message, classes, createTurnClient, methods } = requirePeer('werift-ice');

const { values } = parseArgs({
  options: {
    server: { type: 'string', default: '127.0.0.1:3478' },
    user: { type: 'string', default: 'user' },
    password: { type: 'string', default: '' },
    realm: { type: 'string', default: '' }, // the client takes the server's
    peer: { type: 'string', default: '' },
    mode: { type: 'string', default: 'channel' },
    payload: { type: 'string', default: '100' },
    count: { type: 'string', default: '10000' },
    'in-flight': { type: 'string', default: '1' },
    'warm-up': { type: 'string', default: '1000' },
  },
});

/** The form that werift has addresses in. @param {string} text address:port, IPv4 */
const addressOf = (text) => {
  const [address, port] = text.split(':');
  return /** @type {const} */ ([address, Number(port)]);
};

const [payload, count, inFlight, warmUp] = [
  values.payload,
  values.count,
  values['in-flight'],
  values['warm-up'],
].map(Number);
const { mode } = values;
if (!(payload >= NUMBER_SIZE && count >= 1 && inFlight >= 1 && warmUp >= 0)) {
  throw new RangeError('--payload must be at least 4, --count and --in-flight at least 1');
}
if (mode !== 'channel' && mode !== 'send') throw new RangeError('--mode must be channel or send');

const peer = addressOf(values.peer);
const turn = await createTurnClient({
  address: addressOf(values.server),
  username: values.user,
  password: values.password,
});
try {
  const window = new EchoWindow();
  turn.onData.subscribe(window.arrived);

  const send =
    mode === 'channel'
      ? (/** @type {Buffer} */ message) => turn.sendData(message, peer)
      : (/** @type {Buffer} */ message) =>
          turn.sendStun(
            new Message(methods.SEND, classes.INDICATION)
              .setAttribute('DATA', message)
              .setAttribute('XOR-PEER-ADDRESS', peer),
            turn.server,
          );
  // Rejects where the server refuses; sendData() would go on with indications.
  if (mode === 'channel') await turn.getChannel(peer);
  else await turn.getPermission(peer);

  if (warmUp > 0) await window.run({ count: warmUp, inFlight, payload, send });
  const times = await window.run({ count, inFlight, payload, send });
  const what = { impl: 'werift', version: peerVersion('werift-ice'), mode, payload, inFlight };
  console.log(JSON.stringify(echoResult(what, times)));
} finally {
  await turn.close();
}
// Its timer for the next Refresh cannot be cancelled, and would keep the process for minutes.
process.exit();
