// postern as an application in Node imports it; by its path, because bench/ is a package of its own.

import { createRequire } from 'node:module';

const ENTRY = new URL('../../dist/node.js', import.meta.url).href;

/** @type {typeof import('../../js/index.js')} */
export const postern = await import(ENTRY);
export const { version } = createRequire(import.meta.url)('../../package.json');
