// A child process of quality-lab.test.js: measures, and prints the measurement as JSON.
// Usage: node quality-lab-client.js JSON of the options of measureQuality()
import { measureQuality } from '../../js/measure/quality/measure-quality.js';

const options = JSON.parse(process.argv[2]);
const { signal } = new AbortController();
console.log(JSON.stringify(await measureQuality({ timeoutMs: 5000, ...options, signal })));
