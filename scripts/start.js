// npm start [-- --once] [stun:host:port ...]: sets up, builds, and shows the network test: from Node.js, and as a page.

import { buildPage } from './lib/build-page.js';
import { buildWasm } from './lib/build-steps.js';
import { runMain, step } from './lib/steps.js';
import { setUpWasm } from './setup.js';

await runMain(async () => {
  await buildWasm(await setUpWasm());
  await step('page', buildPage);
  // It needs what was built.
  const { main } = await import('../js/dev/start.js');
  return main(process.argv.slice(2));
});
