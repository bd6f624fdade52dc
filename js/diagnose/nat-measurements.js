// What diagnoseNat() has found, as measurements of a report. Pure.
import { measurementId } from '../report/measurements/ids.js';
import { REASONS } from './unknown.js';

/** @typedef {import('../report/measurements/types.js').NatMeasurement} NatMeasurement */
/** @typedef {import('../report/measurements/types.js').PortMapMeasurement} PortMapMeasurement */
/** @typedef {import('../report/measurements/types.js').MeasurementError} MeasurementError */
/** @typedef {import('./nat.js').NatDiagnosis} NatDiagnosis */
/**
 * @template T
 * @typedef {import('./unknown.js').Finding<T>} Finding
 */

const SECOND_MS = 1000;
/** Nobody wanted to know, or the mirror is not made for it: no result. */
const LEFT_OUT = new Set(['not-asked', 'not-offered']);

/** @param {Finding<any>} finding @returns {finding is import('./unknown.js').Unknown<any>} */
const isUnknown = (finding) => finding.value === 'unknown';

/** @param {import('./unknown.js').Unknown<unknown>} finding @param {(value: any) => string} toText */
const becauseOf = ({ because, oneOf }, toText) =>
  oneOf === undefined ? because : `${because}; what is left: ${oneOf.map(toText).join(', ')}`;

/**
 * @template T
 * @template {string} V
 * @param {Finding<T>} finding
 * @param {(value: T) => V} toText
 * @returns {{ value: V | 'unknown', because?: string } | undefined} undefined: it was not asked for
 */
function answerOf(finding, toText) {
  if (!isUnknown(finding)) return { value: toText(/** @type {{ value: T }} */ (finding).value) };
  if (LEFT_OUT.has(finding.reason)) return undefined;
  return { value: 'unknown', because: becauseOf(finding, toText) };
}

/** @param {boolean} value */
const yesOrNo = (value) => /** @type {'yes' | 'no'} */ (value ? 'yes' : 'no');

/** @template T @param {T} value */
const same = (value) => value;

/** @param {NatDiagnosis['bindingLifetime']} finding @returns {NatMeasurement['lifetime']} */
function lifetimeOf(finding) {
  if (isUnknown(finding)) {
    return LEFT_OUT.has(finding.reason) ? undefined : { because: finding.because };
  }
  const { atLeastSeconds, lessThanSeconds } =
    /** @type {{ value: import('./lifetime.js').Lifetime }} */ (finding).value;
  const atLeastMs = atLeastSeconds * SECOND_MS;
  return lessThanSeconds === undefined
    ? { atLeastMs }
    : { atLeastMs, atMostMs: lessThanSeconds * SECOND_MS };
}

/** @param {string} url of the mirror */
const hostOf = (url) => new URL(url).hostname.replace(/^\[|\]$/g, '');

/** @param {string} url of the mirror @returns {Pick<NatMeasurement, 'id' | 'kind' | 'whose' | 'method'>} */
const natHead = (url) => ({
  id: measurementId('nat', 'mirror', hostOf(url)),
  kind: 'nat',
  whose: 'client',
  method: 'mirror',
});

/** Nothing of the browser reached the mirror. */
const SILENCE = Object.freeze({ code: 'ERR_STUN_TIMEOUT', message: `${REASONS['no-check']}.` });

/**
 * @param {NatDiagnosis} diagnosis
 * @param {string} url of the mirror, absolute
 * @returns {NatMeasurement}
 */
export function natMeasurement(diagnosis, url) {
  const { publicAddress, mapping, filtering, behindNat, hairpinning, portPreservation } = diagnosis;
  /** @type {Partial<NatMeasurement>} */
  let outcome = { status: 'ok' };
  if (isUnknown(publicAddress) && publicAddress.reason === 'no-check') {
    outcome = { status: 'failed', error: SILENCE };
  } else if (isUnknown(mapping) && isUnknown(behindNat)) {
    outcome = { status: 'unknown', because: becauseOf(mapping, same) };
  }
  return /** @type {NatMeasurement} */ ({
    ...natHead(url),
    ...outcome,
    behindNat: answerOf(behindNat, yesOrNo),
    mapping: answerOf(mapping, same),
    filtering: answerOf(filtering, same),
    hairpinning: answerOf(hairpinning, yesOrNo),
    portPreservation: answerOf(portPreservation, yesOrNo),
    lifetime: lifetimeOf(diagnosis.bindingLifetime),
    mappedAddresses: isUnknown(publicAddress)
      ? undefined
      : [publicAddress.value].map(({ address, port }) => ({ address, port })),
  });
}

/**
 * What a mirror that was not asked, or gave no answer, leaves: silence of a web server says nothing of a NAT.
 *
 * @param {string} url of the mirror, absolute
 * @param {{ message: string }} error
 * @returns {NatMeasurement}
 */
export const natUnknown = (url, { message }) => ({
  ...natHead(url),
  status: 'unknown',
  because: message,
});

/** @param {import('./ports.js').PortFinding} port @returns {PortMapMeasurement['ports'][number]} */
function portOf(port) {
  if (!port.isTestable) {
    const because = 'this browser never sends to that port';
    return { port: port.port, outwards: 'untestable', inwards: 'untestable', because };
  }
  if (!port.out) {
    const because = 'nothing arrived that could be answered';
    return { port: port.port, outwards: 'blocked', inwards: 'unknown', because };
  }
  if (port.in === null) {
    const because = 'the limits of the mirror left it open';
    return { port: port.port, outwards: 'open', inwards: 'unknown', because };
  }
  return { port: port.port, outwards: 'open', inwards: port.in ? 'open' : 'blocked' };
}

/**
 * @param {NatDiagnosis} diagnosis
 * @param {string} url of the mirror, absolute
 * @returns {PortMapMeasurement | undefined} undefined: it was not asked for, or the mirror has none
 */
export function portMapMeasurement({ portMap }, url) {
  /** @type {Pick<PortMapMeasurement, 'id' | 'kind' | 'whose' | 'transport'>} */
  const head = {
    id: measurementId('port-map', 'udp', hostOf(url)),
    kind: 'port-map',
    whose: 'client',
    transport: 'udp',
  };
  if (!isUnknown(portMap)) {
    const { value } = /** @type {{ value: import('./ports.js').PortFinding[] }} */ (portMap);
    return { ...head, status: 'ok', ports: value.map(portOf) };
  }
  if (LEFT_OUT.has(portMap.reason)) return undefined;
  return { ...head, status: 'unknown', because: portMap.because, ports: [] };
}
