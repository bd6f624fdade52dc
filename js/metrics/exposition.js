// The text format that Prometheus scrapes (version 0.0.4).

/**
 * @typedef {object} Metric
 * @property {string} name in snake case; counters end in _total
 * @property {'counter' | 'gauge'} type
 * @property {string} help one sentence
 * @property {(readonly [labels: Readonly<Record<string, string>>, value: number])[]} samples
 */

export const EXPOSITION_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** @param {string} value */
const escapeLabel = (value) =>
  value.replace(/[\\"\n]/g, (one) => (one === '\n' ? '\\n' : `\\${one}`));

/** @param {Readonly<Record<string, string>>} labels */
function formatLabels(labels) {
  const parts = Object.entries(labels).map(([name, value]) => `${name}="${escapeLabel(value)}"`);
  return parts.length === 0 ? '' : `{${parts.join(',')}}`;
}

/** @param {readonly Metric[]} metrics @returns {string} */
export function exposition(metrics) {
  const lines = metrics.flatMap(({ name, type, help, samples }) => [
    `# HELP ${name} ${help.replace(/[\\\n]/g, (one) => (one === '\n' ? '\\n' : '\\\\'))}`,
    `# TYPE ${name} ${type}`,
    ...samples.map(([labels, value]) => `${name}${formatLabels(labels)} ${value}`),
  ]);
  return `${lines.join('\n')}\n`;
}
