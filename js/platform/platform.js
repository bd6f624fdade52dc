// What the files of this folder provide; '#platform' in package.json chooses one. Types only.

/** @typedef {import('../resolve/resolve-server.js').Candidate} Candidate */
/** @typedef {import('../resolve/resolve-server.js').ResolveOptions} ResolveOptions */
/** @typedef {import('../transports/transport.js').OpenOptions} OpenOptions */
/** @typedef {import('../transports/transport.js').Transport} Transport */
/** @typedef {import('../uri.js').ServerUri} ServerUri */

/**
 * @typedef {object} Platform
 * @property {(uri: ServerUri, options: ResolveOptions) => Promise<Candidate[]>} resolveServer
 * @property {(candidate: Candidate, options: OpenOptions & { tls?: import('../transports/tls.js').TlsOptions }) => Promise<Transport>} openTransport
 */

export {};
