// Our own client through our own gateway: tickets, and what a page is told when it is not let in.

import { inspect } from 'node:util';
import { afterEach, describe, expect, test } from '@jest/globals';
import { WebSocket } from 'ws';
import { allocate, getMappedAddress } from '../../../js/index.js';
import { openWebSocket } from '../../../js/transports/websocket.js';
import { failure, memoryServer, rejection, success } from '../client/support.js';
import { cleanUp, ORIGIN, startGateway, ticketFor, udpUpstream } from './support.js';

afterEach(cleanUp);

class Page extends WebSocket {
  /** @param {string} url @param {string[]} protocols */
  constructor(url, protocols) {
    super(url, protocols, { origin: ORIGIN });
  }
}

describe('options.ticket', () => {
  test('a string is offered, and does not become the sub-protocol', async () => {
    const { upstream } = await udpUpstream();
    const { url } = await startGateway({ upstream });
    const transport = await openWebSocket(
      { address: '', port: 1, url },
      {
        WebSocket: Page,
        ticket: ticketFor(),
      },
    );
    expect(transport.kind).toBe('ws');
    transport.close();
  });

  test('a function is asked for each WebSocket, with its URL', async () => {
    const { upstream } = await udpUpstream();
    const { url, gateway } = await startGateway({ upstream });
    /** @type {string[]} */
    const asked = [];
    const ticket = async (/** @type {{ url: string }} */ about) => {
      asked.push(about.url);
      return ticketFor();
    };
    for (let i = 0; i < 2; i++) {
      await rejection(getMappedAddress(url, { WebSocket: Page, ticket, timeoutMs: 1000 }));
    }
    expect(asked).toEqual([url, url]);
    expect(gateway.stats().opened).toBe(2);
  });

  test('without one, and with one that was used, it is said what is wrong', async () => {
    const { url } = await startGateway();
    const used = ticketFor();
    for (const ticket of [undefined, 'ticket.a.b', used, used]) {
      const options = { WebSocket: Page, ...(ticket === undefined ? {} : { ticket }) };
      const error = await rejection(
        allocate({ urls: url, username: 'u', credential: 'c' }, options),
      );
      if (ticket === used && /4502/.test(error.message)) continue;
      expect(error.code).toBe('ERR_TRANSPORT_CLOSED');
      expect(error.message).toMatch(/the ticket is missing, wrong, used or too old \(4401, /);
    }
  });

  test('no error shows it', async () => {
    const ticket = ticketFor();
    const options = { WebSocket: Page, ticket };
    const error = await rejection(getMappedAddress('ws://127.0.0.1:9/turn/main', options));
    expect(error.code).toBe('ERR_TRANSPORT_CONNECT');
    expect(inspect(error, { depth: 4 })).not.toContain(ticket);
  });

  test('a place that the server redirects to gets none', async () => {
    const place = { address: '198.51.100.2', port: 80 };
    /** @type {unknown[]} */
    const given = [];
    const memory = memoryServer((request, { number }) =>
      number === 0 ? failure(request, 300, { alternateServer: place }) : success(request),
    );
    /** @type {typeof memory.transport} */
    const transport = (target, options) => {
      given.push(/** @type {any} */ (options).ticket);
      return memory.transport(target, options);
    };
    await getMappedAddress('ws://198.51.100.1/turn/main', { transport, ticket: 'mine' });
    expect(given).toEqual(['mine', undefined]);
  });

  test.each([[7], [null], [{}]])('%p is refused before a packet is sent', async (ticket) => {
    const options = { ticket: /** @type {any} */ (ticket) };
    expect(await rejection(getMappedAddress('ws://127.0.0.1:9/', options))).toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
      argument: 'options.ticket',
    });
  });

  test.each([['two words'], ['a,b'], [''], [7]])('a function must not give %p', async (ticket) => {
    const options = { WebSocket: Page, ticket: () => /** @type {any} */ (ticket) };
    expect(await rejection(getMappedAddress('ws://127.0.0.1:9/', options))).toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
      argument: 'options.ticket',
    });
  });

  test('the signal ends the waiting for it', async () => {
    const controller = new AbortController();
    const opening = openWebSocket(
      { address: '', port: 1, url: 'ws://127.0.0.1:9/' },
      { WebSocket: Page, signal: controller.signal, ticket: () => new Promise(() => {}) },
    );
    controller.abort(new Error('enough'));
    expect((await rejection(opening)).message).toBe('enough');
  });
});
