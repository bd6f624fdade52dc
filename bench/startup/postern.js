const start = performance.now();
const { decode } = await import('../../dist/codec.inline.js'); // 'postern/codec' in Node
const { username } = decode(Buffer.from(process.argv[2], 'hex')).attributes;
if (username !== process.argv[3]) throw new Error(`decoded ${username}`);
process.stdout.write(String(performance.now() - start));
