// What writes reports; loaded when one is wanted.
export { toHtml } from '../report/output/html.js';
export { toJson } from '../report/output/json.js';
export { toText } from '../report/output/text.js';
