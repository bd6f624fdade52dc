// postern decode: what a message or a capture says.
import { findMessages, nothingSkipped } from './capture/find-messages.js';
import { IntegrityChecker } from './capture/integrity.js';
import { readCredentials } from './credentials.js';
import { describeEntry, jsonOfEntry } from './describe-message.js';
import { EXIT, UsageError } from './exit-codes.js';
import { CREDENTIALS, integerOf, textOf } from './options.js';
import { countOf } from './printable.js';
import { parseHex, readInput } from './read-input.js';

/** @typedef {import('./capture/find-messages.js').Entry} Entry */
/** @typedef {import('./capture/find-messages.js').Skipped} Skipped */

const DEFAULT_LIMIT = 10_000;
const MAX_LIMIT = 1_000_000;

/** @param {Skipped} skipped @returns {string[]} sentences */
function describeSkipped({ packets, other, fragments, cut, unknownLinkTypes, streams }) {
  if (packets === 0) return [];
  const parts = /** @type {const} */ ([
    [other, 'of other protocols'],
    [unknownLinkTypes, 'of link types that are not read'],
    [fragments, 'that are fragments of IP'],
    [cut, 'that the capture has only the beginning of'],
  ]);
  const packetsLeftOut = parts
    .filter(([count]) => count > 0)
    .map(([count, words]) => `${count} ${words}`);
  return [
    `${countOf(packets, 'packet')} read.`,
    ...(packetsLeftOut.length > 0 ? [`Left out: packets ${packetsLeftOut.join(', ')}.`] : []),
    ...(streams > 0
      ? [`${countOf(streams, 'TCP stream')} of other protocols, or with bytes missing.`]
      : []),
  ];
}

/** @param {{ messages: number, malformed: number, wronglySigned: number }} counts */
function exitCodeFor({ messages, malformed, wronglySigned }) {
  const good = messages - wronglySigned;
  if (good === 0) return EXIT.failed;
  return malformed + wronglySigned > 0 ? EXIT.degraded : EXIT.ok;
}

/** @param {string | undefined} text */
function keyOf(text) {
  if (text === undefined) return undefined;
  const key = parseHex(text);
  if (key === undefined) throw new UsageError('--key takes an even number of hexadecimal digits.');
  return key;
}

/** @type {import('./command.js').Command} */
export const decodeCommand = {
  summary: 'prints the STUN messages and ChannelData of bytes or of a capture',
  usage: 'HEX | FILE | - [-u USER] [-p PASS | --key HEX]',
  notes:
    'FILE is a capture (pcap or pcapng), a message, a stream of messages, or hexadecimal digits as\n' +
    'text. With a password, the integrity of messages is checked: as short-term credentials, and as\n' +
    'long-term ones of the user and realm that the messages name, unless -u and --realm say others.',
  options: {
    ...CREDENTIALS,
    realm: { type: 'string', value: 'REALM', help: 'of long-term credentials' },
    key: { type: 'string', value: 'HEX', help: 'key of the HMAC, as it is' },
    classic: {
      type: 'boolean',
      help: 'read messages of RFC 3489, which have no magic cookie, too',
    },
    limit: { type: 'string', value: 'N', help: `messages to print, ${DEFAULT_LIMIT} if left out` },
  },

  async run({ values, positionals, io, style, print }) {
    const limit = integerOf(values, 'limit', { least: 1, most: MAX_LIMIT }) ?? DEFAULT_LIMIT;
    const key = keyOf(textOf(values, 'key'));
    const { username, password } = await readCredentials(
      values,
      { ...io.env, POSTERN_SECRET: undefined },
      io.now(),
    );
    const realm = textOf(values, 'realm');
    const integrity = new IntegrityChecker({ key, username, password, realm });
    const bytes = await readInput(positionals, io.stdin);
    const skipped = nothingSkipped();
    const counts = { messages: 0, malformed: 0, wronglySigned: 0 };
    /** @type {Record<string, unknown>[]} */
    const entries = [];
    let isCutOff = false;
    for (const entry of findMessages(bytes, { skipped, allowClassic: values.classic === true })) {
      io.signal.throwIfAborted();
      if (counts.messages + counts.malformed === limit) {
        isCutOff = true;
        break;
      }
      counts[entry.type === 'malformed' ? 'malformed' : 'messages'] += 1;
      const checked = entry.type === 'stun' ? integrity.check(entry.message) : 'absent';
      if (checked === 'wrong') counts.wronglySigned += 1;
      if (values.json === true) entries.push(jsonOfEntry(entry, checked));
      else print(`${describeEntry(entry, checked, style)}\n`, exitCodeFor(counts));
    }
    const exitCode = exitCodeFor(counts);
    const told = [
      ...describeSkipped(skipped),
      ...(isCutOff ? [`Stopped after ${limit} messages; --limit takes more.`] : []),
      ...(counts.messages + counts.malformed === 0 ? ['No STUN message was found.'] : []),
    ];
    if (told.length > 0 && values.quiet !== true) io.err(`${told.join(' ')}\n`);
    return { exitCode, json: { messages: entries, counts, skipped, isCutOff } };
  },
};
