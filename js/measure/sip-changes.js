// What was done to a SIP message on its way: line by line, in plain words that tell no address. Pure.

/** Names of one letter (RFC 3261 section 7.3.3). @type {Readonly<Record<string, string>>} */
const COMPACT = Object.freeze({
  v: 'via',
  f: 'from',
  t: 'to',
  m: 'contact',
  i: 'call-id',
  c: 'content-type',
  l: 'content-length',
  e: 'content-encoding',
  s: 'subject',
  k: 'supported',
});
/** As RFC 3261 writes them, where it is not by capital letters alone. @type {Readonly<Record<string, string>>} */
const WRITTEN = Object.freeze({ 'call-id': 'Call-ID', cseq: 'CSeq' });
const MAX_CHANGES = 40;
const MAX_NAME = 40;

/** A line, and what is told of it: of headers their name, of a body the letter of SDP. @typedef {{ name: string, value: string }} Line */

/** What came from the network, for people to read. @param {string} text */
const printable = (text) => text.slice(0, MAX_NAME).replace(/[^!-~]/g, '?');

/** @param {string} text */
function nameOf(text) {
  const name = text.trim().toLowerCase();
  const whole = Object.hasOwn(COMPACT, name) ? COMPACT[name] : name;
  if (Object.hasOwn(WRITTEN, whole)) return WRITTEN[whole];
  return printable(whole).replace(/(?:^|-)[a-z]/g, (letter) => letter.toUpperCase());
}

/** @param {string} text */
function partsOf(text) {
  const [head = '', body = ''] = text.split(/\r?\n\r?\n([\s\S]*)/, 2);
  const [first = '', ...headers] = head.split(/\r?\n/);
  /** @type {Line[]} */
  const lines = headers.map((line) => {
    const colon = line.indexOf(':');
    return { name: nameOf(line.slice(0, colon)), value: line.slice(colon + 1).trim() };
  });
  const sdp = body
    .split(/\r?\n/)
    .filter((line) => line !== '')
    .map((line) => ({ name: `SDP ${printable(line.slice(0, 2))}`, value: line.slice(2) }));
  return { first, headers: lines, sdp };
}

const ADDRESS = /\[[\da-f:.]+\]|\b\d{1,3}(?:\.\d{1,3}){3}\b|(?<=IP6 )[\da-f:.]+/gi;
/** Behind an address; of SDP, the second word of m=. */
const PORT = /(?<=@@):\d+|(?<=^audio )\d+/g;

/** @param {string} value */
const squeezed = (value) => value.replace(/\s+/g, '').toLowerCase();

/** @param {string} value @returns {Map<string, string>} */
const parametersOf = (value) =>
  new Map(
    value
      .split(';')
      .slice(1)
      .map((one) => /** @type {const} */ ([one.split('=', 1)[0].trim(), one.trim()])),
  );

/** @param {string} sent @param {string} arrived @returns {string[]} */
function changesOfParameters(sent, arrived) {
  const [before, after] = [parametersOf(sent), parametersOf(arrived)];
  const named = (/** @type {string} */ name) => printable(name);
  return [
    ...[...after.keys()]
      .filter((name) => !before.has(name))
      .map((one) => `${named(one)} was added`),
    ...[...before.keys()]
      .filter((name) => !after.has(name))
      .map((one) => `${named(one)} was removed`),
    ...[...before.keys()]
      .filter((name) => after.has(name) && after.get(name) !== before.get(name))
      .map((one) => `${named(one)} was changed`),
  ];
}

/** @param {string} sent @param {string} arrived both of one line, and not the same @returns {string[]} */
function changesOfValue(sent, arrived) {
  if (squeezed(sent) === squeezed(arrived)) return ['it was written otherwise'];
  /** @type {string[]} */
  const changes = [];
  const addresses = (/** @type {string} */ value) => (value.match(ADDRESS) ?? []).join(' ');
  const [before, after] = [sent, arrived].map((value) => value.replace(ADDRESS, '@@'));
  // What stands beside an address that was rewritten is another matter.
  if (addresses(sent) !== addresses(arrived)) changes.push('the address was rewritten');
  const ports = (/** @type {string} */ value) => (value.match(PORT) ?? []).join(' ');
  if (ports(before) !== ports(after)) changes.push('the port was rewritten');
  const [restBefore, restAfter] = [before, after].map((value) => value.replace(PORT, ''));
  if (restBefore !== restAfter) {
    const parameters = changesOfParameters(restBefore, restAfter);
    changes.push(...(parameters.length > 0 ? parameters : ['it was changed']));
  }
  return changes;
}

/** @param {readonly Line[]} lines @returns {Map<string, string[]>} */
function grouped(lines) {
  /** @type {Map<string, string[]>} */
  const groups = new Map();
  for (const { name, value } of lines) groups.set(name, [...(groups.get(name) ?? []), value]);
  return groups;
}

/** @param {readonly Line[]} sent @param {readonly Line[]} arrived @returns {string[]} */
function changesOfLines(sent, arrived) {
  const [before, after] = [grouped(sent), grouped(arrived)];
  /** @type {string[]} */
  const changes = [];
  for (const [name, values] of before) {
    const others = [...(after.get(name) ?? [])];
    // Those that are there as they were stay; the others are compared in their order.
    const left = values.filter((value) => {
      const at = others.indexOf(value);
      if (at >= 0) others.splice(at, 1);
      return at < 0;
    });
    // A proxy puts its own Via before ours.
    const pairs = others.slice(Math.max(0, others.length - left.length));
    for (const [i, value] of left.entries()) {
      const other = pairs[i];
      if (other === undefined) changes.push(`${name}: it was removed`);
      else changes.push(...changesOfValue(value, other).map((change) => `${name}: ${change}`));
    }
    if (others.length > left.length) changes.push(`${name}: another one was added`);
  }
  for (const name of after.keys()) {
    if (!before.has(name)) changes.push(`${name}: it was added`);
  }
  return changes;
}

/** @param {readonly Line[]} lines */
const orderOf = (lines) => lines.map(({ name }) => name).join(' ');

/** Two messages of the same lines. @param {string} sent @param {string} arrived */
function howWritten(sent, arrived) {
  if (sent.split(/\r?\n/).join('\n') === arrived.split(/\r?\n/).join('\n')) {
    return 'Line ends were changed';
  }
  const [before, after] = [partsOf(sent), partsOf(arrived)];
  const isReordered =
    orderOf(before.headers) !== orderOf(after.headers) ||
    orderOf(before.sdp) !== orderOf(after.sdp);
  return isReordered ? 'The order of lines was changed' : 'Names or spaces were written otherwise';
}

/**
 * What has become of a SIP message (RFC 3261) with SDP (RFC 8866).
 *
 * @param {string} sent
 * @param {string} arrived
 * @returns {string[]} such as 'Via: the address was rewritten', each once; none: it is the same
 */
export function sipChanges(sent, arrived) {
  if (sent === arrived) return [];
  const [before, after] = [partsOf(sent), partsOf(arrived)];
  const changes = [
    ...(before.first === after.first
      ? []
      : changesOfValue(before.first, after.first).map((change) => `First line: ${change}`)),
    ...changesOfLines(before.headers, after.headers),
    ...changesOfLines(before.sdp, after.sdp),
  ];
  if (changes.length === 0) changes.push(howWritten(sent, arrived));
  return [...new Set(changes)].slice(0, MAX_CHANGES);
}
