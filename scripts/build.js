// npm run build: dist/ from the C++ core, types/ from the JSDoc.

import { buildPackage } from './lib/build-steps.js';
import { runMain } from './lib/steps.js';
import { setUpWasm } from './setup.js';

await runMain(async () => {
  await buildPackage(await setUpWasm());
});
