// The package in a process of its own, as users have it: nothing stays behind, nothing is unhandled.
import { expect, jest, test } from '@jest/globals';
import { runModule } from './child.js';

jest.setTimeout(120_000);

const RESPONDER = `
  import { startStunResponder } from './js/dev/stun-responder.js';
  const responder = await startStunResponder();
  const uri = 'stun:127.0.0.1:' + responder.udpPort;
`;

/** @param {string} source @param {string[]} [flags] */
async function output(source, flags) {
  const { status, stdout, stderr } = await runModule(source, flags);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return stdout;
}

test('import has no side effect, and leaves nothing open', async () => {
  const stdout = await output(`
    const count = () => [
      Reflect.ownKeys(globalThis).length,
      ...process.eventNames().map((name) => process.listenerCount(name)),
    ];
    const before = count();
    const { getMappedAddress } = await import('postern');
    console.log(JSON.stringify({
      type: typeof getMappedAddress,
      isUnchanged: String(count()) === String(before),
      sockets: process.getActiveResourcesInfo().filter((kind) => /UDP|TCP|Timeout/.test(kind)),
    }));
  `);
  expect(JSON.parse(stdout)).toEqual({ type: 'function', isUnchanged: true, sockets: [] });
});

test.each([
  ['getMappedAddress over UDP', 'await getMappedAddress(uri)'],
  ['getMappedAddress over TCP', "await getMappedAddress(uri, { transport: 'tcp' })"],
  ['getMappedAddress with time to spare', 'await getMappedAddress(uri, { timeoutMs: 3_600_000 })'],
  [
    'a client that was closed',
    'const c = await openStunClient(uri); await c.bind(); await c.close()',
  ],
  [
    'a client that was let go of in the middle',
    'const c = await openStunClient(uri); c.bind().catch(() => {}); c.close()',
  ],
  [
    'a call that failed',
    "await getMappedAddress('stun:127.0.0.1:9', { timeoutMs: 1 }).catch(() => {})",
  ],
  [
    'a call that was aborted',
    'await getMappedAddress(uri, { signal: AbortSignal.timeout(1), transport: () => new Promise(() => {}) }).catch(() => {})',
  ],
])('the process ends by itself after %s', async (_, statement) => {
  const stdout = await output(`
    import { getMappedAddress, openStunClient } from 'postern';
    ${RESPONDER}
    ${statement};
    await responder.close();
    console.log('done');
  `);
  expect(stdout).toBe('done\n');
});

test('an open client keeps the process, until the server closes the connection', async () => {
  const stdout = await output(`
    import { openStunClient } from 'postern';
    ${RESPONDER}
    const client = await openStunClient(uri, { transport: 'tcp' });
    client.closed.then(() => console.log('closed'));
    await client.bind();
    setImmediate(() => responder.close());
  `);
  expect(stdout).toBe('closed\n');
});

test('nothing is unhandled, wherever a call is aborted', async () => {
  const stdout = await output(`
    import { getMappedAddress, openStunClient } from 'postern';
    ${RESPONDER}
    let aborted = 0;
    for (let turns = 0; turns < 12; turns++) {
      for (const transport of ['udp', 'tcp']) {
        for (const call of [getMappedAddress, async (...args) => (await openStunClient(...args)).close()]) {
          const controller = new AbortController();
          const promise = call([uri, uri], { transport, signal: controller.signal });
          promise.catch(() => aborted++);
          for (let i = 0; i < turns; i++) await (turns % 2 ? null : new Promise(setImmediate));
          controller.abort(new Error('enough'));
          await promise.catch(() => {});
        }
      }
    }
    await responder.close();
    console.log(aborted > 0);
  `);
  expect(stdout).toBe('true\n');
});

test('works where code may not be made from strings', async () => {
  const stdout = await output(
    `
    import { getMappedAddress } from 'postern';
    ${RESPONDER}
    console.log((await getMappedAddress(uri)).address);
    await responder.close();
  `,
    ['--disallow-code-generation-from-strings'],
  );
  expect(stdout).toBe('127.0.0.1\n');
});

test('works in a worker, beside the main thread', async () => {
  const stdout = await output(`
    import { Worker } from 'node:worker_threads';
    import { once } from 'node:events';
    import { getMappedAddress } from 'postern';
    ${RESPONDER}
    const worker = new Worker(
      "import('postern').then(async ({ getMappedAddress }) => {" +
        "const { parentPort, workerData } = await import('node:worker_threads');" +
        'parentPort.postMessage((await getMappedAddress(workerData)).address); })',
      { eval: true, workerData: uri },
    );
    const [[inWorker], here] = await Promise.all([once(worker, 'message'), getMappedAddress(uri)]);
    await responder.close();
    console.log(inWorker, here.address);
  `);
  expect(stdout).toBe('127.0.0.1 127.0.0.1\n');
});
