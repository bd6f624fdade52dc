// postern decode: messages, readable.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join as joinPath } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { encode, prepareKey } from '../../../js/codec/index.js';
import { ipv4, join, pcap, UDP, u16, udp } from './make-capture.js';
import { runCommand, runJson } from './support.js';

const folder = mkdtempSync(joinPath(tmpdir(), 'postern-decode-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** @param {string} name @param {Uint8Array | string} content */
function file(name, content) {
  const path = joinPath(folder, name);
  writeFileSync(path, content);
  return path;
}

/** @param {string} name */
const vectors = (name) =>
  JSON.parse(readFileSync(new URL(`../../vectors/${name}.json`, import.meta.url), 'utf8'));

/** RFC 5769 section 2.1. */
const REQUEST =
  '000100582112a442b7e7a701bc34d686fa87dfae802200105354554e207465737420636c69656e74002400046e0001ff80290008' +
  '932ff9b151263b36000600096576746a3a68367659202020000800149aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a280280004e57a3bcf';
const PASSWORD = 'VOkJxbRl1RmTxUk/WvJxBt';
const hex = (/** @type {Uint8Array} */ bytes) => Buffer.from(bytes).toString('hex');

const LONG_TERM = { username: 'alice', realm: 'example.org', password: 'hunter2' };

test('the request of RFC 5769, with its password', async () => {
  expect(await runCommand(['decode', REQUEST, '-p', PASSWORD])).toEqual({
    exitCode: 0,
    stderr: '',
    stdout: `Binding request  108 bytes, transaction b7e7a701bc34d686fa87dfae
  SOFTWARE           STUN test client
  PRIORITY           1845494271
  ICE-CONTROLLED     0x932ff9b151263b36
  USERNAME           evtj:h6vY
  MESSAGE-INTEGRITY  9aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a2 (valid)
  FINGERPRINT        0xe57a3bcf (valid)

`,
  });
});

test('as JSON', async () => {
  const { exitCode, json } = await runJson(['decode', REQUEST]);
  expect(exitCode).toBe(0);
  expect(json).toMatchObject({
    counts: { messages: 1, malformed: 0, wronglySigned: 0 },
    isCutOff: false,
    messages: [
      {
        type: 'stun',
        offset: 0,
        class: 'request',
        method: 'Binding',
        transactionId: 'b7e7a701bc34d686fa87dfae',
        length: 108,
        isClassic: false,
        fingerprint: 'valid',
        integrity: 'unchecked',
        unknownRequired: [],
      },
    ],
  });
  expect(json.messages[0].attributes[2]).toEqual({
    type: 0x802a - 1,
    name: 'ICE-CONTROLLED',
    offset: 52,
    length: 8,
    counts: true,
    value: '0x932ff9b151263b36',
  });
});

describe('where the bytes come from', () => {
  const bytes = Buffer.from(REQUEST, 'hex');
  const spaced = REQUEST.replace(/../g, '$& ').toUpperCase();
  test.each([
    ['digits in several arguments', () => spaced.trim().split(' '), ''],
    ['digits with separators', () => [REQUEST.replace(/../g, '0x$&, ')], ''],
    ['digits of C strings', () => [REQUEST.replace(/../g, '\\x$&')], ''],
    ['a binary file', () => [file('message.bin', bytes)], ''],
    ['a text file', () => [file('message.txt', `${spaced}\n`)], ''],
    ['standard input', () => ['-'], bytes],
    ['digits from standard input', () => ['-'], `${REQUEST}\n`],
  ])('%s', async (_, names, stdin) => {
    const { exitCode, json } = await runJson(['decode', ...names()], { stdin });
    expect(exitCode).toBe(0);
    expect(json.messages).toEqual([expect.objectContaining({ method: 'Binding', length: 108 })]);
  });

  test.each([
    ['no argument', [], /What is to be decoded/],
    ['no file', ['no/such/file'], /neither a file nor/],
    ['an odd number of digits', ['000'], /even number/],
    ['a folder', [folder], /cannot be read \(EISDIR\)/],
    ['an empty standard input', ['-'], /empty/],
    ['a key that is none', [REQUEST, '--key', 'xyz'], /--key takes/],
    ['a limit that is none', [REQUEST, '--limit', '0'], /--limit takes/],
  ])('%s', async (_, args, sentence) => {
    const { exitCode, stdout, stderr } = await runCommand(['decode', ...args]);
    expect([exitCode, stdout]).toEqual([64, '']);
    expect(stderr).toMatch(sentence);
  });
});

describe('integrity', () => {
  const signed = (/** @type {any} */ more, /** @type {any} */ credentials) =>
    hex(encode({ class: 'request', method: 'Allocate', ...more, key: prepareKey(credentials) }));
  const attributes = { username: 'alice', realm: 'example.org', nonce: 'n' };
  const md5 = signed({ attributes }, LONG_TERM);
  const sha256 = signed({ attributes }, { ...LONG_TERM, algorithm: 'SHA-256' });
  const answer = signed({ class: 'success', attributes: { lifetime: 600 } }, LONG_TERM);
  const key = hex(Buffer.from(PASSWORD));

  test.each([
    ['no key', [REQUEST], 'unchecked', 0],
    ['a password', [REQUEST, '-p', PASSWORD], 'valid', 0],
    ['a key', [REQUEST, '--key', key], 'valid', 0],
    ['a wrong password', [REQUEST, '-p', 'wrong'], 'wrong', 2],
    ['user and realm of the message', [md5, '-p', 'hunter2'], 'valid', 0],
    ['a key of SHA-256', [sha256, '-p', 'hunter2'], 'valid', 0],
    ['another user', [md5, '-p', 'hunter2', '-u', 'bob'], 'wrong', 2],
    ['an answer, by the request before it', [md5 + answer, '-p', 'hunter2'], 'valid', 0],
    ['an answer by itself', [answer, '-p', 'hunter2'], 'wrong', 2],
    [
      'an answer, user and realm given',
      [answer, '-p', 'hunter2', '-u', 'alice', '--realm', 'example.org'],
      'valid',
      0,
    ],
    [
      'no integrity',
      [hex(encode({ class: 'request', method: 'Binding' })), '-p', 'x'],
      'absent',
      0,
    ],
  ])('%s', async (_, args, expected, exitCode) => {
    const result = await runJson(['decode', ...args]);
    expect(result.json.messages.at(-1).integrity).toBe(expected);
    expect(result.exitCode).toBe(exitCode);
  });

  test('the password of the environment, and of a file', async () => {
    const env = { POSTERN_PASSWORD: PASSWORD };
    expect((await runJson(['decode', REQUEST], { env })).json.messages[0].integrity).toBe('valid');
    const path = file('password', `${PASSWORD}\nsecond line`);
    const { json } = await runJson(['decode', REQUEST, '--password-file', path]);
    expect(json.messages[0].integrity).toBe('valid');
  });

  test('one of two is wrong: degraded', async () => {
    const { exitCode, stdout } = await runCommand(['decode', REQUEST + md5, '-p', PASSWORD]);
    expect(exitCode).toBe(1);
    expect(stdout).toContain('(valid)');
    expect(stdout).toContain('(not signed with these credentials)');
  });
});

describe('values', () => {
  /** @param {any} attributes @param {any} [more] */
  const lines = async (attributes, more) => {
    const bytes = encode({ class: 'request', method: 'Allocate', attributes, ...more });
    const { stdout } = await runCommand(['decode', hex(bytes)]);
    return stdout
      .split('\n')
      .slice(1, -2)
      .map((line) => line.trim());
  };
  const address = { address: '2001:db8::1', port: 3478 };

  test.each([
    [{ xorRelayedAddress: address }, 'XOR-RELAYED-ADDRESS  [2001:db8::1]:3478'],
    [{ errorCode: { code: 401, reason: 'Unauth' } }, 'ERROR-CODE  401 Unauth'],
    [{ lifetime: 600 }, 'LIFETIME  600 s'],
    [{ requestedTransport: 17 }, 'REQUESTED-TRANSPORT  17 (UDP)'],
    [{ requestedTransport: 99 }, 'REQUESTED-TRANSPORT  99'],
    [{ channelNumber: 0x4001 }, 'CHANNEL-NUMBER  0x4001'],
    [{ dontFragment: true }, 'DONT-FRAGMENT  set'],
    [{ evenPort: false }, 'EVEN-PORT  false'],
    [{ unknownAttributes: [0x7fff, 1] }, 'UNKNOWN-ATTRIBUTES  0x7fff, 0x0001'],
    [
      { changeRequest: { changeIp: true, changePort: false } },
      'CHANGE-REQUEST  changeIp set, changePort false',
    ],
    [
      { passwordAlgorithms: ['MD5', 'SHA-256'] },
      'PASSWORD-ALGORITHMS  algorithm MD5, parameters (empty), algorithm SHA-256, parameters (empty)',
    ],
    [{ data: Buffer.from([0x16, 0xfe, 0xff]) }, 'DATA  3 bytes, looks like dtls: 16feff'],
    [{ data: Buffer.alloc(0) }, 'DATA  0 bytes'],
    [{ mobilityTicket: Buffer.alloc(40) }, `MOBILITY-TICKET  ${'00'.repeat(32)}... (40 bytes)`],
    [
      { addressErrorCode: { family: 'IPv6', code: 440, reason: 'No' } },
      'ADDRESS-ERROR-CODE  IPv6 440 No',
    ],
  ])('%j', async (attributes, expected) => {
    expect(await lines(attributes)).toEqual([expected]);
  });

  test('what would steer a terminal does not', async () => {
    const software = '\x1b[31mred\x07\u202e\u009b1m\nnext';
    expect(await lines({ software })).toEqual([
      'SOFTWARE  \\u{1b}[31mred\\u{7}\\u{202e}\\u{9b}1m\\u{a}next',
    ]);
  });

  test('unknown attributes, and those behind the integrity', async () => {
    const unknown = join(u16(0x7abc), u16(2), [1, 2, 0, 0]);
    const bytes = Buffer.from(encode({ class: 'indication', method: 'Binding' }));
    const longer = join(bytes, unknown);
    longer.writeUInt16BE(unknown.length, 2);
    const { stdout } = await runCommand(['decode', hex(longer)]);
    expect(stdout).toContain('  0x7abc  0102 (unknown, and has to be understood)');
  });

  test('a method without a name, and a classic message', async () => {
    expect((await runCommand(['decode', `0fff00002112a442${'00'.repeat(12)}`])).stdout).toMatch(
      /^Method 0x/,
    );
    const classic = `00010000${'11'.repeat(16)}`;
    expect((await runCommand(['decode', classic])).stdout).toMatch(
      /^Malformed {2}The magic cookie/,
    );
    expect((await runCommand(['decode', classic, '--classic'])).stdout).toMatch(/, RFC 3489\n/);
  });
});

describe('the vectors of malformed messages', () => {
  // Here these are read as what they may be, too: a stream of two messages, and ChannelData.
  const others = ['trailing-two-messages', 'first-bits-01'];
  const messages = vectors('malformed').messages.filter(
    (/** @type {any} */ { id, hex: digits, then }) =>
      digits !== '' && then === undefined && !others.includes(id),
  );
  test.each(messages.map((/** @type {any} */ vector) => [vector.id, vector]))(
    '%s',
    async (_, vector) => {
      const { hex: digits, allowClassic, error, get } = vector;
      const path = file('vector.bin', Buffer.from(digits, 'hex'));
      const flags = allowClassic ? ['--classic'] : [];
      const { exitCode, stdout } = await runCommand(['decode', path, ...flags]);
      const { json } = await runJson(['decode', path, ...flags]);
      if (get !== undefined) {
        expect(exitCode).toBe(0);
        expect(stdout).toContain('malformed: ');
        const codes = json.messages[0].attributes.map((/** @type {any} */ one) => one.error);
        expect(codes).toContain(error.code);
        return;
      }
      const last = json.messages.at(-1);
      expect(last.type).toBe('malformed');
      expect(exitCode).toBe(json.messages.length > 1 ? 1 : 2);
      expect(stdout).toContain(`(at byte ${last.at}) ${last.code}`);
      // Something behind a message makes it a stream.
      if (error.code !== 'ERR_STUN_TRAILING_BYTES') {
        expect(last).toMatchObject({ code: error.code, at: error.offset });
      }
    },
  );
});

describe('captures', () => {
  const stun = (/** @type {string} */ software) =>
    encode({ class: 'request', method: 'Binding', attributes: { software } });
  const packet = (/** @type {Uint8Array} */ payload) => ipv4(UDP, udp(5000, 3478, payload));

  test('a line says where each message was, and stderr what was left out', async () => {
    const data = join(u16(0x4001), u16(2), Buffer.from('hi'));
    const path = file(
      'a.pcap',
      pcap(101, [packet(stun('x')), packet(Buffer.from('no STUN')), packet(data)]),
    );
    const { exitCode, stdout, stderr } = await runCommand(['decode', path]);
    expect(exitCode).toBe(0);
    expect(stdout).toContain(
      'packet 1  2023-11-14T22:13:20.250Z  UDP  192.0.2.1:5000 > 198.51.100.1:3478\nBinding request',
    );
    expect(stdout).toContain('ChannelData 0x4001  2 bytes: 6869');
    expect(stderr).toBe('3 packets read. Left out: packets 1 of other protocols.\n');
  });

  test('as JSON', async () => {
    const path = file('b.pcap', pcap(101, [packet(stun('x'))]));
    const { json } = await runJson(['decode', path]);
    expect(json.messages[0]).toMatchObject({
      packet: 1,
      time: '2023-11-14T22:13:20.250Z',
      transport: 'udp',
      source: { address: '192.0.2.1', port: 5000 },
      destination: { address: '198.51.100.1', port: 3478 },
    });
    expect(json.skipped.packets).toBe(1);
  });

  test('no message in it', async () => {
    const path = file('c.pcap', pcap(101, [packet(Buffer.from('no STUN'))]));
    const { exitCode, stdout, stderr } = await runCommand(['decode', path]);
    expect([exitCode, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/No STUN message was found/);
  });

  test('a file that is cut: what is before that, and the place', async () => {
    const whole = pcap(101, [packet(stun('x')), packet(stun('y'))]);
    const path = file('d.pcap', whole.subarray(0, whole.length - 3));
    const { exitCode, stdout } = await runCommand(['decode', path]);
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(
      /Malformed {2}Packet 2 is cut short \(at byte \d+ of the file\)\. ERR_CAPTURE/,
    );
  });

  test('--limit', async () => {
    const path = file(
      'e.pcap',
      pcap(
        101,
        Array.from({ length: 5 }, () => packet(stun('x'))),
      ),
    );
    const { json, stderr, exitCode } = await runJson(['decode', path, '--limit', '3']);
    expect([json.messages.length, json.isCutOff, exitCode]).toEqual([3, true, 0]);
    expect(stderr).toMatch(/Stopped after 3 messages/);
  });

  test('--quiet prints nothing that is well', async () => {
    const path = file('f.pcap', pcap(101, [packet(stun('x'))]));
    expect(await runCommand(['decode', path, '--quiet'])).toEqual({
      exitCode: 0,
      stdout: '',
      stderr: '',
    });
  });
});
