// postern check: its options. The network test itself is in a file of its own, which the other commands do not load.
import { CREDENTIALS, NETWORK } from './options.js';

/** @type {import('./command.js').Command} */
export const checkCommand = {
  summary: 'tests whether calls will work from here, how well, and what is in the way',
  usage: 'FILE | - | URI... [-u USER] [--quick] | --watch CONFIG',
  notes:
    'FILE is JSON: a plan of docs/network-test.md, an array of RTCIceServer, an RTCConfiguration, or what\n' +
    'a provider of TURN servers has answered. Credentials from options and the environment are for\n' +
    'servers without some of their own. POSTERN_SECRET is the shared secret of TURN REST, of which\n' +
    'credentials that run out in an hour are made. What options say takes the place of what FILE says.',
  options: {
    quick: { type: 'boolean', help: 'only whether servers are reached: no NAT test, no quality' },
    quality: { type: 'string', value: 'SECONDS', help: 'of packets over each transport, 2 to 300' },
    'no-quality': { type: 'boolean', help: 'do not measure quality' },
    signalling: {
      type: 'string',
      multiple: true,
      value: 'URL',
      help: 'ws:// or wss:// of the application, to try too',
    },
    https: { type: 'string', multiple: true, value: 'URL', help: 'a page to try too' },
    reflector: { type: 'string', value: 'URL', help: 'tells of ports, inspection of packets, SIP' },
    'nat-server': {
      type: 'string',
      value: 'URI',
      help: 'stun: server with two addresses (RFC 5780)',
    },
    origin: {
      type: 'string',
      value: 'URL',
      help: 'of the page, for servers of WebSockets that ask',
    },
    name: { type: 'string', value: 'TEXT', help: 'of the test, for its report' },
    report: {
      type: 'string',
      multiple: true,
      value: 'FILE',
      help: 'write it as .html, .json, .xml (JUnit), .prom or .txt',
    },
    format: {
      type: 'string',
      value: 'NAME',
      help: 'print it as text (all of it), json, html, junit or prometheus',
    },
    compare: { type: 'string', value: 'OLD.json', help: 'say what changed since that report' },
    addresses: {
      type: 'string',
      value: 'keep|prefix|drop',
      help: 'IP addresses in what is printed and written',
    },
    watch: {
      type: 'string',
      value: 'CONFIG',
      help: 'serve /probe?target=NAME for Prometheus until a signal ends it',
    },
    ...CREDENTIALS,
    family: NETWORK.family,
    timeout: { type: 'string', value: 'MS', help: 'how long each try of a server may take' },
    proxy: { type: 'string', value: 'URL|env', help: 'try TCP and TLS through this proxy as well' },
    ca: NETWORK.ca,
    servername: NETWORK.servername,
  },

  async run(invocation) {
    const { check } = await import('./check.js');
    return check(invocation);
  },
};
