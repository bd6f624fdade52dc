// npm start [-- stun:host:port ...]: sets up, builds, and asks servers for this machine's public address.

import { join } from 'node:path';
import { buildWasm } from './lib/build-steps.js';
import { projectDirectory } from './lib/paths.js';
import { run } from './lib/process.js';
import { runMain } from './lib/steps.js';
import { setUpWasm } from './setup.js';

await runMain(async () => {
  await buildWasm(await setUpWasm());
  const program = join(projectDirectory, 'js/dev/start.js');
  const { status } = await run(process.execPath, [program, ...process.argv.slice(2)], {
    show: true,
  });
  return status;
});
