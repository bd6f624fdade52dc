// What every implementation is given. bench/pion/main.go and bench/native/ repeat these values; the
// proof that runs before any timing fails when they differ.

/** Messages in one call of a batch bench. */
export const BATCH_SIZE = 16;

/** Binding success: XOR-MAPPED-ADDRESS 203.0.113.45:54321, SOFTWARE, FINGERPRINT. */
export const BINDING_SUCCESS_HEX =
  '0101002c2112a4426d1e0b5f92c84a7733d0ae19' +
  '002000080001f523ea12d56f' +
  '80220014436f7475726e2d342e362e312027476f72737427' +
  '8028000411064ad4';

/** What a reader must find in BINDING_SUCCESS_HEX. */
export const MAPPED = { address: '203.0.113.45', port: 54321 };

/** RFC 5769 section 2.1: SOFTWARE, PRIORITY, ICE-CONTROLLED, USERNAME, MESSAGE-INTEGRITY, FINGERPRINT. */
export const RFC5769_REQUEST_HEX =
  '000100582112a442b7e7a701bc34d686fa87dfae' +
  '802200105354554e207465737420636c69656e74' +
  '002400046e0001ff' +
  '80290008932ff9b151263b36' +
  '000600096576746a3a68367659202020' +
  '000800149aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a2' +
  '80280004e57a3bcf';

/** Short-term password of RFC5769_REQUEST_HEX. */
export const RFC5769_PASSWORD = 'VOkJxbRl1RmTxUk/WvJxBt';

/** SOFTWARE of the Binding request that is encoded. */
export const SOFTWARE = 'STUN test client';

/** The Allocate request that is encoded. */
export const ALLOCATE = {
  username: '1893456000:alice',
  realm: 'turn.example.org',
  nonce: 'f//499k954d6OL34oL9FSTvy64sA',
  password: 'correct horse battery staple',
  requestedTransport: 17, // UDP
};

/**
 * @typedef {'decode' | 'verify' | 'encode'} Kind
 *   decode: bytes -> {address, port}, or null when refused; verify: bytes -> boolean; encode: -> bytes
 * @typedef {{ kind: Kind, batch: boolean, inputHex?: string }} Bench
 */

/** @type {Record<string, Bench>} */
export const BENCHES = {};
for (const batch of [false, true]) {
  const suffix = batch ? '-batch' : '';
  BENCHES[`decode-binding${suffix}`] = { kind: 'decode', batch, inputHex: BINDING_SUCCESS_HEX };
  BENCHES[`decode-verify${suffix}`] = { kind: 'verify', batch, inputHex: RFC5769_REQUEST_HEX };
  BENCHES[`encode-binding${suffix}`] = { kind: 'encode', batch };
  BENCHES[`encode-allocate-auth${suffix}`] = { kind: 'encode', batch };
}
