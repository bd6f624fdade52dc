// docs/server.md: its samples run as users would run them, and its tables have what there is.
import { copyFile, readFile } from 'node:fs/promises';
import { createServer as createTcpServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createServer } from '../../js/server/index.js';
import { checkServerOptions } from '../../js/server/server-options.js';
import { installPackage, projectDirectory, runnableSamples } from './consumer.js';

const path = join(projectDirectory, 'docs', 'server.md');
const page = await readFile(path, 'utf8');
const samples = await runnableSamples(path);

/** @type {import('./consumer.js').Consumer} */
let consumer;
beforeAll(async () => {
  consumer = await installPackage();
  const fixtures = join(projectDirectory, 'tests', 'fixtures', 'tls');
  for (const [from, to] of [
    ['good', 'cert'],
    ['server-key', 'key'],
    ['ca', 'ca'],
  ]) {
    await copyFile(join(fixtures, `${from}.pem`), join(consumer.directory, `${to}.pem`));
  }
}, 60_000);
afterAll(() => consumer?.remove());

/** A port that nobody uses, over TCP. @returns {Promise<number>} */
const freePort = () =>
  new Promise((resolve) => {
    const server = createTcpServer().listen(0, '127.0.0.1', () => {
      const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
      server.close(() => resolve(port));
    });
  });

/**
 * Runs a sample, and what the test does with its server.
 *
 * @param {string} has a text that the sample has and no other
 * @param {readonly (readonly [from: string, to: string])[]} changes
 * @param {string} more
 * @returns {Promise<any>} what is printed last, as JSON
 */
async function run(has, changes, more) {
  const [sample, ...others] = samples.filter(({ source }) => source.includes(has));
  expect([sample === undefined, others.length]).toEqual([false, 0]);
  let source = sample?.source ?? '';
  for (const [from, to] of changes) {
    expect(source).toContain(from);
    source = source.replaceAll(from, to);
  }
  const program = await consumer.write('sample.mjs', `${source}\n${more}`);
  const { stdout, stderr } = await consumer.node([program]);
  expect(stderr).toBe('');
  return JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '');
}

describe('the samples', () => {
  test('each is run here', () => expect(samples).toHaveLength(4));

  test('ten lines', async () => {
    const sample = samples[0]?.source ?? '';
    expect(sample.trim().split('\n').length).toBeLessThanOrEqual(10);
    const found = await run(
      'udp://0.0.0.0:3478',
      [['0.0.0.0:3478', '127.0.0.1:0']],
      `import { allocate } from 'postern';
       const transports = [];
       for (const urls of server.urls) {
         const relay = await allocate({ urls, username: 'alice', credential: 'secret' });
         transports.push([relay.transport, relay.relayedAddress.address]);
         const refused = await relay.permit('127.0.0.1').catch((error) => error.errorCode);
         transports.at(-1).push(refused);
         await relay.close();
       }
       const stranger = await allocate({ urls: server.urls[0], username: 'bob', credential: 'secret' }).catch((e) => e.code);
       process.emit('SIGTERM');
       const { reason } = await server.closed;
       console.log(JSON.stringify({ transports, stranger, reason }));`,
    );
    expect(found).toEqual({
      transports: [
        ['udp', '127.0.0.1', 403],
        ['tcp', '127.0.0.1', 403],
      ],
      stranger: 'ERR_STUN_UNAUTHENTICATED',
      reason: 'drained',
    });
  }, 30_000);

  test('a function, and time-limited credentials', async () => {
    const found = await run(
      "secret: ['new secret', 'old secret']",
      [],
      `import { allocate } from 'postern';
       const taken = [];
       for (const user of [credentials, { username: 'alice', credential: 'secret' }]) {
         const relay = await allocate({ urls: server.urls, username: user.username, credential: user.credential });
         taken.push(relay.transport);
         await relay.close();
       }
       await server.close();
       console.log(JSON.stringify(taken));`,
    );
    expect(found).toEqual(['udp', 'udp']);
  }, 30_000);

  test('everything on one port', async () => {
    const port = await freePort();
    const found = await run(
      "'ws', 'wss'].map",
      [["address: '0.0.0.0', port: 443", `address: '127.0.0.1', port: ${port}`]],
      `import { allocate } from 'postern';
       import { WebSocket } from 'ws';
       const ca = await readFile('ca.pem');
       class Trusting extends WebSocket {
         constructor(url, protocols) { super(url, protocols, { ca, servername: 'localhost' }); }
       }
       const transports = [];
       for (const urls of server.urls) {
         const options = { WebSocket: Trusting, tls: { ca, servername: 'localhost' } };
         const relay = await allocate({ urls, username: 'alice', credential: 'secret' }, options);
         transports.push([relay.transport, new URL(urls).protocol]);
         await relay.close();
       }
       const ports = server.addresses.map(({ port }) => port);
       await server.close();
       console.log(JSON.stringify({ transports, ports }));`,
    );
    expect(found.ports).toEqual(new Array(5).fill(port));
    expect(found.transports).toEqual([
      ['udp', 'turn:'],
      ['tcp', 'turn:'],
      ['tls', 'turns:'],
      ['ws', 'ws:'],
      ['ws', 'wss:'],
    ]);
  }, 30_000);

  // Other systems have one address on loopback.
  (process.platform === 'linux' ? test : test.skip)(
    'NAT discovery',
    async () => {
      const [first, second] = [await freePort(), await freePort()];
      const found = await run(
        'relay: false',
        [['[3478, 3479]', `[${first}, ${second}]`]],
        `import { createSocket } from 'node:dgram';
       import { once } from 'node:events';
       import { decode, encode } from 'postern/codec';
       const socket = createSocket('udp4').bind(0, '127.0.0.1');
       await once(socket, 'listening');
       const request = { class: 'request', method: 'Binding', attributes: { changeRequest: { changeIp: true, changePort: true } } };
       socket.send(encode(request), ${first}, '127.0.0.1');
       const [bytes, source] = await once(socket, 'message');
       const { attributes } = decode(bytes);
       socket.close();
       await server.close();
       console.log(JSON.stringify({ from: source.address, port: source.port, other: attributes.otherAddress }));`,
      );
      expect(found).toEqual({
        from: '127.0.0.2',
        port: second,
        other: expect.objectContaining({ address: '127.0.0.2', port: second }),
      });
    },
    30_000,
  );
});

describe('the tables', () => {
  /** Names in the first column of the table below a title. @param {string} heading @param {string} title */
  function namesBelow(heading, title) {
    const section = page.split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? '';
    const table = section.split(`| ${title} |`)[1]?.split('\n\n')[0] ?? '';
    const cells = Array.from(table.matchAll(/^\| (`.*?) \|/gm), ([, cell]) => cell ?? '');
    return cells.flatMap((cell) => Array.from(cell.matchAll(/`([^`]+)`/g), ([, name]) => name));
  }

  /** Names of the properties of a type. @param {string} file @param {string} type */
  async function propertiesOf(file, type) {
    const source = await readFile(join(projectDirectory, 'js', 'server', file), 'utf8');
    const [, body = ''] =
      new RegExp(`@typedef \\{object\\} ${type}\\b(.*?)\\*/`, 's').exec(source) ?? [];
    const names = Array.from(
      body.matchAll(/@property (?:\{(?:[^{}]|\{[^{}]*\})*\}) \[?(\w+)/g),
      ([, name]) => name,
    );
    expect(names.length).toBeGreaterThan(0);
    return names;
  }

  test('have each option, and no other', async () => {
    const file = 'server-options.js';
    /** @param {string} name @param {string} type */
    const inside = async (name, type) =>
      (await propertiesOf(file, type)).map((option) => `${name}.${option}`);
    const known = [
      ...(await propertiesOf(file, 'ServerOptions')),
      ...(await inside('relay', 'RelayOptions')),
      ...(await inside('policy', 'PolicyOptions')),
      ...(await inside('quota', 'QuotaOptions')),
    ];
    expect(namesBelow('Options', 'option').sort()).toEqual(known.sort());
    for (const name of await inside('tokens', 'TokenOptions'))
      expect(page).toContain(`\`${name}\``);
  });

  test('have what is taken where an option is left out', () => {
    const { quota, relay, ...settings } = checkServerOptions({ credentials: { alice: 'secret' } });
    /** @param {string} name */
    const told = (name) => {
      const row = page
        .split('\n')
        .find((line) => line.startsWith('| `') && line.includes(`\`${name}\``));
      return row?.split(' | ')[1]?.replaceAll('`', '').trim();
    };
    for (const [name, value] of Object.entries(quota)) {
      // The core's word for no limit.
      expect([name, told(`quota.${name}`)]).toEqual([name, value === 0 ? 'no limit' : `${value}`]);
    }
    for (const name of /** @type {const} */ ([
      'nonceLifetime',
      'handshakeTimeoutMs',
      'idleTimeoutMs',
      'mobility',
    ])) {
      expect([name, told(name)]).toEqual([name, `${settings[name]}`]);
    }
    const { defaultLifetime, longestLifetime, realm, listens } = settings;
    expect(told('lifetime')).toBe(`{ default: ${defaultLifetime}, max: ${longestLifetime} }`);
    expect(told('realm')).toBe(`'${realm}'`);
    expect(told('relay.ports')).toBe(JSON.stringify(relay?.ports).replace(',', ', '));
    expect(listens.map(({ protocol, address, port }) => `${protocol} ${address} ${port}`)).toEqual([
      'udp 0.0.0.0 3478',
      'tcp 0.0.0.0 3478',
    ]);
    expect(told('listen')).toBe('UDP and TCP on 0.0.0.0:3478');
  });

  test('have each event with what comes with it', async () => {
    expect(namesBelow('Events, numbers, metrics', 'event').sort()).toEqual(
      (await propertiesOf('server-events.js', 'ServerEvents')).sort(),
    );
    for (const [type, event] of [
      ['AllocationInfo', 'allocation'],
      ['AllocationEnd', 'end'],
    ]) {
      const row = new RegExp(`^\\| \`${event}\` \\|.*\\{ (.*?) \\}`, 'm').exec(page)?.[1] ?? '';
      expect(row.split(', ').sort()).toEqual(
        (await propertiesOf('server-events.js', type ?? '')).sort(),
      );
    }
  });

  test('have each metric', async () => {
    const server = await createServer({ listen: 'udp://127.0.0.1:0', relay: false });
    const text = server.metrics();
    await server.close();
    const names = Array.from(text.matchAll(/^# TYPE postern_server_(\S+)/gm), ([, name]) => name);
    expect(names.length).toBeGreaterThan(10);
    expect(namesBelow('Events, numbers, metrics', 'metric').sort()).toEqual(names.sort());
  });
});
