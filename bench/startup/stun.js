import { createRequire } from 'node:module';

const start = performance.now();
const stun = createRequire(import.meta.url)('stun');
const username = stun.decode(Buffer.from(process.argv[2], 'hex')).getUsername();
if (username !== process.argv[3]) throw new Error(`decoded ${username}`);
process.stdout.write(String(performance.now() - start));
