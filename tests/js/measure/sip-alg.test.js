// SIP ALGs: what arrives is compared with what was sent, line by line, behind a network that rewrites it.
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { measureSipAlg } from '../../../js/measure/sip-alg.js';
import { sipChanges } from '../../../js/measure/sip-changes.js';
import { createReport } from '../../../js/report/index.js';
import { seeded } from '../../../js/testing/random.js';
import { cleanUp, isSip, startBehind } from '../reflector/support.js';

jest.setTimeout(30_000);
afterEach(cleanUp);

/** @param {import('../../../js/report/index.js').Measurement} measurement */
const findingsOf = (measurement) =>
  createReport({
    createdAt: '2026-01-31T12:00:00Z',
    tool: { name: 'postern', version: '0' },
    platform: { name: 'node' },
    measurements: [measurement],
  }).findings;

/**
 * What an ALG of a home router does to a call: the addresses in Via, Contact and SDP become its own.
 *
 * @param {Buffer} bytes
 */
function alg(bytes) {
  if (!isSip(bytes)) return bytes;
  const text = bytes.toString('latin1');
  const [head, body] = text.split('\r\n\r\n');
  const newBody = body
    .replace(/^(c=IN IP4 ).*$/m, '$1203.0.113.77')
    .replace(/^(o=.* IN IP4 ).*$/m, '$1203.0.113.77')
    .replace(/^(m=audio )\d+/m, '$162000');
  const newHead = head
    .replace(/^(Via: SIP\/2\.0\/\w+ )[^;]+/m, '$1203.0.113.77:61000')
    .replace(/^(Contact: <sip:test@)[^;>]+/m, '$1203.0.113.77:61000')
    .replace(/^Content-Length: .*$/m, `Content-Length: ${newBody.length}`);
  return Buffer.from(`${newHead}\r\n\r\n${newBody}`, 'latin1');
}

const REWRITTEN = [
  'Via: the address was rewritten',
  'Via: the port was rewritten',
  'Contact: the address was rewritten',
  'Contact: the port was rewritten',
  'Content-Length: it was changed',
  'SDP o=: the address was rewritten',
  'SDP c=: the address was rewritten',
  'SDP m=: the port was rewritten',
];

describe.each(/** @type {const} */ (['udp', 'tcp']))('over %s', (transport) => {
  test('what arrives as it was sent, there and back, is no ALG', async () => {
    const { session } = await startBehind();
    const measurement = await measureSipAlg(session, { transport });
    expect(measurement).toMatchObject({
      id: `sip-alg/${transport}`,
      whose: 'client',
      status: 'ok',
      transport,
      result: 'none',
    });
    expect(measurement.changes).toBe(undefined);
    expect(findingsOf(measurement).map(({ id }) => id)).not.toContain('sip-alg');
  });

  test('an ALG that rewrites addresses is told, line by line', async () => {
    const { session } = await startBehind({ out: alg });
    const measurement = await measureSipAlg(session, { transport });
    expect(measurement).toMatchObject({ status: 'ok', result: 'altered' });
    const changes = measurement.changes ?? [];
    for (const change of REWRITTEN.filter((one) => !one.startsWith('Content-Length'))) {
      expect(changes).toContain(change);
    }
    // The answer repeats what it got: that is not to be blamed on the way back.
    expect(changes.filter((change) => change.startsWith('In the answer'))).toEqual([]);
    const finding = findingsOf(measurement).find(({ id }) => id === 'sip-alg');
    expect(finding?.text).toContain('Via: the address was rewritten');
    expect(finding?.evidence).toEqual([`sip-alg/${transport}`]);
    expect(JSON.stringify(measurement)).not.toMatch(/203\.0\.113|127\.0\.0\.1/);
  });

  test('one that rewrites only answers is told, too', async () => {
    const { session } = await startBehind({ in: alg });
    const measurement = await measureSipAlg(session, { transport });
    expect(measurement.result).toBe('altered');
    expect(measurement.changes).toContain('In the answer, SDP c=: the address was rewritten');
    expect(measurement.changes?.every((change) => change.startsWith('In the answer, '))).toBe(true);
  });

  // Each takes its time to be silent: all at once.
  test('SIP that does not pass is blocked, and says how', async () => {
    const dropped = (/** @type {Buffer} */ bytes) => (isSip(bytes) ? undefined : bytes);
    const networks = /** @type {const} */ ([
      [{ out: dropped }, 'SIP messages did not arrive, and other packets to the same port did.'],
      [{ in: dropped }, 'SIP messages arrived, and their answers did not come back.'],
      [
        { out: () => undefined, closesTcp: () => true },
        'Nothing arrived at the ports for SIP, whatever it looked like.',
      ],
    ]);
    await Promise.all(
      networks.map(async ([network, because]) => {
        const { session } = await startBehind(network);
        const measurement = await measureSipAlg(session, { transport });
        expect(measurement).toMatchObject({ status: 'ok', result: 'blocked', because });
        expect(findingsOf(measurement).map(({ id }) => id)).toContain('sip-blocked');
      }),
    );
  });

  test('without a port for it, it is skipped', async () => {
    const { session } = await startBehind({}, { sip: [] });
    expect(await measureSipAlg(session, { transport })).toMatchObject({
      status: 'skipped',
      result: 'unknown',
      because: 'The reflector has no ports for SIP.',
    });
  });
});

test('an ALG is told through a fifth of the packets lost each way', async () => {
  const random = seeded(5);
  const lose = (/** @type {Buffer} */ bytes) => (random() < 0.2 ? undefined : bytes);
  const { session } = await startBehind({ out: (bytes) => lose(alg(bytes)), in: lose });
  expect(await measureSipAlg(session)).toMatchObject({ result: 'altered' });
});

test('one port of several that is rewritten is enough', async () => {
  const { session } = await startBehind(
    ({ sip }) => ({ out: (bytes, port) => (port === sip[1] ? alg(bytes) : bytes) }),
    { sip: [0, 0] },
  );
  expect(await measureSipAlg(session)).toMatchObject({ result: 'altered' });
});

describe('the changes of a message', () => {
  const SENT = [
    'INVITE sip:test@192.0.2.1:5060 SIP/2.0',
    'Via: SIP/2.0/UDP 10.0.0.2:40000;branch=z9hG4bKabc;rport',
    'From: "Network test" <sip:test@10.0.0.2:40000>;tag=1',
    'Call-ID: abc@10.0.0.2',
    'Contact: <sip:test@10.0.0.2:40000;transport=udp>',
    'Content-Length: 42',
    '',
    'v=0',
    'o=- 1 1 IN IP4 10.0.0.2',
    'c=IN IP4 10.0.0.2',
    'm=audio 40002 RTP/AVP 0 111',
    '',
  ].join('\r\n');
  /** @param {string | RegExp} what @param {string} by */
  const after = (what, by) => sipChanges(SENT, SENT.replace(what, by));

  test.each(
    /** @type {[string, string | RegExp, string, string[]][]} */ ([
      ['nothing', 'none', 'such', []],
      ['Via', '10.0.0.2:40000;b', '198.51.100.7:40000;b', ['Via: the address was rewritten']],
      ['its port', '10.0.0.2:40000;b', '10.0.0.2:1024;b', ['Via: the port was rewritten']],
      [
        'both, and received',
        '10.0.0.2:40000;branch=z9hG4bKabc;rport',
        '198.51.100.7:1;branch=z9hG4bKabc;rport=5;received=198.51.100.7',
        [
          'Via: the address was rewritten',
          'Via: the port was rewritten',
          'Via: received was added',
          'Via: rport was changed',
        ],
      ],
      ['a parameter', ';rport', '', ['Via: rport was removed']],
      [
        'another Via',
        'Via:',
        'Via: SIP/2.0/UDP 198.51.100.7;branch=x\r\nVia:',
        ['Via: another one was added'],
      ],
      ['a header that is gone', /^Contact.*\r\n/m, '', ['Contact: it was removed']],
      ['one that is new', 'Call-ID', 'X-Alg: yes\r\nCall-ID', ['X-Alg: it was added']],
      ['compact form alone', 'Via:', 'v:', ['Names or spaces were written otherwise']],
      ['capital letters', 'z9hG4bKabc', 'z9hG4bKABC', ['Via: it was written otherwise']],
      [
        'the first line',
        'INVITE sip:test@192.0.2.1',
        'INVITE sip:test@10.0.0.1',
        ['First line: the address was rewritten'],
      ],
      ['the order', /(From.*\r\n)(Call-ID.*\r\n)/, '$2$1', ['The order of lines was changed']],
      ['SDP', 'c=IN IP4 10.0.0.2', 'c=IN IP4 198.51.100.7', ['SDP c=: the address was rewritten']],
      ['its port', '40002', '1024', ['SDP m=: the port was rewritten']],
      ['its formats', '0 111', '0', ['SDP m=: it was changed']],
      ['line ends', /\r\n/g, '\n', ['Line ends were changed']],
      ['what is no text', 'X', 'X', []],
      [
        'a body that is cut',
        /c=[\s\S]*$/,
        '',
        ['SDP c=: it was removed', 'SDP m=: it was removed'],
      ],
    ]),
  )('%s', (_name, what, by, changes) => {
    expect(after(what, by)).toEqual(changes);
  });

  test('of IPv6 are found, too', () => {
    const v6 = SENT.replaceAll('10.0.0.2', '[fd00::2]').replaceAll('IP4 [fd00::2]', 'IP6 fd00::2');
    const changed = v6.replaceAll('fd00::2', '2001:db8::7');
    expect(sipChanges(v6, changed)).toEqual([
      'Via: the address was rewritten',
      'From: the address was rewritten',
      'Call-ID: the address was rewritten',
      'Contact: the address was rewritten',
      'SDP o=: the address was rewritten',
      'SDP c=: the address was rewritten',
    ]);
  });

  test('are few and printable, whatever arrives', () => {
    const junk = `${SENT.split('\r\n')[0]}\r\n${Array.from({ length: 500 }, (_, i) => `\u0007<script>${i}:x`).join('\r\n')}\r\n\r\n`;
    const changes = sipChanges(SENT, junk);
    expect(changes.length).toBeLessThanOrEqual(40);
    for (const change of changes) expect(change).toMatch(/^[ -~]{1,120}$/);
  });
});
