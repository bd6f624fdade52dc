// What the values of attributes look like in JavaScript.

/**
 * @typedef {object} TransportAddress
 * @property {string} address dotted decimal, or IPv6 in the form of RFC 5952
 * @property {number} port
 * @property {'IPv4' | 'IPv6'} family
 */
/**
 * @typedef {object} TransportAddressInput
 * @property {string} address IPv4 or IPv6 address as text
 * @property {number} port
 */
/** @typedef {{ changeIp: boolean, changePort: boolean }} ChangeRequest */
/** @typedef {{ code: number, reason: string }} ErrorCode */
/** @typedef {{ code: number, reason?: string }} ErrorCodeInput */
/** @typedef {{ family: 'IPv4' | 'IPv6', code: number, reason: string }} AddressErrorCode */
/** @typedef {{ family: 'IPv4' | 'IPv6', code: number, reason?: string }} AddressErrorCodeInput */
/** @typedef {'MD5' | 'SHA-256'} PasswordAlgorithmName */
/** @typedef {{ algorithm: PasswordAlgorithmName | number, parameters: Uint8Array }} PasswordAlgorithm */
/**
 * @typedef {PasswordAlgorithmName | number | { algorithm: PasswordAlgorithmName | number, parameters?: Uint8Array }} PasswordAlgorithmInput
 */
/** @typedef {{ type: number, code: number, data: number }} IcmpError */
/** @typedef {{ request: number, response: number }} TransmitCounter */
/** @typedef {{ ecn: number, valid: boolean }} EcnCheck the two ECN bits as received, and whether they are valid */
/** @typedef {{ id: number, cost: number }} NetworkInfo */

export {};
