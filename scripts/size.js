// npm run size: what a browser loads for each entry, and whether that is within its budget.

import { measureSize, SIZES } from '../bench/size.js';
import { judgeSize } from '../bench/targets.js';
import { buildPackage } from './lib/build-steps.js';
import { runMain } from './lib/steps.js';
import { setUpWasm } from './setup.js';

await runMain(async () => {
  await buildPackage(await setUpWasm());
  const rows = [];
  let isWithinBudget = true;
  for (const name of SIZES) {
    const sizes = Object.fromEntries(
      (await measureSize(name)).map(({ encoding, bytes }) => [encoding, bytes]),
    );
    const verdict = judgeSize(name, sizes.gzip);
    if (verdict && !verdict.reached) isWithinBudget = false;
    rows.push({
      entry: name,
      ...sizes,
      budget: verdict ? `${verdict.reached ? '' : 'MISSED: '}${verdict.asked}` : '',
    });
  }
  console.table(rows);
  return isWithinBudget ? 0 : 1;
});
