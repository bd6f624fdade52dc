// The reflector: part of postern/server.

export { createReflector, Reflector } from './reflector.js';

/** @typedef {import('./options.js').ReflectorOptions} ReflectorOptions */
/** @typedef {import('./options.js').ReflectorLimits} ReflectorLimits */
/** @typedef {import('./core.js').ReflectorStats} ReflectorStats */
