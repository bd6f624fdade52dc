// Runs in the laboratory's namespace of the client: each line of input is a request for one measurement over a session of
// its own, { measure, transport? }; each line of output is what was measured. Argument: the URL of the reflector.
import { createInterface } from 'node:readline';
import { measureInspection } from '../../js/measure/inspection.js';
import { measurePorts } from '../../js/measure/port-map.js';
import { openReflector } from '../../js/measure/reflector/open-reflector.js';
import { measureSipAlg } from '../../js/measure/sip-alg.js';

const MEASURES = { ports: measurePorts, inspection: measureInspection, 'sip-alg': measureSipAlg };

const [url] = process.argv.slice(2);
const { signal } = new AbortController();
for await (const line of createInterface({ input: process.stdin })) {
  const { measure, ...options } = JSON.parse(line);
  const session = await openReflector(url, { signal });
  const found = await MEASURES[/** @type {keyof typeof MEASURES} */ (measure)](session, options);
  await session.close();
  process.stdout.write(`${JSON.stringify(found)}\n`);
}
