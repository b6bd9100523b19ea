/** The integer registers' names (RISC-V calling convention). */

/** ABI names by register number. */
export const registerNames: readonly string[] = [
  'zero',
  'ra',
  'sp',
  'gp',
  'tp',
  ...['t0', 't1', 't2'],
  ...['s0', 's1'],
  ...Array.from({ length: 8 }, (_, i) => `a${i}`),
  ...Array.from({ length: 10 }, (_, i) => `s${i + 2}`),
  ...['t3', 't4', 't5', 't6'],
];

const numbers: ReadonlyMap<string, number> = new Map([
  ...registerNames.map((name, number): [string, number] => [name, number]),
  ...registerNames.map((_, number): [string, number] => [`x${number}`, number]),
  ['fp', 8],
]);

/** The register number of an ABI name, of `fp`, or of `x0` to `x31`. */
export const registerNumber = (name: string): number | undefined => numbers.get(name);
