// What passes the network of the user: facts of servers that were tried, of WebSockets, HTTPS and WebTransport.
import { isLikelyTime, parseRestUsername } from '../../credentials/rest-username.js';
import { isAnswered, isOpen, outcomeOf } from './outcomes.js';
import { LANES, nameOfTransport, signsOf } from './signs.js';

/** @typedef {import('../measurements/types.js').Measurement} Measurement */
/** @typedef {import('../measurements/types.js').ReachabilityMeasurement} ReachabilityMeasurement */
/** @typedef {import('./facts.js').Evidence} Evidence */
/** @typedef {import('./facts.js').Facts} Facts */
/** @typedef {import('./outcomes.js').Outcome} Outcome */

/**
 * One try of the user's machine.
 *
 * @typedef {object} Try
 * @property {ReachabilityMeasurement} measurement
 * @property {Outcome} outcome
 * @property {Evidence} evidence
 */

const LANE_NAMES = ['udp', 'tcp', 'tls', 'websocket', 'https', 'signalling', 'quic'];
const HTTPS_PORT = 443;
const WEB_PORTS = [80, HTTPS_PORT];

/** @param {ReachabilityMeasurement} measurement @returns {string} such as 'turn.example.org:3478 over UDP' */
export function wordsOfServer({ host, port, url, transport, family }) {
  const name = host === '' ? url : `${host.includes(':') ? `[${host}]` : host}:${port}`;
  return `${name} over ${nameOfTransport(transport)}${family === undefined ? '' : ` (${family})`}`;
}

/** @param {readonly Measurement[]} measurements @returns {Try[]} of the user's own path */
export const triesOf = (measurements) =>
  measurements.flatMap((measurement) =>
    measurement.kind === 'reachability' && measurement.whose === 'client'
      ? [
          {
            measurement,
            outcome: outcomeOf(measurement),
            evidence: { id: measurement.id, words: wordsOfServer(measurement) },
          },
        ]
      : [],
  );

/** @param {readonly Try[]} tries @param {(one: Try) => boolean} isWanted */
const evidenceOf = (tries, isWanted) => tries.filter(isWanted).map(({ evidence }) => evidence);

/** @param {Try} one */
const answers = ({ outcome }) => isAnswered(outcome);
/** @param {Try} one */
const isSilent = ({ outcome }) => outcome === 'silent';

/**
 * Whether silence is that of the way and not of one server: two of them are silent, or one that answers otherwise.
 *
 * @param {readonly Try[]} silent
 * @param {readonly Try[]} tries
 * @param {readonly Measurement[]} measurements
 */
function isSure(silent, tries, measurements) {
  const hosts = new Set(silent.map(({ measurement }) => measurement.host));
  const isAlive = tries.some((one) => answers(one) && hosts.has(one.measurement.host));
  const isOnline = measurements.some(
    (one) => one.kind === 'https' && one.status === 'ok' && hosts.has(hostOf(one.url)),
  );
  return hosts.size > 1 || isAlive || isOnline;
}

/** @param {string} url @returns {string} empty where it is none */
const hostOf = (url) => (URL.canParse(url) ? new URL(url).hostname : '');

/** The sides of each lane, by weight. @param {readonly Try[]} tries @param {readonly Measurement[]} measurements */
function lanesOf(tries, measurements) {
  const signs = signsOf(measurements);
  /** @param {...string} names */
  const together = (...names) => {
    const of = tries.filter(({ measurement }) => names.includes(LANES[measurement.transport]));
    const others = signs.filter(({ lane }) => names.includes(lane));
    const silentOnes = of.filter(isSilent);
    const silent = [
      ...silentOnes.map(({ evidence }) => evidence),
      ...others.filter(({ passes }) => !passes).map(({ evidence }) => evidence),
    ];
    const isUndecided = of.some(({ outcome }) => isOpen(outcome));
    const isWeak = silentOnes.length > 0 || others.some((sign) => sign.isWeak);
    const isDoubtful = isWeak && !isSure(silentOnes, tries, measurements);
    return {
      passes: [
        ...evidenceOf(of, answers),
        ...others.filter(({ passes }) => passes).map(({ evidence }) => evidence),
      ],
      silent: isUndecided || isDoubtful ? [] : silent,
      doubtful: isUndecided ? [] : silent,
    };
  };
  return together;
}

/** @param {Facts} facts @param {readonly Try[]} tries @param {readonly Measurement[]} measurements */
function addRelayFacts(facts, tries, measurements) {
  const relays = tries.filter(({ measurement }) => measurement.service === 'turn');
  const works = measurements.flatMap((one) =>
    one.kind === 'quality' && one.whose === 'client' && one.status === 'ok' && one.via === 'relay'
      ? [{ lane: LANES[one.transport], one }]
      : [],
  );
  /** @param {readonly string[]} lanes */
  const decide = (...lanes) => {
    const of = relays.filter(({ measurement }) => lanes.includes(LANES[measurement.transport]));
    const proven = works
      .filter(({ lane }) => lanes.includes(lane))
      .map(({ one }) => ({ id: one.id, words: `data over ${nameOfTransport(one.transport)}` }));
    const isUndecided = of.some(({ outcome }) => isAnswered(outcome) || isOpen(outcome));
    return {
      works: [...evidenceOf(of, ({ outcome }) => outcome === 'works'), ...proven],
      lost: evidenceOf(of, ({ outcome }) => outcome === 'data-lost'),
      // As long as one of them answered otherwise, such as with 401, it is open whether it would relay.
      silent: isUndecided ? [] : evidenceOf(of, isSilent),
    };
  };
  facts.decide('relayUdp', decide('udp'));
  facts.decide('relayWebsocket', decide('websocket'));
  facts.decide('streamRelay', decide('tcp', 'tls', 'websocket'));
  facts.decide('relay', decide('udp', 'tcp', 'tls', 'websocket', 'quic'));
}

/** @param {Try} one */
const isHttps = ({ measurement }) => measurement.port === HTTPS_PORT;

/**
 * Connections that do not pass where the ports of the web do: one port may be the server's fault, two are not.
 *
 * @param {readonly Try[]} tries
 * @returns {{ passing: Try[], silent: Try[] }} none where others pass as well
 */
function besidesTheWeb(tries) {
  const direct = tries.filter(
    ({ measurement }) => measurement.transport !== 'udp' && measurement.proxy === undefined,
  );
  const isWeb = (/** @type {Try} */ { measurement }) => WEB_PORTS.includes(measurement.port);
  const passing = direct.filter(answers);
  const silent = direct.filter((one) => isSilent(one) && !isWeb(one));
  const places = new Set(
    silent.map(({ measurement }) => `${measurement.host} ${measurement.port}`),
  );
  const isMeant = passing.length > 0 && passing.every(isWeb) && places.size > 1;
  return isMeant ? { passing, silent } : { passing: [], silent: [] };
}

/**
 * UDP that passes on the port of HTTPS, and not on others that were tried.
 *
 * @param {readonly Try[]} tries
 * @returns {{ passing: Try[], silent: Try[] }} none where others pass as well
 */
function besidesHttp3(tries) {
  const udp = tries.filter(({ measurement }) => measurement.transport === 'udp');
  const passing = udp.filter(answers);
  const silent = udp.filter((one) => isSilent(one) && !isHttps(one));
  const isMeant = passing.length > 0 && passing.every(isHttps) && silent.length > 0;
  return isMeant ? { passing, silent } : { passing: [], silent: [] };
}

/** Servers that are silent although the way to others is open. @param {Facts} facts @param {readonly Try[]} tries */
function addServerFacts(facts, tries) {
  const answering = tries.filter(answers);
  // What passes a proxy does not show that it would pass without.
  const wayOf = (/** @type {Try} */ { measurement: { transport, proxy = '' } }) =>
    `${transport} ${proxy}`;
  const ways = new Set(answering.map(wayOf));
  const hosts = new Set(answering.map(({ measurement }) => measurement.host));
  const blocked = [...besidesTheWeb(tries).silent, ...besidesHttp3(tries).silent];
  for (const one of tries.filter(isSilent)) {
    const { measurement, evidence } = one;
    if (!ways.has(wayOf(one)) || blocked.includes(one)) continue;
    facts.add('server', hosts.has(measurement.host) ? 'partly-silent' : 'silent', evidence);
  }
}

/** @param {Facts} facts @param {readonly Try[]} tries */
function addPortFacts(facts, tries) {
  const { passing } = besidesHttp3(tries);
  if (passing.length > 0) {
    facts.add('udpPorts', '443-only', ...passing.map(({ evidence }) => evidence));
  }
  const { passing: web } = besidesTheWeb(tries);
  if (web.length > 0) facts.add('streamPorts', 'web-only', ...web.map(({ evidence }) => evidence));
  const plain = tries.filter((one) => one.measurement.transport === 'tcp' && isHttps(one));
  facts.decide('tcp443', {
    passes: evidenceOf(plain, answers),
    silent: evidenceOf(plain, isSilent),
  });
}

/** @param {Facts} facts @param {readonly Try[]} tries */
function addFamilyFacts(facts, tries) {
  for (const [family, name] of /** @type {const} */ ([
    ['IPv4', 'ipv4'],
    ['IPv6', 'ipv6'],
  ])) {
    const of = tries.filter(({ measurement }) => measurement.family === family);
    facts.decide(name, { passes: evidenceOf(of, answers), silent: evidenceOf(of, isSilent) });
  }
}

/** @param {Facts} facts @param {readonly Try[]} tries */
function addProxyFacts(facts, tries) {
  const used = tries.filter((one) => one.measurement.proxy !== undefined && answers(one));
  const refused = tries.filter(({ outcome }) => outcome === 'proxy');
  for (const { evidence } of used) facts.add('proxy', 'used', evidence);
  for (const { evidence } of refused) {
    facts.add('proxy', used.length > 0 ? 'refuses-some' : 'refuses', evidence);
  }
}

/** Whether the user name tells a time that is over. @param {ReachabilityMeasurement} measurement @param {number} nowMs */
function isExpired({ username = '' }, nowMs) {
  const { expiry = 0 } = parseRestUsername(username) ?? {};
  return isLikelyTime(expiry) && expiry * 1000 <= nowMs;
}

/**
 * Facts of names: udp, tcp, tls, websocket, https, signalling, quic, and streams and calls of several of them: 'passes',
 * 'silent', or 'doubtful' where one server is silent that answers to nothing; anything: 'passes' or 'nothing'; relayUdp,
 * relayWebsocket, streamRelay, relay: 'works', 'lost' or 'silent'; server, udpPorts, streamPorts, tcp443, ipv4, ipv6, proxy; and outcome, with all that servers said.
 *
 * @param {Facts} facts
 * @param {readonly Measurement[]} measurements
 * @param {number} nowMs milliseconds since 1970
 */
export function addReachFacts(facts, measurements, nowMs) {
  const tries = triesOf(measurements);
  const together = lanesOf(tries, measurements);
  for (const lane of LANE_NAMES) facts.decide(lane, together(lane));
  facts.decide('streams', together('tcp', 'tls', 'websocket', 'https', 'signalling'));
  facts.decide('calls', together('udp', 'tcp', 'tls', 'websocket'));
  const { passes, doubtful } = together(...LANE_NAMES);
  facts.decide('anything', { passes, nothing: doubtful });
  addRelayFacts(facts, tries, measurements);
  addServerFacts(facts, tries);
  addPortFacts(facts, tries);
  addFamilyFacts(facts, tries);
  addProxyFacts(facts, tries);
  for (const one of measurements) {
    if (one.kind === 'reachability') addOutcome(facts, one, nowMs);
  }
}

/** What a server said is said of the server, whoever asked. @param {Facts} facts @param {ReachabilityMeasurement} one @param {number} nowMs */
function addOutcome(facts, one, nowMs) {
  const outcome = outcomeOf(one);
  if (outcome === 'no-ipv6' && one.whose !== 'client') return;
  const isOver = outcome === 'credentials' && isExpired(one, nowMs);
  const evidence = { id: one.id, words: wordsOfServer(one) };
  facts.add('outcome', isOver ? 'credentials-expired' : outcome, evidence);
}
