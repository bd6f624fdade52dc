// Our server for simulated hosts, in Node.js: loaded when it is asked for, as it is larger than all the rest.

/** @type {typeof import('./node.js').startServer} */
export async function startServer(...what) {
  const { startServer: start } = await import('./node.js');
  return start(...what);
}
