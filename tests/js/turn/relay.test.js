// A relay at a server in memory, over each kind of transport.
import { afterEach, describe } from '@jest/globals';
import { behavesAsRelay } from './behaviours.js';
import { DATAGRAMS, MESSAGES, stream } from './scripted-server.js';
import { closeRelays } from './support.js';

afterEach(closeRelays);

describe.each([
  ['datagrams', DATAGRAMS],
  ['whole messages that nothing can lose', MESSAGES],
  ['a stream', stream()],
  ['a stream in pieces of 1 byte', stream(1)],
  ['a stream in pieces of 2 bytes', stream(2)],
  ['a stream in pieces of 3 bytes', stream(3)],
  ['a stream in pieces of 7 bytes', stream(7)],
])('over %s', (_, medium) => behavesAsRelay(medium));
