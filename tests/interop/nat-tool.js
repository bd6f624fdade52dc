// coturn's own program for NAT discovery, whose verdict is compared with ours.

export const NAT_TOOL = 'turnutils_natdiscovery';

/**
 * What it says of mapping and filtering (-m -f), in our words.
 *
 * @param {string} output
 * @returns {{ mapping?: string, filtering?: string, output: string }}
 */
export function readNatTool(output) {
  const behaviours = [...output.matchAll(/NAT with (.*?) (Mapping|Filtering)/g)];
  const words = behaviours.map(([, behaviour, what]) => [
    what.toLowerCase(),
    behaviour.toLowerCase().replaceAll(' ', '-'),
  ]);
  return { ...Object.fromEntries(words), output };
}
