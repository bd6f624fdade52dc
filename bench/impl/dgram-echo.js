// No TURN at all: the same messages on a socket of Node's, connected to the echo peer. It shows what is the
// socket's, and not a TURN client's. How it is driven is in ../echo-client.js; server, user and mode say nothing here.

import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readEchoOptions, serveEchoes } from '../echo-client.js';
import { EchoWindow } from '../echo-window.js';

const options = readEchoOptions();
const socket = createSocket('udp4');
socket.connect(options.peer.port, options.peer.address);
await once(socket, 'connect');

const window = new EchoWindow();
socket.on('message', window.arrived);
const send = (/** @type {Buffer} */ message) => socket.send(message);
await serveEchoes(options, { impl: 'dgram', version: process.version, window, send });
socket.close();
