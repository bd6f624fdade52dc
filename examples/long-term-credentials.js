// A server that answers only those it knows: it challenges, the client answers, with MD5 or SHA-256 as the server
// wishes (RFC 8489 section 9.2).
//   STUN_USER=alice STUN_PASSWORD=secret node examples/long-term-credentials.js stun:stun.example.org
import { getMappedAddress } from 'postern';

const { STUN_USER: username = 'user', STUN_PASSWORD: credential = 'pass' } = process.env;
const server = { urls: process.argv[2] ?? 'stun:127.0.0.1', username, credential };
const { address, port, authenticated } = await getMappedAddress(server, { timeoutMs: 5000 });
console.log({ address, port, authenticated });
