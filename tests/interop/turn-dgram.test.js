// Programs that were written for node:dgram, over relays on coturn: they are given the socket, and do not know which.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { allocate, turnSocket } from '../../js/index.js';
import { describeWithCoturn, startCoturn } from './coturn.js';
import { fixtureCertificate } from './support.js';
import {
  Belongings,
  openSockets,
  options,
  TRANSPORTS,
  until,
  urlsOf,
  users,
} from './turn-support.js';

jest.setTimeout(60_000);

/** @typedef {import('node:dgram').Socket} Socket */

const HOST = '127.0.0.1';
const QUESTIONS = 200;

/**
 * A server of numbers that are squared: a datagram in, one out.
 *
 * @param {Socket} socket
 */
async function serveSquares(socket) {
  socket.on('message', (question, { address, port, size }) => {
    expect(size).toBe(question.length);
    socket.send(`${question}² = ${Number(question) ** 2}`, port, address);
  });
  socket.bind(0, HOST);
  await once(socket, 'listening');
  return socket.address();
}

/**
 * Its client: a few questions at a time, the next one with each answer. On loopback so few are not lost.
 *
 * @param {Socket} socket
 * @param {{ address: string, port: number }} server
 */
async function askSquares(socket, { address, port }) {
  /** @type {Map<number, string>} */
  const answers = new Map();
  let asked = 0;
  const ask = (/** @type {number} */ number) => socket.send(String(number), port, address);
  await /** @type {Promise<void>} */ (
    new Promise((resolve, reject) => {
      socket.on('error', reject);
      socket.on('message', (answer, from) => {
        expect(from).toMatchObject({ address, port, family: 'IPv4' });
        answers.set(Number.parseInt(String(answer), 10), String(answer));
        if (answers.size === QUESTIONS) resolve();
        else if (asked < QUESTIONS) ask(asked++);
      });
      socket.bind(0, HOST, () => {
        while (asked < 8) ask(asked++);
      });
    })
  );
  return answers;
}

/** @param {Map<number, string>} answers */
function expectSquares(answers) {
  expect(answers.size).toBe(QUESTIONS);
  for (const [number, answer] of answers) expect(answer).toBe(`${number}² = ${number ** 2}`);
}

describeWithCoturn('programs of node:dgram', () => {
  const servers = new Belongings();
  const belongings = new Belongings();
  /** @type {Record<import('./turn-support.js').TransportName, string>} */ let urls;
  beforeAll(async () => {
    const server = await servers.hold(
      startCoturn({ users, hosts: [HOST], tls: fixtureCertificate.files }),
    );
    urls = await urlsOf(server, servers);
  });
  afterAll(() => servers.release());
  afterEach(() => belongings.release());

  /** @param {Socket} socket */
  const held = (socket) => {
    let isClosed = false;
    socket.once('close', () => {
      isClosed = true;
    });
    return belongings.hold({
      socket,
      close: async () => {
        if (isClosed) return;
        const closed = once(socket, 'close');
        socket.close();
        await closed;
      },
    });
  };
  const bare = async () => (await held(createSocket('udp4'))).socket;
  const relayed = async (/** @type {string} */ url) =>
    (await held(turnSocket(await allocate(url, options)))).socket;

  /** A relay hears only those whom it has permission for, which send() gets for a client. */
  describe.each(TRANSPORTS)('%s', (transport) => {
    test('a client over a relay, its server without one', async () => {
      const at = await serveSquares(await bare());
      expectSquares(await askSquares(await relayed(urls[transport]), at));
    });

    test('a server over a relay, that lets its client in', async () => {
      const relay = await allocate(urls[transport], options);
      await relay.permit(HOST);
      const { socket } = await held(turnSocket(relay));
      const at = await serveSquares(socket);
      expect(at).toMatchObject(relay.relayedAddress);
      expectSquares(await askSquares(await bare(), at));
    });

    test('close() ends the relay, and leaves no socket behind', async () => {
      await until(() => openSockets() === 0);
      const relay = await allocate(urls[transport], options);
      const socket = turnSocket(relay);
      socket.bind();
      await once(socket, 'listening');
      const closed = once(socket, 'close');
      socket.close();
      await closed;
      expect(await relay.closed).toEqual({ reason: 'closed' });
      await until(() => openSockets() === 0);
    });
  });
});
