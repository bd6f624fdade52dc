// Pages in browsers test servers that are silent, down, full or wrongly asked: each is told as such; and aborts.
import { expect, test } from '@jest/globals';
import { allocate } from '../../js/index.js';
import { describeInBrowsers } from '../browser/in-browsers.js';
import {
  cleanUps,
  findingsOf,
  gatewayTo,
  LONG,
  OPTIONS,
  ofKind,
  own,
  reportOf,
  runIn,
  silentPort,
  silentServer,
  turnServer,
  USER,
  webServer,
} from './diagnose-page.js';
import { HOST } from './server-support.js';

describeInBrowsers((running) => {
  test(
    'a wrong password is told as such, over UDP, TCP and the gateway',
    async () => {
      const { udp, tcp } = await turnServer();
      const gateway = await gatewayTo(tcp);
      const iceServers = [{ urls: [udp, tcp, gateway], username: 'user', credential: 'wrong' }];
      const report = reportOf(
        await runIn(running.browser, { iceServers, quality: { seconds: 2 } }),
      );
      for (const { status, error } of ofKind(report, 'reachability')) {
        expect(status).toBe('failed');
        expect(error).toMatchObject({ code: 'ERR_STUN_UNAUTHENTICATED', errorCode: 401 });
      }
      expect(findingsOf(report)).toContain('credentials-refused');
      expect(findingsOf(report)).not.toContain('udp-blocked');
      expect(ofKind(report, 'quality').map(({ status, because }) => [status, because])).toEqual([
        ['skipped', 'no data has passed a relay over UDP'],
        ['skipped', 'no data has passed a relay over TCP'],
        ['skipped', 'no data has passed a relay over WebSocket'],
      ]);
    },
    LONG,
  );

  test(
    'UDP is silent, TCP is not',
    async () => {
      const { tcp } = await turnServer();
      const silent = await silentPort();
      const iceServers = [
        { urls: `stun:${HOST}:${silent}` },
        { urls: [`turn:${HOST}:${silent}?transport=udp`, tcp], ...USER },
      ];
      const report = reportOf(await runIn(running.browser, { iceServers, quality: false }));
      const outcomes = ofKind(report, 'reachability').map(
        ({ service, transport, status, error }) => [...[service, transport, status, error?.code]],
      );
      expect(outcomes).toEqual(
        expect.arrayContaining([
          ['stun', 'udp', 'failed', 'ERR_STUN_TIMEOUT'],
          ['turn', 'udp', 'failed', 'ERR_STUN_TIMEOUT'],
          ['turn', 'tcp', 'ok', undefined],
        ]),
      );
      expect(findingsOf(report)).toEqual(expect.arrayContaining(['udp-blocked', 'relay-works']));
      expect(report.asks).toContainEqual(
        expect.objectContaining({ protocol: 'udp', ports: [silent], addresses: [HOST] }),
      );
      expect(ofKind(report, 'nat')).toEqual([
        expect.objectContaining({ because: 'no STUN server answered over UDP' }),
      ]);
    },
    LONG,
  );

  test(
    'the server is down, and the gateway with it',
    async () => {
      const { udp, tcp, server } = await turnServer();
      const gateway = await gatewayTo(tcp);
      await server.close();
      const iceServers = [{ urls: [udp, tcp, gateway], ...USER }];
      const web = await webServer();
      const https = [`http://${web}/shared`];
      const report = reportOf(await runIn(running.browser, { iceServers, https, quality: false }));
      expect(
        ofKind(report, 'reachability').map(({ transport, status, error }) => [
          ...[transport, status, error?.code],
        ]),
      ).toEqual(
        expect.arrayContaining([
          ['udp', 'failed', 'ERR_STUN_TIMEOUT'],
          ['tcp', 'failed', 'ERR_TRANSPORT_CONNECT'],
          ['ws', 'failed', 'ERR_TRANSPORT_CLOSED'],
        ]),
      );
      expect(report.grade).toBe('blocked');
    },
    LONG,
  );

  test(
    'a quota of one allocation is no fault where the relay works',
    async () => {
      // The other end has no relay: it is reached by an address of this machine, which browsers pair with no loopback one.
      const host = /** @type {string} */ (own);
      const { udp } = await turnServer({
        listen: [`udp://${host}:0`],
        relay: { addresses: [host] },
        policy: { allow: [`${host}/32`] },
        quota: { allocationsPerUser: 1 },
      });
      const iceServers = [{ urls: udp, ...USER }];
      const report = reportOf(await runIn(running.browser, { iceServers, quality: false }));
      expect(ofKind(report, 'reachability')).toEqual([
        expect.objectContaining({ status: 'ok', dataPath: 'proven' }),
      ]);
    },
    LONG,
  );

  test(
    'a quota that others have used up is told by its error code',
    async () => {
      const { udp, tcp } = await turnServer({ quota: { allocationsPerUser: 1 } });
      const held = await allocate({ urls: udp, ...USER });
      cleanUps.push(() => held.close());
      const iceServers = [{ urls: [udp, tcp], ...USER }];
      const report = reportOf(await runIn(running.browser, { iceServers, quality: false }));
      const errors = ofKind(report, 'reachability').map(({ error }) => error);
      expect(errors).toEqual([
        expect.objectContaining({ code: 'ERR_STUN_RESPONSE', errorCode: 486 }),
        expect.objectContaining({ code: 'ERR_STUN_RESPONSE', errorCode: 486 }),
      ]);
      expect(findingsOf(report)).toContain('quota-reached');
    },
    LONG,
  );

  test(
    'what the policy of the page forbids is skipped, and says so',
    async () => {
      const plan = {
        https: ['http://127.0.0.2:9/'],
        signalling: ['ws://127.0.0.2:9/'],
        webTransport: ['https://127.0.0.2:9/'],
        iceServers: [{ urls: 'ws://127.0.0.2:9/turn', ...USER }],
        quality: /** @type {const} */ (false),
      };
      const report = reportOf(await runIn(running.browser, plan));
      for (const kind of /** @type {const} */ ([
        'https',
        'signalling',
        'webtransport',
        'reachability',
      ])) {
        expect(ofKind(report, kind)).toEqual([
          expect.objectContaining({
            status: 'skipped',
            because: expect.stringContaining('Content-Security-Policy'),
          }),
        ]);
      }
    },
    LONG,
  );

  test(
    'web servers that do not answer, and a WebSocket that does not echo',
    async () => {
      const web = await webServer();
      const plan = {
        https: [`http://${HOST}:9/`],
        signalling: [`ws://${HOST}:9/`, `ws://${web}/plain`],
        webTransport: [`https://${HOST}:9/`],
      };
      const report = reportOf(await runIn(running.browser, plan));
      expect(ofKind(report, 'https')).toEqual([
        expect.objectContaining({
          status: 'failed',
          error: expect.objectContaining({ code: 'ERR_TRANSPORT_CONNECT' }),
        }),
      ]);
      expect(ofKind(report, 'webtransport')).toEqual([
        expect.objectContaining({
          status: 'failed',
          error: expect.objectContaining({
            code: expect.stringMatching(/^ERR_(TRANSPORT_CONNECT|STUN_TIMEOUT)$/),
          }),
        }),
      ]);
      const outcomes = ofKind(report, 'signalling').map(({ url, status, protocol }) => [
        ...[url, status, protocol],
      ]);
      expect(outcomes.sort()).toEqual(
        [
          [`ws://${HOST}:9/`, 'failed', undefined],
          // It does not know the sub-protocol that echoes.
          [`ws://${web}/plain`, 'ok', undefined],
        ].sort(),
      );
    },
    LONG,
  );

  test(
    'servers that take connections and say nothing are not waited for any longer',
    async () => {
      const silent = await silentServer();
      const plan = {
        https: [`http://${silent}/`],
        signalling: [`ws://${silent}/`],
        iceServers: [{ urls: [`turn:${silent}?transport=tcp`, `ws://${silent}/`], ...USER }],
        quality: /** @type {const} */ (false),
      };
      const report = reportOf(await runIn(running.browser, plan));
      for (const kind of /** @type {const} */ (['https', 'signalling'])) {
        expect(ofKind(report, kind)).toEqual([
          expect.objectContaining({
            status: 'failed',
            error: expect.objectContaining({ message: expect.stringContaining('in time') }),
          }),
        ]);
      }
      const outcomes = ofKind(report, 'reachability').map(({ transport, status, error }) => [
        ...[transport, status, error?.code],
      ]);
      expect(outcomes).toEqual(
        expect.arrayContaining([
          ['tcp', 'failed', 'ERR_STUN_TIMEOUT'],
          ['ws', 'failed', expect.stringMatching(/^ERR_(STUN_TIMEOUT|TRANSPORT_CONNECT)$/)],
        ]),
      );
      expect(report.grade).toBe('blocked');
    },
    LONG,
  );

  test(
    'a browser without WebRTC and WebTransport',
    async () => {
      const plan = {
        iceServers: [{ urls: `turn:${HOST}:9?transport=udp`, ...USER }],
        webTransport: [`https://${HOST}:9/`],
        quality: /** @type {const} */ (false),
      };
      const without = ['RTCPeerConnection', 'WebTransport'];
      const report = reportOf(await runIn(running.browser, plan, { without }));
      expect(findingsOf(report)).toContain('webrtc-disabled');
      expect(ofKind(report, 'reachability')[0]).toMatchObject({ status: 'unknown' });
      expect(ofKind(report, 'webtransport')[0]).toMatchObject({
        status: 'skipped',
        because: 'this browser has no WebTransport',
      });
    },
    LONG,
  );

  test.each(/** @type {const} */ (['measurement', 'sample']))(
    'an abort at the first %s closes everything',
    async (abortAt) => {
      const { udp, tcp, server } = await turnServer();
      const gateway = await gatewayTo(tcp);
      const silent = await silentPort();
      const plan = {
        iceServers: [
          { urls: [udp, tcp, gateway, `turn:${HOST}:${silent}?transport=udp`], ...USER },
        ],
        quality: { seconds: 5 },
      };
      const { error, opened, open } = await runIn(running.browser, plan, { abortAt });
      expect(error).toBe('enough');
      expect(opened).toBeGreaterThan(3);
      expect(open).toBe(0);
      while (server.stats().allocations > 0) await new Promise(setImmediate);
    },
    LONG,
  );
}, OPTIONS);
