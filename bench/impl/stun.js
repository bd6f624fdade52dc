// npm stun (nodertc).

import { createHash } from 'node:crypto';
import { ALLOCATE, RFC5769_PASSWORD, SOFTWARE } from '../inputs.js';
import { peerVersion, requirePeer } from './peer.js';

const stun = requirePeer('stun');
const { STUN_BINDING_REQUEST, STUN_ALLOCATE_REQUEST, STUN_ATTR_REQUESTED_TRANSPORT } =
  stun.constants;

// It has no long-term credentials: the key is made here.
const allocateKey = createHash('md5')
  .update(`${ALLOCATE.username}:${ALLOCATE.realm}:${ALLOCATE.password}`)
  .digest();
const requestedTransport = ALLOCATE.requestedTransport * 2 ** 24; // it takes the four bytes as a number

export default {
  version: peerVersion('stun'),
  benches: {
    'decode-binding': {
      op(/** @type {Buffer} */ bytes) {
        const message = stun.decode(bytes);
        if (!stun.validateFingerprint(message)) return null;
        const { address, port } = message.getXorAddress();
        return { address, port };
      },
    },
    'decode-verify': {
      note: 'it checks its own encoding of what it decoded, with zeros as padding; RFC 5769 has spaces',
      op(/** @type {Buffer} */ bytes) {
        const message = stun.decode(bytes);
        return (
          stun.validateFingerprint(message) &&
          stun.validateMessageIntegrity(message, RFC5769_PASSWORD)
        );
      },
    },
    'encode-binding': {
      op() {
        const message = stun.createMessage(STUN_BINDING_REQUEST);
        message.addSoftware(SOFTWARE);
        message.addFingerprint();
        return stun.encode(message);
      },
    },
    'encode-allocate-auth': {
      note: 'long-term key made once, outside: it has none; its HMAC state cannot be prepared',
      op() {
        const message = stun.createMessage(STUN_ALLOCATE_REQUEST);
        message.addUsername(ALLOCATE.username);
        message.addRealm(ALLOCATE.realm);
        message.addNonce(ALLOCATE.nonce);
        message.addAttribute(STUN_ATTR_REQUESTED_TRANSPORT, requestedTransport);
        message.addMessageIntegrity(allocateKey);
        message.addFingerprint();
        return stun.encode(message);
      },
    },
  },
};
