// postern/server: a STUN and TURN server in the process. Node.js only.

export { PosternError } from '../errors.js';
export { createMirror, Mirror } from '../mirror/index.js';
export { createReflector, Reflector } from '../reflector/index.js';
export { createServer } from './create-server.js';
export { Server } from './server.js';

/** @typedef {import('../mirror/index.js').MirrorLimits} MirrorLimits */
/** @typedef {import('../mirror/index.js').MirrorOptions} MirrorOptions */
/** @typedef {import('../mirror/index.js').MirrorPorts} MirrorPorts */
/** @typedef {import('../mirror/index.js').MirrorStats} MirrorStats */
/** @typedef {import('../reflector/index.js').ReflectorLimits} ReflectorLimits */
/** @typedef {import('../reflector/index.js').ReflectorOptions} ReflectorOptions */
/** @typedef {import('../reflector/index.js').ReflectorStats} ReflectorStats */
/** @typedef {import('./server-options.js').FindPassword} FindPassword */
/** @typedef {import('./server-options.js').PolicyOptions} PolicyOptions */
/** @typedef {import('./server-options.js').QuotaOptions} QuotaOptions */
/** @typedef {import('./server-options.js').RelayOptions} RelayOptions */
/** @typedef {import('./server-options.js').ServerOptions} ServerOptions */
/** @typedef {import('./server-events.js').AllocationEnd} AllocationEnd */
/** @typedef {import('./server-events.js').AllocationInfo} AllocationInfo */
/** @typedef {import('./server.js').ServerEnd} ServerEnd */
/** @typedef {import('./server.js').ServerStats} ServerStats */
