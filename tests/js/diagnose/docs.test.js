// docs/diagnose.md: its tables have what there is. Its sample runs in tests/interop/diagnose-browsers.test.js.
import { readFile } from 'node:fs/promises';
import { expect, test } from '@jest/globals';
import { pageSteps } from '../../../js/diagnose/steps.js';
import { checkPlan, QUALITY_DEFAULTS } from '../../../js/network-test/plan.js';

const page = await readFile(new URL('../../../docs/diagnose.md', import.meta.url), 'utf8');
/** @param {string} heading @returns {string[][]} rows of the tables below it */
const rowsBelow = (heading) =>
  [...(page.split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? '').matchAll(/^\| (.*) \|$/gm)]
    .map(([, row]) => row.split(' | '))
    .filter(([first]) => first.startsWith('`'));
const namesIn = (/** @type {string} */ cell) =>
  [...cell.matchAll(/`([^`]+)`/g)].map(([, name]) => name);

test('has each step, in its group, and no other', () => {
  const login = { username: 'user', credential: 'pass' };
  const urls = [
    ...['turn:turn.example.org', 'turns:turn.example.org'],
    ...['ws://turn.example.org/', 'wss://turn.example.org/'],
  ];
  const plan = checkPlan({
    iceServers: [{ urls, ...login }],
    https: ['https://example.org/'],
    signalling: ['wss://example.org/'],
    webTransport: ['https://example.org/'],
  });
  const groups = pageSteps(plan, { timeoutMs: 1000 }).map((group) => group.map(({ id }) => id));
  const [web, relays, path, ...qualities] = groups;
  const told = rowsBelow('What is done').map(([steps]) => namesIn(steps));
  expect(told).toEqual([web, relays, path, qualities.flat()]);
});

test('has each field of a plan', () => {
  const fields = rowsBelow('The plan').flatMap(([cell]) => namesIn(cell));
  const others = namesIn(/** @type {string} */ (/^(.*) are for Node\.js/m.exec(page)?.[1]));
  const options = ['signal', 'onEvent', 'timeoutMs', 'wasmUrl'];
  const known = [...fields, ...others].filter((name) => !options.includes(name));
  const checked = Object.keys(checkPlan({}));
  expect(known.sort()).toEqual(checked.sort());
  const quality = rowsBelow('The plan').find(([cell]) => cell === '`quality`')?.[1] ?? '';
  for (const name of Object.keys(QUALITY_DEFAULTS)) expect(quality).toContain(name);
});
