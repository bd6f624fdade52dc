// npm turn-server: the functions of its exported `wire`, those that its own server and client use.

import { ALLOCATE, RFC5769_PASSWORD, SOFTWARE } from '../inputs.js';
import { importPeer, peerVersion } from './peer.js';

const { wire } = await importPeer('turn-server');
const { ATTR, METHOD, CLASS } = wire;

const verifyKey = wire.compute_short_term_key(RFC5769_PASSWORD);
const allocateKey = wire.compute_long_term_key(
  ALLOCATE.username,
  ALLOCATE.realm,
  ALLOCATE.password,
);

// It copies every slice of a Buffer once more; a plain Uint8Array is what it reads fastest.
const asUint8Array = (/** @type {Buffer} */ bytes) => new Uint8Array(bytes);

/** Decodes; null unless FINGERPRINT is there and right. The parser itself does not check it. */
function decodeChecked(/** @type {Uint8Array} */ bytes) {
  const message = wire.decode_message(bytes);
  if (message === null || message.fingerprint_offset === null) return null;
  const covered = bytes.subarray(0, message.fingerprint_offset);
  const right = wire.compute_fingerprint(covered) === message.getAttribute(ATTR.FINGERPRINT);
  return right ? message : null;
}

export default {
  version: peerVersion('turn-server'),
  benches: {
    'decode-binding': {
      input: asUint8Array,
      op(/** @type {Uint8Array} */ bytes) {
        const message = decodeChecked(bytes);
        if (message === null) return null;
        const { ip, port } = message.getAttribute(ATTR.XOR_MAPPED_ADDRESS);
        return { address: ip, port };
      },
    },
    'decode-verify': {
      input: asUint8Array,
      note: 'key made once, although its validateStunMessage() makes it for each message',
      op(/** @type {Uint8Array} */ bytes) {
        const message = decodeChecked(bytes);
        if (message === null || message.integrity_offset === null) return false;
        return wire.validate_integrity(bytes, message.integrity_offset, verifyKey);
      },
    },
    'encode-binding': {
      op() {
        return wire.encode_message({
          method: METHOD.BINDING,
          cls: CLASS.REQUEST,
          attributes: [{ type: ATTR.SOFTWARE, value: SOFTWARE }],
        }).buf;
      },
    },
    'encode-allocate-auth': {
      note: 'long-term key made once; its HMAC state cannot be prepared',
      op() {
        return wire.encode_message({
          method: METHOD.ALLOCATE,
          cls: CLASS.REQUEST,
          attributes: [
            { type: ATTR.USERNAME, value: ALLOCATE.username },
            { type: ATTR.REALM, value: ALLOCATE.realm },
            { type: ATTR.NONCE, value: ALLOCATE.nonce },
            { type: ATTR.REQUESTED_TRANSPORT, value: ALLOCATE.requestedTransport },
          ],
          key: allocateKey,
        }).buf;
      },
    },
  },
};
