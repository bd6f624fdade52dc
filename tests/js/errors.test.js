// The one error class, its codes, and the errors made from what the core or a server said.
import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { argumentError, coreError, PosternError, responseError } from '../../js/errors.js';
import { CLIENT_ERRORS, CODEC_ERRORS, JS_ERRORS } from '../../js/generated/errors.js';
import { STUN_ERROR_CODES } from '../../js/generated/stun-error-codes.js';

/** By number, as the core returns them: those of the codec, then those of clients. */
const coreRows = [...CODEC_ERRORS, ...CLIENT_ERRORS];
/** @type {[string, string][]} */
const rows = [
  ...coreRows.slice(1).map(([code, text]) => /** @type {[string, string]} */ ([code, text])),
  ...Object.entries(JS_ERRORS),
];

describe('codes', () => {
  test('are those of src/base/errors.def, each once, and 0 is no error', () => {
    const table = readFileSync(new URL('../../src/base/errors.def', import.meta.url), 'utf8');
    const listed = [...table.matchAll(/^POSTERN_\w+\([^"]*"?(ERR_[A-Z0-9_]+)/gm)].map(
      ([, code]) => code,
    );
    expect(rows.map(([code]) => code).sort()).toEqual(listed.sort());
    expect(new Set(listed).size).toBe(listed.length);
    expect(coreRows[0]?.[0]).toBe('OK');
  });

  test.each(rows)('%s says it in a sentence', (code, sentence) => {
    expect(code).toMatch(/^ERR_[A-Z0-9_]+$/);
    expect(sentence).toMatch(/^[A-Z].{15,}\.$/);
  });

  test.each(rows)('%s is described in docs/errors.md', (code) => {
    expect(readFileSync(new URL('../../docs/errors.md', import.meta.url), 'utf8')).toContain(code);
  });
});

describe('PosternError', () => {
  test('is an Error with a name, a code and a message', () => {
    const error = new PosternError('ERR_DNS');
    expect(error).toBeInstanceOf(Error);
    expect(error.name).toBe('PosternError');
    expect(error.code).toBe('ERR_DNS');
    expect(String(error)).toBe(`PosternError: ${JS_ERRORS.ERR_DNS}`);
    expect(error.stack).toContain('errors.test.js');
    expect('cause' in error).toBe(false);
  });

  test.each([...CODEC_ERRORS.slice(1), ...Object.entries(JS_ERRORS)])(
    'of %s says so where no message is given',
    (code, sentence) => {
      expect(new PosternError(/** @type {any} */ (code)).message).toBe(sentence);
    },
  );

  test('takes another message and what is known', () => {
    const cause = new Error('socket');
    const details = {
      url: 'stun:192.0.2.1',
      phase: /** @type {const} */ ('connect'),
      errorCode: 401,
      reason: 'no',
      hint: 'try',
      offset: 0,
      attempts: [
        { transport: 'udp', address: '192.0.2.1', port: 1, code: 'ERR_DNS', message: 'm' },
      ],
    };
    const error = new PosternError('ERR_TRANSPORT_CONNECT', 'It did not work.', {
      ...details,
      cause,
    });
    expect(error).toMatchObject({
      ...details,
      code: 'ERR_TRANSPORT_CONNECT',
      message: 'It did not work.',
    });
    expect(error.cause).toBe(cause);
  });

  test('is known by its mark, so that two copies of the package agree', async () => {
    const copy = await import(/** @type {string} */ ('../../js/errors.js?copy'));
    expect(copy.PosternError).not.toBe(PosternError);
    expect(new copy.PosternError('ERR_DNS')).toBeInstanceOf(PosternError);
    expect(new PosternError('ERR_DNS')).toBeInstanceOf(copy.PosternError);
  });

  test.each([undefined, null, 1, 'ERR_DNS', {}, new Error('x'), { code: 'ERR_DNS' }])(
    '%p is none',
    (value) => {
      expect(value instanceof PosternError).toBe(false);
    },
  );
});

test('argumentError names the argument and what it takes', () => {
  const error = argumentError('options.timeoutMs', 'a positive number');
  expect(error).toBeInstanceOf(TypeError);
  expect(error).not.toBeInstanceOf(PosternError);
  expect(error).toMatchObject({
    code: 'ERR_INVALID_ARGUMENT',
    argument: 'options.timeoutMs',
    message: 'options.timeoutMs must be a positive number',
  });
});

describe('coreError', () => {
  test('has the code and the sentence at that place of the list', () => {
    for (const [number, [code, message]] of coreRows.entries()) {
      if (number > 0) expect(coreError(number, {}, CLIENT_ERRORS)).toMatchObject({ code, message });
    }
    expect(coreError(1, { offset: 7, url: 'stun:x' })).toMatchObject({ offset: 7, url: 'stun:x' });
  });

  test.each([0, -1, coreRows.length, 255, Number.NaN])(
    '%p is a number that the core must never return',
    (number) => {
      const error = coreError(number, { offset: 1 }, CLIENT_ERRORS);
      expect(error).toMatchObject({ code: 'ERR_INTERNAL', offset: 1 });
    },
  );

  test('the codec has no error of a client', () => {
    expect(coreError(CODEC_ERRORS.length).code).toBe('ERR_INTERNAL');
  });
});

describe('responseError', () => {
  test.each(Object.entries(STUN_ERROR_CODES))(
    '%s has a hint, and a reason where the server gave none',
    (code, row) => {
      const error = responseError(Number(code), '');
      expect(error).toMatchObject({
        code: 'ERR_STUN_RESPONSE',
        errorCode: Number(code),
        reason: row.reason,
        hint: row.hint,
      });
      expect(error.message).toContain(`${code} (${row.reason})`);
    },
  );

  test('keeps the words of the server', () => {
    expect(responseError(401, 'Unauthorized', { phase: 'challenge' })).toMatchObject({
      errorCode: 401,
      reason: 'Unauthorized',
      phase: 'challenge',
      message: expect.stringContaining('401 (Unauthorized)'),
    });
  });

  test('knows what to say about a code that nobody registered', () => {
    const error = responseError(699, '');
    expect(error).toMatchObject({ errorCode: 699, reason: 'no reason given' });
    expect(error.hint).toBeUndefined();
  });
});
