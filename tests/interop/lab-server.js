// Runs in the laboratory's namespace of the server. Argument: a JSON object of createServer()'s options, with `tls` as files
// { cert, key }; says { "ready": true } when it listens.
import { readFileSync } from 'node:fs';
import { createServer } from '../../js/server/index.js';

const { tls, ...options } = JSON.parse(process.argv[2]);
const files = tls && { cert: readFileSync(tls.cert), key: readFileSync(tls.key) };
await createServer({ ...options, ...(files && { tls: files }) });
process.stdout.write('{"ready":true}\n');
process.stdin.on('end', () => process.exit()).resume();
