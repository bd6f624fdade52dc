// What a server takes of the machine it runs on. A simulated host has its own.

import { PLATFORM_CLOCK } from '../clock.js';
import { bindUdp } from './bind-udp.js';

/**
 * The part of a socket of node:dgram that servers use.
 *
 * @typedef {Pick<import('node:dgram').Socket, 'address' | 'on' | 'send' | 'close'>} BoundSocket
 */

/**
 * @typedef {object} ServerPlatform
 * @property {import('../clock.js').Clock} clock
 * @property {() => number} timeOfDay in milliseconds since 1970
 * @property {(place: { address: string, port: number, family: import('../address.js').AddressFamily },
 *   options?: Partial<import('node:dgram').SocketOptions>) => Promise<BoundSocket>} bindUdp rejects with the system's error
 */

/** @type {ServerPlatform} */
export const MACHINE = { clock: PLATFORM_CLOCK, timeOfDay: () => Date.now(), bindUdp };
