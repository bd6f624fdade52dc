// Runs in the laboratory's namespace of the server: a reflector, and the web server that it is mounted on.
// Arguments: the port for HTTP, a JSON object of createReflector()'s options.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createReflector } from '../../js/reflector/index.js';

const [port, options] = process.argv.slice(2);
const reflector = await createReflector(JSON.parse(options));
const server = createServer(reflector.handler);
server.listen(Number(port), reflector.addresses[0].address);
await once(server, 'listening');
process.stdout.write('{"ready":true}\n');
process.stdin.on('end', () => process.exit()).resume();
