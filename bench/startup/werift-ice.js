import { createRequire } from 'node:module';

const start = performance.now();
const { parseMessage } = createRequire(import.meta.url)('werift-ice');
const message = parseMessage(Buffer.from(process.argv[2], 'hex'));
const username = message.getAttributeValue('USERNAME');
if (username !== process.argv[3]) throw new Error(`decoded ${username}`);
process.stdout.write(String(performance.now() - start));
