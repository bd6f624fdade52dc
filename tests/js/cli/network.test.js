// postern stun and turn against servers on loopback.
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { startStunResponder } from '../../../js/dev/stun-responder.js';
import { cleanUp, cleanUpWith, freeUdpPort, tlsServer, udpServer } from '../transports/helpers.js';
import { CREDENTIALS, RELAYED, ScriptedServer } from '../turn/scripted-server.js';
import { runCommand, runJson } from './support.js';
import { udpFront } from './udp-front.js';

jest.setTimeout(30_000);
afterEach(cleanUp);

const ENV = { POSTERN_USERNAME: CREDENTIALS.username, POSTERN_PASSWORD: CREDENTIALS.password };
const FIRST_RELAY = 49_152;

async function startResponder() {
  const responder = await startStunResponder({ software: 'a \x1b[31mresponder' });
  cleanUpWith(() => responder.close());
  return `127.0.0.1:${responder.udpPort}`;
}

/** A relay of it hears itself. */
async function startTurn() {
  const server = new ScriptedServer();
  server.peer(RELAYED, FIRST_RELAY, { echoes: true });
  return { server, address: await udpFront(server) };
}

describe('stun', () => {
  test('a table', async () => {
    const address = await startResponder();
    const { exitCode, stdout, stderr } = await runCommand(['stun', `stun:${address}`, '-c', '3']);
    expect([exitCode, stderr]).toEqual([0, '']);
    const [titles, row] = stdout.split('\n');
    expect(titles.trim().split(/ {2,}/)).toEqual([
      'url',
      'via',
      'server',
      'mapped address',
      'round trip',
      'software',
    ]);
    expect(row).toMatch(
      new RegExp(
        `^ok {2}stun:${address} {2}udp {2}${address} +127\\.0\\.0\\.1:\\d+ +\\d+\\.\\d\\d ms +a \\\\u\\{1b\\}\\[31mresponder$`,
      ),
    );
  });

  test.each(['udp', 'tcp'])('JSON, over %s', async (transport) => {
    const address = await startResponder();
    const { exitCode, json } = await runJson([
      'stun',
      `stun:${address}`,
      '--transport',
      transport,
      '--family',
      '4',
    ]);
    expect(exitCode).toBe(0);
    expect(json).toEqual({
      ok: true,
      rows: [
        {
          url: `stun:${address}`,
          transport,
          ok: true,
          serverAddress: expect.any(Object),
          localAddress: expect.any(Object),
          mappedAddress: { address: '127.0.0.1', port: expect.any(Number), family: 'IPv4' },
          software: 'a \x1b[31mresponder',
          roundTripMs: expect.any(Number),
          echoes: { sent: 1, received: 1 },
          phases: {
            dns: expect.any(Number),
            connect: expect.any(Number),
            request: expect.any(Number),
          },
        },
      ],
    });
  });

  test('several, one of which is not there', async () => {
    const address = await startResponder();
    const nobody = `stun:127.0.0.1:${await freeUdpPort()}`;
    const { exitCode, stdout } = await runCommand(['stun', `stun:${address}`, nobody]);
    expect(exitCode).toBe(1);
    expect(stdout).toContain(`failed  ${nobody}`);
    expect(stdout).toMatch(/nothing listens on this port.*ERR_TRANSPORT_CONNECT/);
  });

  test('nobody is there: 4', async () => {
    const { exitCode } = await runCommand(['stun', `stun:127.0.0.1:${await freeUdpPort()}`]);
    expect(exitCode).toBe(4);
  });

  test('--quiet: nothing where all is well, all where it is not', async () => {
    const address = await startResponder();
    expect((await runCommand(['stun', `stun:${address}`, '-q'])).stdout).toBe('');
    const nobody = `stun:127.0.0.1:${await freeUdpPort()}`;
    expect((await runCommand(['stun', nobody, '-q'])).stdout).toContain('failed');
  });

  test('an authority that is not trusted: what to pass', async () => {
    const { target } = await tlsServer('good');
    const url = `stuns:localhost:${target.port}`;
    const { exitCode, stdout } = await runCommand(['stun', url]);
    expect(exitCode).toBe(2);
    expect(stdout).toMatch(/pass that in --ca\./);
  });
});

describe('turn', () => {
  test('prints the relay, gives it back', async () => {
    const { server, address } = await startTurn();
    const { exitCode, stdout, stderr } = await runCommand(['turn', `turn:${address}`], {
      env: ENV,
    });
    expect([exitCode, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(new RegExp(`^server +${address} over udp$`, 'm'));
    expect(stdout).toMatch(new RegExp(`^relayed address {2}${RELAYED}:${FIRST_RELAY}$`, 'm'));
    expect(stdout).toMatch(/^lifetime +600 s$/m);
    expect(stdout).toMatch(/^phases +dns .*, connect .*, challenge .*, allocate /m);
    expect(stdout).not.toMatch(/^data/m);
    expect(server.allocations.size).toBe(0);
  });

  test('--peer echo', async () => {
    const { server, address } = await startTurn();
    const args = ['turn', `turn:${address}`, '--peer', 'echo', '-c', '2'];
    const { exitCode, stdout } = await runCommand(args, { env: ENV });
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^data +2 of 2 came back from the relay itself, round trip \d/m);
    expect(server.allocations.size).toBe(0);
  });

  test('--peer host:port, as JSON', async () => {
    const { server, address } = await startTurn();
    server.peer('192.0.2.9', 4000, { echoes: true });
    const { exitCode, json } = await runJson(
      ['turn', `turn:${address}`, '--peer', '192.0.2.9:4000', '-c', '3'],
      { env: ENV },
    );
    expect(exitCode).toBe(0);
    expect(json).toEqual({
      ok: true,
      url: `turn:${address}`,
      transport: 'udp',
      serverAddress: expect.objectContaining({ address: '127.0.0.1' }),
      localAddress: expect.any(Object),
      mappedAddress: expect.any(Object),
      relayedAddresses: [{ address: RELAYED, port: FIRST_RELAY, family: 'IPv4' }],
      software: 'scripted',
      lifetimeMs: 600_000,
      phases: {
        dns: expect.any(Number),
        connect: expect.any(Number),
        challenge: expect.any(Number),
        allocate: expect.any(Number),
        permission: expect.any(Number),
        firstByte: expect.any(Number),
      },
      exchange: {
        peer: '192.0.2.9:4000',
        dataPath: 'proven',
        sent: 3,
        received: 3,
        roundTripMs: expect.any(Number),
        roundTripsMs: [expect.any(Number), expect.any(Number), expect.any(Number)],
      },
    });
  });

  test('a server that lets no relay reach itself: 1', async () => {
    const { server, address } = await startTurn();
    server.script = ({ method }) =>
      method === 'CreatePermission' ? { code: 403, signed: true } : undefined;
    const args = ['turn', `turn:${address}`, '--peer', 'echo'];
    const { exitCode, stdout } = await runCommand(args, { env: ENV });
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/^data +the server gives no permission/m);
    expect(server.allocations.size).toBe(0);
  });

  test.each([
    ['none given', {}, 'ERR_STUN_CREDENTIALS_NEEDED'],
    [
      'refused',
      { POSTERN_USERNAME: '1000000000:zoe', POSTERN_PASSWORD: 'hunter2' },
      'ERR_STUN_UNAUTHENTICATED',
    ],
  ])('credentials: %s: 3', async (_, env, code) => {
    const { address } = await startTurn();
    const { exitCode, stderr, json } = await runJson(['turn', `turn:${address}`], { env });
    expect(exitCode).toBe(3);
    expect(json).toMatchObject({ ok: false, url: `turn:${address}`, code });
    expect(stderr).toContain(code);
    expect(stderr).not.toContain('hunter2');
    if (code === 'ERR_STUN_UNAUTHENTICATED') expect(json.hint).toMatch(/ran out \d+ d ago/);
  });

  test('a server that does not answer: 4', async () => {
    const { target } = await udpServer('127.0.0.1', 0, false);
    const args = ['turn', `turn:127.0.0.1:${target.port}?transport=udp`, '--timeout', '50'];
    expect(await runCommand(args)).toEqual({
      exitCode: 4,
      stdout: '',
      stderr: expect.stringMatching(/within the 50 ms.*ERR_STUN_TIMEOUT/),
    });
  });

  test('interrupted in the middle: the relay is given back, and 130', async () => {
    const { server, address } = await startTurn();
    const controller = new AbortController();
    server.script = ({ method }) => {
      if (method === 'Send') controller.abort(new Error('interrupted'));
      return undefined;
    };
    const args = ['turn', `turn:${address}`, '--peer', 'echo'];
    const result = await runCommand(args, { env: ENV, signal: controller.signal });
    expect(result).toEqual({ exitCode: 130, stdout: '', stderr: '' });
    expect(server.allocations.size).toBe(0);
  });
});
