// Which hosts, names and certificates a plan names.
import { familyOf } from '../../address.js';
import { planRows } from '../../check/plan-rows.js';
import { hostOfUrl, portOfUrl } from '../../measure/connection.js';
import { asciiHost } from '../../resolve/resolve-server.js';
import { parseUri, portOf } from '../../uri.js';

/** @typedef {import('../../measure/certificate.js').CertificateTarget} CertificateTarget */
/** @typedef {import('../../measure/dns.js').NameTarget} NameTarget */
/** @typedef {import('../../uri.js').ServerUri} ServerUri */
/** @typedef {import('../plan.js').CheckedPlan} CheckedPlan */

/** Of TURN over WebSocket and of the web. */
const HTTP = 'http/1.1';
/** Names of this machine and this network, which are no business of DNS (RFC 6761 section 6.3, RFC 6762 section 3). */
const LOCAL = /(?:^|\.)local(?:host)?\.?$/;

/** @param {string} name */
export const isLocal = (name) => LOCAL.test(name);

/**
 * @param {CheckedPlan} plan
 * @returns {{ uri: ServerUri, transport: string }[]} each server over each transport; those that cannot be read left out
 */
export function serversOf({ iceServers }) {
  if (iceServers.length === 0) return [];
  return planRows(iceServers, undefined, 'plan.iceServers').flatMap(
    ({ server, transport, error }) => {
      if (server === undefined || error !== undefined || !isName(server.uri)) return [];
      return [{ uri: server.uri, transport }];
    },
  );
}

/** @param {ServerUri} uri */
function isName(uri) {
  try {
    return asciiHost(uri) !== '';
  } catch {
    return false;
  }
}

/** @param {CheckedPlan} plan @returns {URL[]} of HTTP and WebSocket */
const webUrls = ({ signalling, https, reflector }) =>
  [...signalling, ...https, ...(reflector === undefined ? [] : [reflector])].map(
    (url) => new URL(url),
  );

/** @param {ServerUri} uri @param {string} transport @returns {string[]} that are asked for its port (RFC 5928 section 3) */
function questionsOf(uri, transport) {
  const name = asciiHost(uri);
  if (uri.port !== null || transport === 'ws' || isLocal(name)) return [];
  return [`_${uri.scheme}._${transport === 'udp' ? 'udp' : 'tcp'}.${name}`];
}

/** @param {CheckedPlan} plan @returns {NameTarget[]} each name once; addresses are none */
export function namesOf(plan) {
  const { natServer, proxy } = plan;
  /** @type {Map<string, Set<string>>} */
  const names = new Map();
  /** @param {string} host @param {readonly string[]} [questions] */
  const add = (host, questions = []) => {
    const name = host.replace(/\.$/, '');
    if (familyOf(name) !== undefined) return;
    const known = names.get(name) ?? new Set();
    for (const one of questions) known.add(one);
    names.set(name, known);
  };
  const servers = serversOf(plan);
  if (typeof natServer === 'string') {
    servers.push({ uri: parseUri(natServer), transport: 'udp' });
  }
  for (const { uri, transport } of servers) add(asciiHost(uri), questionsOf(uri, transport));
  for (const url of webUrls(plan)) add(hostOfUrl(url));
  if (proxy !== undefined) add(hostOfUrl(new URL(proxy)));
  return [...names].map(([name, services]) => ({ name, services: [...services] }));
}

/** @param {string} host @param {number} port @returns {CertificateTarget} where HTTP is spoken over TLS */
const webTarget = (host, port) => ({
  uri: { scheme: 'turns', host, port, transport: 'tcp', secure: true },
  port,
  alpn: HTTP,
});

/** @param {CheckedPlan} plan @returns {CertificateTarget[]} each host and port once */
export function certificatesOf(plan) {
  const servers = serversOf(plan).flatMap(({ uri, transport }) => {
    if (!uri.secure) return [];
    if (transport === 'ws') return [webTarget(uri.host, portOf(uri))];
    const alpn = uri.scheme === 'stuns' ? 'stun.nat-discovery' : 'stun.turn';
    return [{ uri, port: portOf(uri), alpn }];
  });
  const webs = webUrls(plan)
    .filter(({ protocol }) => protocol === 'https:' || protocol === 'wss:')
    .map((url) => webTarget(hostOfUrl(url), portOfUrl(url)));
  /** @type {Map<string, CertificateTarget>} */
  const targets = new Map();
  for (const one of [...servers, ...webs]) {
    // Where one port serves several, the first is asked.
    const key = `${one.uri.host} ${one.port}`;
    if (!targets.has(key)) targets.set(key, one);
  }
  return [...targets.values()];
}
