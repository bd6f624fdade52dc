// docs/nat.md: its sample runs, and its tables have what there is.
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, jest, test } from '@jest/globals';
import { NAT_BEHAVIOURS, NAT_TOPICS } from '../../../js/nat/layout.js';
import { REASON_WORDS } from '../../../js/nat/words.js';
import { startNatServer } from './support.js';

jest.setTimeout(60_000);

const root = new URL('../../../', import.meta.url);
const page = await readFile(new URL('docs/nat.md', root), 'utf8');

test('the sample runs', async () => {
  const [, sample] = /<!-- run -->\n```js\n([\s\S]*?)```/.exec(page) ?? [];
  const server = await startNatServer();
  const folder = await mkdtemp(join(tmpdir(), 'postern-docs-'));
  try {
    const path = join(folder, 'sample.mjs');
    const program = sample
      .replace("'postern'", `'${new URL('js/index.js', root).href}'`)
      .replace("'stun:stun.example.org'", `'${server.uri}'`);
    await writeFile(path, program);
    const { stdout } = await promisify(execFile)(process.execPath, [path]);
    expect(stdout).toMatch(/^filtering change-both waiting$/m);
    expect(stdout).toMatch(/^false \{ address: '127\.0\.0\.1', port: \d+, family: 'IPv4' \}$/m);
    expect(stdout.trimEnd().split('\n').at(-1)).toBe('open Internet');
  } finally {
    await rm(folder, { recursive: true });
    await server.stop();
  }
});

test('it has each behaviour, topic and reason', () => {
  for (const behaviour of NAT_BEHAVIOURS) expect(page).toContain(behaviour);
  for (const topic of NAT_TOPICS) expect(page).toContain(`\n| \`${topic}\` |`);
  const [, table] = page.split('| reason | because |');
  const rows = [...table.matchAll(/^\| `([\w-]+)` \| (.*) \|$/gm)].map(([, ...row]) => row);
  expect(Object.fromEntries(rows)).toEqual(REASON_WORDS);
});
