// Which names and certificates a plan names. Nothing is asked.
import { describe, expect, test } from '@jest/globals';
import { certificatesOf, namesOf } from '../../../js/network-test/node/targets.js';
import { checkPlan } from '../../../js/network-test/plan.js';

/** @param {import('../../../js/network-test/plan.js').NetworkPlan} plan */
const namesIn = (plan) => namesOf(checkPlan(plan)).map(({ name }) => name);

describe('names', () => {
  test('each once, of all that a plan names; addresses are none', () => {
    expect(
      namesIn({
        iceServers: [
          {
            urls: [
              'turn:a.example.org',
              'turns:A.example.org:443',
              'turn:192.0.2.1',
              'turn:[2001:db8::1]',
            ],
          },
          {
            urls: [
              'wss://b.example.org/turn?key',
              'stun:xn--bcher-kva.example',
              'stun:b%C3%BCcher.example',
            ],
          },
        ],
        signalling: ['wss://c.example.org/', 'ws://[2001:db8::1]/'],
        https: ['https://a.example.org/', 'https://192.0.2.1/'],
        reflector: 'https://d.example.org/reflector',
        natServer: 'stun:e.example.org',
        proxy: 'http://user:pass@proxy.example.org:3128',
      }),
    ).toEqual([
      'a.example.org',
      'b.example.org',
      'xn--bcher-kva.example',
      'e.example.org',
      'c.example.org',
      'd.example.org',
      'proxy.example.org',
    ]);
  });

  test('SRV records are asked for where a URL leaves the port to DNS', () => {
    const urls = [
      'turn:a.example.org',
      'turns:a.example.org',
      'stun:b.example.org',
      'stuns:b.example.org',
      'turn:c.example.org:3478',
      'wss://d.example.org/',
      'turn:localhost',
      'turn:host.local',
    ];
    const iceServers = urls.map((one) => ({ urls: one, username: 'u', credential: 'p' }));
    expect(
      Object.fromEntries(
        namesOf(checkPlan({ iceServers })).map(({ name, services }) => [name, services]),
      ),
    ).toEqual({
      'a.example.org': [
        '_turn._udp.a.example.org',
        '_turn._tcp.a.example.org',
        '_turns._tcp.a.example.org',
      ],
      'b.example.org': ['_stun._udp.b.example.org', '_stuns._tcp.b.example.org'],
      'c.example.org': [],
      'd.example.org': [],
      localhost: [],
      'host.local': [],
    });
  });

  test('what cannot be read is left to the measurement of the server', () => {
    expect(
      namesIn({
        iceServers: [{ urls: ['turn://a.example.org', 'turns:b.example.org?transport=udp'] }],
      }),
    ).toEqual([]);
  });
});

test('certificates: each host and port once, with what is spoken there', () => {
  const urls = [
    'turns:a.example.org',
    'turns:a.example.org:443?transport=tcp',
    'wss://a.example.org/turn',
    'stuns:b.example.org',
    'turn:c.example.org',
    'ws://c.example.org/',
  ];
  const iceServers = urls.map((one) => ({ urls: one, username: 'u', credential: 'p' }));
  const plan = checkPlan({
    iceServers,
    https: ['https://d.example.org/', 'https://d.example.org/other', 'http://d.example.org/'],
    signalling: ['wss://d.example.org/', 'wss://d.example.org:8443/', 'ws://d.example.org/'],
    reflector: 'https://[2001:db8::1]/reflector',
  });
  expect(
    certificatesOf(plan).map(({ uri, port, alpn }) => [uri.host, port, alpn, uri.port]),
  ).toEqual([
    // Without a port DNS may say where it is.
    ['a.example.org', 5349, 'stun.turn', null],
    ['a.example.org', 443, 'stun.turn', 443],
    ['b.example.org', 5349, 'stun.nat-discovery', null],
    ['d.example.org', 443, 'http/1.1', 443],
    ['d.example.org', 8443, 'http/1.1', 8443],
    ['2001:db8::1', 443, 'http/1.1', 443],
  ]);
});
