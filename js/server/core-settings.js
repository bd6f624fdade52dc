// What the core is told of a server's options.

import { randomBytes } from 'node:crypto';
import { argumentError } from '../errors.js';

/** @typedef {import('./engine.js').ServerEngine} ServerEngine */
/** @typedef {import('./server-options.js').ServerSettings} ServerSettings */

const SECRET_BYTES = 32;

/** What it is opened with. @param {ServerSettings} settings */
export function coreSettings(settings) {
  const { quota, relay, users } = settings;
  return {
    secret: randomBytes(SECRET_BYTES),
    realm: settings.realm,
    software: settings.software,
    serverName: settings.tokens.serverName,
    alternateDomain: settings.alternateDomain,
    alternates: settings.alternates,
    needsAuthentication: Number(settings.needsAuthentication),
    asksForKeys: Number(typeof users === 'function'),
    defaultLifetimeSeconds: settings.defaultLifetime,
    maxLifetimeSeconds: settings.longestLifetime,
    relaysIpv4: Number(relay?.addresses.some((one) => !one.includes(':')) ?? false),
    relaysIpv6: Number(relay?.addresses.some((one) => one.includes(':')) ?? false),
    relaysUdp: Number(relay?.udp ?? false),
    relaysTcp: Number(relay?.tcp ?? false),
    // Only where all users are known is there nobody else whom a hash could mean.
    hidesUsernames: Number(
      users instanceof Map && settings.secrets.length === 0 && settings.tokens.keys.length === 0,
    ),
    allowsMobility: Number(settings.mobility),
    allowsResponsePort: 1,
    maxAllocations: quota.allocations,
    maxAllocationsPerUser: quota.allocationsPerUser,
    maxAllocationsPerSource: quota.allocationsPerHost,
    maxPermissions: quota.permissions,
    maxChannels: quota.channels,
    maxConnections: quota.peerConnections,
    nonceLifetimeSeconds: settings.nonceLifetime,
    unauthenticatedPerSecond: quota.unauthenticatedPerSecond,
    unauthenticatedBurst: quota.unauthenticatedBurst,
  };
}

/**
 * Users, secrets, keys and policy.
 *
 * @param {ServerEngine} engine
 * @param {ServerSettings} settings
 * @throws {TypeError} ERR_INVALID_ARGUMENT: a prefix of the policy
 */
export function teachCore(engine, { users, secrets, tokens, policy }) {
  if (users instanceof Map) {
    for (const [name, password] of users) engine.setUser(name, password);
  }
  if (secrets.length > 0) engine.setSecrets(secrets);
  if (tokens.keys.length > 0) engine.setTokenKeys(tokens.keys);
  setPolicy(engine, policy);
}

/** @param {ServerEngine} engine @param {ServerSettings['policy']} policy */
function setPolicy(engine, policy) {
  try {
    engine.setPolicy(policy);
    return;
  } catch {}
  // Which one is it?
  const none = { only: false, allow: [], deny: [], nat64: [] };
  for (const kind of /** @type {const} */ (['allow', 'deny', 'nat64'])) {
    for (const [i, prefix] of policy[kind].entries()) {
      try {
        engine.setPolicy({ ...none, [kind]: [prefix] });
      } catch {
        throw argumentError(
          `options.policy.${kind}[${i}]`,
          "an address or a prefix with no bit set after it, such as '10.0.0.0/8' or '2001:db8::/32'; for nat64, of a " +
            'length that RFC 6052 section 2.2 has',
        );
      }
    }
  }
  throw argumentError('options.policy.nat64', 'at most four prefixes');
}
