// A report as tables, which text and HTML show each in its way.
import { inUnit } from '../verdict/thresholds.js';
import { KIND_TABLES, ms } from './columns.js';

/** @typedef {import('../measurements/types.js').Measurement} Measurement */
/** @typedef {import('../measurements/types.js').QualityMeasurement} QualityMeasurement */
/** @typedef {import('../measurements/types.js').Report} Report */

/** @typedef {'good' | 'bad' | 'warn' | 'dim'} Tone */
/** @typedef {string | { text: string, tone: Tone }} Cell */
/** @typedef {{ title: string, columns: readonly string[], rows: Cell[][] }} Table */

/** @type {Readonly<Record<Measurement['status'], Tone>>} */
const TONES = Object.freeze({ ok: 'good', failed: 'bad', unknown: 'warn', skipped: 'dim' });
/** @type {Readonly<Record<string, Tone>>} */
const VALUE_TONES = Object.freeze({
  open: 'good',
  passed: 'good',
  blocked: 'bad',
  unknown: 'warn',
  untestable: 'dim',
});

/** @param {string} value @returns {Cell} */
const toned = (value) => (value in VALUE_TONES ? { text: value, tone: VALUE_TONES[value] } : value);

/** What went wrong. @param {Measurement} measurement */
function remark({ because, error }) {
  const said = error && [error.message, error.hint].filter(Boolean).join(' ');
  const codes = error && [error.code, error.errorCode, error.systemCode, error.phase];
  const named = codes?.filter((one) => one !== undefined).join(', ');
  const words = [because === error?.message ? undefined : because, said].filter(Boolean).join('; ');
  return [words, named && `(${named})`].filter(Boolean).join(' ');
}

/** @param {string | number | null | undefined} value @returns {Cell} */
const cellOf = (value) => (value === undefined || value === null ? '' : String(value));

/** @param {keyof typeof KIND_TABLES} kind @param {readonly Measurement[]} measurements @returns {Table[]} */
function tableOfKind(kind, measurements) {
  const of = measurements.filter((one) => one.kind === kind);
  if (of.length === 0) return [];
  const { title, columns } = KIND_TABLES[kind];
  // The columns of a kind take measurements of that kind.
  const cells =
    /** @type {readonly (readonly [string, (one: any) => string | number | undefined])[]} */ (
      columns
    );
  return [
    {
      title,
      columns: ['', ...cells.map(([name]) => name), 'path of', 'took', 'remark', 'id'],
      rows: of.map((one) => [
        { text: one.status, tone: TONES[one.status] },
        ...cells.map(([, read]) => cellOf(read(one))),
        one.whose,
        cellOf(ms(one.elapsedMs)),
        remark(one),
        { text: one.id, tone: 'dim' },
      ]),
    },
  ];
}

/** @param {number | null | undefined} value @param {string} [unit] */
const numberCell = (value, unit = '') =>
  value === undefined || value === null ? '' : `${Number(value.toFixed(2))}${unit}`;

/** @param {string} name @param {QualityMeasurement['throughput']} throughput @returns {[string, string][]} */
function throughputRows(name, throughput) {
  if (throughput === undefined) return [];
  const { kbps, minKbps, maxKbps, bytes, bins, binMs } = throughput;
  return [
    [`${name}: mean`, numberCell(kbps, ' kbit/s')],
    [`${name}: least, most`, `${numberCell(minKbps)}, ${numberCell(maxKbps)} kbit/s`],
    [`${name}: measured`, `${bytes} bytes, ${bins} bins of ${ms(binMs)}`],
  ];
}

/** All numbers of a measurement. @param {QualityMeasurement} quality @returns {[string, string][]} */
function numbersOf(quality) {
  const { roundTrips, jitter, arrivals, stalls, loadedLatency, mos } = quality;
  const { throughput, throughputUp, throughputDown } = quality;
  const bursts = arrivals?.bursts;
  /** @type {[string, string][]} */
  const rows = [
    ['round trip: least', cellText(ms(roundTrips?.minMs))],
    ['round trip: median', cellText(ms(roundTrips?.medianMs))],
    ['round trip: 95 % are below', cellText(ms(roundTrips?.p95Ms))],
    ['round trip: most', cellText(ms(roundTrips?.maxMs))],
    [
      'round trip: samples, lost, ambiguous',
      roundTrips ? `${roundTrips.n}, ${roundTrips.lost}, ${roundTrips.ambiguous}` : '',
    ],
    ['jitter (RFC 3550)', cellText(ms(jitter?.jitterMs))],
    ['jitter: most', cellText(ms(jitter?.maxJitterMs))],
    ['delay variation, 95 % are below (RFC 5481)', cellText(ms(jitter?.pdvP95Ms))],
    [
      'loss',
      arrivals && arrivals.lossRatio !== null
        ? `${inUnit(arrivals.lossRatio, '%')}, ${arrivals.lost} of ${arrivals.decided}`
        : '',
    ],
    ['late', numberCell(arrivals?.late)],
    ['duplicates', numberCell(arrivals?.duplicates)],
    ['reordered (RFC 4737)', numberCell(arrivals?.reordered)],
    ['of unknown number', numberCell(arrivals?.unknown)],
    ['bursts, gaps (RFC 3611)', bursts ? `${bursts.bursts}, ${bursts.gaps}` : ''],
    [
      'burst density, gap density',
      bursts ? `${inUnit(bursts.burstDensity, '%')}, ${inUnit(bursts.gapDensity, '%')}` : '',
    ],
    [
      'burst length, gap length, in packets',
      bursts ? `${numberCell(bursts.burstPackets)}, ${numberCell(bursts.gapPackets)}` : '',
    ],
    [
      'burst length, gap length',
      bursts?.burstMs === undefined ? '' : `${ms(bursts.burstMs)}, ${ms(bursts.gapMs)}`,
    ],
    ['burst ratio', numberCell(bursts?.burstRatio)],
    ['gaps in the stream: median', cellText(ms(stalls?.medianGapMs))],
    [
      'stalls',
      stalls ? `${stalls.stalls} of ${stalls.n} gaps, ${ms(stalls.stalledMs)} in all` : '',
    ],
    ['longest stall', cellText(ms(stalls?.longestMs))],
    ...throughputRows('throughput', throughput),
    ...throughputRows('throughput up', throughputUp),
    ...throughputRows('throughput down', throughputDown),
    [
      'round trip: idle, loaded',
      loadedLatency ? `${ms(loadedLatency.idleMs) ?? ''}, ${ms(loadedLatency.loadedMs) ?? ''}` : '',
    ],
    ['round trip: loaded by idle', numberCell(loadedLatency?.ratio)],
    ['round trip: added by load', cellText(ms(loadedLatency?.addedMs))],
  ];
  for (const { name, r, mos: score } of mos?.formulas ?? []) {
    rows.push([`MOS by ${name}`, `${score.toFixed(1)} (R ${r.toFixed(0)})`]);
  }
  return rows.filter(([, value]) => value !== '');
}

/** @param {string | undefined} text */
const cellText = (text) => text ?? '';

/** Tables of what one measurement has many of. @param {Measurement} one @returns {Table[]} */
function detailsOf(one) {
  const of = `${one.id}`;
  switch (one.kind) {
    case 'port-map':
      return [
        {
          title: `Ports: ${of}`,
          columns: ['port', 'outwards', 'inwards', 'remark'],
          rows: one.ports.map(({ port, outwards, inwards, because }) => [
            String(port),
            toned(outwards),
            toned(inwards),
            because ?? '',
          ]),
        },
      ];
    case 'inspection':
      return [
        {
          title: `Inspection: ${of}`,
          columns: ['packets that look like', 'result', 'remark'],
          rows: one.patterns.map(({ looksLike, result, because }) => [
            looksLike,
            toned(result),
            because ?? '',
          ]),
        },
      ];
    case 'path':
      return [
        {
          title: `Candidates: ${of}`,
          columns: ['type', 'protocol', 'address', 'port', 'to the relay', 'server'],
          rows: one.candidates.map(({ type, protocol, address, port, relayProtocol, url }) => [
            type,
            protocol,
            address ?? '',
            cellOf(port),
            relayProtocol ?? '',
            url ?? '',
          ]),
        },
      ];
    case 'quality':
      return [{ title: `Numbers: ${of}`, columns: ['', 'value'], rows: numbersOf(one) }];
    default:
      return [];
  }
}

/**
 * @param {readonly Measurement[]} measurements
 * @returns {Table[]} one for each kind, then one for each measurement that has more to show
 */
export function tablesOf(measurements) {
  const kinds = /** @type {(keyof typeof KIND_TABLES)[]} */ (Object.keys(KIND_TABLES));
  return [
    ...kinds.flatMap((kind) => tableOfKind(kind, measurements)),
    ...measurements.flatMap(detailsOf).filter(({ rows }) => rows.length > 0),
  ];
}

/** The columns in which a row has something. @param {Table} table @returns {Table} */
export function withoutEmptyColumns({ title, columns, rows }) {
  const isUsed = columns.map((_, i) =>
    rows.some((row) => (typeof row[i] === 'string' ? row[i] : row[i].text) !== ''),
  );
  return {
    title,
    columns: columns.filter((_, i) => isUsed[i]),
    rows: rows.map((row) => row.filter((_, i) => isUsed[i])),
  };
}
