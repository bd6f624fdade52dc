// The mirror: part of postern/server.

export { createMirror, Mirror } from './mirror.js';

/** @typedef {import('./options.js').MirrorOptions} MirrorOptions */
/** @typedef {import('./options.js').MirrorLimits} MirrorLimits */
/** @typedef {import('./options.js').MirrorPorts} MirrorPorts */
/** @typedef {import('./core.js').MirrorStats} MirrorStats */
/** @typedef {import('./judge.js').NatVerdict} NatVerdict */
