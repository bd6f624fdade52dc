const start = performance.now();
// 'postern/codec' in Node; by its path, because bench/ is a package of its own.
const CODEC = new URL('../../dist/codec.inline.js', import.meta.url).href;
/** @type {typeof import('../../js/codec/index.js')} */
const { decode } = await import(CODEC);
const { username } = decode(Buffer.from(process.argv[2], 'hex')).attributes;
if (username !== process.argv[3]) throw new Error(`decoded ${username}`);
process.stdout.write(String(performance.now() - start));
