// The decision table: numbers. Levels are those of thresholds.js.

/** @param {string} id @param {string} metric @param {import('./thresholds.js').Level} level @param {readonly [title: string, text: string, advice: string]} words */
const rule = (id, metric, level, [title, text, advice]) => ({
  id,
  when: { [metric]: level },
  severity: level === 'poor' ? /** @type {const} */ ('error') : /** @type {const} */ ('warning'),
  about: /** @type {const} */ ('network'),
  title,
  text,
  advice,
});

/** @type {readonly import('./network-rules.js').Rule[]} */
export const QUALITY_RULES = [
  {
    id: 'quality-good',
    when: { qualityUdp: ['excellent', 'good'] },
    severity: 'good',
    about: 'network',
    title: 'The path is good enough for calls',
    text: 'Delay, jitter and loss are within what calls need, {what}.',
  },
  rule('loss-high', 'loss', 'fair', [
    'Packets are lost',
    'Calls will have small gaps: {what}.',
    'On a wireless network go nearer to its station, or use a cable.',
  ]),
  rule('loss-severe', 'loss', 'poor', [
    'Many packets are lost',
    'Calls will be hard to follow: {what}.',
    'On a wireless network go nearer to its station, or use a cable; else ask those who run the network.',
  ]),
  rule('jitter-high', 'jitter', 'fair', [
    'Packets come unevenly',
    'Calls get more delay to make up for it: {what}.',
    'Something else may use the line: stop downloads, or use a cable.',
  ]),
  rule('jitter-severe', 'jitter', 'poor', [
    'Packets come very unevenly',
    'Calls will break up: {what}.',
    'Something else may use the line: stop downloads, or use a cable.',
  ]),
  rule('delay-high', 'delay', 'fair', [
    'The way is long',
    'People will begin to talk at the same time: {what}.',
    'Use a server that is nearer, and no VPN.',
  ]),
  rule('delay-severe', 'delay', 'poor', [
    'The way is too long',
    'A talk will be hard: {what}.',
    'Use a server that is nearer, and no VPN.',
  ]),
  rule('voice-fair', 'voice', 'fair', [
    'Some will not be content with the sound',
    'By the least kind of the formulas: {what}.',
    'See what is said of loss, jitter and delay.',
  ]),
  rule('voice-poor', 'voice', 'poor', [
    'The sound may be bad',
    'By the least kind of the formulas: {what}.',
    'See what is said of loss, jitter and delay.',
  ]),
  rule('stalls-long', 'stalls', 'fair', [
    'The stream halts at times',
    'Lost packets are sent again, and all after them wait: {what}.',
    'UDP would lose them instead, which calls bear better.',
  ]),
  rule('stalls-severe', 'stalls', 'poor', [
    'The stream halts for long',
    'Calls will break off: {what}.',
    'UDP would lose packets instead, which calls bear better.',
  ]),
  rule('load-delay-high', 'loaded', 'fair', [
    'A busy line delays calls',
    'During a transfer packets wait in a queue (bufferbloat): {what}.',
    'Turn queue management on in the router (such as fq_codel or CAKE), or keep transfers apart from calls.',
  ]),
  rule('load-delay-severe', 'loaded', 'poor', [
    'A busy line makes calls impossible',
    'During a transfer packets wait in a long queue (bufferbloat): {what}.',
    'Turn queue management on in the router (such as fq_codel or CAKE), or keep transfers apart from calls.',
  ]),
  rule('throughput-low', 'throughput', 'fair', [
    'Enough for voice, little for pictures',
    'The path takes little: {what}.',
    'Turn pictures off, or use another line.',
  ]),
  rule('throughput-too-low', 'throughput', 'poor', [
    'Too little even for voice',
    'The path takes less than a call needs: {what}.',
    'Use another line.',
  ]),
  rule('bursts-long', 'bursts', 'fair', [
    'Losses come together',
    'Words will be missing: {what}, on average.',
    'On a wireless network go nearer to its station, or use a cable.',
  ]),
  rule('bursts-severe', 'bursts', 'poor', [
    'Losses last for long',
    'Calls will fall silent: {what}, on average.',
    'On a wireless network go nearer to its station, or use a cable.',
  ]),
  {
    id: 'reordering',
    when: { order: 'changed' },
    severity: 'info',
    about: 'network',
    title: 'Packets overtake each other',
    text: 'Some came after others that were sent later (RFC 4737): {what}. Calls put them in order.',
  },
  {
    id: 'duplicates',
    when: { copies: 'seen' },
    severity: 'info',
    about: 'network',
    title: 'Packets come twice',
    text: 'Some came more than once: {what}. Calls ignore the second.',
  },
];
