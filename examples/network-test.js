// Will calls work from here? What was measured and what it means, live; the report as a page.
//   node examples/network-test.js turn:turn.example.org alice secret report.html
import { writeFile } from 'node:fs/promises';
import { runNetworkTest } from 'postern/network-test';
import { toHtml } from 'postern/report';

const [urls = 'stun:127.0.0.1', username, credential, file] = process.argv.slice(2);
const report = await runNetworkTest(
  { iceServers: [{ urls, username, credential }], quality: { seconds: 3 } },
  {
    onEvent: (event) => {
      if (event.type === 'step') console.log(event.id, event.state);
      if (event.type === 'measurement') console.log(event.measurement.id, event.measurement.status);
      if (event.type === 'sample') console.log(event.sample.roundTripMs?.toFixed(1), 'ms');
    },
  },
);
console.log(report.grade, report.summary);
for (const { title, advice = '' } of report.findings) console.log(title, advice);
for (const { text } of report.asks) console.log(text);
if (file) await writeFile(file, toHtml(report, { secrets: credential ? [credential] : [] }));
