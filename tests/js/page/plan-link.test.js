// Plans in links, and in the form.
import { expect, test } from '@jest/globals';
import {
  fieldOf,
  formOfPlan,
  lacksCredentials,
  planOfForm,
} from '../../../js/page/model/form-plan.js';
import {
  fragmentOf,
  hostsOf,
  planOfFragment,
  readPlan,
  secretsOf,
  withoutSecrets,
} from '../../../js/page/model/plan-link.js';

const PLAN = {
  name: 'büro 2',
  iceServers: [
    { urls: ['stun:stun.example.org'] },
    {
      urls: [
        'turn:turn.example.org:3478?transport=tcp',
        'wss://gate.example.org/turn/a?key=geheim',
      ],
      username: 'ann',
      credential: 'p/ß+word',
    },
  ],
  signalling: ['wss://u:pw@app.example.org/ws?token=geheim'],
  https: ['https://app.example.org/ping?token=geheim'],
  mirror: 'https://mirror.example.org/mirror',
  quality: { seconds: 5 },
};

/** @param {string} text @returns {string} */
const asFragment = (text) => `#plan=${Buffer.from(text).toString('base64url')}`;

test('a plan goes into a link and comes out of it', () => {
  const fragment = fragmentOf(PLAN);
  expect(fragment).toMatch(/^plan=[\w-]+$/);
  expect(planOfFragment(`#${fragment}`)).toEqual(PLAN);
  expect(planOfFragment('')).toBeUndefined();
  expect(planOfFragment('#main')).toBeUndefined();
});

test('a link without secrets has no user, password, token or key', () => {
  const plan = withoutSecrets(PLAN);
  expect(plan).toEqual({
    name: 'büro 2',
    iceServers: [
      { urls: ['stun:stun.example.org'] },
      { urls: ['turn:turn.example.org:3478?transport=tcp', 'wss://gate.example.org/turn/a'] },
    ],
    signalling: ['wss://app.example.org/ws'],
    https: ['https://app.example.org/ping'],
    mirror: 'https://mirror.example.org/mirror',
    quality: { seconds: 5 },
  });
  expect(withoutSecrets({ https: ['/ping'] })).toEqual({ https: ['/ping'] });
  expect(secretsOf(PLAN)).toEqual(['p/ß+word']);
  expect(lacksCredentials(plan)).toBe(true);
  expect(lacksCredentials(PLAN)).toBe(false);
  expect(lacksCredentials({ iceServers: [{ urls: 'stun:a.example' }] })).toBe(false);
});

test.each([
  ['not base64', '#plan=%%'],
  ['no JSON', asFragment('no')],
  ['no UTF-8', `#plan=${Buffer.from([0x22, 0xff, 0x22]).toString('base64url')}`],
  ['no object', asFragment('3')],
  ['a field that plans have not', asFragment('{"command":"rm"}')],
  ['a server that is none', asFragment('{"iceServers":[null]}')],
  ['a URL that is none', asFragment('{"iceServers":[{"urls":[3]}]}')],
  ['a password that is none', asFragment('{"iceServers":[{"urls":"turn:a","credential":{}}]}')],
  ['a script for a URL', asFragment('{"https":["javascript:alert(1)"]}')],
  ['too much', asFragment(`{"name":"${'x'.repeat(70_000)}"}`)],
])('a fragment with %s is no plan', (_, hash) => {
  expect(() => planOfFragment(hash)).toThrow();
});

test('servers are read as objects with lists', () => {
  expect(
    readPlan({ iceServers: ['stun:a.example', { urls: 'turn:b.example', username: '' }] }),
  ).toEqual({
    iceServers: [{ urls: ['stun:a.example'] }, { urls: ['turn:b.example'] }],
  });
});

test('a person is told whom a test sends to', () => {
  expect(hostsOf(PLAN)).toEqual([
    'stun.example.org',
    'turn.example.org',
    'gate.example.org',
    'app.example.org',
    'mirror.example.org',
  ]);
  expect(
    hostsOf({ iceServers: [{ urls: ['turns:[2001:db8::1]:443'] }], https: ['/ping'] }),
  ).toEqual(['[2001:db8::1]']);
});

test('what is written into the form is a plan, and a plan is shown in the form', () => {
  const values = {
    urls: 'stun:stun.example.org\n  turn:turn.example.org,turns:turn.example.org\n\n',
    username: ' ann ',
    credential: ' with blanks ',
    gateway: 'wss://gate.example.org/turn/a',
    mirror: '',
    signalling: 'wss://app.example.org/ws',
    https: '',
    name: ' office ',
    quality: false,
  };
  const plan = planOfForm(values);
  expect(plan).toEqual({
    name: 'office',
    iceServers: [
      { urls: ['stun:stun.example.org'] },
      {
        urls: ['turn:turn.example.org', 'turns:turn.example.org', 'wss://gate.example.org/turn/a'],
        username: 'ann',
        // Blanks may be a part of a password.
        credential: ' with blanks ',
      },
    ],
    signalling: ['wss://app.example.org/ws'],
    quality: false,
  });
  expect(planOfForm(formOfPlan(plan))).toEqual(plan);
  expect(
    planOfForm({ ...values, urls: '', gateway: '', signalling: '', name: '', quality: true }),
  ).toEqual({});
});

test('an error of a plan is shown where it was written', () => {
  expect(fieldOf('plan.iceServers[0].credential')).toBe('credential');
  expect(fieldOf('plan.iceServers[1].urls[0]')).toBe('urls');
  expect(fieldOf('plan.mirror')).toBe('mirror');
  expect(fieldOf('plan.quality.seconds')).toBeUndefined();
});
