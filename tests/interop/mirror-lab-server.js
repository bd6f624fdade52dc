// Runs in the laboratory's namespace of the server: a mirror, and the web server that it is mounted on.
// Arguments: the port for HTTP, a JSON object of createMirror()'s options.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createMirror } from '../../js/mirror/index.js';

const [port, options] = process.argv.slice(2);
const mirror = await createMirror(JSON.parse(options));
const server = createServer(mirror.handler);
server.listen(Number(port), mirror.addresses[0].address);
await once(server, 'listening');
process.stdout.write('ready\n');
process.stdin.on('end', () => process.exit()).resume();
