// The strategies by which servers are asked, where names have to be resolved first.
import { afterEach, describe, expect, test } from '@jest/globals';
import { planServers } from '../../../js/ice-server.js';
import { reachServer } from '../../../js/reach-server.js';
import { cleanUp } from '../transports/helpers.js';
import { gate, ownSockets, rejection } from './support.js';

/** @typedef {import('../../../js/search.js').Way} Way */

afterEach(async () => {
  await cleanUp();
  expect(await ownSockets()).toEqual([]);
});

/** Takes any way, and tells whose it was. @param {Way} way */
async function take({ transport, server }) {
  transport.close();
  return server.url;
}

/** @param {Record<string, Promise<unknown>>} names that are resolved when their promise is */
function resolverFor(names) {
  return {
    resolveSrv: async () => [],
    lookup: async (/** @type {string} */ name) => {
      await names[name];
      return [{ address: '127.0.0.1' }];
    },
  };
}

/** @param {string[]} urls @param {object} options @param {(way: Way) => Promise<string>} use */
const raced = (urls, options, use) => reachServer(planServers(urls), options, { use }, 'race');

describe('in a race', () => {
  test('a name that takes its time holds up no other', async () => {
    const never = gate();
    const resolver = resolverFor({ 'slow.example.org': never.opened });
    const urls = ['turn:slow.example.org:1', 'turn:quick.example.org:2'];
    expect(await raced(urls, { resolver }, take)).toBe(urls[1]);
    never.open();
  });

  test('it still gets its chance when the others have failed', async () => {
    const slow = gate();
    const resolver = resolverFor({ 'slow.example.org': slow.opened });
    const urls = ['turn:slow.example.org:1', 'turn:quick.example.org:2?transport=udp'];
    const result = await raced(urls, { resolver }, async (way) => {
      if (way.server.url === urls[0]) return take(way);
      await take(way);
      slow.open();
      throw new Error('no');
    });
    expect(result).toBe(urls[0]);
  });

  test('a name that cannot be resolved is one failure among others', async () => {
    const resolver = resolverFor({ 'bad.example.org': Promise.reject(new Error('no such name')) });
    const urls = ['turn:bad.example.org', 'turn:good.example.org?transport=udp'];
    expect(await raced(urls, { resolver }, take)).toBe(urls[1]);
    const error = await rejection(raced([urls[0]], { resolver }, take));
    expect(error).toMatchObject({ code: 'ERR_DNS', url: urls[0] });
  });

  test('the time runs for the resolving, too', async () => {
    const resolver = resolverFor({ 'slow.example.org': new Promise(() => {}) });
    const options = { resolver, timeoutMs: 5 };
    const error = await rejection(raced(['turn:slow.example.org'], options, take));
    expect(error).toMatchObject({ code: 'ERR_STUN_TIMEOUT', url: 'turn:slow.example.org' });
  });
});

test('what is prepared comes first, and its failure is the end', async () => {
  /** @type {string[]} */
  const steps = [];
  const servers = planServers('turn:127.0.0.1:1?transport=udp');
  const task = {
    prepare: async () => void steps.push('prepare'),
    use: async (/** @type {Way} */ way) => {
      steps.push('use');
      return take(way);
    },
  };
  await reachServer(servers, {}, task);
  expect(steps).toEqual(['prepare', 'use']);
  const failing = { ...task, prepare: () => Promise.reject(new Error('no')) };
  expect((await rejection(reachServer(servers, {}, failing))).message).toBe('no');
  expect(steps).toHaveLength(2);
});
