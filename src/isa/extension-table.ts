/** An extension that a machine has or has not, with the instructions that it brings. */
import type { Instruction } from './instruction';

export interface ExtensionTable<Name extends string = string> {
  /** As the specifications write it. */
  readonly name: Name;
  /** Whether a machine has it unless it is switched off: what QEMU 7.2's processor `rv64` has (docs/decisions). */
  readonly onByDefault: boolean;
  readonly instructions: readonly Instruction[];
}

/** A table entry without the extension, which the table names. */
export type ExtensionEntry = Omit<Instruction, 'extension'>;

export const extensionTable = <const Name extends string>(
  name: Name,
  { onByDefault }: { readonly onByDefault: boolean },
  entries: readonly ExtensionEntry[] = [],
): ExtensionTable<Name> => ({
  name,
  onByDefault,
  instructions: entries.map((entry) => ({ ...entry, extension: name })),
});
