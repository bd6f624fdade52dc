// postern check --watch: the exporter, asked over HTTP, with servers of ours behind it.
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, jest, test } from '@jest/globals';
import { Runs } from '../../../js/cli/watch-runs.js';
import { createServer } from '../../../js/server/index.js';
import { cleanUp, cleanUpWith, freeUdpPort, udpServer } from '../transports/helpers.js';
import { runCommand } from './support.js';

jest.setTimeout(60_000);
afterEach(cleanUp);
const folder = mkdtempSync(join(tmpdir(), 'postern-watch-'));
afterAll(() => rmSync(folder, { recursive: true }));

const PASSWORD = 'hunter2-of-alice';

async function startTurn() {
  const server = await createServer({
    listen: 'udp://127.0.0.1:0',
    credentials: { alice: PASSWORD },
    secret: 'north by north-west',
    policy: { allow: ['127.0.0.0/8'] },
  });
  cleanUpWith(() => server.close());
  return { server, url: server.urls[0] };
}

/** A server that takes what comes and says nothing. */
async function startSilent() {
  const { socket, target } = await udpServer('127.0.0.1', 0, false);
  return { socket, url: `turn:127.0.0.1:${target.port}?transport=udp` };
}

/** @param {unknown} content */
function config(content) {
  const path = join(folder, 'watch.json');
  writeFileSync(path, JSON.stringify(content));
  return path;
}

/**
 * @param {Record<string, unknown>} targets
 * @param {Record<string, unknown>} [more]
 * @param {{ args?: string[], env?: Record<string, string> }} [world]
 */
async function started(targets, more = {}, { args = [], env } = {}) {
  const interrupt = new AbortController();
  /** @type {Map<string, () => void>} */
  const listeners = new Map();
  /** @type {(url: string) => void} */
  let found = () => {};
  const listening = new Promise((/** @type {(url: string) => void} */ resolve) => {
    found = resolve;
  });
  const ended = runCommand(
    ['check', '--watch', config({ listen: { port: 0 }, targets, ...more }), '--json', ...args],
    {
      env,
      signal: interrupt.signal,
      onSignal: (name, listener) => {
        listeners.set(name, listener);
        return () => void listeners.delete(name);
      },
      onOutput: (text) => found(JSON.parse(text).url),
    },
  );
  cleanUpWith(() => {
    listeners.get('SIGTERM')?.();
    return ended;
  });
  const url = await Promise.race([
    listening,
    ended.then(({ stderr }) => Promise.reject(new Error(stderr))),
  ]);
  return { url, ended, interrupt, terminate: () => listeners.get('SIGTERM')?.() };
}

/** @param {string} url @param {string} path @param {Record<string, string>} [headers] */
async function get(url, path, headers = {}, method = 'GET') {
  const request = httpRequest(url + path, { headers, method });
  cleanUpWith(() => void request.destroy());
  request.end();
  const [response] = await once(request, 'response');
  let text = '';
  for await (const chunk of response) text += chunk;
  return { status: response.statusCode, type: response.headers['content-type'], text };
}

/** @param {string} text @param {string} name with its labels */
function numberIn(text, name) {
  const line = text.split('\n').find((one) => one.startsWith(`${name} `));
  return line === undefined ? undefined : Number(line.slice(name.length + 1));
}

const asAlice = (/** @type {string} */ urls) => [{ urls, username: 'alice', credential: PASSWORD }];

describe('a probe', () => {
  test('of a target that works', async () => {
    const { url: server } = await startTurn();
    const { url } = await started({ office: { iceServers: asAlice(server) } });
    const { status, type, text } = await get(url, '/probe?target=office');
    expect(status).toBe(200);
    expect(type).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(numberIn(text, 'postern_probe_success')).toBe(1);
    expect(numberIn(text, 'postern_probe_timed_out')).toBe(0);
    expect(numberIn(text, 'postern_probe_duration_seconds')).toBeGreaterThan(0);
    expect(numberIn(text, 'postern_test_grade{grade="good"}')).toBe(1);
    // Each name once: it is one document.
    const names = Array.from(text.matchAll(/^# TYPE (\S+)/gm), ([, name]) => name);
    expect(new Set(names).size).toBe(names.length);
  });

  test('of one that does not, and of one that refuses: no success, and numbers', async () => {
    const { url: server } = await startTurn();
    const gone = `turn:127.0.0.1:${await freeUdpPort()}?transport=udp`;
    const wrong = [{ urls: server, username: 'alice', credential: 'hunter2-of-zoe' }];
    const { url } = await started({
      gone: { iceServers: asAlice(gone) },
      wrong: { iceServers: wrong },
    });
    for (const name of ['gone', 'wrong']) {
      const { status, text } = await get(url, `/probe?target=${name}`);
      expect([status, numberIn(text, 'postern_probe_success')]).toEqual([200, 0]);
      expect(text).toMatch(/^postern_test_ok\{.*\} 0$/m);
      expect(text).not.toContain('hunter2');
    }
  });

  test('with credentials made for it, and secrets from elsewhere; they are nowhere to be seen', async () => {
    const { url: server } = await startTurn();
    writeFileSync(join(folder, 'turn-secret'), 'north by north-west\n');
    const env = { TURN_PASSWORD: PASSWORD };
    const { url } = await started(
      {
        made: { iceServers: { urls: server }, secret: { file: 'turn-secret' }, userId: 'probe' },
        read: {
          iceServers: [{ urls: server, username: 'alice', credential: { env: 'TURN_PASSWORD' } }],
        },
      },
      {},
      { env },
    );
    for (const name of ['made', 'read']) {
      const { text } = await get(url, `/probe?target=${name}`);
      expect([name, numberIn(text, 'postern_probe_success')]).toEqual([name, 1]);
      expect(text).not.toMatch(/north|hunter2/);
    }
    expect((await get(url, '/metrics')).text).not.toMatch(/north|hunter2/);
  });

  test('again within the interval: the same result, and how old it is', async () => {
    const { url: server, server: turn } = await startTurn();
    let allocations = 0;
    turn.on('allocation', () => {
      allocations += 1;
    });
    const { url } = await started(
      { office: { iceServers: asAlice(server) } },
      { intervalSeconds: 3600 },
    );
    const first = await get(url, '/probe?target=office');
    const made = allocations;
    const second = await get(url, '/probe?target=office');
    expect(allocations).toBe(made);
    expect(numberIn(second.text, 'postern_probe_success')).toBe(1);
    const at = (/** @type {{ text: string }} */ { text }) =>
      numberIn(text, 'postern_test_timestamp_seconds');
    expect(at(second)).toBe(at(first));
    expect(numberIn(second.text, 'postern_probe_age_seconds')).toBeGreaterThan(0);
    const { text } = await get(url, '/metrics');
    expect(numberIn(text, 'postern_exporter_probes_total{target="office",result="success"}')).toBe(
      1,
    );
    expect(numberIn(text, 'postern_exporter_probes_total{target="office",result="cached"}')).toBe(
      1,
    );
  });

  test('an interval of 0: each is a new one', async () => {
    const { url: server } = await startTurn();
    const { url } = await started(
      { office: { iceServers: asAlice(server) } },
      { intervalSeconds: 0 },
    );
    await get(url, '/probe?target=office');
    await get(url, '/probe?target=office');
    const { text } = await get(url, '/metrics');
    expect(numberIn(text, 'postern_exporter_probes_total{target="office",result="success"}')).toBe(
      2,
    );
  });

  test('of a slow target: an answer in the time that Prometheus waits', async () => {
    const { url: server } = await startSilent();
    const { url } = await started(
      { slow: { iceServers: asAlice(server) } },
      {},
      { args: ['--timeout', '60000'] },
    );
    const { status, text } = await get(url, '/probe?target=slow', {
      'X-Prometheus-Scrape-Timeout-Seconds': '0.2',
    });
    expect(status).toBe(200);
    expect(numberIn(text, 'postern_probe_success')).toBe(0);
    expect(numberIn(text, 'postern_probe_timed_out')).toBe(1);
    expect(text).not.toContain('postern_test_');
    // Nobody waits any more, so that nothing runs.
    expect(numberIn((await get(url, '/metrics')).text, 'postern_exporter_running')).toBe(0);
  });

  test('whose client goes away ends', async () => {
    const { url: server, socket } = await startSilent();
    const { url } = await started(
      { slow: { iceServers: asAlice(server) } },
      {},
      { args: ['--timeout', '60000'] },
    );
    const request = httpRequest(`${url}/probe?target=slow`);
    request.on('error', () => {});
    request.end();
    await once(socket, 'message');
    request.destroy();
    // Asked until it is so: the exporter learns of it by the socket.
    for (;;) {
      const { text } = await get(url, '/metrics');
      if (numberIn(text, 'postern_exporter_running') === 0) break;
    }
  });
});

describe('who may ask for what', () => {
  const target = { iceServers: [{ urls: 'stun:127.0.0.1:9' }] };

  test.each([
    ['/probe?target=http://127.0.0.1:9/', 404],
    ['/probe?target=turn:127.0.0.1:9', 404],
    ['/probe?target=stun:127.0.0.1:9', 404],
    ['/probe?target=__proto__', 404],
    ['/probe?target=constructor', 404],
    ['/probe?target=OFFICE', 404],
    ['/probe?target=office%00', 404],
    ['/probe?target=%3Cscript%3E', 404],
    ['/probe?target=', 404],
    ['/probe', 400],
    ['/probe?module=http_2xx', 400],
    ['/probe?target=office&target=http://127.0.0.1:9/', 400],
    ['/probes?target=office', 404],
    ['/', 404],
    ['/healthz', 200],
    ['/readyz', 200],
  ])('%s: %i, and nothing of it in the answer', async (path, expected) => {
    const { url } = await started({ office: target });
    const { status, text, type } = await get(url, path);
    expect(status).toBe(expected);
    expect(text).not.toMatch(/127\.0\.0\.1|script|http:/);
    expect(type).toBe('text/plain; charset=utf-8');
  });

  test('a page whose name was made to lead here', async () => {
    const { url } = await started({ office: target });
    const { status } = await get(url, '/probe?target=office', { Host: 'evil.example.org' });
    expect(status).toBe(403);
  });

  test('POST', async () => {
    const { url } = await started({ office: target });
    expect((await get(url, '/probe?target=office', {}, 'POST')).status).toBe(405);
  });

  test('many at once: one test of each target, and no more tests at once than there may be', async () => {
    const servers = await Promise.all(Array.from({ length: 5 }, startTurn));
    const made = servers.map(() => 0);
    const open = servers.map(() => 0);
    let most = 0;
    for (const [i, { server }] of servers.entries()) {
      server.on('allocation', () => {
        made[i] += 1;
        open[i] += 1;
        most = Math.max(most, open.filter((count) => count > 0).length);
      });
      server.on('end', () => {
        open[i] -= 1;
      });
    }
    const targets = Object.fromEntries(
      servers.map(({ url }, i) => [`t${i}`, { iceServers: asAlice(url) }]),
    );
    const { url } = await started(targets, { concurrency: 1, intervalSeconds: 3600 });
    const paths = Array.from({ length: 60 }, (_, i) => `/probe?target=t${i % 5}`);
    const answers = await Promise.all(paths.map((path) => get(url, path)));
    expect(answers.every(({ text }) => numberIn(text, 'postern_probe_success') === 1)).toBe(true);
    const stamps = (/** @type {number} */ i) =>
      new Set(
        answers
          .filter((_, at) => at % 5 === i)
          .map(({ text }) => numberIn(text, 'postern_test_timestamp_seconds')),
      );
    for (let i = 0; i < 5; i += 1) expect(stamps(i).size).toBe(1);
    expect(most).toBe(1);
    expect(made[0]).toBeGreaterThan(0);
    expect(made).toEqual(made.map(() => made[0]));
  });
});

describe('ends', () => {
  test.each([
    ['SIGTERM', 0],
    ['SIGINT', 130],
  ])('by %s, also while a test runs: %i', async (name, code) => {
    const { url: server, socket } = await startSilent();
    const { url, ended, interrupt, terminate } = await started({
      slow: { iceServers: asAlice(server) },
    });
    const asked = get(url, '/probe?target=slow').catch((error) => error);
    await once(socket, 'message');
    if (name === 'SIGTERM') terminate();
    else interrupt.abort(new Error('interrupted'));
    expect((await ended).exitCode).toBe(code);
    await asked;
    await expect(get(url, '/healthz')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });
});

describe('the file', () => {
  const good = { iceServers: [{ urls: 'stun:127.0.0.1:9' }] };
  test.each([
    [{}, /targets takes 1 to 1000 plans/],
    [{ targets: {} }, /targets takes 1 to 1000 plans/],
    [{ targets: { a: good }, concurrency: 0 }, /concurrency takes an integer from 1 to 64/],
    [{ targets: { a: good }, timeoutSeconds: '5' }, /timeoutSeconds takes an integer/],
    [{ targets: { a: good }, intervall: 5 }, /intervall is no key.*intervalSeconds/],
    [
      { targets: { a: { ...good, qality: 5 } } },
      /targets\.a\.qality is no key.*targets\.a\.quality/,
    ],
    [{ targets: { a: { https: ['hunter2'] } } }, /targets\['a'\]: https\[0\] must be a URL/],
    [
      { targets: { a: { iceServers: [{ urls: 'turn:a', username: 'hunter2' }] } } },
      /targets\['a'\]: iceServers\[0\]\.credential must be/,
    ],
    [
      { targets: { a: { ...good, secret: { env: 'NOWHERE' } } } },
      /secret names the variable NOWHERE/,
    ],
    [
      { targets: { a: { ...good, secret: 'hunter2', userId: 5 } } },
      /targets\['a'\]: userId must be/,
    ],
    [
      { targets: { a: good }, listen: { port: 0, address: '0.0.0.0' } },
      /listen: listen\.address must be a loopback/,
    ],
    [{ targets: { ['x'.repeat(101)]: good } }, /name of more than 100/],
  ])('%j is refused', async (content, sentence) => {
    const { exitCode, stderr } = await runCommand(['check', '--watch', config(content)]);
    expect(stderr).toMatch(sentence);
    expect(exitCode).toBe(64);
    expect(stderr).not.toContain('hunter2');
  });

  test('as docs/cli.md shows it', async () => {
    const page = readFileSync(new URL('../../../docs/cli.md', import.meta.url), 'utf8');
    const [, section] = page.split('### An exporter for Prometheus\n');
    const [text = ''] = /^ {4}\{\n.*?^ {4}\}$/ms.exec(section) ?? [];
    const { listen: _, ...shown } = JSON.parse(text);
    writeFileSync(join(folder, 'turn-secret'), 'north\n');
    const { url } = await started(shown.targets, shown, { env: { TURN_PASSWORD: 'hunter2' } });
    expect((await get(url, '/metrics')).text).toMatch(/^postern_exporter_targets 2$/m);
  });

  test('a port that somebody has', async () => {
    const { url } = await started({ a: good });
    const listen = { port: Number(new URL(url).port) };
    const { exitCode, stderr } = await runCommand([
      'check',
      '--watch',
      config({ listen, targets: { a: good } }),
    ]);
    expect(stderr).toMatch(/EADDRINUSE/);
    expect(exitCode).toBe(2);
  });
});

describe('runs', () => {
  /** Tests that end when they are told to. @param {Partial<ConstructorParameters<typeof Runs>[1]>} [options] */
  function create(options) {
    /** @type {{ name: string, signal: AbortSignal, end: (result: string) => void, fail: (error: Error) => void }[]} */
    const tests = [];
    /** @type {Runs<string>} */
    const runs = new Runs(
      (name, signal) =>
        new Promise((end, fail) => {
          tests.push({ name, signal, end, fail });
          signal.addEventListener('abort', () => fail(signal.reason), { once: true });
        }),
      { concurrency: 2, intervalMs: 1000, timeoutMs: 60_000, ...options },
    );
    return { runs, tests };
  }
  const forever = new AbortController().signal;
  const settled = () => new Promise((resolve) => setImmediate(resolve));

  test('those who ask for the same wait for one test', async () => {
    const { runs, tests } = create();
    const asked = [runs.ask('a', forever), runs.ask('a', forever)];
    await settled();
    expect(tests).toHaveLength(1);
    tests[0].end('found');
    const [one, other] = await Promise.all(asked);
    expect([one.result, other.result]).toEqual(['found', 'found']);
    expect(await runs.ask('a', forever)).toMatchObject({ result: 'found', isNew: false });
    expect(tests).toHaveLength(1);
  });

  test('a result is told until the interval is over', async () => {
    let now = 0;
    const { runs, tests } = create({ now: () => now });
    const first = runs.ask('a', forever);
    await settled();
    tests[0].end('old');
    await first;
    now = 999;
    expect((await runs.ask('a', forever)).result).toBe('old');
    now = 1000;
    const second = runs.ask('a', forever);
    await settled();
    tests[1].end('new');
    expect(await second).toMatchObject({ result: 'new', isNew: true });
  });

  test('no more at once than there may be, in the order of asking', async () => {
    const { runs, tests } = create();
    const asked = ['a', 'b', 'c', 'd'].map((name) => runs.ask(name, forever));
    await settled();
    expect(tests.map(({ name }) => name)).toEqual(['a', 'b']);
    expect(runs.counts).toEqual({ running: 2, waiting: 2 });
    tests[0].fail(new Error('broken'));
    await expect(asked[0]).rejects.toThrow('broken');
    await settled();
    expect(tests.map(({ name }) => name)).toEqual(['a', 'b', 'c']);
    for (const i of [1, 2]) tests[i].end('found');
    await settled();
    tests[3].end('found');
    await Promise.all(asked.slice(1));
    expect(runs.counts).toEqual({ running: 0, waiting: 0 });
  });

  test('one that nobody waits for ends, and the next starts when it has', async () => {
    const { runs, tests } = create();
    const [one, other] = [new AbortController(), new AbortController()];
    const asked = [runs.ask('a', one.signal), runs.ask('a', other.signal)];
    for (const ask of asked) ask.catch(() => {});
    await settled();
    one.abort(new Error('one is gone'));
    await expect(asked[0]).rejects.toThrow('one is gone');
    expect(tests[0].signal.aborted).toBe(false);
    other.abort(new Error('the other too'));
    await expect(asked[1]).rejects.toThrow('the other too');
    expect(tests[0].signal.aborted).toBe(true);
    const again = runs.ask('a', forever);
    await settled();
    expect(tests).toHaveLength(2);
    tests[1].end('found');
    expect((await again).result).toBe('found');
  });

  test('whoever leaves the queue takes no turn of those behind', async () => {
    const { runs, tests } = create({ concurrency: 1 });
    const leaver = new AbortController();
    const asked = [runs.ask('a', forever), runs.ask('b', leaver.signal), runs.ask('c', forever)];
    asked[1].catch(() => {});
    await settled();
    leaver.abort(new Error('gone'));
    await settled();
    expect(runs.counts).toEqual({ running: 1, waiting: 1 });
    expect(tests.map(({ name }) => name)).toEqual(['a']);
    tests[0].end('found');
    await asked[0];
    await settled();
    expect(tests.map(({ name }) => name)).toEqual(['a', 'c']);
    tests[1].end('found');
    await asked[2];
    expect(runs.counts).toEqual({ running: 0, waiting: 0 });
  });

  test('close() ends them all', async () => {
    const { runs, tests } = create({ concurrency: 1 });
    const asked = [runs.ask('a', forever), runs.ask('b', forever)];
    for (const ask of asked) ask.catch(() => {});
    await settled();
    await runs.close();
    expect(tests).toHaveLength(1);
    await Promise.all(asked.map((ask) => expect(ask).rejects.toThrow('abandoned')));
  });
});
