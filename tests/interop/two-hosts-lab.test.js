// Two hosts, each behind a router of its own, exchange data through their relays: NATs of the kernel's, in network namespaces.
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, jest, test } from '@jest/globals';
import { coturnVersion } from '../support/coturn.js';
import { KINDS, labMissing, NatLab, ROUTERS, SERVER_ADDRESSES } from '../support/nat-lab.js';
import { describeWith } from './describe-with.js';
import { LabProcess } from './lab-process.js';

/** @typedef {import('../support/nat-lab.js').NatKind} NatKind */

jest.setTimeout(60_000);

const [SERVER] = SERVER_ADDRESSES;
const PORT = 3478;
const USER = ['alice', 'secret'];
const REALM = 'example.org';
const HOSTS = /** @type {const} */ (['client', 'client2']);
const COUNT = 200;
/** Of a datagram: a fifth is lost at the sender's router, and of the others a fifth at the receiver's. */
const LOSS = 0.2;
const EXPECTED = COUNT * (1 - LOSS) ** 2;
const DEVIATION = Math.sqrt(EXPECTED * (1 - (1 - LOSS) ** 2));

const missing = labMissing();

/** Starts a server in the lab; the return value ends it. @type {Record<string, (lab: NatLab) => Promise<() => Promise<void>>>} */
const SERVERS = {
  postern: async (lab) => {
    const server = new LabProcess(lab, 'server', 'lab-server.js', {
      listen: [`udp://${SERVER}:${PORT}`],
      credentials: { [USER[0]]: USER[1] },
      realm: REALM,
      // Relays of one server talk to each other here.
      policy: { allow: [`${SERVER}/32`] },
    });
    await server.next();
    return () => server.close();
  },
  coturn: async (lab) => {
    const folder = mkdtempSync(join(tmpdir(), 'postern-coturn-'));
    const args = [
      ...['-n', '--no-cli', '-L', SERVER, '-E', SERVER, '-p', String(PORT), '-r', REALM],
      ...['--lt-cred-mech', '-u', USER.join(':'), '--no-tls', '--no-dtls'],
      ...['-l', 'stdout', '--simple-log', '--pidfile', join(folder, 'pid')],
      ...['--db', join(folder, 'db')],
    ];
    // Who does not hear it yet asks again.
    const child = lab.spawn('server', 'turnserver', args, { stdio: 'ignore' });
    return async () => {
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
      rmSync(folder, { recursive: true, force: true });
    };
  },
};

/** What each of two hosts heard of the other. @param {NatLab} lab @param {NatKind} kind */
async function exchange(lab, kind) {
  lab.setKind(kind);
  const hosts = HOSTS.map(
    (host) => new LabProcess(lab, host, 'lab-peer.js', SERVER, String(PORT), ...USER),
  );
  try {
    const places = await Promise.all(hosts.map((host) => host.next()));
    await Promise.all(hosts.map((host, i) => host.ask({ permit: places[1 - i] })));
    const heard = await Promise.all(hosts.map((host) => host.ask({ send: COUNT })));
    await Promise.all(hosts.map((host) => host.ask({ stop: true })));
    return { places, heard };
  } finally {
    await Promise.all(hosts.map((host) => host.close()));
  }
}

for (const [name, start] of Object.entries(SERVERS)) {
  const absent =
    name === 'coturn' && coturnVersion === undefined ? 'coturn: not installed' : undefined;
  describeWith(`two hosts, ${name}`, missing ?? absent)('each behind its own NAT', () => {
    const lab = new NatLab({ clients: 2 });
    /** @type {(() => Promise<void>) | undefined} */ let stop;

    const open = async () => {
      if (stop !== undefined) return;
      lab.open();
      stop = await start(lab);
    };
    afterAll(async () => {
      await stop?.();
      lab.close();
    });

    test('symmetric: nothing comes directly, and everything through the relays', async () => {
      await open();
      const { places, heard } = await exchange(lab, KINDS.sym);
      expect(places.map(({ mapped }) => mapped.address)).toEqual(ROUTERS.map(({ wan }) => wan));
      expect(places.map(({ relayed }) => relayed.address)).toEqual([SERVER, SERVER]);
      expect(heard).toEqual(Array(2).fill({ received: COUNT, changed: 0, twice: 0, direct: 0 }));
    });

    test('port-restricted: directly, too', async () => {
      await open();
      const { heard } = await exchange(lab, KINDS.port);
      for (const { received, changed, direct } of heard) {
        expect({ received, changed }).toEqual({ received: COUNT, changed: 0 });
        expect(direct).toBeGreaterThan(0);
      }
    });

    test('symmetric, a fifth of the packets lost at each router, each way', async () => {
      await open();
      const { heard } = await exchange(lab, { ...KINDS.sym, loss: LOSS });
      console.log(`${name}: of ${COUNT} there came ${heard.map(({ received }) => received)}`);
      for (const { received, changed, direct } of heard) {
        expect({ changed, direct }).toEqual({ changed: 0, direct: 0 });
        // Six deviations: one run in 500 million is beyond.
        expect(Math.abs(received - EXPECTED)).toBeLessThan(6 * DEVIATION);
      }
    });
  });
}
