// What a network test tells while it runs. Types only.

/** @typedef {import('../report/index.js').Measurement} Measurement */
/** @typedef {import('../report/index.js').Report} Report */

/**
 * What is being done. `id` is stable, such as 'relays', 'nat' or 'quality/udp'.
 *
 * @typedef {object} StepInfo
 * @property {string} id
 * @property {string} title in plain words, such as 'TURN servers'
 * @property {number} expectedMs about how long it takes where all goes well; for a bar
 */

/**
 * Live numbers of a flow of packets.
 *
 * @typedef {object} QualitySample
 * @property {string} id of the measurement that it becomes a part of
 * @property {import('../report/measurements/types.js').QualityFields['transport']} transport
 * @property {number} atMs since the flow began
 * @property {number | null} roundTripMs of the newest packet; null where none has come back since the last sample
 * @property {number | null} jitterMs RFC 3550, until now
 * @property {number | null} lossRatio until now; null over streams, where nothing is lost
 * @property {number | null} kbps in the last interval; null where throughput is not measured now
 */

/**
 * @typedef {{ type: 'plan', steps: readonly StepInfo[] }
 *   | { type: 'step', id: string, state: 'running' | 'done' }
 *   | { type: 'measurement', step: string, measurement: Measurement }
 *   | { type: 'sample', step: string, sample: QualitySample }
 *   | { type: 'report', report: Report }} TestEvent 'plan' is the first; 'report' the last. A measurement comes once, when
 *   it is finished
 */

/** @typedef {(event: TestEvent) => void} OnEvent */

export {};
