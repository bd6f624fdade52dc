// NAT discovery against servers on loopback, where there is no NAT, beside coturn's own tool.
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { discoverNat } from '../../js/index.js';
import { startNatServer } from '../js/nat/support.js';
import { describeWithCoturn, startCoturn } from './coturn.js';
import { NAT_TOOL, readNatTool } from './nat-tool.js';
import { programMissing, runProgram } from './server-support.js';
import { uriOf } from './support.js';

jest.setTimeout(60_000);

const HOSTS = ['127.0.0.1', '127.0.0.2'];

const NO_NAT = {
  behindNat: false,
  mapping: { behaviour: 'endpoint-independent' },
  filtering: { behaviour: 'endpoint-independent', serverProven: true },
  hairpinning: { behaviour: 'unknown', reason: 'no-nat' },
  portPreservation: { behaviour: 'preserved' },
  classicName: 'open Internet',
};

/** @param {string} host @param {number} port */
const toolSays = async (host, port) =>
  readNatTool((await runProgram(NAT_TOOL, ['-m', '-f', '-p', String(port), host])).output);

/** The tool and discoverNat() say the same, of loopback, where there is no NAT. @param {string} host @param {number} port */
async function expectSame(host, port) {
  const said = await toolSays(host, port);
  const { mapping, filtering } = await discoverNat(uriOf(host, port), { confirm: false });
  expect(said).toMatchObject({ filtering: filtering.behaviour });
  // Of a mapping that is none it has other words.
  expect([mapping.behaviour, said.output]).toEqual([
    'endpoint-independent',
    expect.stringMatching(/No NAT detected|Endpoint Independent Mapping/i),
  ]);
}

describeWithCoturn('NAT discovery', () => {
  describe('on two addresses', () => {
    /** @type {import('./coturn.js').Coturn} */
    let server;
    beforeAll(async () => {
      server = await startCoturn({ hosts: HOSTS });
    });
    afterAll(() => server?.stop());

    test('there is no NAT on loopback', async () => {
      const result = await discoverNat(uriOf(HOSTS[0], server.port));
      expect(result).toMatchObject({
        ...NO_NAT,
        fragments: { outgoing: { behaviour: 'pass' } },
        server: {
          address: HOSTS[0],
          port: server.port,
          otherAddress: { address: HOSTS[1], port: server.port + 1 },
        },
      });
      expect(result.server.software).toMatch(/Coturn/);
    });

    (programMissing(NAT_TOOL, 'coturn') === undefined ? test : test.skip)(
      `${NAT_TOOL} says the same`,
      () => expectSame(HOSTS[0], server.port),
    );

    test('over TCP, the mapping: three connections from one local port', async () => {
      const result = await discoverNat(uriOf(HOSTS[0], server.port), { transport: 'tcp' });
      expect(result).toMatchObject({
        transport: 'tcp',
        behindNat: false,
        mapping: { behaviour: 'endpoint-independent' },
        filtering: { behaviour: 'unknown', reason: 'not-over-tcp' },
        mappingLifetime: { behaviour: 'unknown', reason: 'not-over-tcp' },
      });
      const ofFirst = result.mapping.evidence.filter(({ run }) => run === 1);
      expect(new Set(ofFirst.map(({ from }) => from.port)).size).toBe(1);
      expect(new Set(ofFirst.map(({ to }) => `${to.address}:${to.port}`)).size).toBe(3);
    });

    test('the lifetime of what does not expire: longer than was waited for', async () => {
      const { mappingLifetime } = await discoverNat(uriOf(HOSTS[0], server.port), {
        confirm: false,
        lifetime: { longestMs: 1000 },
      });
      expect(mappingLifetime).toMatchObject({
        behaviour: 'measured',
        atLeastMs: 1000,
        atMostMs: null,
      });
    });
  });

  test('on one address: why it cannot tell', async () => {
    const server = await startCoturn({ hosts: [HOSTS[0]] });
    try {
      expect(await discoverNat(uriOf(HOSTS[0], server.port), { confirm: false })).toMatchObject({
        behindNat: false,
        // Who is not translated has a mapping that depends on nothing.
        mapping: { behaviour: 'endpoint-independent' },
        filtering: { behaviour: 'unknown', reason: 'no-other-address' },
        classicName: null,
        server: { otherAddress: null },
      });
    } finally {
      await server.stop();
    }
  });

  test('with one address of each family, OTHER-ADDRESS is no other address', async () => {
    const server = await startCoturn({ hosts: ['127.0.0.1', '::1'] });
    try {
      const result = await discoverNat(uriOf('127.0.0.1', server.port), { confirm: false });
      expect(result.filtering).toMatchObject({ behaviour: 'unknown' });
      expect(['other-address-same', 'no-other-address']).toContain(result.filtering.reason);
    } finally {
      await server.stop();
    }
  });

  test('that authenticates: what it answers from elsewhere is not signed, and does not count', async () => {
    const server = await startCoturn({
      hosts: HOSTS,
      users: { user: 'pass' },
      args: ['--secure-stun'],
    });
    try {
      const credentials = { username: 'user', password: 'pass' };
      const options = { credentials, confirm: false };
      const result = await discoverNat(uriOf(HOSTS[0], server.port), options);
      expect(result).toMatchObject({
        behindNat: false,
        mapping: { behaviour: 'endpoint-independent' },
        filtering: { behaviour: 'unknown', reason: 'change-request-unanswered' },
      });
      expect(result.dropped.ignored).toBeGreaterThan(0);
    } finally {
      await server.stop();
    }
  });
});

describe('our server', () => {
  /** @type {Awaited<ReturnType<typeof startNatServer>>} */
  let server;
  beforeAll(async () => {
    server = await startNatServer();
  });
  afterAll(() => server?.stop());

  test('there is no NAT on loopback', async () => {
    expect(await discoverNat(server.uri)).toMatchObject({
      ...NO_NAT,
      fragments: { outgoing: { behaviour: 'pass' }, incoming: { behaviour: 'pass' } },
    });
  });

  (programMissing(NAT_TOOL, 'coturn') === undefined ? test : test.skip)(
    `${NAT_TOOL} takes it for one that can tell, and says the same`,
    () => expectSame(HOSTS[0], server.port),
  );
});
