// Firewalls of networks that calls have trouble with, as rules of nftables for what a router passes on. The inner side is
// 'lan'; what is not decided here is left to the rules of the NAT behind them.

/** The cookie that each message of STUN has from its fifth byte on (RFC 8489 section 5), behind the header of UDP. */
const STUN_COOKIE = 'meta l4proto udp @th,96,32 0x2112a442';

/** All that goes out but this. @param {string} allowed an expression of nft about TCP */
const nothingBut = (allowed) => [
  'iifname "lan" meta l4proto != tcp drop',
  `iifname "lan" ${allowed} drop`,
];

/** The first three bytes of a request of HTTP, by its method. */
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'OPTIONS', 'DELETE', 'CONNECT'].map(
  (method) => `0x${Buffer.from(method.slice(0, 3)).toString('hex')}`,
);

/** Any first byte: packets without payload do not have one. */
const HAS_PAYLOAD = '@ih,0,8 >= 0x00';

/**
 * Looks at the first bytes that a client sends on a connection: what they are is remembered for all that follows.
 *
 * @param {number} port
 * @param {string} first an expression of nft about them
 */
const inspected = (port, first) => [
  `iifname "lan" tcp dport ${port} ct mark 0 ${first} ct mark set 1`,
  `iifname "lan" tcp dport ${port} ct mark 0 ${HAS_PAYLOAD} reject with tcp reset`,
];

export const FIREWALLS = /** @type {const} */ ({
  none: [],
  'UDP dropped': ['meta l4proto udp drop'],
  'UDP rejected': ['iifname "lan" meta l4proto udp reject with icmp type port-unreachable'],
  'UDP prohibited': ['iifname "lan" meta l4proto udp reject with icmp type admin-prohibited'],
  'STUN dropped': [`${STUN_COOKIE} drop`],
  'only TCP 443': nothingBut('tcp dport != 443'),
  'only TCP 80 and 443': nothingBut('tcp dport != { 80, 443 }'),
  'payload inspection': [
    ...nothingBut('tcp dport != { 80, 443 }'),
    // The content type of a handshake and the first byte of a version (RFC 8446 section 5.1).
    ...inspected(443, '@ih,0,16 0x1603'),
    ...inspected(80, `@ih,0,24 { ${METHODS.join(', ')} }`),
  ],
  nothing: ['drop'],
});

/** @typedef {keyof typeof FIREWALLS} FirewallName */
