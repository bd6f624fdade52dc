// Which answers servers sign, and what of RFC 8489 they offer: what the client has to get along with. Between the
// server and these tests there is the codec only.
import { afterAll, afterEach, beforeAll, expect, jest, test } from '@jest/globals';
import { decode, encode, prepareKey, verify } from '../../js/codec/index.js';
import { startUdpPeer } from '../support/udp-peers.js';
import { describeWithCoturn, startCoturn } from './coturn.js';
import { describeWithP1Stun, startP1Stun } from './p1-stun.js';
import { describeWithPion, startPion } from './pion.js';
import { Belongings, bytesOf, textOf } from './turn-support.js';

jest.setTimeout(60_000);

/** @typedef {[username: string, password: string]} Login */

const HOST = '127.0.0.1';
const users = { alice: 'one', bob: 'two' };
/** @type {Login} */ const ALICE = ['alice', 'one'];
/** @type {Login} */ const BOB = ['bob', 'two'];
/** @type {Login} */ const IMPOSTOR = ['alice', 'three'];
const UDP = 17;
/** RFC 8489 section 9.2: what a nonce begins with where the server announces security features. */
const NONCE_COOKIE = 'obMatJos2';

/** @typedef {'signed' | 'signed for another' | 'unsigned'} Signature */
/** @typedef {`${'success' | number} ${Signature}`} Answer */
/**
 * @typedef {object} Answers
 * @property {Answer} [refreshBefore] to a Refresh before there is an allocation; none where there is no answer
 * @property {Answer} impostor to Allocate and Refresh with a wrong password
 * @property {Answer} allocate
 * @property {Answer} allocateAgain on the same 5-tuple
 * @property {Answer} staleNonce
 * @property {Answer} otherUser to a Refresh of a user who did not make the allocation
 * @property {Answer} refresh
 */

/** A 5-tuple with the challenge that it was given. @param {Belongings} belongings @param {number} port */
async function openTuple(belongings, port) {
  const socket = await belongings.hold(startUdpPeer({ answer: () => undefined }));
  /** @param {Partial<import('../../js/codec/index.js').MessageInput>} message */
  const exchange = async (message) => {
    const request = /** @type {any} */ ({ class: 'request', ...message });
    await socket.send(encode(request), { address: HOST, port });
    return decode((await socket.next()).data);
  };
  const challenge = await exchange({
    method: 'Allocate',
    attributes: { requestedTransport: UDP },
  });
  const { realm = '', nonce } = challenge.attributes;

  /** @param {'Allocate' | 'Refresh'} method @param {Login} login @returns {Promise<Answer>} */
  const ask = async (method, [username, password], using = nonce) => {
    const key = prepareKey({ username, password, realm });
    const wish = method === 'Allocate' ? { requestedTransport: UDP } : { lifetime: 600 };
    const attributes = { ...wish, username, realm, nonce: using };
    const answer = await exchange({ method, attributes, key });
    const { errorCode, messageIntegrity } = answer.attributes;
    const signature = verify(answer, key) ? 'signed' : 'signed for another';
    return `${errorCode?.code ?? 'success'} ${messageIntegrity ? signature : 'unsigned'}`;
  };
  return { challenge, ask };
}

/** @type {readonly (readonly [typeof describeWithCoturn, () => Promise<import('../support/local-server.js').LocalServer>, Answers])[]} */
const SERVERS = [
  [
    describeWithCoturn,
    () => startCoturn({ users, hosts: [HOST] }),
    {
      refreshBefore: '437 signed',
      impostor: '401 unsigned',
      allocate: 'success signed',
      allocateAgain: '437 unsigned',
      staleNonce: '438 unsigned',
      otherUser: '441 unsigned',
      refresh: 'success signed',
    },
  ],
  [
    describeWithPion,
    () => startPion({ users, hosts: [HOST] }),
    {
      impostor: '400 unsigned',
      allocate: 'success signed',
      allocateAgain: '437 unsigned',
      staleNonce: '438 unsigned',
      otherUser: 'success signed',
      refresh: 'success signed',
    },
  ],
  [
    describeWithP1Stun,
    () => startP1Stun({ users, hosts: [HOST] }),
    {
      refreshBefore: '437 signed',
      impostor: '401 unsigned',
      allocate: 'success signed',
      allocateAgain: '437 signed',
      staleNonce: '438 unsigned',
      otherUser: 'success signed for another',
      refresh: 'success signed',
    },
  ],
];

for (const [describeWithServer, start, expected] of SERVERS) {
  describeWithServer('signatures', () => {
    const belongings = new Belongings();
    /** @type {import('../support/local-server.js').LocalServer} */ let server;
    beforeAll(async () => {
      server = await start();
    });
    afterAll(() => server?.stop());
    afterEach(() => belongings.release());

    test('what is signed, and for whom', async () => {
      const { ask } = await openTuple(belongings, server.port);
      /** @type {Partial<Answers>} */
      const before = expected.refreshBefore ? { refreshBefore: await ask('Refresh', ALICE) } : {};
      const impostor = await ask('Allocate', IMPOSTOR);
      const answers = {
        ...before,
        impostor,
        allocate: await ask('Allocate', ALICE),
        allocateAgain: await ask('Allocate', ALICE),
        staleNonce: await ask('Refresh', ALICE, bytesOf('of another time')),
        otherUser: await ask('Refresh', BOB),
        refresh: await ask('Refresh', ALICE),
      };
      expect(answers).toEqual(expected);
      expect(await ask('Refresh', IMPOSTOR)).toBe(impostor);
    });

    test('no security feature of RFC 8489 is announced, and no algorithm offered', async () => {
      const { challenge } = await openTuple(belongings, server.port);
      expect(challenge.attributes).toMatchObject({ errorCode: { code: 401 } });
      expect(challenge.attributes.passwordAlgorithms).toBeUndefined();
      expect(textOf(challenge.attributes.nonce ?? new Uint8Array())).not.toContain(NONCE_COOKIE);
    });
  });
}
