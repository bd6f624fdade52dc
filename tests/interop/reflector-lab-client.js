// Runs in the laboratory's namespace of the client: each line of input is a request for one measurement over a session of
// its own, { measure, transport? } or { measure: 'flow', rate }; each line of output is what was measured. Argument: the URL
// of the reflector.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { measureInspection } from '../../js/measure/inspection.js';
import { measurePorts } from '../../js/measure/port-map.js';
import { openReflector } from '../../js/measure/reflector/open-reflector.js';
import { measureSipAlg } from '../../js/measure/sip-alg.js';

/**
 * Both ways, over a bare socket.
 *
 * @param {import('../../js/measure/reflector/open-reflector.js').ReflectorSession} session
 * @param {{ rate: import('../../js/measure/reflector/flow.js').FlowRate }} options
 */
async function measureFlow(session, { rate }) {
  const socket = createSocket('udp4').bind(0);
  await once(socket, 'listening');
  const { address, port } = session.peer;
  const flow = session.flow({ send: (bytes) => void socket.send(bytes, port, address) });
  socket.on('message', (bytes) => flow.receive(bytes));
  const found = { up: await flow.up(rate), down: await flow.down(rate) };
  socket.close();
  return found;
}

/** @type {Record<string, (session: any, options: any) => Promise<unknown>>} */
const MEASURES = {
  ports: measurePorts,
  inspection: measureInspection,
  'sip-alg': measureSipAlg,
  flow: measureFlow,
};

const [url] = process.argv.slice(2);
const { signal } = new AbortController();
for await (const line of createInterface({ input: process.stdin })) {
  const { measure, ...options } = JSON.parse(line);
  const session = await openReflector(url, { signal });
  const found = await MEASURES[measure](session, options);
  await session.close();
  process.stdout.write(`${JSON.stringify(found)}\n`);
}
