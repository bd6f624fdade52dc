// coturn's clients at our server: what they send comes back to them, and they find out the truth about their way.
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { coturnVersion } from '../support/coturn.js';
import { reservePorts } from '../support/local-server.js';
import { startUdpPeer } from '../support/udp-peers.js';
import { describeWith } from './describe-with.js';
import {
  credentials,
  HOST,
  programMissing,
  runProgram,
  startServer,
  tls,
} from './server-support.js';
import { Belongings } from './turn-support.js';

jest.setTimeout(60_000);

const describeWithClients = describeWith(
  `coturn ${coturnVersion ?? ''}`.trim(),
  programMissing('turnutils_uclient', 'Debian: apt-get install coturn'),
);

/**
 * What turnutils_uclient is told besides where the server is. It sends to an echo, or, with `between`, from one client
 * of its own to another.
 *
 * @typedef {object} Run
 * @property {string} name
 * @property {string[]} args
 * @property {'udp' | 'tcp' | 'tls'} protocol to the server
 * @property {'udp' | 'tcp'} [relayed] to the peers; 'udp' when left out
 * @property {'IPv6'} [family] of the relays
 * @property {string} [host] of the server; 127.0.0.1 when left out
 * @property {true} [between]
 * @property {true} [moves]
 * @property {true} [secret] time-limited credentials
 */

/** @type {readonly Run[]} */
const RUNS = [
  { name: 'channels over UDP', args: [], protocol: 'udp' },
  { name: 'Send indications over UDP', args: ['-s'], protocol: 'udp' },
  { name: 'channels over TCP', args: ['-t'], protocol: 'tcp' },
  { name: 'Send indications over TCP', args: ['-t', '-s'], protocol: 'tcp' },
  { name: 'channels over TLS', args: ['-t', '-S'], protocol: 'tls' },
  { name: 'Send indications over TLS', args: ['-t', '-S', '-s'], protocol: 'tls' },
  { name: 'ChannelData that is padded over UDP, too', args: ['-D', '-l', '101'], protocol: 'udp' },
  { name: 'an IPv4 relay that is asked for', args: ['-X'], protocol: 'udp' },
  { name: 'an IPv6 relay', args: ['-x'], protocol: 'udp', family: 'IPv6', between: true },
  { name: 'an IPv4 relay over IPv6', args: [], protocol: 'udp', host: '::1', between: true },
  {
    name: 'an IPv6 relay over IPv6',
    args: ['-x'],
    protocol: 'udp',
    host: '::1',
    family: 'IPv6',
    between: true,
  },
  { name: 'permissions over and over', args: ['-G', '-s'], protocol: 'udp' },
  { name: 'clients that move (RFC 8016)', args: ['-M'], protocol: 'udp', moves: true },
  { name: 'time-limited credentials', args: [], protocol: 'udp', secret: true },
  { name: 'two clients over UDP', args: [], protocol: 'udp', between: true },
  { name: 'two clients over TLS', args: ['-t', '-S'], protocol: 'tls', between: true },
  // Over TCP it cannot read the 438 that its ConnectionBind gets: the nonce is that of another connection.
  {
    name: 'TCP relays (RFC 6062) over TLS',
    args: ['-T', '-S'],
    protocol: 'tls',
    relayed: 'tcp',
    between: true,
  },
];
const MESSAGES = 20;
const SECRET = 'north';

/**
 * It numbers its channels at random, from 0x4000 to 0x7FFF: RFC 5766 allowed that, RFC 8656 section 12 has a quarter of
 * it. And it keeps the tickets of RFC 8016 as C strings: one with a NUL inside comes back cut short. So it is run until
 * it has drawn what it can use. Otherwise it ends at once.
 */
const BAD_DRAW = 'error 400';
const DRAWS = 500;

/** @param {readonly string[]} args */
async function runClient(args) {
  for (let draws = 1; ; draws += 1) {
    const result = await runProgram('turnutils_uclient', args);
    if (draws === DRAWS || !result.output.includes(BAD_DRAW)) return result;
  }
}

/** @param {Run} run */
async function measure({ args, protocol, host = HOST, family, between, secret }) {
  const belongings = new Belongings();
  const { username, password } = credentials;
  const peer = await belongings.hold(startUdpPeer({ host: HOST }));
  const server = await belongings.hold(
    startServer({
      listen: [`${protocol}://${host.includes(':') ? `[${host}]` : host}:0`],
      tls,
      relay: { addresses: family === 'IPv6' ? [HOST, '::1'] : [HOST] },
      policy: { allow: ['127.0.0.0/8', '::1'] },
      ...(secret ? { credentials: undefined, secret: SECRET } : {}),
      // It comes to many challenges.
      quota: { unauthenticatedPerSecond: 10_000, unauthenticatedBurst: 10_000 },
    }),
  );
  let last = /** @type {import('../../js/server/index.js').AllocationInfo | undefined} */ (
    undefined
  );
  let moves = 0;
  server.on('allocation', (allocation) => {
    last = allocation;
  });
  server.on('move', () => {
    moves += 1;
  });
  try {
    const { status, output } = await runClient([
      ...['-p', String(server.addresses[0].port), '-u', username],
      ...(secret ? ['-W', SECRET] : ['-w', password]),
      ...['-n', String(MESSAGES), '-c', ...args],
      ...(between ? ['-y'] : ['-e', HOST, '-r', String(peer.port)]),
      host,
    ]);
    const [, sent, received] =
      /start_mclient: tot_send_msgs=(\d+), tot_recv_msgs=(\d+)/.exec(output) ?? [];
    const [, lost] = /Total lost packets (\d+)/.exec(output) ?? [];
    const told = { status, sent: Number(sent), received: Number(received), lost };
    return { told, last, moves, echoed: peer.datagrams, stats: server.stats() };
  } finally {
    await belongings.release();
  }
}

describeWithClients('turnutils_uclient', () => {
  /** @type {Map<string, Awaited<ReturnType<typeof measure>>>} */
  const results = new Map();
  // Most of their time they wait: all at once they take that of one.
  beforeAll(async () => {
    await Promise.all(RUNS.map(async (run) => results.set(run.name, await measure(run))));
  }, 180_000);

  test.each(RUNS)('$name: what is sent arrives', (run) => {
    const { name, protocol, relayed = 'udp', family = 'IPv4', between, moves = false } = run;
    const count = between ? 2 * MESSAGES : MESSAGES;
    const result = results.get(name);
    expect(result?.told).toMatchObject({ status: 0, sent: count });
    // Of messages in one record of TLS it takes the first only, and calls the others lost: a busy machine sends such.
    if (protocol === 'tls') expect(result?.told.received).toBeGreaterThan(0);
    else expect(result?.told).toMatchObject({ received: count, lost: '0' });
    // By the way that was asked for.
    expect(result?.last).toMatchObject({
      protocol,
      transport: relayed,
      relayedAddresses: [{ family }],
    });
    expect(result?.echoed).toBe(between ? 0 : MESSAGES);
    expect(Number(result?.moves) > 0).toBe(moves);
    const throughUs = relayed === 'udp' ? count : 0; // streams are no messages
    expect(result?.stats).toMatchObject({
      relayedToPeers: throughUs,
      relayedToClients: throughUs,
      malformed: 0,
    });
  });

  test('DONT-FRAGMENT: 420, as no socket of Node.js can be told', async () => {
    const server = await startServer();
    try {
      const { username, password } = credentials;
      const { status, output } = await runProgram('turnutils_uclient', [
        ...['-p', String(server.addresses[0].port), '-u', username, '-w', password],
        ...['-g', '-c', '-e', HOST, HOST],
      ]);
      expect(status).not.toBe(0);
      expect(output).toContain('error 420');
      expect(server.stats().allocationsMade).toBe(0);
    } finally {
      await server.close();
    }
  });
});

const OTHER_HOST = '127.0.0.2';

describeWithClients('a server at two addresses with two ports', () => {
  const belongings = new Belongings();
  /** @type {number} */
  let port;
  beforeAll(async () => {
    const reserved = await reservePorts([HOST, OTHER_HOST]);
    await belongings.hold({ close: () => reserved.release() });
    port = reserved.port;
    await belongings.hold(
      startServer({
        listen: [HOST, OTHER_HOST].flatMap((host) =>
          [port, port + 1].map((one) => `udp://${host}:${one}`),
        ),
      }),
    );
  });
  afterAll(() => belongings.release());

  test('turnutils_stunclient hears from each address and port', async () => {
    const { status, output } = await runProgram('turnutils_stunclient', [
      ...['-p', String(port), '-f', HOST],
    ]);
    expect(status).toBe(0);
    const origins = [...output.matchAll(/Response origin: : (\S+)/g)].map(([, at]) => at);
    expect(new Set(origins)).toEqual(new Set([`${HOST}:${port}`, `${OTHER_HOST}:${port + 1}`]));
    expect(output).toContain(`Other addr: : ${OTHER_HOST}:${port + 1}`);
    expect(output).toContain(`UDP reflexive addr: ${HOST}:`);
  });

  test.each([
    { what: 'as it is', args: [] },
    { what: 'with PADDING', args: ['-P'] },
  ])('turnutils_natdiscovery finds loopback without a NAT, $what', async ({ args }) => {
    const { status, output } = await runProgram('turnutils_natdiscovery', [
      ...['-m', '-f', ...args, '-p', String(port), HOST],
    ]);
    expect(status).toBe(0);
    expect(output).toContain('NAT with Endpoint Independent Mapping!');
    expect(output).toContain('NAT with Endpoint Independent Filtering!');
    // The address of the one with the port of the other, which only its tests of the mapping ask.
    expect(output).toContain(`Response origin: : ${OTHER_HOST}:${port}\n`);
    // And what only a request to change both brings.
    expect(output).toContain(`Response origin: : ${OTHER_HOST}:${port + 1}\n`);
  });

  test('turnutils_natdiscovery has an answer sent to another port of its own', async () => {
    const { status, output } = await runProgram('turnutils_natdiscovery', [
      ...['-t', '-T', '1', '-p', String(port), HOST],
    ]);
    expect(status).toBe(0);
    const mapped = [...output.matchAll(/UDP reflexive addr: (\S+)/g)].map(([, at]) => at);
    expect(new Set(mapped).size).toBe(2);
  });
});
