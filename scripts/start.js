// npm start [-- --once] [stun:host:port ...]: sets up, builds, and shows the network test: from Node.js, and as a page.

import { buildPage } from './lib/build-page.js';
import { buildWasm } from './lib/build-steps.js';
import { runMain, step } from './lib/steps.js';
import { setUpWasm } from './setup.js';

const LOOK_EVERY_MS = 500;

/** npm hands SIGTERM to its shell, and that to nobody: then there is another parent. */
function endWithNpm() {
  if (process.env.npm_lifecycle_event === undefined) return;
  const { ppid } = process;
  const timer = setInterval(() => {
    if (process.ppid === ppid) return;
    clearInterval(timer);
    process.kill(process.pid, 'SIGTERM');
  }, LOOK_EVERY_MS);
  timer.unref();
}

await runMain(async () => {
  endWithNpm();
  await buildWasm(await setUpWasm());
  await step('page', buildPage);
  // It needs what was built.
  const { main } = await import('../js/dev/start.js');
  return main(process.argv.slice(2));
});
