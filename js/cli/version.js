// The version of the package that this file is of.
import { createRequire } from 'node:module';

/** By the package's own name: this file and the bundle made of it lie at different depths. */
export const packageVersion = () =>
  /** @type {{ version: string }} */ (createRequire(import.meta.url)('postern/package.json'))
    .version;
