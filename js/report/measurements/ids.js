// Names of measurements that stay the same from one report to the next.

/** What would end a part, or is no ASCII. Half a surrogate pair, which has no bytes, is a question mark. @param {string | number} part */
const encodePart = (part) =>
  encodeURIComponent(String(part).replace(/\p{Cs}/gu, '?')).replaceAll('%3A', ':');

/**
 * The id of a measurement: its kind, and what tells it from others of that kind. It must not hold what changes from run
 * to run, such as a local port.
 *
 * @param {import('./types.js').Kind} kind
 * @param {...(string | number | undefined)} parts such as a host, a port, a transport; undefined ones are left out
 * @returns {string} such as 'reachability/turn.example.org/3478/udp'
 */
export const measurementId = (kind, ...parts) =>
  [kind, ...parts.filter((part) => part !== undefined).map(encodePart)].join('/');
