// What a browser gives: neither sockets nor DNS, but WebSockets.
import { PosternError } from '../errors.js';
import { chooseTransports } from '../resolve/choose-transports.js';
import { webSocketCandidate } from '../resolve/websocket-candidate.js';
import { openWebSocket } from '../transports/websocket.js';

const HINT =
  'Name a server that is reached over WebSocket, such as wss://turn.example.org/; or bring a transport of your own ' +
  'as options.transport. A page that only wants its mapped address finds it in the candidates of type srflx of an ' +
  'RTCPeerConnection.';

function unsupported() {
  return new PosternError(
    'ERR_TRANSPORT_UNSUPPORTED',
    'A browser lets no page open UDP, TCP or TLS connections of its own.',
    { hint: HINT },
  );
}

function proxyUnsupported() {
  return new PosternError(
    'ERR_TRANSPORT_UNSUPPORTED',
    'A page chooses no proxy: the browser uses its own proxy settings.',
    { hint: 'Leave options.proxy out in browsers.' },
  );
}

/** @type {import('./platform.js').Platform['resolveServer']} */
export async function resolveServer(uri, options) {
  options.signal?.throwIfAborted();
  if (options.proxy !== undefined) throw proxyUnsupported();
  if (uri.transport !== 'ws') throw unsupported();
  chooseTransports(uri, options.transport);
  return [webSocketCandidate(uri, options)];
}

/** @type {import('./platform.js').Platform['openTransport']} */
export async function openTransport(candidate, options) {
  if (candidate.transport !== 'ws') throw unsupported();
  return openWebSocket(candidate, options);
}

/** @type {import('./platform.js').Platform['toDuplex']} */
export function toDuplex() {
  throw new PosternError(
    'ERR_TRANSPORT_UNSUPPORTED',
    'Streams of node:stream are there in Node only.',
    {
      hint: 'Use `readable` and `writable`.',
    },
  );
}

/** @type {import('./platform.js').Platform['dgramSocket']} */
export function dgramSocket() {
  throw new PosternError(
    'ERR_TRANSPORT_UNSUPPORTED',
    'The sockets of node:dgram are there in Node only.',
    { hint: "Use the relay's send() and onmessage, or its `readable` and `writable`." },
  );
}
