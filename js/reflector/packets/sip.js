// SIP messages (RFC 3261) with an offer and an answer of SDP (RFC 8866), which tell the sender's own address in the places
// where SIP ALGs rewrite it. The same for both ends.

import { MARK_BYTES } from './marks.js';

/** @typedef {import('./marks.js').Place} Place */
/** @typedef {{ address: string, port: number }} Endpoint */

export const MAX_SIP_BYTES = 4096;
const MARK = new RegExp(`[\\da-f]{${2 * MARK_BYTES}}`, 'g');
/** In the branch, in Call-ID, in SDP, and in the tag of To: those that an ALG has replaced leave the others. */
const MAX_MARKS = 4;
const FIRST_LINE = /^[A-Z]{3,16} sips?:\S+ SIP\/2\.0\r?\n|^SIP\/2\.0 \d{3} /;
const HEAD_END = /\r?\n\r?\n/;

/** @param {Uint8Array} bytes */
const textOf = (bytes) =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');

/** @param {Uint8Array} bytes @returns {Uint8Array[]} none where it is no SIP message of ours */
export function marksOfSip(bytes) {
  if (bytes.length > MAX_SIP_BYTES) return [];
  const text = textOf(bytes);
  if (!FIRST_LINE.test(text)) return [];
  const found = new Set(text.match(MARK) ?? []);
  return [...found].slice(0, MAX_MARKS).map((hex) => Buffer.from(hex, 'hex'));
}

/** As SIP and SDP write it. @param {string} address */
const hostOf = (address) => (address.includes(':') ? `[${address}]` : address);

/** @param {Endpoint} media @param {string} name of the session @returns {string} */
function sdp({ address, port }, name) {
  const family = address.includes(':') ? 'IP6' : 'IP4';
  return [
    'v=0',
    `o=- 1 1 IN ${family} ${address}`,
    `s=${name}`,
    `c=IN ${family} ${address}`,
    't=0 0',
    `m=audio ${port} RTP/AVP 0 111`,
    'a=rtpmap:0 PCMU/8000',
    'a=rtpmap:111 opus/48000/2',
    'a=sendrecv',
    '',
  ].join('\r\n');
}

/** @param {readonly string[]} head @param {string} body @returns {string} */
const message = (head, body) => [...head, `Content-Length: ${body.length}`, '', body].join('\r\n');

/**
 * @param {Uint8Array} mark
 * @param {object} options
 * @param {'udp' | 'tcp'} options.transport
 * @param {Endpoint} options.local of the client, as its socket has it
 * @param {Endpoint} options.remote of the reflector
 * @returns {string} an INVITE
 */
export function sipInvite(mark, { transport, local, remote }) {
  const id = Buffer.from(mark).toString('hex');
  const [here, there] = [hostOf(local.address), hostOf(remote.address)];
  const head = [
    `INVITE sip:test@${there}:${remote.port} SIP/2.0`,
    `Via: SIP/2.0/${transport.toUpperCase()} ${here}:${local.port};branch=z9hG4bK${id};rport`,
    'Max-Forwards: 70',
    `From: "Network test" <sip:test@${here}:${local.port}>;tag=${id.slice(0, 16)}`,
    `To: <sip:test@${there}:${remote.port}>`,
    `Call-ID: ${id}@${local.address}`,
    'CSeq: 1 INVITE',
    `Contact: <sip:test@${here}:${local.port};transport=${transport}>`,
    'Allow: INVITE, ACK, CANCEL, BYE, OPTIONS',
    'User-Agent: postern; this is a test of the network, and nobody calls',
    'Content-Type: application/sdp',
  ];
  return message(head, sdp({ address: local.address, port: mediaPort(local.port) }, id));
}

/** A port beside the one of SIP, even as RTP wants it. @param {number} port */
const mediaPort = (port) => (port > 0xff00 ? port - 0x80 : port + 2) & ~1;

/** What a response copies of its request (RFC 3261 section 8.2.6.2). */
const COPIED = ['via', 'v', 'from', 'f', 'call-id', 'i', 'cseq'];

/**
 * @param {Uint8Array} mark of the answer
 * @param {Uint8Array} request as it arrived
 * @param {Endpoint} local of the reflector, as it is told to clients
 * @returns {string | undefined} 200, no longer than the request; undefined: that cannot be
 */
export function sipAnswer(mark, request, local) {
  const [head] = textOf(request).split(HEAD_END, 1);
  const lines = head.split(/\r?\n/).slice(1);
  const named = lines.map((line) => ({ name: line.split(':', 1)[0].trim().toLowerCase(), line }));
  const to = named.find(({ name }) => name === 'to' || name === 't');
  if (to === undefined) return undefined;
  const here = hostOf(local.address);
  const answer = [
    'SIP/2.0 200 OK',
    ...named.filter(({ name }) => COPIED.includes(name)).map(({ line }) => line),
    `${to.line};tag=${Buffer.from(mark).toString('hex')}`,
    `Contact: <sip:test@${here}:${local.port}>`,
  ];
  const body = sdp({ address: local.address, port: mediaPort(local.port) }, '-');
  const whole = message([...answer, 'Content-Type: application/sdp'], body);
  if (whole.length <= request.length) return whole;
  const bare = message(answer, '');
  return bare.length <= request.length ? bare : undefined;
}

/** @param {string} text @returns {Uint8Array} */
export const sipBytes = (text) => Buffer.from(text, 'latin1');

/** @param {Uint8Array} bytes @returns {string} */
export const sipText = textOf;

/**
 * Where a message of a stream ends (RFC 3261 section 18.3).
 *
 * @param {Uint8Array} bytes that have come
 * @returns {number | undefined} its length; undefined: more is needed
 */
export function sipLength(bytes) {
  const text = textOf(bytes);
  const end = HEAD_END.exec(text);
  if (end === null) return undefined;
  const [, length = '0'] =
    /^(?:content-length|l)[ \t]*:[ \t]*(\d{1,5})[ \t]*\r?$/im.exec(text.slice(0, end.index)) ?? [];
  const whole = end.index + end[0].length + Number(length);
  return bytes.length < whole ? undefined : whole;
}
