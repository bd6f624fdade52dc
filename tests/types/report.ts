// 'postern/report' as TypeScript sees it: compiled, never run. What must not compile is marked.
import {
  type Ask,
  type Comparison,
  compareReports,
  createReport,
  fromJson,
  type Grade,
  type Measurement,
  measurementId,
  type Report,
  type ReportFinding,
  redact,
  toHtml,
  toJson,
  toJUnit,
  toPrometheus,
  toText,
  verdictOf,
} from 'postern/report';

const measurement: Measurement = {
  id: measurementId('https', 'https://app.example.org/'),
  kind: 'https',
  whose: 'client',
  status: 'ok',
  url: 'https://app.example.org/',
  httpStatus: 204,
};
const report: Report = createReport({
  createdAt: new Date().toISOString(),
  tool: { name: 'mine', version: '1' },
  platform: { name: 'node' },
  measurements: [measurement],
});
// @ts-expect-error: the time is the caller's
createReport({
  tool: { name: 'mine', version: '1' },
  platform: { name: 'node' },
  measurements: [],
});
// @ts-expect-error: no such status
export const wrong: Measurement = { ...measurement, status: 'fine' };

const grade: Grade = verdictOf([measurement], { nowMs: 0 }).grade;
const findings: ReportFinding[] = report.findings;
const asks: Ask[] = report.asks;
const comparison: Comparison = compareReports(report, fromJson(toJson(report)));
export const texts: string[] = [toHtml, toJUnit, toPrometheus, toText].map((write) =>
  write(redact(report, { addresses: 'prefix' }), { secrets: ['secret'] }),
);
export const all = { grade, findings, asks, better: comparison.better };
