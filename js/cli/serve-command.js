// postern serve: its options. The server itself is in a file of its own, which the other commands do not load.

import { DRAIN_SECONDS, PAGE } from './serve-defaults.js';

/** @type {import('./command.js').Command} */
export const serveCommand = {
  summary: 'runs a STUN and TURN server, and the page of the network test',
  usage: '[--config FILE] [--listen URL]... [--user NAME:PASS]... [options]',
  notes:
    'Without a file, a place to listen at, users and secrets it is a server for development: on\n' +
    'loopback, with a user made for this run, and relays to loopback. Otherwise it relays to public\n' +
    'addresses only, and --allow opens more. Options take the place of what the file says. SIGHUP\n' +
    'reads users, secrets and certificates again. SIGTERM and SIGINT end it, a second one at once.',
  options: {
    config: {
      type: 'string',
      value: 'FILE',
      help: 'JSON: options of createServer(), see docs/server.md',
    },
    listen: {
      type: 'string',
      multiple: true,
      value: 'URL',
      help: 'udp://192.0.2.1:3478; or tcp, tls, ws, wss, which may share a port',
    },
    user: {
      type: 'string',
      multiple: true,
      value: 'NAME:PASS',
      help: 'other users of this machine may see it',
    },
    'users-file': {
      type: 'string',
      value: 'FILE',
      help: 'lines NAME:PASS; or POSTERN_USERNAME, POSTERN_PASSWORD',
    },
    'secret-file': {
      type: 'string',
      value: 'FILE',
      help: 'of time-limited credentials, one a line; or POSTERN_SECRET',
    },
    realm: { type: 'string', value: 'REALM', help: "'postern' if left out" },
    'stun-only': { type: 'boolean', help: 'tells addresses, and relays nothing' },
    'relay-address': {
      type: 'string',
      multiple: true,
      value: 'ADDRESS',
      help: 'address of this machine for relays',
    },
    external: {
      type: 'string',
      multiple: true,
      value: 'OWN=PUBLIC',
      help: 'a NAT maps this relay address to that public one',
    },
    ports: { type: 'string', value: 'FIRST-LAST', help: 'of relays; 49152-65535 if left out' },
    allow: {
      type: 'string',
      multiple: true,
      value: 'PREFIX',
      help: 'relay to these peers too, such as 10.1.0.0/16',
    },
    deny: { type: 'string', multiple: true, value: 'PREFIX', help: 'never relay to these peers' },
    cert: { type: 'string', value: 'FILE', help: 'certificate chain (PEM) for tls and wss' },
    key: { type: 'string', value: 'FILE', help: 'its private key (PEM)' },
    metrics: {
      type: 'string',
      value: '[HOST:]PORT',
      help: '/metrics, /healthz, /readyz; on loopback if left out',
    },
    page: {
      type: 'string',
      alone: PAGE,
      value: '[HOST:]PORT',
      help: `the page of the network test; at ${PAGE} without a value`,
    },
    drain: {
      type: 'string',
      value: 'SECONDS',
      help: `for allocations to end; SIGTERM: ${DRAIN_SECONDS}, SIGINT: 0 if left out`,
    },
    json: { type: 'boolean', help: 'print a JSON object a line' },
    quiet: { type: 'boolean', short: 'q', help: 'print no lines about allocations' },
  },

  async run(invocation) {
    const { serve } = await import('./serve.js');
    return serve(invocation);
  },
};
