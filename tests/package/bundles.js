// A program for browsers that uses postern, and the bundlers that users have.

import { execFile } from 'node:child_process';
import { copyFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { projectDirectory } from './consumer.js';

const run = promisify(execFile);

/** First in the bundle: sees what the policy forbids to what comes after it. */
const WATCH = `
export const violations = [];
addEventListener('securitypolicyviolation', ({ effectiveDirective, blockedURI, sourceFile }) => {
  violations.push([effectiveDirective, blockedURI, sourceFile].join(' '));
});
`;

/**
 * Reports what main() of a program gives.
 *
 * @param {string} source
 */
const reporting = (source) => `
import { violations } from './watch.js';
${source}
let report;
try {
  report = { result: await main() };
} catch (error) {
  report = { error: String(error?.stack ?? error) };
}
const thanks = await fetch('/report', { method: 'POST', body: JSON.stringify({ ...report, violations }) });
await thanks.text();
`;

/** Asks for its address, which a page cannot. */
const clientProgram = reporting(`
import { getMappedAddress } from 'postern';

async function main() {
  const { code, hint } = await getMappedAddress('stun:127.0.0.1').catch((error) => error);
  return { code, hint };
}
`);

/**
 * Reads the published request of RFC 5769 section 2.1, makes a message, cuts a stream; and says what came of it.
 *
 * @param {string} entry
 * @param {string} initOptions what init() is given
 */
const codecProgram = (entry, initOptions) =>
  reporting(`
import { decode, encode, init, prepareKey, StreamDeframer, verify } from '${entry}';

const hex = '000100582112a442b7e7a701bc34d686fa87dfae802200105354554e207465737420636c69656e74002400046e0001ff80290008' +
  '932ff9b151263b36000600096576746a3a68367659202020000800149aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a280280004e57a3bcf';
const bytes = Uint8Array.from(hex.match(/../g), (pair) => parseInt(pair, 16));
const codeOf = (action) => {
  try {
    action();
    return 'none';
  } catch (error) {
    return error.code ?? String(error);
  }
};

async function main() {
  const beforeInit = codeOf(() => decode(bytes));
  await init(${initOptions});
  const key = prepareKey({ password: 'VOkJxbRl1RmTxUk/WvJxBt' });
  const message = decode(bytes);
  const strong = prepareKey({ username: 'u', realm: 'r', password: 'p', algorithm: 'SHA-256' });
  const attributes = { xorMappedAddress: { address: '2001:db8::1', port: 3478 }, software: '\\u00e9' };
  const encoded = encode({ class: 'success', method: 'Binding', attributes, key: strong, fingerprint: true });
  const frames = new StreamDeframer().push(encoded);
  const again = decode(frames[0].bytes);
  return {
    beforeInit,
    username: message.attributes.username,
    iceControlled: String(message.attributes.iceControlled),
    fingerprint: message.fingerprint,
    isAuthentic: verify(message, key),
    isForged: verify(message, strong),
    again: again.attributes.xorMappedAddress,
    software: again.attributes.software,
    isAgainAuthentic: verify(again, strong),
    truncated: codeOf(() => decode(bytes.subarray(0, 50))),
  };
}
`);

/**
 * Talks to a peer that echoes, through a relay, in each of the ways that there are. The query of the page's URL says
 * where the servers are.
 */
const relayProgram = reporting(`
import { allocate } from 'postern';

const { gateway, port } = Object.fromEntries(new URLSearchParams(location.search));
const peer = { address: '127.0.0.1', port: Number(port) };
const bytes = (text) => new TextEncoder().encode(text);
const text = (data) => new TextDecoder().decode(data);

async function main() {
  const relay = await allocate(gateway, { credentials: { username: 'user', credential: 'pass' }, timeoutMs: 15_000 });
  const { transport, url } = relay;
  const relayedAddress = relay.relayedAddress.address;

  // Send and Data indications.
  const first = new Promise((resolve) => {
    relay.onmessage = (data, from, channel) => resolve([text(data), from, channel]);
  });
  await relay.permit(peer);
  relay.send(bytes('indication'), peer);
  const indication = await first;

  // A channel.
  const channel = await relay.bindChannel(peer);
  const second = new Promise((resolve) => {
    relay.onmessage = (data, from, number) => resolve([text(data), number === channel.number]);
  });
  channel.send(bytes('channel'));
  const overChannel = await second;
  relay.onmessage = undefined;

  // Streams.
  const writer = relay.writable.getWriter();
  const reader = relay.readable.getReader();
  await writer.write({ data: bytes('stream'), remoteAddress: peer.address, remotePort: peer.port });
  const { value } = await reader.read();
  const streamed = [text(value.data), value.remoteAddress, value.remotePort === peer.port];

  const { messagesSent, messagesReceived, dropped } = relay.stats();
  await relay.close();
  const { done } = await reader.read();
  const refused = await relay.permit(peer).catch(({ code }) => code);
  const { reason } = await relay.closed;
  const counters = { messagesSent, messagesReceived, dropped };
  return { transport, isSameUrl: url === gateway, relayedAddress, indication, overChannel, streamed, counters, done, refused, reason };
}
`);

/** Makes credentials, finds a mistake in others, and reads the answer of a provider. */
const credentialsProgram = reporting(`
import { createIceServers, explainCredentials, normalizeIceServers } from 'postern/credentials';

async function main() {
  const urls = ['stun:stun.example.org', 'turn:turn.example.org'];
  const nowMs = 1_700_000_000_000;
  const made = await createIceServers({ urls, secret: 'north', userId: 'alice', ttlSeconds: 3600, nowMs });
  new RTCPeerConnection(made).close();
  const [, turn] = made.iceServers;
  const { valid, findings } = await explainCredentials({ ...turn, secrets: 'south', nowMs });
  const { format } = normalizeIceServers(made);
  return { turn, valid, ids: findings.map(({ id }) => id), format };
}
`);

/** Finds the mapped address behind a simulated NAT, with requests that get lost. */
const testingProgram = reporting(`
import { getMappedAddress } from 'postern';
import { addStunServer, addTurnServer, createNetwork } from 'postern/testing';

async function main() {
  const network = createNetwork({ seed: 3, loss: 0.4 });
  const { urls } = await addStunServer(network);
  const nat = network.addNat();
  const { transport } = network.addHost({ nat });
  const { address, requestsSent } = await network.runUntil(getMappedAddress(urls[0], { transport }));
  const { code } = await addTurnServer(network, { secret: 'north' }).catch((error) => error);
  return { isMapped: address === nat.addresses[0], isVirtual: network.now > 500 * (requestsSent - 1), code };
}
`);

/** @param {string} entry @param {string} [initOptions] */
function program(entry, initOptions = '') {
  if (entry === 'postern') return clientProgram;
  if (entry === 'postern/credentials') return credentialsProgram;
  if (entry === 'postern/testing') return testingProgram;
  return codecProgram(entry, initOptions);
}

const PAGE =
  '<!doctype html><meta charset="utf-8"><title>postern</title><script type="module" src="./main.js"></script>\n';

/**
 * @typedef {object} Bundle
 * @property {string} directory to serve
 * @property {string} output what the bundler printed
 * @property {string[]} files
 * @property {string} code all JavaScript in it
 */

/** @param {string} directory @param {string} output @returns {Promise<Bundle>} */
async function bundleIn(directory, output) {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  const scripts = await Promise.all(
    files.filter((file) => file.endsWith('.js')).map((file) => readFile(file, 'utf8')),
  );
  return {
    directory,
    output,
    files: files.map((file) => file.slice(directory.length + 1)),
    code: scripts.join('\n'),
  };
}

/**
 * @param {import('./consumer.js').Consumer} consumer
 * @param {string} name of a folder for its sources
 * @param {string} source
 */
async function writeSources(consumer, name, source) {
  const directory = join(consumer.directory, name);
  await mkdir(directory);
  await writeFile(join(directory, 'watch.js'), WATCH);
  await writeFile(join(directory, 'main.js'), source);
  await writeFile(join(directory, 'index.html'), PAGE);
  return directory;
}

/** A page that has a relay. @param {import('./consumer.js').Consumer} consumer */
export const bundleRelay = async (consumer) =>
  buildWithVite(await writeSources(consumer, 'vite-relay', relayProgram));

/**
 * @param {import('./consumer.js').Consumer} consumer
 * @param {string} entry
 */
export const bundleWithVite = async (consumer, entry) =>
  buildWithVite(await writeSources(consumer, `vite-${entry.replaceAll('/', '-')}`, program(entry)));

/** @param {string} root folder of the sources */
async function buildWithVite(root) {
  const vite = join(projectDirectory, 'node_modules', 'vite', 'bin', 'vite.js');
  const args = [vite, 'build', root, '--base', './', '--logLevel', 'warn'];
  // Jest says that this is a test; the bundle is for production.
  const env = { ...process.env, NODE_ENV: 'production' };
  const { stdout, stderr } = await run(process.execPath, args, { cwd: root, env });
  return bundleIn(join(root, 'dist'), stdout + stderr);
}

/**
 * @param {import('./consumer.js').Consumer} consumer
 * @param {string} entry
 */
export async function bundleWithEsbuild(consumer, entry) {
  // esbuild copies no files: who wants the default entry puts the .wasm file somewhere and says where.
  const needsFile = entry === 'postern/codec';
  const source = program(entry, needsFile ? "{ wasmUrl: '/codec.wasm' }" : '');
  const root = await writeSources(consumer, `esbuild-${entry.replaceAll('/', '-')}`, source);
  const directory = join(root, 'dist');
  const { build } = await import('esbuild');
  const { warnings } = await build({
    absWorkingDir: root,
    entryPoints: ['main.js'],
    outdir: directory,
    bundle: true,
    format: 'esm',
    target: 'es2022',
    minify: true,
    logLevel: 'silent',
  });
  await copyFile(join(root, 'index.html'), join(directory, 'index.html'));
  if (needsFile) {
    await copyFile(
      join(consumer.packageDirectory, 'dist', 'wasm', 'codec.wasm'),
      join(directory, 'codec.wasm'),
    );
  }
  return bundleIn(directory, warnings.map(({ text }) => text).join('\n'));
}
