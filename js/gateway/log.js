// What a gateway tells of its doings: no password, nonce or ticket, and users and addresses as hashes.

import { createHmac, randomBytes } from 'node:crypto';
import { reportException } from '../turn/report-exception.js';

/**
 * @typedef {object} LogEntry
 * @property {string} time ISO 8601
 * @property {'listening' | 'refused' | 'open' | 'connected' | 'end' | 'drain' | 'closed'} event
 * @property {number} [connection] counts up
 * @property {string} [client] the address as a hash that differs from one gateway to the next; with logAddresses, the
 *   address
 * @property {string} [user] likewise, never as it is
 * @property {string} [upstream]
 * @property {string} [origin]
 * @property {string} [reason] refused, end: a word of docs/gateway.md
 * @property {number} [code] of closing
 * @property {number} [status] of HTTP, when the upgrade was refused
 * @property {string} [detail] the range that a refused address is in, or the code of the system's error
 * @property {number} [seconds] that the connection lasted
 * @property {number} [messagesIn] from the client
 * @property {number} [messagesOut]
 * @property {number} [bytesIn]
 * @property {number} [bytesOut]
 * @property {number} [dropped]
 */

const HASH_LENGTH = 16;

/**
 * @param {((entry: LogEntry) => void) | NodeJS.WritableStream | undefined} log
 * @param {boolean} showAddresses
 */
export function createLog(log, showAddresses) {
  const key = randomBytes(32);
  /** @param {string} kind @param {string} text */
  const hash = (kind, text) =>
    createHmac('sha256', key).update(`${kind}:${text}`).digest('hex').slice(0, HASH_LENGTH);
  const write =
    typeof log === 'function'
      ? log
      : (/** @type {LogEntry} */ entry) => void log?.write(`${JSON.stringify(entry)}\n`);
  /**
   * @param {LogEntry['event']} event
   * @param {Partial<LogEntry>} [details] client and user as they are
   */
  return (event, { client, user, ...details } = {}) => {
    if (log === undefined) return;
    const entry = {
      time: new Date().toISOString(),
      event,
      ...details,
      ...(client === undefined ? {} : { client: showAddresses ? client : hash('client', client) }),
      ...(user === undefined ? {} : { user: hash('user', user) }),
    };
    try {
      write(entry);
    } catch (error) {
      reportException(error);
    }
  };
}
