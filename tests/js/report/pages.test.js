// js/report and js/quality as pages get them: bundled for browsers, with nothing of Node.js in them or around them.
import { fileURLToPath } from 'node:url';
import { createContext, runInContext } from 'node:vm';
import { expect, test } from '@jest/globals';
import { build } from 'esbuild';
import { createReport, toHtml, toJson, toText } from '../../../js/report/index.js';
import { EVERYTHING, HEAD } from './samples.js';

const project = fileURLToPath(new URL('../../../', import.meta.url));

/** What a page has, of what is used. */
const GLOBALS = Object.freeze({ URL });

/** @param {string} name of a folder in js */
async function bundled(name) {
  const { outputFiles, metafile } = await build({
    entryPoints: [`js/${name}/index.js`],
    absWorkingDir: project,
    bundle: true,
    platform: 'browser',
    format: 'iife',
    globalName: 'bundle',
    metafile: true,
    write: false,
  });
  const context = createContext({ ...GLOBALS });
  runInContext(outputFiles[0].text, context);
  return { context, inputs: Object.keys(metafile.inputs) };
}

test('a page makes the same reports', async () => {
  const { context, inputs } = await bundled('report');
  expect(inputs.filter((path) => path.includes('wasm') || path.includes('platform'))).toEqual([]);
  context.input = JSON.stringify({ ...HEAD, measurements: EVERYTHING });
  const [json, html] = runInContext(
    `{
      const report = bundle.createReport(JSON.parse(input));
      [bundle.toJson(report), bundle.toHtml(report)];
    }`,
    context,
  );
  const report = createReport({ ...HEAD, measurements: EVERYTHING });
  expect(json).toBe(toJson(report));
  expect(html).toBe(toHtml(report));
  context.input = json;
  expect(runInContext('bundle.toText(bundle.fromJson(input))', context)).toBe(toText(report));
});

test('a page measures the same', async () => {
  const { context } = await bundled('quality');
  expect(
    runInContext(
      `{
        const trips = new bundle.RoundTrips();
        for (const ms of [30, 10, 20]) trips.add(ms);
        const { low, high } = bundle.estimateMos({ roundTripMs: 20, jitterMs: 2, lossRatio: 0 });
        JSON.stringify([trips.summary().medianMs, low < high, high < 4.5]);
      }`,
      context,
    ),
  ).toBe('[20,true,true]');
});
