// The network of the tests of firewalls: a TURN server with all of its transports on one address, a web server on another.
import { SERVER_ADDRESSES } from '../support/nat-lab.js';
import { makeCertificate } from './support.js';

const [TURN_ADDRESS, WEB_ADDRESS] = SERVER_ADDRESSES;
export const TURN = { name: 'turn.example.org', address: TURN_ADDRESS };
export const WEB = { name: 'web.example.org', address: WEB_ADDRESS };
/** Addresses by name. */
export const NAMES = { [TURN.name]: TURN.address, [WEB.name]: WEB.address };

const USER = { username: 'alice', credential: 'secret' };
/** Of the reflector. */
export const PORTS = { udp: [5004, 20_000], sip: [5060] };

/** A certificate for both, by name and by address. */
export const makeLabCertificate = () =>
  makeCertificate([TURN, WEB].flatMap(({ name, address }) => [`DNS:${name}`, `IP:${address}`]));

/** @typedef {ReturnType<typeof makeLabCertificate>['files']} LabFiles */

/**
 * The argument of lab-server.js.
 *
 * @param {LabFiles} files
 * @param {object} [more]
 */
export const serverOptions = ({ certificate: cert, key }, more = {}) => ({
  listen: [
    // Two addresses with two ports each tell what a NAT does.
    ...SERVER_ADDRESSES.flatMap((address) => [`udp://${address}:3478`, `udp://${address}:3479`]),
    `udp://${TURN.address}:443`,
    `tcp://${TURN.address}:3478`,
    `tls://${TURN.address}:5349`,
    ...['tcp', 'tls', 'wss'].map((protocol) => `${protocol}://${TURN.address}:443`),
    `ws://${TURN.address}:80`,
  ],
  tls: { cert, key },
  credentials: { [USER.username]: USER.credential },
  realm: 'example.org',
  relay: { addresses: [TURN.address] },
  // Data goes in a circle.
  policy: { allow: [`${TURN.address}/32`] },
  reflector: { addresses: [TURN.address], ...PORTS },
  web: WEB.address,
  ...more,
});

/**
 * What is tried: all that the server has.
 *
 * @param {'name' | 'address'} by
 * @returns {import('../../js/network-test/index.js').NetworkPlan}
 */
export function planBy(by) {
  const turn = TURN[by];
  return {
    iceServers: [
      {
        urls: [
          ...['udp', 'tcp'].map((transport) => `turn:${turn}:3478?transport=${transport}`),
          `turn:${turn}:443?transport=tcp`,
          ...[5349, 443].map((port) => `turns:${turn}:${port}?transport=tcp`),
          `wss://${turn}/`,
          `ws://${turn}/`,
        ],
        ...USER,
      },
    ],
    signalling: [`wss://${WEB[by]}/signal`],
    https: [`https://${WEB[by]}/ping`],
    reflector: `https://${turn}/reflector`,
    families: ['IPv4'],
    natServer: false,
    quality: false,
  };
}
