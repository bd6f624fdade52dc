/**
 * @param {string} text
 * @returns {Uint8Array}
 */
export function decodeBase64(text) {
  const { Buffer } = /** @type {{ Buffer?: typeof import('node:buffer').Buffer }} */ (globalThis);
  if (Buffer !== undefined) return Buffer.from(text, 'base64');
  const characters = atob(text);
  const bytes = new Uint8Array(characters.length);
  for (let i = 0; i < bytes.length; i += 1) bytes[i] = characters.charCodeAt(i);
  return bytes;
}
