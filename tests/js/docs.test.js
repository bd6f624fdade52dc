// The pages that point at others: what they name is there.
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';

const ROOT = new URL('../../', import.meta.url);
const read = (/** @type {string} */ path) => readFileSync(new URL(path, ROOT), 'utf8');
const exists = (/** @type {string} */ path, base = ROOT) => {
  try {
    readFileSync(new URL(path, base));
    return true;
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code === 'EISDIR';
  }
};

/** @param {string} text */
const escaped = (text) => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');

/**
 * Whether a test file has a test, or a group of tests, of this name.
 *
 * @param {string} file
 * @param {string} name `Suite.Test` in C++; in JavaScript the text as it stands in the file
 */
function hasTest(file, name) {
  const source = read(file);
  if (file.endsWith('.cpp')) {
    const [suite, test] = name.split('.');
    return new RegExp(`^TEST(_F|_P)?\\(${escaped(suite)}, ${escaped(test)}\\)`, 'm').test(source);
  }
  return new RegExp(`\\(\\s*(['"\`])${escaped(name)}\\1,`).test(source);
}

/**
 * What the tables of docs/interop.md name: files, and after each the tests in it.
 *
 * @param {string} page
 */
function* namedTests(page) {
  for (const [line] of page.matchAll(/^\|.*$/gm)) {
    let file = '';
    for (const [, code] of line.slice(line.indexOf('`tests/')).matchAll(/`([^`]+)`/g)) {
      if (code.startsWith('tests/')) {
        file = code;
        yield/** @type {const} */ ([file, undefined]);
      } else if (file !== '') yield/** @type {const} */ ([file, code]);
    }
  }
}

describe('docs/interop.md', () => {
  const page = read('docs/interop.md');
  const named = [...namedTests(page)];

  test('names files that are there, and tests that they have', () => {
    const missing = named.filter(([file, name]) =>
      name === undefined ? !exists(file) : !hasTest(file, name),
    );
    expect(missing).toEqual([]);
    expect(named.filter(([, name]) => name !== undefined).length).toBeGreaterThan(40);
  });

  test('names each file of tests against servers', () => {
    const files = readdirSync(new URL('tests/interop', ROOT)).filter((name) =>
      name.endsWith('.test.js'),
    );
    expect(files.filter((name) => !page.includes(`\`tests/interop/${name}\``))).toEqual([]);
  });

  test('has a test for each mistake', () => {
    const [, mistakes] = page.split('## What TURN clients get wrong');
    const rows = [...mistakes.matchAll(/^\|(?! mistake| ---).*$/gm)].map(([row]) => row);
    expect(rows.length).toBeGreaterThan(0);
    for (const row of rows) {
      expect([...namedTests(row)].filter(([, name]) => name !== undefined)).not.toEqual([]);
    }
  });

  test('a test that is not there would be missed', () => {
    expect(hasTest('tests/sim/turn_client_loss_test.cpp', 'Loss.OfNothing')).toBe(false);
    expect(hasTest('tests/js/docs.test.js', 'no such')).toBe(false);
    expect(hasTest('tests/js/docs.test.js', 'a test that is not there would be missed')).toBe(true);
  });
});

describe('links', () => {
  const pages = [
    ...readdirSync(ROOT).filter((name) => name.endsWith('.md')),
    ...readdirSync(new URL('docs', ROOT))
      .filter((name) => name.endsWith('.md'))
      .map((name) => `docs/${name}`),
  ];
  test.each(pages)('%s leads nowhere that is not there', (name) => {
    const targets = [...read(name).matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)].map(
      ([, path]) => path,
    );
    expect(targets.filter((path) => !exists(path, new URL(name, ROOT)))).toEqual([]);
  });
});
