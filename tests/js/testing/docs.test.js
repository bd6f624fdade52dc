// docs/testing.md: its samples run, and its tables have what there is.
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';
import {
  DEPENDENCES,
  POOLINGS,
  PORT_ASSIGNMENTS,
  REFRESHES,
} from '../../../js/testing/nat-words.js';
import { checkConditions, checkNatOptions } from '../../../js/testing/options.js';
import { REASONS } from '../../../js/testing/packet-log.js';

const root = new URL('../../../', import.meta.url);
const page = await readFile(new URL('docs/testing.md', root), 'utf8');
const samples = [...page.matchAll(/<!-- run -->\n```js\n([\s\S]*?)```/g)].map(([, code]) => code);

/** @param {string} code */
async function outputOf(code) {
  const folder = await mkdtemp(join(tmpdir(), 'postern-docs-'));
  try {
    const path = join(folder, 'sample.mjs');
    const program = code
      .replace("'postern'", `'${new URL('js/index.js', root).href}'`)
      .replace("'postern/testing'", `'${new URL('js/testing/index.js', root).href}'`);
    await writeFile(path, program);
    return (await promisify(execFile)(process.execPath, [path])).stdout;
  } finally {
    await rm(folder, { recursive: true });
  }
}

test('an address, and a relay for an hour', async () => {
  const [first, second, ...packets] = (await outputOf(samples[0])).trimEnd().split('\n');
  expect([first, second]).toEqual(['true', '198.18.0.2 true']);
  expect(packets).toHaveLength(2);
  for (const line of packets)
    expect(line).toMatch(/^#\d+ 36\d+\.\d ms (phone|turn\.example\.org) /);
});

test('a program of yours', async () => {
  expect(samples).toHaveLength(2);
  expect(await outputOf(samples[1])).toBe("[ 5, '192.0.2.1' ] 20\n");
});

/** Rows of the table below a line. @param {string} heading @returns {string[][]} */
const rowsBelow = (heading) =>
  [...(page.split(`\n${heading}\n`)[1]?.split('\n\n')[0] ?? '').matchAll(/^\| `(.*) \|$/gm)].map(
    ([, row]) => row.replaceAll('`', '').split(' | '),
  );

test('each reason, in its words, and no other', () => {
  const rows = rowsBelow('Packets are dropped for these reasons:');
  expect(Object.fromEntries(rows)).toEqual(REASONS);
});

test('each condition, with what it is when left out', () => {
  const rows = rowsBelow('`createNetwork(options)`:').flatMap(([names, values]) => {
    const all = values.split(', ');
    return names.split(', ').map((name, i) => /** @type {const} */ ([name, Number(all[i])]));
  });
  expect(Object.fromEntries(rows)).toMatchObject({ ...checkConditions({}), seed: 1 });
});

test('each option of NATs, with what it is when left out', () => {
  const rows = rowsBelow('`addNat(options)`, in the words of RFC 4787:');
  const told = Object.fromEntries(rows.map(([name, value]) => [name, value]));
  const settings = checkNatOptions({}, { name: '', translates: true, address: () => '192.0.2.1' });
  const { translates: _, ...known } = settings;
  expect(Object.keys(told).sort()).toEqual([...Object.keys(known), 'behind'].sort());
  for (const name of /** @type {const} */ ([
    'mapping',
    'filtering',
    'hairpinning',
    'portAssignment',
    'portParity',
    'pooling',
    'refresh',
    'fragments',
  ])) {
    expect(told[name]).toBe(String(known[name]));
  }
  expect(told.ports).toBe(JSON.stringify(known.ports).replace(',', ', '));
  expect(Number(told.mappingLifetimeMs.replace(',', ''))).toBe(known.mappingLifetimeMs);
  for (const word of [...DEPENDENCES, ...POOLINGS, ...PORT_ASSIGNMENTS, ...REFRESHES]) {
    expect(page).toContain(`\`${word}\``);
  }
});
