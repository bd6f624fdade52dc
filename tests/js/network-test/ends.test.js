// How a network test ends before its end: at each step, with nothing left open.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { rejection } from '../client/support.js';
import { SILENT_RESOLVER } from '../measure/support.js';
import { cleanUp as closeServers } from '../server/support.js';
import { cleanUp, cleanUpWith, openSockets, tcpServer } from '../transports/helpers.js';
import { CREDENTIALS, run, turnServer } from './support.js';

jest.setTimeout(60_000);
afterEach(cleanUp);
afterEach(closeServers);

/** @typedef {import('../../../js/network-test/index.js').NetworkPlan} NetworkPlan */

describe('a signal ends each step', () => {
  /**
   * Everything that a plan can name, each on servers that never answer.
   *
   * @param {string} step
   * @returns {Promise<{ plan: NetworkPlan, options: object, begun: Promise<unknown> }>} `begun`: it waits for an answer
   */
  async function silentWorld(step) {
    if (step === 'names') {
      return {
        plan: { https: ['https://a.example/'] },
        options: { resolver: SILENT_RESOLVER },
        begun: Promise.resolve(),
      };
    }
    if (step === 'nat') {
      const socket = createSocket('udp4').bind(0, '127.0.0.1');
      await once(socket, 'listening');
      cleanUpWith(() => new Promise((done) => socket.close(() => done(undefined))));
      const plan = { natServer: `stun:127.0.0.1:${socket.address().port}` };
      return { plan, options: {}, begun: once(socket, 'message') };
    }
    if (step.startsWith('quality')) {
      const { server, urls } = await turnServer({ protocols: [step.slice('quality/'.length)] });
      const plan = {
        iceServers: [{ urls, ...CREDENTIALS }],
        natServer: /** @type {const} */ (false),
        quality: { seconds: 300 },
      };
      // The first relay was that of the step before.
      const begun = new Promise((resolve) => {
        server.once('end', () => server.once('allocation', resolve));
      });
      return { plan, options: {}, begun };
    }
    const { server, target } = await tcpServer((socket) => void socket.resume());
    const place = `127.0.0.1:${target.port}`;
    /** @type {Record<string, NetworkPlan>} */
    const plans = {
      https: { https: [`http://${place}/`] },
      signalling: { signalling: [`ws://${place}/`] },
      certificates: { iceServers: [{ urls: `stuns:localhost:${target.port}` }] },
      relays: { iceServers: [{ urls: `turn:${place}?transport=tcp`, ...CREDENTIALS }] },
      ports: { reflector: `http://${place}/` },
    };
    return { plan: plans[step], options: {}, begun: once(server, 'connection') };
  }

  test.each([
    'names',
    'https',
    'signalling',
    'certificates',
    'relays',
    'nat',
    'ports',
    'quality/tcp',
    'quality/ws',
  ])('%s, and nothing stays open', async (step) => {
    const before = await openSockets();
    const { plan, options, begun } = await silentWorld(step);
    const controller = new AbortController();
    const { promise: running, resolve: isRunning } = withResolvers();
    const testing = rejection(
      run(plan, {
        ...options,
        signal: controller.signal,
        onEvent: (event) => {
          if (event.type === 'step' && event.id === step && event.state === 'running') isRunning();
        },
      }),
    );
    await running;
    await begun;
    controller.abort('why');
    expect(await testing).toBe('why');
    await cleanUp();
    await closeServers();
    expect(await openSockets()).toEqual(before);
  });

  test('those of the reflector, while one of them has ended', async () => {
    const before = await openSockets();
    const { server } = await turnServer({ reflector: true, protocols: ['ws'] });
    const reflector = `${server.urls[0].replace('ws:', 'http:')}reflector`;
    const controller = new AbortController();
    /** @type {string[]} */
    const measured = [];
    const testing = run(
      { reflector },
      {
        signal: controller.signal,
        onEvent: (event) => {
          if (event.type !== 'measurement') return;
          measured.push(event.step);
          controller.abort('why');
        },
      },
    );
    expect(await rejection(testing)).toBe('why');
    expect(measured).toHaveLength(1);
    await closeServers();
    expect(await openSockets()).toEqual(before);
  });

  test('one that has aborted before: nothing is done', async () => {
    /** @type {string[]} */
    const told = [];
    const options = {
      signal: AbortSignal.abort('why'),
      onEvent: ({ type }) => void told.push(type),
    };
    expect(await rejection(run({ https: ['https://a.example/'] }, options))).toBe('why');
    expect(told).toEqual([]);
  });
});

/** A promise, and what fulfils it. */
function withResolvers() {
  /** @type {() => void} */
  let resolve = () => {};
  const promise = new Promise((/** @type {(value?: undefined) => void} */ done) => {
    resolve = done;
  });
  return { promise, resolve };
}
