const start = performance.now();
const { wire } = await import(/** @type {any} */ ('turn-server'));
const message = wire.decode_message(Buffer.from(process.argv[2], 'hex'));
const username = message.getAttribute(wire.ATTR.USERNAME);
if (username !== process.argv[3]) throw new Error(`decoded ${username}`);
process.stdout.write(String(performance.now() - start));
