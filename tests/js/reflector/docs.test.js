// docs/reflector.md: its sample runs, and its tables have what there is.
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { describe, expect, test } from '@jest/globals';
import { REFUSALS } from '../../../js/far-end/refusals.js';
import { BECAUSE } from '../../../js/measure/reflector/judge.js';
import { createReflector } from '../../../js/reflector/index.js';
import { DEFAULT_LIMITS } from '../../../js/reflector/options.js';
import { LOOKS } from '../../../js/reflector/packets/marks.js';
import { World } from './support.js';

const page = await readFile(new URL('../../../docs/reflector.md', import.meta.url), 'utf8');
const [sample] = [...page.matchAll(/<!-- run -->\n```js\n([\s\S]*?)```/g)].map(([, code]) => code);

/** @param {string} heading @returns {string[][]} rows of the tables below it */
const rowsBelow = (heading) =>
  [
    ...(page.split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? '').matchAll(/^\| `(.*) \|$/gm),
  ].map(([, row]) => row.replaceAll('`', '').split(' | '));

const isLook = (/** @type {string} */ row) => LOOKS.some((look) => look === row);

test('the sample makes a reflector', async () => {
  const code = sample
    .replaceAll(/^import .*$/gm, '')
    .replace("['192.0.2.1']", "['127.0.0.1']")
    .replace("[3478, 443, '16384-16390']", '[0]')
    .replace('[5060]', '[0]')
    .replace('server.listen(8080', 'server.listen(0');
  const { createServer } = await import('node:http');
  const AsyncFunction = /** @type {any} */ (async () => {}).constructor;
  const make = new AsyncFunction(
    'createServer',
    'createReflector',
    `${code}; return { reflector, server };`,
  );
  const { reflector, server } = await make(createServer, createReflector);
  if (!server.listening) await once(server, 'listening');
  const response = await fetch(`http://127.0.0.1:${server.address().port}/`, {
    method: 'POST',
    body: JSON.stringify({ step: 'start' }),
  });
  expect(await response.json()).toMatchObject({ address: '127.0.0.1' });
  server.close();
  server.closeAllConnections();
  await reflector.close();
});

describe('the tables', () => {
  test('have each reason, in its words, and no other', () => {
    const told = rowsBelow('What it cannot').map(([words]) => words.trim());
    const reasons = Object.values(BECAUSE);
    expect(told.sort()).toEqual(reasons.sort());
  });

  test('have each limit, with what it is when left out', () => {
    const told = rowsBelow('What it sends, and to whom').map(([name, value]) => [
      name,
      Number(value),
    ]);
    expect(Object.fromEntries(told)).toEqual({ ...DEFAULT_LIMITS });
  });

  test('have each refusal', () => {
    const text = page.split('Refusals are')[1]?.split('\n\n')[0] ?? '';
    const words = [...text.matchAll(/`([a-z-]+)`/g)].map(([, word]) => word);
    expect(words.sort()).toEqual(Object.keys(REFUSALS).sort());
  });

  test('have each step, and each look', () => {
    const rows = rowsBelow('The talk').map(([first]) => first);
    for (const look of LOOKS) expect(rows).toContain(look);
    const world = new World();
    const { session } = world.start();
    // 'sip' is a step, too.
    const steps = rows.filter((row) => row === 'sip' || (row !== 'step' && !isLook(row)));
    expect(new Set(steps)).toEqual(
      new Set(['start', 'arrived', 'sip', 'count', 'send', 'counts', 'stop', 'end']),
    );
    // What a step lacks is another refusal than that there is no such step.
    world.ask({ step: 'count', session });
    for (const step of new Set(steps)) {
      expect([step, world.ask({ step, session, flow: 0 }).body.refused]).toEqual([
        step,
        step === 'send' ? 'bad-request' : undefined,
      ]);
    }
    expect(world.ask({ step: 'other', session }).body.refused).toBe('no-session');
  });
});
