// What the engine's TURN side takes and tells: types only. The calls themselves are methods of Engine (engine.js).

/** @typedef {import('../codec/values.js').TransportAddress} TransportAddress */
/** @typedef {import('../errors.js').PosternError} PosternError */
/** @typedef {import('./client-types.js').ClientSettings} ClientSettings */
/** @typedef {typeof import('./layout.js').MECHANISM} MECHANISM */
/** @typedef {typeof import('./layout.js').TURN_EVENTS} TURN_EVENTS */

/**
 * What a relay authenticates with: prepared strings in UTF-8.
 *
 * @typedef {object} TurnCredentials
 * @property {keyof MECHANISM} mechanism
 * @property {Uint8Array} username 'third-party' (RFC 7635): the kid
 * @property {Uint8Array} password 'third-party': the MAC key
 * @property {Uint8Array} realm empty: whichever the server names
 * @property {Uint8Array} [accessToken] 'third-party' only (ACCESS-TOKEN)
 */

/**
 * What openTurn() takes. Times are in milliseconds; 0 stands for the default of the RFC.
 *
 * @typedef {object} TurnOnlySettings
 * @property {boolean} fingerprint adds FINGERPRINT to requests
 * @property {boolean} padsChannelData ChannelData is padded to a multiple of 4: a must on streams (RFC 8656 section 12.5)
 * @property {number} permissionLifetimeMs for servers that keep permissions for less than 5 minutes
 * @property {number} channelLifetimeMs for servers that keep channels for less than 10 minutes
 * @property {number} refreshEveryMs refreshes the allocation at least so often; 0: in time for its lifetime
 * @property {number} keepAliveMs a Binding indication when nothing was sent for so long; 0: none
 */
/** @typedef {ClientSettings & TurnCredentials & TurnOnlySettings} TurnSettings */

/**
 * What is asked of the server (RFC 8656 section 7.1).
 *
 * @typedef {object} AllocateRequest
 * @property {'udp' | 'tcp'} [transport] of the relayed address; 'tcp': RFC 6062; default 'udp'
 * @property {4 | 6 | 'both'} [family] of the relayed address; default: the server's choice
 * @property {boolean | 'reserve'} [evenPort] EVEN-PORT; 'reserve' keeps the next port for another allocation
 * @property {Uint8Array} [reservationToken] 8 bytes
 * @property {boolean} [dontFragment] asks whether the server can set DF
 * @property {number} [lifetimeSeconds] default: what the server gives
 * @property {boolean} [mobility] asks for a ticket (RFC 8016)
 */

/** @typedef {TURN_EVENTS[number]} TurnEventType */

/**
 * The end of a command, or something unasked: see src/client/turn/turn_event.h for what each kind tells.
 *
 * @typedef {object} TurnEvent
 * @property {TurnEventType} type
 * @property {number} errc 0: none; engineError() makes an error of it
 * @property {number} errorCode ERROR-CODE of the response that decided; 0: none
 * @property {number} token what connect() returned
 * @property {number} number lifetime in seconds, channel, CONNECTION-ID, or ICMP type * 256 + code
 * @property {number} detail of 'icmp'
 * @property {TransportAddress | undefined} peer
 * @property {number} requestsSent
 * @property {number | null} roundTripMs
 * @property {boolean} isAuthenticated
 * @property {TransportAddress[]} alternateServers of a 300 that may be followed
 * @property {string} alternateDomain
 * @property {string} reason
 * @property {string} realm of a challenge that could not be answered
 * @property {string} software of the server
 * @property {string} thirdParty RFC 7635: the authorization server that a challenge names
 * @property {number[]} unknownAttributes
 * @property {GrantedAllocation | undefined} allocation with 'allocated' and 'moved'
 */

/**
 * What the server granted.
 *
 * @typedef {object} GrantedAllocation
 * @property {TransportAddress[]} relayedAddresses one, or two of different families
 * @property {TransportAddress | undefined} mappedAddress
 * @property {number} lifetimeSeconds
 * @property {Uint8Array | undefined} reservationToken 8 bytes
 * @property {boolean} hasTicket move() is possible
 * @property {4 | 6 | undefined} refusedFamily why only one of two was given (ADDRESS-ERROR-CODE)
 * @property {number} refusedCode
 */

/**
 * Who a relay's output is for. All are called after the calls into the engine, never within; what they throw is
 * theirs to answer for. Nothing is told after Engine.close().
 *
 * @typedef {object} TurnOwner
 * @property {(bytes: Uint8Array) => void} transmit sends one message, or appends it to the stream; the bytes are the
 *   owner's, and a part of a larger buffer
 * @property {(data: Uint8Array, peer: TransportAddress, channel: number) => void} data a datagram of a peer's: `data`
 *   is mostly a part of the buffer that was given to datagram() or stream(); `peer` is frozen, and one object as
 *   long as it is remembered; `channel` is 0 when it came by Data indication
 * @property {(event: TurnEvent) => void} event
 * @property {(error: PosternError) => void} lost the engine died; nothing more will come
 */

/**
 * Who a ConnectionBind is made for (RFC 6062 section 5.5).
 *
 * @typedef {object} BinderOwner
 * @property {(bytes: Uint8Array) => void} transmit
 * @property {(event: TurnEvent) => void} event 'connected', or 'connect-failed'; once
 * @property {(bytes: Uint8Array) => void} leftover bytes of the peer's that came through stream() behind the answer:
 *   after the event, in order, maybe several times; then the transport is the caller's to read
 * @property {(error: PosternError) => void} lost
 */

/**
 * The methods of Engine that a relay uses. `handle` is what openTurn() or openBinder() returned. Those that ask the
 * server for something throw a PosternError (ERR_TURN_*, ERR_NO_SUCH_HANDLE, ERR_INTERNAL) when the core refuses at
 * once; their outcome comes as an event.
 *
 * @typedef {object} TurnEngine
 * @property {import('../clock.js').Clock} clock
 * @property {(settings: TurnSettings, owner: TurnOwner) => number} openTurn the handle; ERR_TOO_MANY_CLIENTS,
 *   ERR_STUN_CREDENTIALS
 * @property {(relay: number, connectionId: number, owner: BinderOwner) => number} openBinder begins the ConnectionBind
 *   with the relay's credentials; its input comes by stream(), transportError() and transportClosed()
 * @property {(handle: number, request?: AllocateRequest) => void} allocate 'allocated' or 'allocate-failed'
 * @property {(handle: number, peer: PeerInput) => void} permit 'permitted' or 'permission-failed'
 * @property {(handle: number, peer: PeerInput) => void} releasePermission no event
 * @property {(handle: number, peer: PeerInput) => number} bindChannel its number; 'channel-bound' or 'channel-failed'
 * @property {(handle: number, channel: number) => void} releaseChannel no event
 * @property {(handle: number, peer: PeerInput) => number} connect a token; 'connected' or 'connect-failed'
 * @property {(handle: number, lifetimeSeconds?: number) => void} refresh 'refreshed' or 'refresh-failed'
 * @property {(handle: number) => void} move the transport is another one now: 'moved' or 'move-failed'
 * @property {(handle: number, credentials: TurnCredentials) => void} setCredentials 'refreshed' or
 *   'credentials-refused', where there is an allocation
 * @property {(handle: number) => void} closeAllocation gives it back: 'closed'
 * @property {(handle: number) => void} close forgets the client without a word to the server; idempotent
 * @property {(handle: number) => void} ref the timer for it keeps the process alive, which is the default
 * @property {(handle: number) => void} unref
 * @property {(handle: number, bytes: Uint8Array, peer: PeerInput, dontFragment: boolean) => void} send as a Send
 *   indication. The bytes are copied. What the core refuses (no permission, too long) is dropped and counted
 * @property {(handle: number, bytes: Uint8Array, channel: number) => void} sendChannel as ChannelData, likewise
 * @property {(handle: number, bytes: Uint8Array) => void} datagram one whole message, from the server
 * @property {(handle: number, bytes: Uint8Array, source: PeerInput) => void} datagramFrom one from somebody else
 * @property {(handle: number, bytes: Uint8Array) => void} stream a piece of a stream, cut anywhere
 * @property {(handle: number, isHard: boolean) => void} transportError
 * @property {(handle: number) => void} transportClosed 'lost'
 * @property {(handle: number) => Record<string, number>} turnStats counters, by the names of TURN_STATS in layout.js
 */

/** @typedef {{ address: string, port: number }} PeerInput an address as text; a zone is left out */

export {};
