// The page of the network test: one button, and what comes of it.
import { diagnose } from '../diagnose/diagnose.js';
import { VERSION } from '../generated/version.js';
import { createReport } from '../report/create-report.js';
import { redact } from '../report/output/redact.js';
import { byId, element } from './dom.js';
import { hostsOf, planOfFragment, readPlan, secretsOf } from './model/plan-link.js';
import { setUpTheme } from './theme.js';
import { ChartsView } from './views/charts.js';
import { showFindings } from './views/findings.js';
import { showMeasurements } from './views/measurements.js';
import { OwnServersView } from './views/own-servers.js';
import { PathView } from './views/path.js';
import { ProgressView } from './views/progress.js';
import { copyText, shareOf } from './views/share.js';
import { showVerdict, textOfAsks } from './views/verdict.js';

/** @typedef {import('../network-test/events.js').TestEvent} TestEvent */
/** @typedef {import('../network-test/plan.js').NetworkPlan} NetworkPlan */
/** @typedef {import('../report/index.js').Measurement} Measurement */
/** @typedef {import('../report/index.js').Report} Report */

/** Each run has a plan of its own, since its credentials end. @typedef {(signal: AbortSignal) => NetworkPlan | Promise<NetworkPlan>} PlanSource */

const PLAN_URL = './plan.json';
const HIDDEN = /** @type {const} */ ('drop');
const SHOWN = /** @type {const} */ ('keep');

const start = /** @type {HTMLButtonElement} */ (byId('start'));
const stop = /** @type {HTMLButtonElement} */ (byId('stop'));

const TOAST_MS = 5000;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let toastEnd;

/** To screen readers alone. @param {string} text */
function announce(text) {
  byId('announcer').textContent = text;
}

/** @param {string} text */
function say(text) {
  announce(text);
  byId('toast').textContent = text;
  clearTimeout(toastEnd);
  toastEnd = setTimeout(() => byId('toast').replaceChildren(), TOAST_MS);
}

const progress = new ProgressView(byId('progress'), announce);
const path = new PathView(byId('path'));
const charts = new ChartsView(byId('charts'));
const own = new OwnServersView(byId('own'), { onTest: (plan) => void run(() => plan), say });

/** @type {AbortController | undefined} of the test that runs */
let running;
/** @type {PlanSource} */
let source = fetchPlan;
/** @type {{ report: Report, secrets: readonly string[] } | undefined} */
let finished;
let areAddressesHidden = false;

/** @param {string} text @param {'bad' | 'warn'} [tone] none: it goes */
function notice(text, tone) {
  byId('notice').replaceChildren(
    ...(tone === undefined ? [] : [element('p', { class: `notice ${tone}` }, text)]),
  );
}

/** @param {'ready' | 'running' | 'done' | 'stopped'} state */
function setState(state) {
  const isRunning = state === 'running';
  document.body.dataset.state = state;
  const hadFocus = document.activeElement === (isRunning ? start : stop);
  start.hidden = isRunning;
  stop.hidden = !isRunning;
  start.textContent = state === 'ready' ? 'Test this network' : 'Test again';
  if (hadFocus) (isRunning ? stop : start).focus();
}

/** @param {AbortSignal | null} signal @returns {Promise<NetworkPlan>} that of the site */
async function fetchPlan(signal) {
  const response = await fetch(PLAN_URL, { cache: 'no-store', signal });
  if (!response.ok) throw new Error(`HTTP status ${response.status}`);
  return readPlan((await response.json()).plan);
}

/** @param {NetworkPlan} plan @param {string} whose */
function showScope(plan, whose) {
  const hosts = hostsOf(plan).map((host) => host || location.hostname);
  const named = hosts.length === 0 ? 'no server' : hosts.join(', ');
  byId('scope').textContent = `Tests the servers of ${whose}: ${named}.`;
}

/** Shows what is finished; again when addresses are hidden, or no more. */
function showReport() {
  if (finished === undefined) return undefined;
  const { report, secrets } = finished;
  const redacting = () => ({
    addresses: areAddressesHidden ? HIDDEN : SHOWN,
    secrets,
  });
  const shown = redact(report, redacting());
  const onHide = (/** @type {boolean} */ isHidden) => {
    areAddressesHidden = isHidden;
    showReport();
    byId('hide-addresses').focus();
  };
  const onCopyAsks = async () => {
    const isDone = await copyText(textOfAsks(shown.asks));
    say(isDone ? 'The list was copied.' : 'This browser lets nothing be copied.');
  };
  showFindings(byId('findings'), shown);
  showMeasurements(byId('measurements'), shown.measurements);
  return showVerdict(byId('verdict'), shown, {
    onCopyAsks: () => void onCopyAsks(),
    share: shareOf(report, { redacting, say, onHide, isHidden: areAddressesHidden }),
  });
}

/** What a test before has left. */
function clear() {
  finished = undefined;
  notice('');
  say('');
  for (const id of ['verdict', 'findings', 'measurements']) byId(id).hidden = true;
  progress.begin();
  charts.begin();
  path.show([]);
}

/** @param {unknown} error @param {boolean} hasPlan */
function showFailure(error, hasPlan) {
  byId('progress').hidden = true;
  const { code } = /** @type {{ code?: string }} */ (error);
  if (hasPlan && code === 'ERR_INVALID_ARGUMENT') {
    own.refuse(error);
    return;
  }
  const { message } = /** @type {Error} */ (error);
  notice(
    hasPlan
      ? `The test could not be made: ${message}`
      : `The plan of this page could not be loaded (${message}). Is this device online? You can test servers of your own below.`,
    'bad',
  );
}

/** @param {PlanSource} from */
async function run(from) {
  if (running !== undefined) return;
  const controller = new AbortController();
  running = controller;
  clear();
  setState('running');
  /** @type {Measurement[]} */
  const measurements = [];
  /** @param {TestEvent} event */
  const onEvent = (event) => {
    progress.take(event);
    if (event.type === 'sample') charts.take(event.sample);
    if (event.type !== 'measurement') return;
    measurements.push(event.measurement);
    path.show(measurements);
  };
  /** @type {NetworkPlan | undefined} */
  let plan;
  try {
    plan = await from(controller.signal);
    controller.signal.throwIfAborted();
    const report = await diagnose(plan, { signal: controller.signal, onEvent });
    finished = { report, secrets: secretsOf(plan) };
    progress.end('done');
    setState('done');
    const heading = showReport();
    announce(`The test is finished. Verdict: ${report.grade}. ${report.summary}`);
    heading?.focus();
  } catch (error) {
    progress.end('stopped');
    setState(controller.signal.aborted ? 'stopped' : 'ready');
    if (controller.signal.aborted) {
      notice(
        'The test was stopped, so there is no verdict. What was measured until then is below.',
        'warn',
      );
      const secrets = plan === undefined ? [] : secretsOf(plan);
      showMeasurements(byId('measurements'), scrubbed(measurements, secrets));
    } else {
      showFailure(error, plan !== undefined);
    }
  } finally {
    running = undefined;
  }
}

/** @param {Measurement[]} measurements of a test that did not end @param {readonly string[]} secrets */
function scrubbed(measurements, secrets) {
  const report = createReport({
    createdAt: new Date().toISOString(),
    tool: { name: 'postern', version: VERSION },
    platform: { name: 'browser' },
    measurements,
  });
  return redact(report, { secrets }).measurements;
}

/** What is to be tested: of the link, or of the site. */
async function readLocation() {
  start.disabled = false;
  /** @type {NetworkPlan | undefined} */
  let linked;
  try {
    linked = planOfFragment(location.hash);
  } catch {
    notice(
      'The link has a plan that cannot be read, so the servers of this site are tested.',
      'warn',
    );
  }
  if (linked !== undefined) {
    const plan = linked;
    source = () => plan;
    own.fill(plan);
    showScope(plan, 'the link that you have followed');
    return;
  }
  source = fetchPlan;
  try {
    showScope(await fetchPlan(null), 'this site');
  } catch {
    byId('scope').textContent = '';
  }
}

setUpTheme(byId('theme'), () => charts.repaint());
path.show([]);
setState('ready');
start.addEventListener('click', () => void run(source));
stop.addEventListener('click', () => running?.abort());
addEventListener('hashchange', () => void readLocation());
// Without a change of the fragment, which may have a plan.
document.querySelector('.skip')?.addEventListener('click', (event) => {
  event.preventDefault();
  byId('main').focus();
});
void readLocation();
