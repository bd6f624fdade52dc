// A socket of Node's through the same relay, and no client: the allocation is made by hand, and each message goes into
// a copy of one frame that was made beforehand. It shows what the relay makes of the socket's work, which a TURN client
// can hardly go below. How it is driven is in ../echo-client.js.

import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readEchoOptions, serveEchoes } from '../echo-client.js';
import { EchoWindow } from '../echo-window.js';

// 'postern/codec' in Node; by its path, because bench/ is a package of its own.
const CODEC = new URL('../../dist/codec.inline.js', import.meta.url).href;
/** @type {typeof import('../../js/codec/index.js')} */
const { decode, encode, prepareKey } = await import(CODEC);

const CHANNEL = 0x4000;
/** Of ChannelData (RFC 8656 section 12.4). */
const CHANNEL_HEAD_BYTES = 4;

const options = readEchoOptions();
const { server, peer, payload, mode, user: username, password } = options;
const socket = createSocket('udp4');
socket.connect(server.port, server.address);
await once(socket, 'connect');

/**
 * @param {Omit<import('../../js/codec/encode.js').MessageInput, 'class'>} request
 * @param {'success' | 'error'} [expected]
 * @returns {Promise<any>} attributes of the answer
 */
async function ask(request, expected = 'success') {
  socket.send(encode({ ...request, class: 'request' }));
  const [bytes] = await once(socket, 'message');
  const { class: kind, attributes } = decode(bytes);
  if (kind !== expected) throw new Error(`${request.method} was answered with: ${kind}`);
  return attributes;
}

const requestedTransport = 17; // UDP
/** @type {Parameters<typeof ask>[0]} */
const unsigned = { method: 'Allocate', attributes: { requestedTransport } };
const { realm, nonce } = await ask(unsigned, 'error');
const key = prepareKey({ username, realm, password, algorithm: 'MD5' });
const signed = { username, realm, nonce };
await ask({ method: 'Allocate', attributes: { ...signed, requestedTransport }, key });

/** Where the message is in what is sent, and in what is received. */
let sentAt = CHANNEL_HEAD_BYTES;
let receivedAt = CHANNEL_HEAD_BYTES;
let frame = Buffer.alloc(CHANNEL_HEAD_BYTES + payload);
const xorPeerAddress = peer;
if (mode === 'channel') {
  const attributes = { ...signed, channelNumber: CHANNEL, xorPeerAddress };
  await ask({ method: 'ChannelBind', attributes, key });
  frame.writeUInt16BE(CHANNEL);
  frame.writeUInt16BE(payload, 2);
} else {
  await ask({ method: 'CreatePermission', attributes: { ...signed, xorPeerAddress }, key });
  const data = Buffer.alloc(payload, 0xa5);
  const attributes = { xorPeerAddress, data };
  frame = Buffer.from(encode({ class: 'indication', method: 'Send', attributes }));
  sentAt = frame.indexOf(data);
  socket.send(frame);
  const [indication] = await once(socket, 'message');
  receivedAt = indication.indexOf(data);
}

const window = new EchoWindow();
socket.on('message', (bytes) => {
  window.arrived(new Uint8Array(bytes.buffer, bytes.byteOffset + receivedAt, payload));
});
const send = (/** @type {Buffer} */ message) => {
  const copy = Buffer.allocUnsafe(frame.length);
  copy.set(frame);
  copy.set(message, sentAt);
  socket.send(copy);
};
const { version } = process;
await serveEchoes(options, { impl: 'dgram-relayed', version, window, send });
socket.close();
