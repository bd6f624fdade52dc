// One client, kept open: round trips, and keep-alives that hold the NAT's binding in between.
//   node examples/keep-alive.js stun:stun.example.org
import { setTimeout as wait } from 'node:timers/promises';
import { openStunClient } from 'postern';

const client = await openStunClient(process.argv[2] ?? 'stun:127.0.0.1', { timeoutMs: 5000 });
try {
  for (let i = 0; i < 5; i += 1) {
    const { address, port, roundTripMs } = await client.bind({ signal: AbortSignal.timeout(5000) });
    console.log(`${address}:${port}`, roundTripMs);
    client.keepAlive();
    await wait(200);
  }
  console.log('dropped:', client.stats());
} finally {
  await client.close();
}
