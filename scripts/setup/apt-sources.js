// Where this machine gets its Debian packages from.

import { existsSync, readdirSync, readFileSync } from 'node:fs';

const SUITES =
  /^(oldoldstable|oldstable|stable|testing|unstable|sid|bullseye|bookworm|trixie|forky|duke)$/;

/**
 * The first mirror of Debian's main archive among apt's sources, and the keyring that checks it.
 * @param {string} [directory]
 * @returns {{ uri: string, signedBy: string | undefined } | undefined}
 */
export function debianMirror(directory = '/etc/apt') {
  const parts = existsSync(`${directory}/sources.list.d`)
    ? readdirSync(`${directory}/sources.list.d`).sort()
    : [];
  const files = ['sources.list', ...parts.map((name) => `sources.list.d/${name}`)]
    .map((name) => `${directory}/${name}`)
    .filter((path) => existsSync(path));
  for (const path of files) {
    const text = readFileSync(path, 'utf8');
    const entries = path.endsWith('.sources')
      ? parseDeb822(text)
      : path.endsWith('.list')
        ? parseOneLine(text)
        : [];
    const found = entries.find(
      ({ suites, uri }) => suites.some((suite) => SUITES.test(suite)) && !/^cdrom:/.test(uri),
    );
    if (found) return found;
  }
  return undefined;
}

/** @typedef {{ uri: string, suites: string[], signedBy: string | undefined }} Entry */

/**
 * `deb [signed-by=/a/b.gpg arch=amd64] URI SUITE COMPONENT...`: sources.list(5)
 * @param {string} text
 * @returns {Entry[]}
 */
export function parseOneLine(text) {
  return [...text.matchAll(/^\s*deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s+.*\bmain\b/gm)].map(
    ([, options = '', uri, suite]) => ({
      uri,
      suites: [suite],
      signedBy: /\bsigned-by=(\/\S+)/.exec(options)?.[1],
    }),
  );
}

/**
 * Stanzas of `Field: value` lines: sources.list(5), "deb822-style format"
 * @param {string} text
 * @returns {Entry[]}
 */
export function parseDeb822(text) {
  const withoutComments = text.replace(/^#.*\n?/gm, '');
  return withoutComments.split(/\n\s*\n/).flatMap((stanza) => {
    /** @param {string} name */
    const field = (name) =>
      new RegExp(`^${name}:((?:.*)(?:\\n[ \\t].*)*)`, 'im').exec(stanza)?.[1].trim().split(/\s+/) ??
      [];
    const isUsable =
      field('Types').includes('deb') &&
      field('Components').includes('main') &&
      !field('Enabled').includes('no');
    if (!isUsable) return [];
    const signedBy = field('Signed-By').find((path) => path.startsWith('/'));
    return field('URIs').map((uri) => ({ uri, suites: field('Suites'), signedBy }));
  });
}
