// docs/mirror.md: its sample runs, and its tables have what there is.

import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { describe, expect, test } from '@jest/globals';
import * as diagnose from '../../../js/diagnose/index.js';
import { REFUSALS } from '../../../js/far-end/refusals.js';
import { createMirror } from '../../../js/mirror/index.js';
import { DEFAULT_LIMITS } from '../../../js/mirror/options.js';

const page = await readFile(new URL('../../../docs/mirror.md', import.meta.url), 'utf8');
const [sample] = [...page.matchAll(/<!-- run -->\n```js\n([\s\S]*?)```/g)].map(([, code]) => code);
const rows = [...page.matchAll(/^\| (.*) \|$/gm)].map(([, row]) => row.split(' | '));

/** @param {string} heading @returns {string[][]} rows of the tables below it */
const rowsBelow = (heading) =>
  [
    ...(page.split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? '').matchAll(/^\| `(.*) \|$/gm),
  ].map(([, row]) => row.replaceAll('`', '').split(' | '));

test('the sample makes a mirror', async () => {
  const code = sample
    .replaceAll(/^import .*$/gm, '')
    .replace("['192.0.2.1', '192.0.2.2']", "['127.0.0.1', '127.0.0.2']")
    .replace('443, 3478, 5349, 19302', '')
    .replace('first: 3480, second: 3481, strange: 3482', 'first: 0')
    .replace('server.listen(8080', 'server.listen(0');
  const { createServer } = await import('node:http');
  const AsyncFunction = /** @type {any} */ (async () => {}).constructor;
  const make = new AsyncFunction(
    'createServer',
    'createMirror',
    `${code}; return { mirror, server };`,
  );
  const { mirror, server } = await make(createServer, createMirror);
  if (!server.listening) await once(server, 'listening');
  const response = await fetch(`http://127.0.0.1:${server.address().port}/`, {
    method: 'POST',
    headers: { Origin: 'https://app.example.org' },
    body: JSON.stringify({
      step: 'start',
      test: 'nat',
      page: { ufrag: 'page', pwd: 'p'.repeat(24) },
    }),
  });
  expect(await response.json()).toMatchObject({ candidates: [{ address: '127.0.0.1' }] });
  server.close();
  server.closeAllConnections();
  await mirror.close();
});

describe('the tables', () => {
  test('have each reason, in its words, and no other', () => {
    expect(Object.fromEntries(rowsBelow('What it cannot'))).toEqual({ ...diagnose.REASONS });
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

  test('have each step', async () => {
    const steps = rows.map(([first]) => first).filter((first) => /^`[a-z]+`$/.test(first));
    for (const step of [
      'start',
      'filtering',
      'mapping',
      'result',
      'ports',
      'mapped',
      'wait',
      'end',
    ]) {
      expect(steps).toContain(`\`${step}\``);
    }
  });
});
