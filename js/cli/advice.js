// Hints of the library name its options; at the command line these are called otherwise.

const NAMES = /** @type {const} */ ([
  ['proxyTls.ca', 'NODE_EXTRA_CA_CERTS'],
  ['tls.ca', '--ca'],
  ['tls.servername', '--servername'],
  ['options.proxy', '--proxy'],
  ['options.transport', '--transport'],
]);

/** @param {string} text a message or a hint */
export const forCommandLine = (text) =>
  NAMES.reduce((result, [option, flag]) => result.replaceAll(option, flag), text);
