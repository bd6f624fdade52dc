// What a network test measures, and the report that is made of it. Types only; schema.js is their form in JSON, and
// docs/report.md their meaning.

/** @typedef {import('../../quality/arrivals.js').ArrivalSummary} ArrivalSummary */
/** @typedef {import('../../quality/jitter.js').JitterSummary} JitterSummary */
/** @typedef {import('../../quality/loaded-latency.js').LoadedLatencySummary} LoadedLatencySummary */
/** @typedef {import('../../quality/mos.js').MosEstimate} MosEstimate */
/** @typedef {import('../../quality/round-trips.js').RoundTripSummary} RoundTripSummary */
/** @typedef {import('../../quality/stalls.js').StallSummary} StallSummary */
/** @typedef {import('../../quality/throughput.js').ThroughputSummary} ThroughputSummary */

/**
 * Whose path was measured: that of the user's machine; that of a gateway, which the server saw in its place; or that of
 * a server.
 *
 * @typedef {'client' | 'gateway' | 'server'} Whose
 */

/**
 * 'ok': it works. 'failed': it does not, and `error` says how. 'unknown': it could not be told, `because` says why.
 * 'skipped': not tried, `because` says why.
 *
 * @typedef {'ok' | 'failed' | 'unknown' | 'skipped'} Status
 */

/** @typedef {{ address: string, port: number }} Endpoint */

/**
 * @typedef {object} MeasurementError
 * @property {string} code of docs/errors.md, or of the platform
 * @property {string} message
 * @property {number} [errorCode] STUN error code of the server's answer
 * @property {string} [systemCode] of node:tls or the system, such as 'CERT_HAS_EXPIRED'
 * @property {string} [phase] that failed
 * @property {string} [hint]
 */

/**
 * @typedef {object} Common
 * @property {string} id stable: the same test of the same thing has the same one in the next report; see measurementId()
 * @property {Whose} whose
 * @property {Status} status
 * @property {string} [because]
 * @property {MeasurementError} [error]
 * @property {number} [elapsedMs] how long the measuring took
 */

/**
 * @typedef {object} DnsFields
 * @property {'dns'} kind
 * @property {string} name that was asked for
 * @property {string[]} [ipv4] addresses
 * @property {string[]} [ipv6]
 * @property {string[]} [services] names that SRV records lead to, as 'host:port'
 * @property {string} [nat64Prefix] of RFC 7050, such as '64:ff9b::/96': the network has IPv6 only, and a NAT64
 */

/**
 * @typedef {object} CertificateFields
 * @property {'certificate'} kind
 * @property {string} host
 * @property {number} port
 * @property {string[]} [names] that it is good for
 * @property {string} [issuer]
 * @property {string} [validFrom] ISO 8601
 * @property {string} [validTo]
 * @property {string} [alpn] that was agreed on (RFC 7301)
 * @property {string} [protocol] such as 'TLSv1.3'
 * @property {boolean} [trusted] by this machine
 */

/**
 * @typedef {object} ReachabilityFields
 * @property {'reachability'} kind
 * @property {string} url without credentials; of ws:// and wss:// without the query
 * @property {'stun' | 'turn'} service
 * @property {'udp' | 'tcp' | 'tls' | 'ws' | 'wss'} transport
 * @property {string} host of the URL
 * @property {number} port of the URL, or its default
 * @property {'IPv4' | 'IPv6'} [family]
 * @property {string} [proxy] URL without credentials
 * @property {string} [username]
 * @property {Endpoint} [serverAddress]
 * @property {Endpoint} [localAddress]
 * @property {Endpoint} [mappedAddress] over ws and wss it is that of the gateway
 * @property {Endpoint} [relayedAddress]
 * @property {string} [software]
 * @property {'proven' | 'refused' | 'lost'} [dataPath] of a relay: data came back; the server gives no permission for its
 *   own addresses; it gave it, and nothing came back
 * @property {number | null} [roundTripMs] median
 * @property {{ sent: number, received: number }} [echoes]
 * @property {Record<string, number>} [phases] ms of each step: dns, connect, proxy, tls, request, challenge, allocate …
 */

/**
 * @typedef {object} SignallingFields
 * @property {'signalling'} kind the WebSocket of the application
 * @property {string} url
 * @property {string} [protocol] sub-protocol that was agreed on
 * @property {string} [proxy]
 * @property {number} [connectMs]
 * @property {number} [roundTripMs]
 */

/**
 * @typedef {object} HttpsFields
 * @property {'https'} kind
 * @property {string} url
 * @property {number} [httpStatus]
 * @property {string} [proxy]
 * @property {number} [roundTripMs]
 */

/**
 * @typedef {object} WebTransportFields
 * @property {'webtransport'} kind HTTP/3, which is QUIC over UDP
 * @property {string} url
 * @property {boolean} [datagrams] whether those came back
 * @property {number} [connectMs]
 * @property {number} [roundTripMs]
 */

/**
 * One thing that was asked about a NAT.
 *
 * @template {string} Value
 * @typedef {object} Answer
 * @property {Value | 'unknown'} value
 * @property {string} [because] why it is unknown
 */

/** @typedef {'endpoint-independent' | 'address-dependent' | 'address-and-port-dependent'} Behaviour RFC 4787 */

/**
 * @typedef {object} NatFields
 * @property {'nat'} kind
 * @property {'discovery' | 'mirror' | 'ice'} method RFC 5780; a server that plays the far end of a browser's ICE agent; or
 *   what candidates alone tell
 * @property {'udp' | 'tcp'} [transport] UDP if left out
 * @property {Answer<'yes' | 'no'>} [behindNat]
 * @property {Answer<Behaviour>} [mapping] RFC 4787 section 4.1
 * @property {Answer<Behaviour>} [filtering] RFC 4787 section 5
 * @property {Answer<'yes' | 'no'>} [hairpinning]
 * @property {Answer<'yes' | 'no'>} [portPreservation]
 * @property {Answer<'yes' | 'no'>} [requestFragments] whether fragments pass outwards
 * @property {Answer<'yes' | 'no'>} [answerFragments] inwards
 * @property {{ atLeastMs?: number, atMostMs?: number, because?: string }} [lifetime] of a mapping: it was there after the
 *   first, and gone after the second
 * @property {Endpoint[]} [mappedAddresses]
 */

/** @typedef {'open' | 'blocked' | 'unknown' | 'untestable'} PortState untestable: this browser never sends there */

/**
 * @typedef {object} PortMapFields
 * @property {'port-map'} kind
 * @property {'udp' | 'tcp'} transport
 * @property {string} [address] of the server
 * @property {{ port: number, outwards: PortState, inwards: PortState, because?: string }[]} ports
 */

/**
 * @typedef {object} InspectionFields
 * @property {'inspection'} kind whether the network looks into packets
 * @property {'udp' | 'tcp'} transport
 * @property {number} [port]
 * @property {{ looksLike: 'stun' | 'rtp' | 'sip' | 'random', result: 'passed' | 'blocked' | 'unknown',
 *   because?: string }[]} patterns the same packets but for what they look like
 */

/**
 * @typedef {object} SipAlgFields
 * @property {'sip-alg'} kind whether SIP messages arrive as they were sent
 * @property {'udp' | 'tcp'} transport
 * @property {'none' | 'altered' | 'blocked' | 'unknown'} result
 * @property {string[]} [changes] such as 'Via: the address was rewritten'
 */

/**
 * @typedef {object} QualityFields
 * @property {'quality'} kind
 * @property {'udp' | 'tcp' | 'tls' | 'ws' | 'wss' | 'webtransport'} transport
 * @property {'relay' | 'direct' | 'server'} via what sent the data back: through a relay, a peer, or the server itself
 * @property {RoundTripSummary} [roundTrips]
 * @property {JitterSummary} [jitter]
 * @property {ArrivalSummary} [arrivals] of datagrams: loss, duplicates, order, bursts
 * @property {StallSummary} [stalls] of streams
 * @property {ThroughputSummary} [throughput] of what goes to where it came from: up and down at once
 * @property {ThroughputSummary} [throughputUp] alone
 * @property {ThroughputSummary} [throughputDown]
 * @property {LoadedLatencySummary} [loadedLatency]
 * @property {MosEstimate | null} [mos]
 */

/**
 * @typedef {object} Candidate
 * @property {'host' | 'srflx' | 'prflx' | 'relay'} type RFC 8445
 * @property {'udp' | 'tcp'} protocol
 * @property {string} [address] an mDNS name counts as none
 * @property {number} [port]
 * @property {string} [url] of the server that it is of
 * @property {'udp' | 'tcp' | 'tls'} [relayProtocol] to the server of a relay
 */

/**
 * @typedef {object} PathFields
 * @property {'path'} kind what the ICE agent of a browser gathers, and over which pair a connection went
 * @property {Candidate[]} candidates
 * @property {{ local: Candidate['type'], remote: Candidate['type'] }} [selected]
 */

/** @typedef {Common & DnsFields} DnsMeasurement */
/** @typedef {Common & CertificateFields} CertificateMeasurement */
/** @typedef {Common & ReachabilityFields} ReachabilityMeasurement */
/** @typedef {Common & SignallingFields} SignallingMeasurement */
/** @typedef {Common & HttpsFields} HttpsMeasurement */
/** @typedef {Common & WebTransportFields} WebTransportMeasurement */
/** @typedef {Common & NatFields} NatMeasurement */
/** @typedef {Common & PortMapFields} PortMapMeasurement */
/** @typedef {Common & InspectionFields} InspectionMeasurement */
/** @typedef {Common & SipAlgFields} SipAlgMeasurement */
/** @typedef {Common & QualityFields} QualityMeasurement */
/** @typedef {Common & PathFields} PathMeasurement */

/**
 * @typedef {DnsMeasurement | CertificateMeasurement | ReachabilityMeasurement | SignallingMeasurement | HttpsMeasurement
 *   | WebTransportMeasurement | NatMeasurement | PortMapMeasurement | InspectionMeasurement | SipAlgMeasurement
 *   | QualityMeasurement | PathMeasurement} Measurement
 */

/** @typedef {Measurement['kind']} Kind */

/** @typedef {'good' | 'info' | 'warning' | 'error'} Severity */

/**
 * Who or what a finding is about, and so who can do something.
 *
 * @typedef {'network' | 'nat' | 'server' | 'credentials' | 'name' | 'device' | 'test'} About
 */

/**
 * @typedef {object} ReportFinding
 * @property {string} id stable; docs/report.md lists them
 * @property {Severity} severity
 * @property {About} about
 * @property {string} title
 * @property {string} text in plain words
 * @property {string} [advice] what to do
 * @property {string[]} evidence ids of the measurements that it is drawn from
 */

/**
 * What to ask those for who run the network.
 *
 * @typedef {object} Ask
 * @property {string} id
 * @property {'udp' | 'tcp'} protocol
 * @property {number[]} ports
 * @property {string[]} names of destinations
 * @property {string[]} addresses of the same destinations
 * @property {'outbound' | 'inbound'} direction
 * @property {'signalling' | 'media'} purpose one of each purpose is enough
 * @property {number} preference 1 is the best
 * @property {string} why
 * @property {string} text all of it in a sentence
 * @property {string[]} evidence ids of measurements
 */

/** @typedef {'excellent' | 'good' | 'fair' | 'poor' | 'blocked' | 'unknown'} Grade */

/**
 * @typedef {object} Verdict
 * @property {Grade} grade
 * @property {string} summary a few sentences in plain words
 * @property {ReportFinding[]} findings the worst first
 * @property {Ask[]} asks the best first
 */

/**
 * @typedef {object} ReportHead
 * @property {string} createdAt ISO 8601
 * @property {{ name: string, version: string }} tool
 * @property {{ name: string, version?: string, system?: string }} platform such as node, chromium
 * @property {string} [name] the user's own for this test, such as 'office, second floor'
 */

/**
 * @typedef {ReportHead & { format: 'postern-report', version: 1, measurements: Measurement[] } & Verdict} Report
 */

export {};
