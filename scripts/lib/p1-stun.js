// Where Debian's packages put Erlang and ProcessOne's p1_stun.

import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const ERLANG = '/usr/lib/erlang';
const LIBRARY = 'p1_stun-';

/** What runs scripts of the Erlang that the library belongs to, whatever else is on PATH. */
export const escript = join(ERLANG, 'bin', 'escript');

/** The version of p1_stun, or undefined where it can't be run. */
export function p1StunVersion() {
  const libraries = join(ERLANG, 'lib');
  if (!existsSync(escript) || !existsSync(libraries)) return undefined;
  return readdirSync(libraries)
    .find((name) => name.startsWith(LIBRARY))
    ?.slice(LIBRARY.length);
}
