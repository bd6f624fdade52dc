// The form of a report, as JSON Schema: docs/report.schema.json is this object.
import { MEASUREMENTS } from './kinds.js';
import {
  address,
  allBut,
  count,
  date,
  host,
  id,
  list,
  object,
  oneOf,
  port,
  text,
  whole,
} from './schema-parts.js';

/** @template T @typedef {import('./schema-parts.js').Properties<T>} Properties */

export const FORMAT = /** @type {const} */ ('postern-report');
export const VERSION = /** @type {const} */ (1);

/** @type {Properties<import('./types.js').ReportFinding>} */
const FINDING = {
  id,
  severity: oneOf('good', 'info', 'warning', 'error'),
  about: oneOf('network', 'nat', 'server', 'credentials', 'name', 'device', 'test'),
  title: text,
  text,
  advice: text,
  evidence: list(id),
};

/** @type {Properties<import('./types.js').Ask>} */
const ASK = {
  id,
  protocol: oneOf('udp', 'tcp'),
  ports: list(port),
  names: list(host),
  addresses: list(address),
  direction: oneOf('outbound', 'inbound'),
  purpose: oneOf('signalling', 'media'),
  preference: count,
  why: text,
  text,
  evidence: list(id),
};

/** @type {Properties<import('./types.js').Report>} */
const REPORT = {
  format: { const: FORMAT },
  version: { const: VERSION },
  createdAt: date,
  tool: whole({ name: text, version: text }),
  platform: object({ name: text, version: text, system: text }, ['name']),
  name: text,
  grade: oneOf('excellent', 'good', 'fair', 'poor', 'blocked', 'unknown'),
  summary: text,
  findings: list(object(FINDING, allBut(FINDING, 'advice'))),
  asks: list(whole(ASK)),
  measurements: list({ oneOf: MEASUREMENTS }),
};

/** @type {import('./schema-parts.js').Schema & { $schema: string, title: string }} */
export const REPORT_SCHEMA = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  title: 'Report of a network test, version 1',
  ...object(REPORT, allBut(REPORT, 'name')),
};
