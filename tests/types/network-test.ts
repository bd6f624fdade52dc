// 'postern/network-test' and 'postern/report' as TypeScript sees them: compiled, never run. What must not compile is marked.
import {
  checkPlan,
  type NetworkPlan,
  type NetworkTestOptions,
  runNetworkTest,
  type TestEvent,
} from 'postern/network-test';
import type { Grade, Measurement, Report } from 'postern/report';

const plan: NetworkPlan = {
  name: 'office',
  iceServers: [{ urls: ['turn:turn.example.org'], username: 'alice', credential: 'secret' }],
  signalling: ['wss://app.example.org/'],
  https: ['https://app.example.org/'],
  natServer: false,
  families: ['IPv4'],
  quality: { seconds: 2, throughputSeconds: 0 },
};
// @ts-expect-error: no such family
checkPlan({ families: ['IPv5'] });
// @ts-expect-error: no such field
checkPlan({ servers: [] });

const told = (event: TestEvent) => {
  switch (event.type) {
    case 'plan':
      return event.steps.map(({ id, expectedMs }) => `${id} ${expectedMs.toFixed()}`).join();
    case 'step':
      return `${event.id} ${event.state satisfies 'running' | 'done'}`;
    case 'measurement': {
      const { measurement } = event;
      return measurement.kind === 'reachability' ? measurement.transport : measurement.id;
    }
    case 'sample':
      return String(event.sample.roundTripMs?.toFixed());
    case 'report':
      return event.report.summary;
  }
};

export async function testing(signal: AbortSignal) {
  const options: NetworkTestOptions = {
    signal,
    onEvent: (event) => void told(event).length,
    tls: { ca: '' },
    timeoutMs: 1000,
  };
  // @ts-expect-error: certificates are always checked
  await runNetworkTest(plan, { tls: { rejectUnauthorized: false } });
  const report: Report = await runNetworkTest(plan, options);
  const grade: Grade = report.grade;
  const measurements: Measurement[] = report.measurements;
  return { grade, measurements };
}
