import { createHmac } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { createTicket } from '../../../js/gateway/index.js';
import { readTicket, UsedTickets } from '../../../js/gateway/tickets.js';
import { ORIGIN, SECRET } from './support.js';

const secrets = [Buffer.from(SECRET)];
const options = { secret: SECRET, upstream: 'main', origin: ORIGIN };
const NOW = 1_700_000_000_000;

describe('createTicket()', () => {
  test('says what readTicket() reads', () => {
    const { ticket, protocols, expiresAt } = createTicket({
      ...options,
      user: 'ä user',
      ttlSeconds: 60,
      nowMs: NOW,
    });
    expect(protocols).toEqual(['turn', ticket]);
    expect(expiresAt).toBe(NOW + 60_000);
    // RFC 7230 section 3.2.6: what can stand in Sec-WebSocket-Protocol.
    expect(ticket).toMatch(/^ticket\.[\w-]+\.[\w-]{43}$/);
    expect(readTicket(ticket, secrets)).toEqual({
      id: expect.stringMatching(/^[\w-]{22}$/),
      upstream: 'main',
      origin: ORIGIN,
      user: 'ä user',
      expiresAt,
    });
  });

  test('lives 30 seconds, and each has an ID of its own', () => {
    const [a, b] = [
      createTicket({ ...options, nowMs: NOW }),
      createTicket({ ...options, nowMs: NOW }),
    ];
    expect(a.expiresAt).toBe(NOW + 30_000);
    expect(readTicket(a.ticket, secrets)?.id).not.toBe(readTicket(b.ticket, secrets)?.id);
  });

  test('for a client that is no page', () => {
    const { ticket } = createTicket({ ...options, origin: null });
    expect(readTicket(ticket, secrets)).toMatchObject({ origin: null, user: null });
  });

  test.each([
    ['options.secret', { secret: 'short' }],
    ['options.secret', { secret: undefined }],
    ['options.secret', { secret: `${SECRET}\n` }],
    ['options.upstream', { upstream: 'a/b' }],
    ['options.upstream', { upstream: 7 }],
    ['options.origin', { origin: undefined }],
    ['options.origin', { origin: '*' }],
    ['options.origin', { origin: 'https://app.example.org/path' }],
    ['options.user', { user: '' }],
    ['options.user', { user: 'x'.repeat(257) }],
    ['options.ttlSeconds', { ttlSeconds: 61 }],
    ['options.ttlSeconds', { ttlSeconds: 0 }],
    ['options.nowMs', { nowMs: 'now' }],
  ])('%s: %p is refused', (argument, wrong) => {
    expect(() => createTicket(/** @type {any} */ ({ ...options, ...wrong }))).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT', argument }),
    );
  });
});

describe('readTicket()', () => {
  const { ticket } = createTicket(options);

  test('takes any of several secrets', () => {
    const other = Buffer.from('another secret of sixteen bytes');
    expect(readTicket(ticket, [other, ...secrets])).toBeDefined();
    expect(readTicket(ticket, [other])).toBeUndefined();
  });

  test('takes no ticket with one character changed, or missing', () => {
    for (let i = 0; i < ticket.length; i++) {
      const other = ticket[i] === 'A' ? 'B' : 'A';
      expect(readTicket(ticket.slice(0, i) + other + ticket.slice(i + 1), secrets)).toBeUndefined();
      expect(readTicket(ticket.slice(0, i), secrets)).toBeUndefined();
      expect(readTicket(ticket.slice(0, i) + ticket.slice(i + 1), secrets)).toBeUndefined();
    }
    for (const more of ['A', '=', '.', '.A', ' ']) {
      expect(readTicket(ticket + more, secrets)).toBeUndefined();
    }
  });

  test('takes one spelling of it: its last character has bits that say nothing', () => {
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    const taken = [...alphabet].filter((last) => readTicket(ticket.slice(0, -1) + last, secrets));
    expect(taken).toEqual([ticket.at(-1)]);
  });

  test('takes no HMAC that was made for something else with the secret', () => {
    const [, payload] = ticket.split('.');
    const mac = createHmac('sha256', SECRET).update(payload).digest('base64url');
    expect(readTicket(`ticket.${payload}.${mac}`, secrets)).toBeUndefined();
  });

  test.each(['', 'ticket.', 'ticket..', 'turn', 'ticket.e30', `ticket.${'A'.repeat(1_000_000)}.B`])(
    '%#: nonsense is none',
    (text) => {
      expect(readTicket(text, secrets)).toBeUndefined();
    },
  );
});

describe('UsedTickets', () => {
  const claims = (/** @type {string} */ id, expiresAt = NOW + 1000) => ({
    id,
    expiresAt,
    upstream: 'main',
    origin: null,
    user: null,
  });

  test('a ticket counts once', () => {
    const used = new UsedTickets(10);
    expect(used.claim(claims('a'), NOW)).toBe(true);
    expect(used.claim(claims('a'), NOW)).toBe(false);
    expect(used.claim(claims('b'), NOW)).toBe(true);
  });

  test('remembers so many, and rather refuses than forgets one that is good', () => {
    const used = new UsedTickets(2);
    expect(used.claim(claims('a', NOW + 10), NOW)).toBe(true);
    expect(used.claim(claims('b'), NOW)).toBe(true);
    expect(used.claim(claims('c'), NOW)).toBe(false);
    expect(used.claim(claims('c'), NOW + 10)).toBe(true);
    expect(used.size).toBe(2);
    expect(used.claim(claims('b'), NOW + 10)).toBe(false);
  });
});
