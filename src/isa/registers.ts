/** The registers' names (RISC-V calling convention). */

/** ABI names of the integer registers, by number. */
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

/** ABI names of the floating-point registers, by number. */
export const floatRegisterNames: readonly string[] = [
  ...Array.from({ length: 8 }, (_, i) => `ft${i}`),
  ...['fs0', 'fs1'],
  ...Array.from({ length: 8 }, (_, i) => `fa${i}`),
  ...Array.from({ length: 10 }, (_, i) => `fs${i + 2}`),
  ...Array.from({ length: 4 }, (_, i) => `ft${i + 8}`),
];

const floatNumbers: ReadonlyMap<string, number> = new Map([
  ...floatRegisterNames.map((name, number): [string, number] => [name, number]),
  ...floatRegisterNames.map((_, number): [string, number] => [`f${number}`, number]),
]);

const numbers: ReadonlyMap<string, number> = new Map([
  ...registerNames.map((name, number): [string, number] => [name, number]),
  ...registerNames.map((_, number): [string, number] => [`x${number}`, number]),
  ['fp', 8],
]);

/** The register number of an ABI name, of `fp`, or of `x0` to `x31`. */
export const registerNumber = (name: string): number | undefined => numbers.get(name);

/** The register number of the ABI name of a floating-point register, or of `f0` to `f31`. */
export const floatRegisterNumber = (name: string): number | undefined => floatNumbers.get(name);
