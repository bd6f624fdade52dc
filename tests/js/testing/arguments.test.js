// What the functions of postern/testing refuse, by code and argument.
import { describe, expect, test } from '@jest/globals';
import { createNetwork } from '../../../js/testing/index.js';

describe('what is refused', () => {
  const world = createNetwork();
  const nat = world.addNat({ addresses: ['203.0.113.1'] });
  const host = world.addHost({ name: 'server', address: '192.0.2.1' });
  const socket = host.openUdp({ port: 5000 });
  const to = { address: '192.0.2.1', port: 5000 };
  const make = (/** @type {any} */ options) => () => createNetwork(options);
  const addNat = (/** @type {any} */ options) => () => world.addNat(options);
  const addHost = (/** @type {any} */ options) => () => world.addHost(options);
  const openUdp = (/** @type {any} */ options) => () => host.openUdp(options);
  const send = (/** @type {any} */ bytes, /** @type {any} */ place) => () =>
    socket.send(bytes, place);

  test.each([
    [make(null), 'options'],
    [make({ seed: 1.5 }), 'options.seed'],
    [make({ clock: 'real' }), 'options.clock'],
    [make({ clock: { now: () => 0 } }), 'options.clock'],
    [make({ loss: 2 }), 'options.loss'],
    [make({ loss: Number.NaN }), 'options.loss'],
    [make({ duplication: -0.1 }), 'options.duplication'],
    [make({ reordering: '1' }), 'options.reordering'],
    [make({ latencyMs: -1 }), 'options.latencyMs'],
    [make({ jitterMs: Infinity }), 'options.jitterMs'],
    [() => world.setConditions({ loss: 3 }), 'options.loss'],
    [addNat(null), 'options'],
    [addNat({ name: '' }), 'options.name'],
    [addNat({ mapping: 'symmetric' }), 'options.mapping'],
    [addNat({ filtering: 'none' }), 'options.filtering'],
    [addNat({ hairpinning: 1 }), 'options.hairpinning'],
    [addNat({ portAssignment: 'any' }), 'options.portAssignment'],
    [addNat({ portParity: 'even' }), 'options.portParity'],
    [addNat({ ports: [5, 4] }), 'options.ports'],
    [addNat({ ports: 5 }), 'options.ports'],
    [addNat({ pooling: 'any' }), 'options.pooling'],
    [addNat({ mappingLifetimeMs: -1 }), 'options.mappingLifetimeMs'],
    [addNat({ refresh: 'none' }), 'options.refresh'],
    [addNat({ fragments: 'keep' }), 'options.fragments'],
    [addNat({ addresses: [] }), 'options.addresses'],
    [addNat({ addresses: ['0.0.0.0'] }), 'options.addresses[0]'],
    [addNat({ addresses: ['203.0.113.1'] }), 'options.addresses'],
    [addNat({ behind: {} }), 'options.behind'],
    [addNat({ behind: createNetwork().addNat() }), 'options.behind'],
    [addNat({ blocks: 'tcp' }), 'options.blocks'],
    [addNat({ blocks: [5] }), 'options.blocks[0]'],
    [addNat({ blocks: [{}, { ports: 5 }] }), 'options.blocks[1].ports'],
    [addNat({ blocks: [{ port: 0 }] }), 'options.blocks[0].port'],
    [addNat({ blocks: [{ port: [2, 1] }] }), 'options.blocks[0].port'],
    [addNat({ blocks: [{ address: 'here' }] }), 'options.blocks[0].address'],
    [addNat({ blocks: [{ direction: 'up' }] }), 'options.blocks[0].direction'],
    [() => nat.setBlocks(/** @type {any} */ (5)), 'blocks'],
    [() => world.addFirewall(/** @type {any} */ (5)), 'options'],
    [addHost(7), 'options'],
    [addHost({ address: 'example.org' }), 'options.address'],
    [addHost({ address: ['192.0.2.7', '192.0.2'] }), 'options.address[1]'],
    [addHost({ address: '192.0.2.1' }), 'options.address'],
    [addHost({ nat: 'home' }), 'options.nat'],
    [addHost({ name: 5 }), 'options.name'],
    [addHost({ name: 'server' }), 'options.name'],
    [openUdp({ port: 5000 }), 'options.port'],
    [openUdp({ port: 70_000 }), 'options.port'],
    [openUdp({ address: '192.0.2.9' }), 'options.address'],
    [openUdp({ remote: { address: '192.0.2.9' } }), 'options.remote.port'],
    [send('text', to), 'bytes'],
    [send(new Uint8Array(65_508), to), 'bytes'],
    [send(new Uint8Array(1), { address: 'x', port: 1 }), 'to.address'],
    [send(new Uint8Array(1), { ...to, port: 0 }), 'to.port'],
    [send(new Uint8Array(1), undefined), 'to'],
  ])('%#: %s', (act, argument) => {
    expect(act).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT', argument }));
  });

  test.each([
    [() => world.advance(/** @type {any} */ (undefined)), 'ms'],
    [() => world.advance(-1), 'ms'],
    [() => world.advance(1, { signal: /** @type {any} */ ({}) }), 'options.signal'],
    [() => world.run({ limitMs: 0 }), 'options.limitMs'],
    [() => world.runUntil(/** @type {any} */ (5)), 'condition'],
    [() => world.runUntil(() => true, /** @type {any} */ (5)), 'options'],
  ])('%#: time that is no time', async (act, argument) => {
    await expect(act()).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT', argument });
  });
});
