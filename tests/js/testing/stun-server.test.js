// The STUN server of postern/testing: what RFC 5780 wants of one, and what it refuses.
import { describe, expect, test } from '@jest/globals';
import { decode, encode } from '../../../js/codec/index.js';
import { addStunServer } from '../../../js/testing/index.js';
import { bytesOf, network } from './support.js';

describe('the STUN server', () => {
  /** @param {import('../../../js/testing/index.js').StunServerOptions} [options] */
  async function asked(options) {
    const world = network();
    const server = await addStunServer(world, options);
    const socket = world.addHost().openUdp({ port: 5000 });
    /** @type {{ message: import('../../../js/codec/index.js').Message, from: string }[]} */
    const answers = [];
    socket.onmessage = (bytes, { address, port }) =>
      void answers.push({ message: decode(bytes), from: `${address}:${port}` });
    /** @param {any} attributes @param {object} [more] */
    const ask = async (attributes, more) => {
      const bytes = encode({ class: 'request', method: 'Binding', attributes, ...more });
      socket.send(bytes, { address: server.host.addresses[0], port: 3478 });
      await world.run();
      return answers.shift();
    };
    return { world, server, socket, ask };
  }
  const TWO = { addresses: ['192.0.2.1', '192.0.2.2'] };

  test.each([
    [{ changeIp: false, changePort: false }, '192.0.2.1:3478'],
    [{ changeIp: false, changePort: true }, '192.0.2.1:3479'],
    [{ changeIp: true, changePort: false }, '192.0.2.2:3478'],
    [{ changeIp: true, changePort: true }, '192.0.2.2:3479'],
  ])('CHANGE-REQUEST %j: from %s', async (changeRequest, from) => {
    const { ask, server } = await asked(TWO);
    const answer = await ask({ changeRequest }, { fingerprint: true });
    expect(answer?.from).toBe(from);
    expect(answer?.message.fingerprint).toBe('valid');
    const [address, port] = from.split(':');
    expect(answer?.message.attributes.responseOrigin).toMatchObject({
      address,
      port: Number(port),
    });
    expect(answer?.message.attributes.otherAddress).toMatchObject({
      address: '192.0.2.2',
      port: 3479,
    });
    expect(answer?.message.attributes.xorMappedAddress).toMatchObject({ port: 5000 });
    expect(server.stats()).toEqual({ requests: 1, answers: 1, refused: 0, ignored: 0 });
  });

  test('RESPONSE-PORT and PADDING', async () => {
    const { world, ask } = await asked(TWO);
    expect(await ask({ responsePort: 5001 })).toBe(undefined);
    expect(world.packets.at(-1)).toMatchObject({
      destination: { port: 5001 },
      because: 'no-socket',
    });
    const padded = await ask({ padding: new Uint8Array(64) });
    expect(padded?.message.attributes.padding).toHaveLength(64);
  });

  test('with one address it refuses to be another, and says of none', async () => {
    const { ask, server } = await asked();
    const { message } = (await ask({})) ?? {};
    expect(message?.attributes.otherAddress).toBe(undefined);
    const refused = await ask({ changeRequest: { changeIp: true, changePort: true } });
    expect(refused?.message.attributes).toMatchObject({
      errorCode: { code: 420 },
      unknownAttributes: [3],
    });
    expect(server.stats().refused).toBe(1);
    expect(server.urls).toEqual([`stun:${server.host.addresses[0]}:3478`]);
  });

  test('what it must know and does not, and what is no request', async () => {
    const { world, ask, server, socket } = await asked();
    const bytes = encode({ class: 'request', method: 'Binding', attributes: { software: 'abcd' } });
    // SOFTWARE becomes an attribute that nobody has.
    bytes.set([0x7f, 0x01], 20);
    socket.send(bytes, { address: server.host.addresses[0], port: 3478 });
    await world.run();
    expect(server.stats()).toMatchObject({ requests: 1, refused: 1 });
    socket.send(bytesOf('hello'), { address: server.host.addresses[0], port: 3478 });
    await ask({}, { class: 'indication' });
    await ask({}, { method: 'Allocate' });
    expect(server.stats()).toMatchObject({ requests: 1, ignored: 3 });
    await server.close();
    await server[Symbol.asyncDispose]();
    expect(await ask({})).toBe(undefined);
  });

  test.each(
    /** @type {[any, any, string][]} */ ([
      [undefined, {}, 'network'],
      [{}, {}, 'network'],
      [network(), { addresses: ['192.0.2.1', '192.0.2.2', '192.0.2.3'] }, 'options.addresses'],
      [network(), { addresses: ['192.0.2.1', '2001:db8::1'] }, 'options.addresses'],
      [network(), { ports: [3478, 3478] }, 'options.ports[1]'],
      [network(), { ports: [3478] }, 'options.ports[1]'],
      [network(), 5, 'options'],
    ]),
  )('%#: wrong arguments', async (world, options, argument) => {
    await expect(addStunServer(world, options)).rejects.toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
      argument,
    });
  });
});
