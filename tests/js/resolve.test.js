import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { describe, expect, jest, test } from '@jest/globals';
import { chooseTransports } from '../../js/resolve/choose-transports.js';
import { interleaveFamilies } from '../../js/resolve/interleave.js';
import { resolveServer } from '../../js/resolve/resolve-server.js';
import { orderSrvRecords } from '../../js/resolve/srv-order.js';
import { createSystemResolver, systemResolver } from '../../js/resolve/system-resolver.js';
import { parseUri } from '../../js/uri.js';

/** @param {string} code */
const dnsFailure = (code) => Object.assign(new Error(`query ${code}`), { code });

/**
 * A resolver that knows what it is told. Values are addresses ('192.0.2.1', '2001:db8::1') or SRV
 * records ('priority weight port target'), a code to fail with, or a promise.
 *
 * @param {Record<string, any>} zone
 */
function fakeResolver(zone) {
  /** @type {string[]} */
  const questions = [];
  /** @param {string} name */
  const ask = async (name) => {
    questions.push(name);
    const answer = await (zone[name] ?? 'ENOTFOUND');
    if (typeof answer === 'string') throw dnsFailure(answer);
    return answer;
  };
  return {
    questions,
    async resolveSrv(/** @type {string} */ name) {
      return (await ask(name)).map((/** @type {string} */ record) => {
        const [priority, weight, port, target] = record.split(' ');
        return { priority: +priority, weight: +weight, port: +port, name: target };
      });
    },
    async lookup(/** @type {string} */ name, /** @type {{ family: number }} */ { family }) {
      const addresses = (await ask(name)).map((/** @type {string} */ address) => ({ address }));
      const wanted = addresses.filter(
        (/** @type {{ address: string }} */ { address }) =>
          family === 0 || address.includes(':') === (family === 6),
      );
      if (wanted.length === 0) throw dnsFailure('ENOTFOUND');
      return wanted;
    },
  };
}

/**
 * @param {string} uri
 * @param {Record<string, any>} zone
 * @param {import('../../js/resolve/resolve-server.js').ResolveOptions} [options]
 */
async function resolve(uri, zone, options) {
  const resolver = fakeResolver(zone);
  const candidates = await resolveServer(parseUri(uri), { resolver, random: () => 0, ...options });
  return {
    questions: resolver.questions,
    candidates,
    tries: candidates.map(({ transport, address, port }) => `${transport} ${address} ${port}`),
  };
}

/** @param {string} uri @param {Record<string, any>} zone @param {any} [options] */
const refusal = (uri, zone, options) =>
  resolve(uri, zone, options).then(
    () => {
      throw new Error('was resolved');
    },
    (error) => error,
  );

describe('an address in the URI', () => {
  test('is taken as it is, with the default port, and nothing is asked', async () => {
    const { candidates, questions } = await resolve('stun:192.0.2.1', {});
    expect(questions).toEqual([]);
    expect(candidates).toEqual([
      {
        transport: 'udp',
        address: '192.0.2.1',
        port: 3478,
        family: 'IPv4',
        host: '192.0.2.1',
        via: 'literal',
      },
    ]);
  });

  test('is brought into its canonical form', async () => {
    const { candidates } = await resolve('turns:[2001:DB8:0::1]:443', {});
    expect(candidates).toEqual([
      {
        transport: 'tls',
        address: '2001:db8::1',
        port: 443,
        family: 'IPv6',
        host: '2001:db8::1',
        via: 'literal',
      },
    ]);
  });

  test('is tried over each transport that a turn: URI leaves open', async () => {
    const { tries } = await resolve('turn:192.0.2.1', {});
    expect(tries).toEqual(['udp 192.0.2.1 3478', 'tcp 192.0.2.1 3478']);
  });

  test('is refused in a stuns: URI (RFC 8489 section 8.1)', async () => {
    const error = await refusal('stuns:192.0.2.1', {});
    expect(error).toMatchObject({ code: 'ERR_INVALID_URI' });
    expect(error.message).toContain('servername');
    // The same address, spelt with digits that IDNA maps to ASCII.
    expect(await refusal('stuns:%EF%BC%91%EF%BC%92%EF%BC%97.0.0.1', {})).toMatchObject({
      code: 'ERR_INVALID_URI',
    });
  });

  test('is good for stuns: with the name of its certificate', async () => {
    const { candidates } = await resolve('stuns:192.0.2.1', {}, { servername: 'stun.example.org' });
    expect(candidates[0]).toMatchObject({ transport: 'tls', port: 5349, host: 'stun.example.org' });
  });

  test('of another family than is asked for', async () => {
    expect(await refusal('stun:192.0.2.1', {}, { family: 6 })).toMatchObject({
      argument: 'options.family',
      message: 'options.family must be 4 to go with the address 192.0.2.1',
    });
    expect((await resolve('stun:[::1]', {}, { family: 6 })).tries).toEqual(['udp ::1 3478']);
  });
});

describe('a WebSocket', () => {
  test.each([
    ['wss://turn.example.org/turn?x=1', 'turn.example.org', 443, 'IPv4', 'address'],
    ['ws://192.0.2.1:8080/', '192.0.2.1', 8080, 'IPv4', 'literal'],
    ['wss://[2001:db8::1]/', '2001:db8::1', 443, 'IPv6', 'literal'],
  ])('%s has one candidate, and nothing is asked', async (url, address, port, family, via) => {
    const { candidates, questions } = await resolve(url, { 'turn.example.org': ['192.0.2.9'] });
    expect(questions).toEqual([]);
    expect(candidates).toEqual([
      { transport: 'ws', address, port, family, host: address, via, url },
    ]);
  });

  test.each([
    ['turn:turn.example.org?transport=ws', 3478, 'ws://turn.example.org:3478/'],
    ['turns:turn.example.org?transport=ws', 443, 'wss://turn.example.org/'],
  ])('%s too', async (uri, port, url) => {
    const { candidates, questions } = await resolve(uri, {});
    expect(questions).toEqual([]);
    expect(candidates).toMatchObject([{ transport: 'ws', host: 'turn.example.org', port, url }]);
  });

  test('cannot be held to a family, unless it has an address', async () => {
    expect((await resolve('ws://192.0.2.1/', {}, { family: 4 })).candidates).toHaveLength(1);
    expect(await refusal('ws://192.0.2.1/', {}, { family: 6 })).toMatchObject({
      message: 'options.family must be 4 to go with the address 192.0.2.1',
    });
    const error = await refusal('ws://example.org/', {}, { family: 4 });
    expect(error).toMatchObject({ argument: 'options.family' });
    expect(error.message).toContain("a WebSocket looks 'example.org' up itself");
  });
});

describe('a name with a port', () => {
  test('is looked up, without SRV', async () => {
    const { candidates, questions } = await resolve('stun:example.org:8000', {
      'example.org': ['192.0.2.1'],
      '_stun._udp.example.org': ['0 0 3478 other.example.org'],
    });
    expect(questions).toEqual(['example.org']);
    expect(candidates).toEqual([
      {
        transport: 'udp',
        address: '192.0.2.1',
        port: 8000,
        family: 'IPv4',
        host: 'example.org',
        via: 'address',
      },
    ]);
  });

  test('is looked up once for all transports', async () => {
    const zone = { 'example.org': ['192.0.2.1', '192.0.2.2'] };
    const { tries, questions } = await resolve('turn:example.org:8000', zone);
    expect(questions).toEqual(['example.org']);
    expect(tries).toEqual([
      'udp 192.0.2.1 8000',
      'udp 192.0.2.2 8000',
      'tcp 192.0.2.1 8000',
      'tcp 192.0.2.2 8000',
    ]);
  });
});

describe('a name without a port', () => {
  test.each([
    ['stun:example.org', undefined, ['_stun._udp.example.org']],
    ['stun:example.org', 'tcp', ['_stun._tcp.example.org']],
    ['stuns:example.org', undefined, ['_stuns._tcp.example.org']],
    ['turn:example.org?transport=udp', undefined, ['_turn._udp.example.org']],
    ['turn:example.org?transport=tcp', undefined, ['_turn._tcp.example.org']],
    ['turn:example.org', undefined, ['_turn._udp.example.org', '_turn._tcp.example.org']],
    ['turn:example.org', ['tcp', 'udp'], ['_turn._tcp.example.org', '_turn._udp.example.org']],
    ['turns:example.org', undefined, ['_turns._tcp.example.org']],
    ['turns:example.org?transport=tcp', 'tls', ['_turns._tcp.example.org']],
  ])('%s over %p asks for %p', async (uri, transport, expected) => {
    const options = /** @type {any} */ ({ transport });
    const { questions } = await resolve(uri, { 'example.org': ['192.0.2.1'] }, options);
    expect(questions).toEqual([...expected, 'example.org']);
  });

  test('uses SRV records: their port and target, but the name of the URI for TLS', async () => {
    const { candidates, questions } = await resolve('stuns:example.org', {
      '_stuns._tcp.example.org': ['0 0 443 host.example.net'],
      'host.example.net': ['192.0.2.1'],
      'example.org': ['203.0.113.1'],
    });
    expect(questions).toEqual(['_stuns._tcp.example.org', 'host.example.net']);
    expect(candidates).toEqual([
      {
        transport: 'tls',
        address: '192.0.2.1',
        port: 443,
        family: 'IPv4',
        host: 'example.org',
        via: 'srv',
      },
    ]);
  });

  test('tries the targets by priority, each with both families in turn', async () => {
    const { tries } = await resolve('stun:example.org', {
      '_stun._udp.example.org': ['20 0 3479 b.example.org', '10 0 3478 a.example.org'],
      'a.example.org': ['2001:db8::1', '2001:db8::2', '192.0.2.1'],
      'b.example.org': ['192.0.2.3', '2001:db8::3'],
    });
    expect(tries).toEqual([
      'udp 2001:db8::1 3478',
      'udp 192.0.2.1 3478',
      'udp 2001:db8::2 3478',
      'udp 192.0.2.3 3479',
      'udp 2001:db8::3 3479',
    ]);
  });

  test('leaves out repeated addresses and targets without any', async () => {
    const { tries } = await resolve('stun:example.org', {
      '_stun._udp.example.org': [
        '1 0 3478 a.example.org',
        '2 0 3478 gone.example.org',
        '3 0 3478 b.example.org',
        '4 0 3479 a.example.org',
      ],
      'a.example.org': ['192.0.2.1'],
      'b.example.org': ['192.0.2.1'],
    });
    expect(tries).toEqual(['udp 192.0.2.1 3478', 'udp 192.0.2.1 3479']);
  });

  test.each(['ENOTFOUND', 'ENODATA', 'ESERVFAIL', 'EREFUSED', 'ETIMEOUT', 'ECONNREFUSED'])(
    'falls back to its addresses and the default port when SRV gives %s',
    async (code) => {
      const zone = { '_stun._udp.example.org': code, 'example.org': ['192.0.2.1'] };
      const { candidates } = await resolve('stun:example.org', zone);
      expect(candidates).toMatchObject([{ address: '192.0.2.1', port: 3478, via: 'address' }]);
      const tls = await resolve('stuns:example.org', zone);
      expect(tls.tries).toEqual(['tls 192.0.2.1 5349']);
    },
  );

  test('falls back when the answer is empty', async () => {
    const zone = { '_stun._udp.example.org': [], 'example.org': ['192.0.2.1'] };
    expect((await resolve('stun:example.org', zone)).tries).toEqual(['udp 192.0.2.1 3478']);
  });

  test('does not fall back when the targets have no address (RFC 2782)', async () => {
    const error = await refusal('stun:example.org', {
      '_stun._udp.example.org': ['0 0 3478 gone.example.org'],
      'example.org': ['192.0.2.1'],
    });
    expect(error).toMatchObject({ code: 'ERR_DNS', phase: 'dns', url: 'stun:example.org' });
    expect(error.message).toContain("'gone.example.org'");
  });

  test.each(['0 0 0 .', '0 0 0 '])(
    'takes the target of %j for: no such service',
    async (record) => {
      const error = await refusal('stun:example.org', {
        '_stun._udp.example.org': [record],
        'example.org': ['192.0.2.1'],
      });
      expect(error).toMatchObject({ code: 'ERR_DNS', phase: 'dns' });
      expect(error.message).toContain('no stun service over UDP');
    },
  );

  test('one service that is not there leaves the other', async () => {
    const { tries } = await resolve('turn:example.org', {
      '_turn._udp.example.org': ['0 0 0 .'],
      '_turn._tcp.example.org': ['0 0 80 a.example.org'],
      'a.example.org': ['192.0.2.1'],
    });
    expect(tries).toEqual(['tcp 192.0.2.1 80']);
  });

  test('ignores records that no one can use', async () => {
    const { tries } = await resolve('stun:example.org', {
      '_stun._udp.example.org': ['0 0 0 .', '0 0 0 a.example.org', '0 0 3478 b.example.org'],
      'a.example.org': ['192.0.2.1'],
      'b.example.org': ['192.0.2.2', 'not an address'],
    });
    expect(tries).toEqual(['udp 192.0.2.2 3478']);
  });

  test.each(['localhost', 'a.localhost', 'printer.local', 'localhost.'])(
    '%s is not asked for at DNS servers',
    async (host) => {
      const { questions } = await resolve(`stun:${host}`, { [host]: ['127.0.0.1'] });
      expect(questions).toEqual([host]);
    },
  );

  test('takes a bounded number of records, the best ones', async () => {
    const records = Array.from({ length: 100 }, (_, i) => `${100 - i} 0 ${i + 1} a.example.org`);
    const addresses = Array.from({ length: 200 }, (_, i) => `192.0.2.${i}`);
    const { tries } = await resolve('stun:example.org', {
      '_stun._udp.example.org': records,
      'a.example.org': addresses,
    });
    expect(tries).toHaveLength(16 * 16);
    expect(tries[0]).toBe('udp 192.0.2.0 100');
    expect(tries[255]).toBe('udp 192.0.2.15 85');
  });
});

describe('the family', () => {
  const zone = { 'example.org': ['2001:db8::1', '2001:db8::2', '192.0.2.1'] };

  test.each([
    [undefined, ['2001:db8::1', '192.0.2.1', '2001:db8::2']],
    [4, ['192.0.2.1']],
    [6, ['2001:db8::1', '2001:db8::2']],
  ])('%p gives %p', async (family, expected) => {
    const options = { family: /** @type {4 | 6 | undefined} */ (family) };
    const { candidates } = await resolve('stun:example.org:1', zone, options);
    expect(candidates.map(({ address }) => address)).toEqual(expected);
  });

  test('is kept to, whatever the resolver says', async () => {
    const resolver = {
      resolveSrv: async () => [],
      lookup: async () => [{ address: '192.0.2.1' }, { address: '2001:db8::1' }],
    };
    const candidates = await resolveServer(parseUri('stun:example.org'), { resolver, family: 6 });
    expect(candidates).toMatchObject([{ address: '2001:db8::1', family: 'IPv6' }]);
  });

  test('that the name lacks', async () => {
    const error = await refusal(
      'stun:example.org:1',
      { 'example.org': ['192.0.2.1'] },
      { family: 6 },
    );
    expect(error).toMatchObject({ code: 'ERR_DNS' });
    expect(error.message).toBe("No IPv6 address was found for 'example.org'.");
  });

  test('is 4 or 6', async () => {
    for (const family of ['IPv4', 0, null]) {
      expect(await refusal('stun:example.org', zone, { family })).toMatchObject({
        code: 'ERR_INVALID_ARGUMENT',
        argument: 'options.family',
      });
    }
  });
});

describe('failures', () => {
  test('of a name that does not exist', async () => {
    const error = await refusal('stun:nowhere.example', {});
    expect(error).toMatchObject({
      code: 'ERR_DNS',
      phase: 'dns',
      url: 'stun:nowhere.example',
      hint: 'Check the spelling of the name.',
      cause: { code: 'ENOTFOUND' },
    });
    expect(error.message).toBe("No address was found for 'nowhere.example'.");
  });

  test('of the resolver', async () => {
    const error = await refusal('turn:example.org', { 'example.org': 'EAI_AGAIN' });
    expect(error).toMatchObject({ code: 'ERR_DNS', cause: { code: 'EAI_AGAIN' } });
    expect(error.hint).toContain('EAI_AGAIN');
  });

  test('of names that no DNS can hold', async () => {
    expect(await refusal('stun:xn--a.example', {})).toMatchObject({ code: 'ERR_INVALID_URI' });
  });
});

test('names of other scripts are asked for, and certified, in their ASCII form', async () => {
  const { candidates, questions } = await resolve('stun:B%C3%9Ccher.example', {
    'xn--bcher-kva.example': ['192.0.2.1'],
  });
  expect(questions).toEqual(['_stun._udp.xn--bcher-kva.example', 'xn--bcher-kva.example']);
  expect(candidates[0].host).toBe('xn--bcher-kva.example');
});

test('a final dot is for DNS, not for certificates', async () => {
  const { candidates, questions } = await resolve('stun:example.org.:1', {
    'example.org.': ['192.0.2.1'],
  });
  expect(questions).toEqual(['example.org.']);
  expect(candidates[0].host).toBe('example.org');
});

describe('an abort', () => {
  const uri = parseUri('stun:example.org');
  const reason = new Error('enough');

  test('before the start asks nothing', async () => {
    const resolver = fakeResolver({});
    const options = { resolver, signal: AbortSignal.abort(reason) };
    await expect(resolveServer(uri, options)).rejects.toBe(reason);
    expect(resolver.questions).toEqual([]);
  });

  test('ends the wait, and no further question is asked', async () => {
    const controller = new AbortController();
    /** @type {(code: string) => void} */
    let answer = () => {};
    const resolver = fakeResolver({
      '_stun._udp.example.org': new Promise((resolve) => {
        answer = resolve;
      }),
    });
    const result = resolveServer(uri, { resolver, signal: controller.signal });
    controller.abort(reason);
    await expect(result).rejects.toBe(reason);
    answer('ECANCELLED');
    await new Promise(setImmediate);
    expect(resolver.questions).toEqual(['_stun._udp.example.org']);
  });

  test('leaves no listener on the signal once done', async () => {
    const { signal } = new AbortController();
    const add = jest.spyOn(signal, 'addEventListener');
    const remove = jest.spyOn(signal, 'removeEventListener');
    const resolver = fakeResolver({ 'example.org': ['192.0.2.1'] });
    await resolveServer(uri, { resolver, signal });
    await resolveServer(parseUri('stun:nowhere.example'), { resolver, signal }).catch(() => {});
    expect(add).toHaveBeenCalledTimes(2);
    expect(remove.mock.calls.map(([, listener]) => listener)).toEqual(
      add.mock.calls.map(([, listener]) => listener),
    );
  });
});

describe('chooseTransports', () => {
  test.each([
    ['stun:a.example', undefined, ['udp']],
    ['stun:a.example', 'tcp', ['tcp']],
    ['stun:a.example', ['tcp', 'udp'], ['tcp', 'udp']],
    ['stun:a.example', ['tls', 'tcp'], ['tcp']],
    ['stuns:a.example', undefined, ['tls']],
    ['stuns:a.example', ['udp', 'tcp', 'tls'], ['tls']],
    ['turn:a.example', undefined, ['udp', 'tcp']],
    ['turn:a.example', ['tcp', 'udp'], ['tcp', 'udp']],
    ['turn:a.example?transport=tcp', undefined, ['tcp']],
    ['turn:a.example?transport=tcp', ['udp', 'tcp'], ['tcp']],
    ['turns:a.example?transport=tcp', undefined, ['tls']],
    ['turn:a.example?transport=ws', undefined, ['ws']],
    ['wss://a.example/', undefined, ['ws']],
    ['wss://a.example/', ['udp', 'ws'], ['ws']],
  ])('%s, wanted %p: %p', (uri, wanted, expected) => {
    expect(chooseTransports(parseUri(uri), /** @type {any} */ (wanted))).toEqual(expected);
  });

  test.each([
    [
      'stun:a.example',
      'tls',
      "'udp' or 'tcp' to go with this stun: URI; for TLS the URI begins with stuns:",
    ],
    ['stuns:a.example', 'udp', "'tls' to go with this stuns: URI"],
    ['turn:a.example?transport=tcp', 'udp', "'tcp' to go with this turn: URI"],
    [
      'turn:a.example',
      'ws',
      "'udp' or 'tcp' to go with this turn: URI; for a WebSocket name its wss:// URL",
    ],
    ['wss://a.example/', 'tls', "'ws' to go with this WebSocket URL"],
    ['turns:a.example?transport=ws', 'tls', "'ws' to go with this turns: URI"],
    ['stun:a.example', [], "'udp' or 'tcp' to go with this stun: URI"],
    ['stun:a.example', 'dtls', "'udp', 'tcp', 'tls' or 'ws'"],
    ['stun:a.example', ['udp', null], "'udp', 'tcp', 'tls' or 'ws'"],
  ])('%s, wanted %p: a TypeError', (uri, wanted, sentence) => {
    expect(() => chooseTransports(parseUri(uri), /** @type {any} */ (wanted))).toThrow(
      expect.objectContaining({
        code: 'ERR_INVALID_ARGUMENT',
        argument: 'options.transport',
        message: `options.transport must be ${sentence}`,
      }),
    );
  });

  test('DTLS is not supported', () => {
    expect(() => chooseTransports(parseUri('turns:a.example?transport=udp'))).toThrow(
      expect.objectContaining({
        code: 'ERR_TRANSPORT_UNSUPPORTED',
        message: "A turns: URI with '?transport=udp' asks for DTLS, which is not supported.",
        hint: expect.stringContaining("'?transport=tcp'"),
      }),
    );
  });
});

describe('orderSrvRecords', () => {
  /** @param {number} priority @param {number} weight @param {string} name */
  const record = (priority, weight, name) => ({ priority, weight, name, port: 1 });

  /** @param {ReturnType<typeof record>[]} records @param {number[]} numbers */
  function order(records, numbers) {
    const rest = [...numbers];
    const names = orderSrvRecords(records, () => rest.shift() ?? Number.NaN).map(
      ({ name }) => name,
    );
    expect(rest).toEqual([]);
    return names.join('');
  }

  test('puts the lowest priority first', () => {
    const records = [record(20, 5, 'c'), record(0, 0, 'a'), record(10, 9, 'b')];
    expect(order(records, [0.5, 0.5, 0.5])).toBe('abc');
  });

  // Weights 1 and 3: the numbers are 0 to 4, of which 0 and 1 choose the first.
  test.each([
    [0, 'ab'],
    [0.39, 'ab'],
    [0.41, 'ba'],
    [0.999, 'ba'],
  ])('chooses by weight: %p gives %s', (number, expected) => {
    expect(order([record(0, 1, 'a'), record(0, 3, 'b')], [number, 0])).toBe(expected);
  });

  test('leaves weight zero a very small chance, wherever it stands', () => {
    const records = [record(0, 99, 'a'), record(0, 0, 'b')];
    expect(order(records, [0.0099, 0])).toBe('ba');
    expect(order(records, [0.0101, 0])).toBe('ab');
  });

  test('draws anew from those that are left', () => {
    const records = [record(0, 10, 'a'), record(0, 10, 'b'), record(0, 10, 'c')];
    expect(order(records, [0.5, 0.9, 0])).toBe('bca');
  });

  test('keeps to RFC 2782 in the long run', () => {
    // Every number that can be drawn for the first place, once.
    const counts = { a: 0, b: 0, z: 0 };
    for (let i = 0; i < 101; i++) {
      const records = [record(0, 25, 'a'), record(0, 0, 'z'), record(0, 75, 'b')];
      const [first] = orderSrvRecords(records, () => (i + 0.5) / 101);
      counts[/** @type {'a' | 'b' | 'z'} */ (first.name)]++;
    }
    expect(counts).toEqual({ a: 25, b: 75, z: 1 });
  });

  test('takes nothing for nothing', () => expect(orderSrvRecords([], () => 0)).toEqual([]));
});

test.each([
  ['', ''],
  ['4', '4'],
  ['666', '666'],
  ['64', '64'],
  ['46', '46'],
  ['6644', '6464'],
  ['4466', '4646'],
  ['64444', '64444'],
  ['66664', '64666'],
])('interleaveFamilies makes %j %j', (given, expected) => {
  const addresses = [...given].map((family, i) => ({ family, i }));
  const result = interleaveFamilies(addresses);
  expect(result.map(({ family }) => family).join('')).toBe(expected);
  for (const family of ['4', '6']) {
    const places = result.filter((a) => a.family === family).map(({ i }) => i);
    expect(places).toEqual([...places].sort((a, b) => a - b));
  }
});

describe('the resolver of the system', () => {
  const NOERROR = 0;
  const NXDOMAIN = 3;
  const SRV = 33;

  /** A name as DNS writes it (RFC 1035 section 3.1). @param {string} name */
  const labels = (name) => {
    const parts = name === '.' ? [] : name.split('.');
    return Buffer.concat([
      ...parts.map((part) => Buffer.from([part.length, ...Buffer.from(part)])),
      Buffer.from([0]),
    ]);
  };

  /**
   * The answer to a query (RFC 1035 section 4).
   *
   * @param {Buffer} query
   * @param {number} rcode
   * @param {{ priority: number, weight: number, port: number, name: string }[]} records
   */
  function dnsAnswer(query, rcode, records) {
    const questionEnd = query.indexOf(0, 12) + 5;
    const header = Buffer.from([
      ...query.subarray(0, 2),
      0x81,
      0x80 | rcode,
      0,
      1,
      0,
      0,
      0,
      0,
      0,
      0,
    ]);
    header.writeUInt16BE(records.length, 6);
    const answers = records.map(({ priority, weight, port, name }) => {
      const target = labels(name);
      const record = Buffer.alloc(18);
      record.writeUInt16BE(0xc00c, 0); // the name of the question
      record.writeUInt16BE(SRV, 2);
      record.writeUInt16BE(1, 4);
      record.writeUInt16BE(6 + target.length, 10);
      record.writeUInt16BE(priority, 12);
      record.writeUInt16BE(weight, 14);
      record.writeUInt16BE(port, 16);
      return Buffer.concat([record, target]);
    });
    return Buffer.concat([header, query.subarray(12, questionEnd), ...answers]);
  }

  /**
   * @param {(query: Buffer) => Buffer | undefined} respond
   * @param {(resolver: import('../../js/resolve/system-resolver.js').NameResolver) => Promise<void>} use
   */
  async function withDnsServer(respond, use) {
    const server = createSocket('udp4', (query, client) => {
      const response = respond(query);
      if (response) server.send(response, client.port, client.address);
    });
    server.bind(0, '127.0.0.1');
    await once(server, 'listening');
    try {
      await use(createSystemResolver({ servers: [`127.0.0.1:${server.address().port}`] }));
    } finally {
      server.close();
    }
  }

  test('knows localhost', async () => {
    const addresses = await systemResolver.lookup('localhost', { family: 0, signal: undefined });
    for (const { address } of addresses) expect(['127.0.0.1', '::1']).toContain(address);
    const candidates = await resolveServer(parseUri('stun:localhost'), { family: 4 });
    expect(candidates).toMatchObject([
      { transport: 'udp', address: '127.0.0.1', port: 3478, host: 'localhost', via: 'address' },
    ]);
  });

  test('asks DNS for SRV records', async () => {
    const records = [
      { priority: 20, weight: 5, port: 3479, name: 'localhost' },
      { priority: 10, weight: 0, port: 65535, name: 'localhost' },
    ];
    /** @type {string[]} */
    const asked = [];
    const respond = (/** @type {Buffer} */ query) => {
      asked.push(query.toString('latin1', 12));
      return dnsAnswer(query, NOERROR, records);
    };
    await withDnsServer(respond, async (resolver) => {
      const candidates = await resolveServer(parseUri('stun:example.test'), {
        resolver,
        family: 4,
      });
      expect(candidates).toMatchObject([
        { address: '127.0.0.1', port: 65535, host: 'example.test', via: 'srv' },
        { address: '127.0.0.1', port: 3479, host: 'example.test', via: 'srv' },
      ]);
    });
    const question = '\x05_stun\x04_udp\x07example\x04test\0\0\x21\0\x01';
    expect(asked).toEqual([expect.stringMatching(`^${question}`)]);
  });

  test('hands on the root as a target', async () => {
    const records = [{ priority: 0, weight: 0, port: 0, name: '.' }];
    const respond = (/** @type {Buffer} */ query) => dnsAnswer(query, NOERROR, records);
    await withDnsServer(respond, async (resolver) => {
      await expect(
        resolveServer(parseUri('stun:example.test'), { resolver }),
      ).rejects.toMatchObject({
        code: 'ERR_DNS',
        message: expect.stringContaining('no stun service over UDP'),
      });
    });
  });

  test.each([
    [NXDOMAIN, 'ENOTFOUND'],
    [NOERROR, 'ENODATA'],
  ])('tells by code %i that there is no record', async (rcode, code) => {
    const respond = (/** @type {Buffer} */ query) => dnsAnswer(query, rcode, []);
    await withDnsServer(respond, async (resolver) => {
      const { signal } = new AbortController();
      await expect(resolver.resolveSrv('x.test', { signal })).rejects.toMatchObject({ code });
    });
  });

  test('takes back a question when the signal aborts', async () => {
    const controller = new AbortController();
    const ignore = () => {
      controller.abort();
      return undefined;
    };
    await withDnsServer(ignore, async (resolver) => {
      const { signal } = controller;
      await expect(resolver.resolveSrv('x.test', { signal })).rejects.toMatchObject({
        code: 'ECANCELLED',
      });
    });
  });
});
