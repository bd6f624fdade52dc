/**
 * How long to wait for a connection or a handshake when nobody answers and the caller has set no
 * bound of its own with `signal`: Ti of RFC 8489 section 6.2.2.
 */
export const OPEN_TIMEOUT_MS = 39_500;
