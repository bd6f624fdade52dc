// postern check, while it runs: the network test, what it is doing, and what came of it. Bundled as a file of its own
// (scripts/lib/build-steps.js).
import { runNetworkTest } from '../network-test/index.js';
import { redact } from '../report/index.js';
import { describeChanges, planOutputs, writeReports } from './check-outputs.js';
import { planCheck, secretsOf } from './check-plan.js';
import { createProgress } from './check-progress.js';
import { describeReport } from './describe-report.js';
import { EXIT, exitCodeOfReport, UsageError } from './exit-codes.js';
import { networkOptions, textOf } from './options.js';

/** @typedef {import('./command.js').Invocation} Invocation */
/** @typedef {import('./options.js').Values} Values */

/** Parts of a plan by the options of the command line that say them. */
const FLAGS = /** @type {const} */ ([
  ['plan.name', 'name'],
  ['plan.signalling', 'signalling'],
  ['plan.https', 'https'],
  ['plan.reflector', 'reflector'],
  ['plan.natServer', 'nat-server'],
  ['plan.origin', 'origin'],
  ['plan.proxy', 'proxy'],
]);

/** What is wrong with the plan, in the words of who gave it. @param {unknown} error @param {Values} values */
function explain(error, values) {
  const { code, argument = '', message } = /** @type {any} */ (error ?? {});
  const row = FLAGS.find(([path]) => argument.startsWith(path));
  if (code !== 'ERR_INVALID_ARGUMENT' || row === undefined || values[row[1]] === undefined) {
    return error;
  }
  return new UsageError(`${message.replaceAll(argument, `--${row[1]}`)}.`);
}

/** Nothing is told of it where the result alone was asked for. @param {Invocation} invocation */
function progressOf({ values, io, style }) {
  if (values.json === true || values.quiet === true || values.format !== undefined) {
    return undefined;
  }
  const inPlace = io.isTerminal && io.env.TERM !== 'dumb';
  return createProgress({
    out: inPlace ? io.out : io.err,
    inPlace,
    columns: () => io.columns,
    now: () => performance.now(),
    style,
  });
}

/** @param {Invocation} invocation @returns {Promise<import('./command.js').Outcome>} */
export async function check(invocation) {
  const { values, positionals, io, style, print } = invocation;
  if (textOf(values, 'watch') !== undefined) {
    const { watch } = await import('./watch.js');
    return watch(invocation);
  }
  const { files, format, old, addresses } = await planOutputs(values);
  const plan = await planCheck(positionals, values, io);
  const { tls, timeoutMs } = await networkOptions(values);
  const progress = progressOf(invocation);
  let report;
  try {
    report = await runNetworkTest(plan, {
      signal: io.signal,
      tls,
      timeoutMs,
      onEvent: progress?.onEvent,
    });
  } catch (error) {
    throw explain(error, values);
  } finally {
    progress?.end();
  }
  const redaction = { addresses, secrets: secretsOf(plan) };
  const isWritten = await writeReports(report, files, redaction, io);
  const exitCode = isWritten ? exitCodeOfReport(report) : EXIT.usage;
  const shown = redact(report, redaction);
  const changes = old === undefined ? undefined : describeChanges(old, report, redaction);
  if (format !== undefined && values.json !== true) io.out(format(report, redaction));
  else {
    const texts = [describeReport(shown, style), ...(changes === undefined ? [] : [changes])];
    print(texts.join('\n\n'), exitCode);
  }
  // A document has no place for it.
  if (changes !== undefined && (format !== undefined || values.json === true))
    io.err(`${changes}\n`);
  return { exitCode, json: shown };
}
