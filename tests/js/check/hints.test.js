// What the rows of a check are said to mean.
import { expect, test } from '@jest/globals';
import { hintsFor } from '../../../js/check/hints.js';

/** @typedef {import('../../../js/check/hints.js').RowFacts} RowFacts */

const NOW_SECONDS = 1_800_000_000;
const HOST = 'turn.example.org';

/** @param {Partial<RowFacts>} facts @returns {RowFacts} a turn: row that failed */
const turn = (facts) => ({ host: HOST, kind: 'turn', transport: 'udp', ok: false, ...facts });
/** @param {Partial<RowFacts>} facts @returns {RowFacts} */
const stun = (facts) => ({ host: HOST, kind: 'stun', transport: 'udp', ok: true, ...facts });

const SILENT = { code: 'ERR_STUN_TIMEOUT' };
const REFUSED = { code: 'ERR_STUN_UNAUTHENTICATED', hint: 'own hint' };

/** What is known, and the hint of the first row: a pattern, or undefined for none. */
const CASES = /** @type {[string, RowFacts[], RegExp | undefined][]} */ ([
  ['a row that is well', [turn({ ok: true, dataPath: 'proven' })], undefined],
  [
    'echoes lost',
    [turn({ ok: true, dataPath: 'proven', echoes: { sent: 5, received: 3 } })],
    /^2 of 5 were lost/,
  ],
  ['no echo lost', [turn({ ok: true, echoes: { sent: 5, received: 5 } })], undefined],
  ['no loops allowed', [turn({ ok: true, dataPath: 'refused' })], /no fault/],
  ['data lost behind the relay', [turn({ dataPath: 'lost', ...SILENT })], /relay ports/],
  [
    'a TURN REST credential that ran out hours ago',
    [turn({ ...REFUSED, username: `${NOW_SECONDS - 3 * 3600}:alice` })],
    /ran out 3 h ago: get a new one/,
  ],
  ['seconds ago', [turn({ ...REFUSED, username: `${NOW_SECONDS - 5}` })], /ran out 5 s ago/],
  ['minutes ago', [turn({ ...REFUSED, username: `${NOW_SECONDS - 120}:a` })], /ran out 2 min ago/],
  ['days ago', [turn({ ...REFUSED, username: `${NOW_SECONDS - 200_000}:a` })], /ran out 2 d ago/],
  [
    'by its error code alone',
    [turn({ code: 'ERR_STUN_RESPONSE', errorCode: 441, username: `${NOW_SECONDS - 60}:a` })],
    /ran out 1 min ago/,
  ],
  [
    'a TURN REST credential of another secret',
    [turn({ ...REFUSED, username: `${NOW_SECONDS + 7200}:alice` })],
    /valid for another 2 h: .*another secret/,
  ],
  ['a user name like any other', [turn({ ...REFUSED, username: 'alice' })], /^own hint$/],
  ['a user name of digits', [turn({ ...REFUSED, username: '12345678' })], /^own hint$/],
  ['digits with more behind', [turn({ ...REFUSED, username: '1700000000x' })], /^own hint$/],
  [
    'a certificate that has expired',
    [turn({ transport: 'tls', code: 'ERR_TRANSPORT_TLS', systemCode: 'CERT_HAS_EXPIRED' })],
    /certificate has expired/,
  ],
  [
    'another fault of TLS',
    [turn({ transport: 'tls', code: 'ERR_TRANSPORT_TLS', hint: 'wrong name' })],
    /^wrong name$/,
  ],
  [
    'UDP silent, TCP well',
    [turn(SILENT), turn({ transport: 'tcp', ok: true })],
    /^UDP is blocked on the way to turn\.example\.org.* but TCP answers/,
  ],
  [
    'UDP silent, TLS refused: it answers too',
    [turn(SILENT), turn({ transport: 'tls', ...REFUSED })],
    /but TLS answers/,
  ],
  [
    'UDP silent, WebSocket well',
    [turn(SILENT), turn({ transport: 'ws', ok: true })],
    /but WebSocket answers/,
  ],
  [
    'UDP silent, TCP of another host well',
    [turn({ ...SILENT, hint: 'own hint' }), turn({ transport: 'tcp', ok: true, host: 'b' })],
    /^own hint$/,
  ],
  ['UDP silent, TCP silent', [turn(SILENT), turn({ transport: 'tcp', ...SILENT })], undefined],
  [
    'TCP refused by the system, UDP well',
    [turn({ transport: 'tcp', code: 'ERR_TRANSPORT_CONNECT' }), turn({ ok: true })],
    /^TCP is not served on this port.* but UDP answers/,
  ],
  ['TURN silent, STUN well', [turn(SILENT), stun({})], /answers STUN but not TURN/],
  [
    'TURN refused, STUN well',
    [turn({ code: 'ERR_STUN_RESPONSE', errorCode: 403, hint: 'policy' }), stun({})],
    /^The server answers STUN but refuses TURN\. policy$/,
  ],
  [
    'TURN refused, STUN of another host well',
    [turn({ code: 'ERR_STUN_RESPONSE', errorCode: 403, hint: 'policy' }), stun({ host: 'b' })],
    /^policy$/,
  ],
  [
    'no name resolved at all',
    [turn({ code: 'ERR_DNS', hint: 'typing' }), stun({ ok: false, code: 'ERR_DNS', host: 'b' })],
    /is this machine on the network/,
  ],
  ['one name not resolved', [turn({ code: 'ERR_DNS', hint: 'typing' }), stun({})], /^typing$/],
  ['a URL that could not be read', [turn({ host: '', code: 'ERR_INVALID_URI' })], undefined],
]);

test.each(CASES)('%s', (_, rows, expected) => {
  const [hint, ...others] = hintsFor(rows, NOW_SECONDS * 1000);
  expect(others).toHaveLength(rows.length - 1);
  if (expected === undefined) expect(hint).toBeUndefined();
  else expect(hint).toMatch(expected);
});
