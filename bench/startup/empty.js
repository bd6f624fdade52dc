// What the other files here are compared with: it loads nothing and decodes nothing.

const start = performance.now();
process.stdout.write(String(performance.now() - start));
