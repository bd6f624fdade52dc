// How the NATs and firewalls between this machine and a STUN server behave. It takes a server with two addresses.
//   node examples/nat.js stun:stun.example.org
import { discoverNat } from 'postern';

const [server = 'stun:127.0.0.1'] = process.argv.slice(2);
const { behindNat, publicAddress, mapping, filtering, hairpinning, classicName } =
  await discoverNat(server, { timeoutMs: 5000 });
console.log({ behindNat, publicAddress, classicName });
for (const [name, { behaviour, message }] of Object.entries({ mapping, filtering, hairpinning })) {
  console.log(`${name}: ${message ?? behaviour}`);
}
