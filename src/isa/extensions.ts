/**
 * Which extensions the machine implements, and which of them can be switched off. A CSR or field of any other extension
 * does not exist or reads zero.
 */

import { switchableTables } from './switchable-extensions';

/** Every extension that the tables name. */
export type Extension =
  'I' | 'M' | 'A' | 'F' | 'D' | 'C' | 'V' | 'S' | 'U' | 'Zicsr' | 'Zifencei' | 'Zicntr' | 'Zihpm' | SwitchableExtension;

export type SwitchableExtension = (typeof switchableTables)[number]['name'];

/** Those that each machine has or has not, in the order in which device trees list them. */
export const switchableExtensions: readonly SwitchableExtension[] = switchableTables.map(({ name }) => name);

/** What a machine has, as far as it is to differ from the defaults. */
export type ExtensionSwitches = Readonly<Partial<Record<SwitchableExtension, boolean>>>;

export const implementedExtensions: ReadonlySet<Extension> = new Set<Extension>([
  'I',
  'M',
  'A',
  'F',
  'D',
  'C',
  'S',
  'U',
  'Zicsr',
  'Zifencei',
  'Zicntr',
  'Zihpm',
  ...switchableExtensions,
]);

/** The extensions of a machine with these switches. */
export function machineExtensions(switches: ExtensionSwitches = {}): ReadonlySet<Extension> {
  const off = switchableTables.filter(({ name, onByDefault }) => !(switches[name] ?? onByDefault));
  return new Set([...implementedExtensions].filter((extension) => !off.some(({ name }) => name === extension)));
}

/** Whether something that needs this extension is there; what needs none always is. */
export const isImplemented = (extension: Extension | undefined): boolean =>
  extension === undefined || implementedExtensions.has(extension);

/** The letters of misa: one bit for each implemented single-letter extension, A being bit 0 (Privileged 3.1.1). */
export const misaLetters: number = [...implementedExtensions]
  .filter((extension) => extension.length === 1)
  .reduce((bits, letter) => bits | (1 << (letter.charCodeAt(0) - 'A'.charCodeAt(0))), 0);
