// "What lies between me and the Internet?": NAT behaviour discovery (RFC 5780).
import { clockOf } from '../clock.js';
import { planServers } from '../ice-server.js';
import { reachServer } from '../reach-server.js';
import { StunClient } from '../stun-client.js';
import { clientSettings } from '../stun-options.js';
import { openTcp } from '../transports/tcp.js';
import { openUdp } from '../transports/udp.js';
import { reportException } from '../turn/report-exception.js';
import { NatDriver } from './driver.js';
import { readNatOptions } from './options.js';
import { resultOf } from './result.js';

/** @typedef {import('../ice-server.js').PlannedServer} PlannedServer */
/** @typedef {import('../testing/host.js').Host} Host */
/** @typedef {import('../stun-client.js').BindingResult} BindingResult */
/** @typedef {import('./options.js').NatOptions} NatOptions */
/** @typedef {import('./read-records.js').NatTest} NatTest */
/** @typedef {import('./result.js').NatResult} NatResult */

/**
 * The first server that answers, and how it is reached.
 *
 * @param {import('../ice-server.js').ServerInput} server
 * @param {import('../stun-options.js').StunOptions} options
 * @returns {Promise<BindingResult & { server: PlannedServer }>}
 */
async function reach(server, options) {
  const servers = planServers(server);
  const settings = new Map(servers.map((planned) => [planned, clientSettings(options, planned)]));
  return reachServer(servers, options, {
    use: async (way, signal) => {
      const own = /** @type {import('../stun-options.js').Settings} */ (settings.get(way.server));
      // The tests have a pace of their own, which is not for this question.
      const pace = { rtoMs: 0, rc: 0, rm: 0, tiMs: 0 };
      const client = await StunClient.over(way.transport, { ...own, ...pace }, way.clock);
      try {
        return { ...(await client.bind({ signal })), server: way.server };
      } finally {
        await client.close();
      }
    },
  });
}

/**
 * The Node.js side of discoverNat() in index.js.
 *
 * @param {import('../ice-server.js').ServerInput} server
 * @param {NatOptions} options
 * @param {Host['transport']} [open] over UDP, in place of this machine's sockets
 * @returns {Promise<NatResult>}
 */
export async function discoverNat(server, options, open) {
  const { stun, transport, confirms, longestWaitMs, onProgress } = readNatOptions(options);
  const first = await reach(server, open === undefined ? stun : { ...stun, transport: open });
  const { localAddress, serverAddress } = first;
  const place = { localAddress: localAddress.address, signal: stun.signal };
  const openSocket = open ?? openUdp;
  const driver = new NatDriver(
    (remote, localPort) =>
      transport === 'udp'
        ? openSocket(serverAddress, { ...place, connected: false })
        : openTcp(remote ?? serverAddress, { ...place, localPort }),
    (test) => {
      try {
        onProgress(test);
      } catch (error) {
        reportException(error);
      }
    },
    clockOf(open),
  );
  const client = {
    ...clientSettings(stun, first.server),
    isReliable: transport === 'tcp',
    server: serverAddress,
  };
  const done = await driver.run({ client, confirms, longestWaitMs }, stun.signal);
  return resultOf({
    transport,
    done,
    tests: driver.tests,
    localAddress,
    server: {
      url: first.server.url,
      ...serverAddress,
      otherAddress: done.otherAddress ?? first.otherAddress ?? null,
      software: first.software ?? null,
    },
    dropped: driver.stats(),
  });
}
