// Runs in the laboratory's namespace of a client: network tests from there. Arguments: addresses by name, as a JSON object; the
// file of an authority that is trusted. For each line { plan, timeoutMs } it says the report, or { error }.
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { runNetworkTest } from '../../js/network-test/index.js';

const [names, authority] = process.argv.slice(2);
/** @type {Record<string, string>} */
const addresses = JSON.parse(names);
const notFound = () => Object.assign(new Error('no such record'), { code: 'ENOTFOUND' });

/** @type {import('../../js/resolve/system-resolver.js').NameResolver} */
const resolver = {
  lookup: async (name, { family }) => {
    if (!Object.hasOwn(addresses, name) || family === 6) throw notFound();
    return [{ address: addresses[name] }];
  },
  resolveSrv: async () => {
    throw notFound();
  },
};
const tls = { ca: readFileSync(authority) };

for await (const line of createInterface({ input: process.stdin })) {
  const { plan, timeoutMs } = JSON.parse(line);
  const answer = await runNetworkTest(plan, { resolver, tls, timeoutMs }).catch(
    ({ code, message }) => ({ error: `${code}: ${message}` }),
  );
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
