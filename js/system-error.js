/**
 * The `code` of an error of the system, such as 'ECONNREFUSED'. Errors are told by their form: one
 * that comes from another realm is no `instanceof Error` here.
 *
 * @param {unknown} error
 * @returns {string | undefined}
 */
export function codeOf(error) {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}
