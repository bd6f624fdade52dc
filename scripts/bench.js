// npm run bench [-- --only NAME ...]: builds what is measured and runs bench/run.js.

import { join } from 'node:path';
import { buildPackage } from './lib/build-steps.js';
import { buildPreset } from './lib/cmake.js';
import { projectDirectory } from './lib/paths.js';
import { run } from './lib/process.js';
import { runMain } from './lib/steps.js';
import { setUpWasm } from './setup.js';

await runMain(async () => {
  const emscripten = await setUpWasm({
    packages: ['native'],
    optional: { pion: 'Pion is not measured.', servers: 'relays are not measured.' },
  });
  await buildPackage(emscripten);
  await buildPreset('release', { targets: ['postern_bench'] });
  const program = join(projectDirectory, 'bench/run.js');
  const { status } = await run(process.execPath, [program, ...process.argv.slice(2)], {
    show: true,
  });
  return status;
});
