// A check for CI or cron: do all ways to a TURN server carry data? Exit code 0 when they do.
//   ICE_SERVERS='[{"urls":["turn:turn.example.org","turns:turn.example.org"],"username":"u","credential":"p"}]' \
//     node examples/check-turn-server.js
// The command `postern check` does this with a table and more exit codes.
import { checkIceServers } from 'postern';

const rows = await checkIceServers(JSON.parse(process.env.ICE_SERVERS ?? '[]'));
for (const { url, transport, ok, roundTripMs, code, errorCode, message, hint } of rows) {
  if (ok) console.log(`ok      ${url} (${transport}) ${roundTripMs} ms`);
  else console.log(`failed  ${url} (${transport})`, code, errorCode ?? '', message, hint ?? '');
}
process.exitCode = rows.every(({ ok }) => ok) ? 0 : 1;
