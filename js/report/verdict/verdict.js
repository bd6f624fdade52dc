// From measurements to what they mean, in plain words: facts, then the decision table, then a grade and what to ask for.
import { argumentError } from '../../errors.js';
import { asksFor, PURPOSES } from './asks.js';
import { Facts } from './facts.js';
import { GRADE_WORDS, gradeOf } from './grades.js';
import { listed } from './listed.js';
import { addNatFacts } from './nat-facts.js';
import { NAT_RULES } from './nat-rules.js';
import { NETWORK_RULES } from './network-rules.js';
import { addQualityFacts } from './quality-facts.js';
import { QUALITY_RULES } from './quality-rules.js';
import { addReachFacts } from './reach-facts.js';
import { addServerFacts } from './server-facts.js';
import { SERVICE_RULES } from './service-rules.js';

/** @typedef {import('../measurements/types.js').Measurement} Measurement */
/** @typedef {import('../measurements/types.js').ReportFinding} ReportFinding */
/** @typedef {import('./network-rules.js').Rule} Rule */

/** The decision table: every rule whose conditions hold is a finding. */
export const RULES = Object.freeze([
  ...NETWORK_RULES,
  ...SERVICE_RULES,
  ...NAT_RULES,
  ...QUALITY_RULES,
]);

const SEVERITIES = /** @type {const} */ (['error', 'warning', 'info', 'good']);
const MAX_NAMED = 5;
const MAX_IN_SUMMARY = 3;

/** @param {Rule} rule @param {Facts} facts @returns {ReportFinding} */
function findingOf({ id, when, of, severity, about, title, text, advice }, facts) {
  const [[first]] = Object.entries(when);
  const name = of ?? first;
  const what = listed(
    facts.evidence(name, when[name]).map(({ words }) => words),
    MAX_NAMED,
  );
  const evidence = Object.entries(when).flatMap(([fact, values]) =>
    facts.evidence(fact, values).map((one) => one.id),
  );
  return {
    id,
    severity,
    about,
    title,
    text: text.replace('{what}', () => what),
    ...(advice === undefined ? {} : { advice }),
    evidence: [...new Set(evidence)],
  };
}

/** @param {import('../measurements/types.js').Grade} grade @param {readonly ReportFinding[]} findings @param {readonly import('../measurements/types.js').Ask[]} asks */
function summaryOf(grade, findings, asks) {
  const wrong = findings.filter(({ severity }) => severity === 'error' || severity === 'warning');
  const named = wrong.slice(0, MAX_IN_SUMMARY).map(({ title }) => `${title}.`);
  const more = wrong.length - named.length;
  const rest = more > 0 ? [`${more} more ${more === 1 ? 'thing' : 'things'} below.`] : [];
  const groups = PURPOSES.map((purpose) => asks.filter((one) => one.purpose === purpose))
    .filter((group) => group.length > 0)
    .map((group) => [...new Set(group.map(inShort))].join(', or '));
  const ask = groups.length > 0 ? [`Ask your IT for: ${groups.join('; and ')}.`] : [];
  return [GRADE_WORDS[grade], ...named, ...rest, ...ask].join(' ');
}

/** @param {import('../measurements/types.js').Ask} ask */
function inShort({ protocol, ports, names, addresses }) {
  const places = names.length > 0 ? names : addresses;
  return `outbound ${protocol.toUpperCase()} ${ports.join(', ')} to ${listed(places, MAX_NAMED)}`;
}

/**
 * @param {readonly Measurement[]} measurements
 * @param {{ nowMs: number }} options `nowMs`: milliseconds since 1970, for certificates and credentials
 * @returns {import('../measurements/types.js').Verdict}
 * @throws {TypeError} ERR_INVALID_ARGUMENT. The form of each measurement is not looked at: createReport() does that
 */
export function verdictOf(measurements, { nowMs }) {
  if (!Array.isArray(measurements)) throw argumentError('measurements', 'an array');
  if (!Number.isFinite(nowMs)) throw argumentError('options.nowMs', 'a time, in milliseconds');
  const facts = new Facts();
  addReachFacts(facts, measurements, nowMs);
  addServerFacts(facts, measurements, nowMs);
  addNatFacts(facts, measurements);
  addQualityFacts(facts, measurements);
  const findings = RULES.filter(({ when }) => facts.fulfil(when))
    .map((rule) => findingOf(rule, facts))
    .sort((a, b) => SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity));
  const grade = gradeOf(facts);
  const asks = asksFor(findings, measurements);
  return { grade, summary: summaryOf(grade, findings, asks), findings, asks };
}
