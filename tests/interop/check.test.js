// checkIceServers(), the command and turnSocket() against a real coturn.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { allocate, checkIceServers, turnSocket } from '../../js/index.js';
import { runJson } from '../js/cli/support.js';
import { fixture } from '../js/transports/helpers.js';
import { describeWithCoturn, startCoturn } from './coturn.js';

jest.setTimeout(60_000);

const USER = { username: 'alice', credential: 'wonderland' };
const path = (/** @type {string} */ name) =>
  fileURLToPath(new URL(`../fixtures/tls/${name}.pem`, import.meta.url));

describeWithCoturn('a server', () => {
  describe('that lets relays reach each other', () => {
    /** @type {import('./coturn.js').Coturn} */
    let coturn;
    beforeAll(async () => {
      coturn = await startCoturn({
        users: { alice: 'wonderland' },
        tls: { certificate: path('good'), key: path('server-key') },
      });
    });
    afterAll(() => coturn?.stop());

    test('is proven over UDP, TCP and TLS', async () => {
      const urls = [`turn:127.0.0.1:${coturn.port}`, `turns:localhost:${coturn.tlsPort}`];
      const rows = await checkIceServers([`stun:127.0.0.1:${coturn.port}`, { urls, ...USER }], {
        tls: { ca: fixture('ca') },
      });
      expect(rows.map(({ transport, ok, dataPath }) => [transport, ok, dataPath])).toEqual([
        ['udp', true, undefined],
        ['udp', true, 'proven'],
        ['tcp', true, 'proven'],
        ['tls', true, 'proven'],
      ]);
      for (const { software } of rows) expect(software).toMatch(/^Coturn/);
    });

    test('refuses a credential whose time ran out', async () => {
      const url = `turn:127.0.0.1:${coturn.port}?transport=udp`;
      const [row] = await checkIceServers({ urls: url, username: '1000000000:a', credential: 'x' });
      expect(row).toMatchObject({ ok: false, code: 'ERR_STUN_UNAUTHENTICATED' });
      expect(row.hint).toMatch(/TURN REST/);
    });

    test.each([
      ['UDP', ['--peer', 'echo'], 'the relay itself'],
      ['TCP', ['--peer', 'echo', '--tcp'], 'a second relay'],
      ['UDP of IPv6', ['--peer', 'echo', '--relay-family', '6'], 'the relay itself'],
    ])('postern turn relays %s', async (_, args, peer) => {
      const env = { POSTERN_USERNAME: USER.username, POSTERN_PASSWORD: USER.credential };
      const url = `turn:127.0.0.1:${coturn.port}`;
      const { exitCode, json } = await runJson(['turn', url, ...args, '-c', '3'], { env });
      expect(exitCode).toBe(0);
      expect(json.exchange).toMatchObject({ peer, dataPath: 'proven', sent: 3, received: 3 });
    });

    test('relays for a socket of node:dgram', async () => {
      const peer = createSocket('udp4');
      peer.on('message', (bytes, { port, address }) => peer.send(`re: ${bytes}`, port, address));
      peer.bind(0, '127.0.0.1');
      await once(peer, 'listening');
      const socket = turnSocket(await allocate({ urls: `turn:127.0.0.1:${coturn.port}`, ...USER }));
      socket.bind();
      await once(socket, 'listening');
      const message = once(socket, 'message');
      // A name, which dgram looks up as well.
      socket.send('hello', peer.address().port, 'localhost');
      const [bytes, from] = await message;
      expect(bytes.toString()).toBe('re: hello');
      expect(from).toMatchObject({ address: '127.0.0.1', port: peer.address().port });
      await socket[Symbol.asyncDispose]();
      peer.close();
      await once(peer, 'close');
    });
  });

  test('that lets none reach its own addresses', async () => {
    const coturn = await startCoturn({ users: { alice: 'wonderland' }, loopbackPeers: false });
    try {
      const urls = `turn:127.0.0.1:${coturn.port}`;
      const rows = await checkIceServers({ urls, ...USER });
      expect(rows.map(({ ok, dataPath }) => [ok, dataPath])).toEqual([
        [true, 'refused'],
        [true, 'refused'],
      ]);
    } finally {
      await coturn.stop();
    }
  });

  test('with a shared secret', async () => {
    const coturn = await startCoturn({ secret: 'north' });
    const args = ['check', `turn:127.0.0.1:${coturn.port}`, '-u', 'alice', '--quick'];
    try {
      const right = await runJson(args, { env: { POSTERN_SECRET: 'north' } });
      expect([right.exitCode, right.json.grade]).toEqual([0, 'good']);
      const wrong = await runJson(args, { env: { POSTERN_SECRET: 'south' } });
      expect(wrong.exitCode).toBe(3);
      const [{ error }] = wrong.json.measurements.filter(
        (/** @type {{ kind: string }} */ { kind }) => kind === 'reachability',
      );
      expect(error.hint).toMatch(/valid for another 59 min: .* another secret/);
    } finally {
      await coturn.stop();
    }
  });
});
