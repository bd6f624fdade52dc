// npm werift-ice: parseMessage() and Message, which its ICE and TURN clients use.

import { ALLOCATE, RFC5769_PASSWORD, SOFTWARE } from '../inputs.js';
import { peerVersion, requirePeer } from './peer.js';

const { Message, classes, makeIntegrityKey, methods, parseMessage } = requirePeer('werift-ice');

const verifyKey = Buffer.from(RFC5769_PASSWORD);
const allocateKey = makeIntegrityKey(ALLOCATE.username, ALLOCATE.realm, ALLOCATE.password);
const nonce = Buffer.from(ALLOCATE.nonce);
const requestedTransport = ALLOCATE.requestedTransport * 2 ** 24; // it takes the four bytes as a number

export default {
  version: peerVersion('werift-ice'),
  benches: {
    'decode-binding': {
      op(/** @type {Buffer} */ bytes) {
        const message = parseMessage(bytes); // undefined when FINGERPRINT is wrong
        if (message === undefined) return null;
        const [address, port] = message.getAttributeValue('XOR-MAPPED-ADDRESS');
        return { address, port };
      },
    },
    'decode-verify': {
      note: 'key made once; its HMAC state cannot be prepared',
      op: (/** @type {Buffer} */ bytes) => parseMessage(bytes, verifyKey) !== undefined,
    },
    'encode-binding': {
      op() {
        return new Message(methods.BINDING, classes.REQUEST)
          .setAttribute('SOFTWARE', SOFTWARE)
          .addFingerprint().bytes;
      },
    },
    'encode-allocate-auth': {
      note: 'long-term key made once; its HMAC state cannot be prepared',
      op() {
        return new Message(methods.ALLOCATE, classes.REQUEST)
          .setAttribute('USERNAME', ALLOCATE.username)
          .setAttribute('REALM', ALLOCATE.realm)
          .setAttribute('NONCE', nonce)
          .setAttribute('REQUESTED-TRANSPORT', requestedTransport)
          .addMessageIntegrity(allocateKey)
          .addFingerprint().bytes;
      },
    },
  },
};
