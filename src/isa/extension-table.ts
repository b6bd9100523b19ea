/** An extension that a machine has or has not, with the instructions that it brings. */
import type { Format, Instruction } from './instruction';
import type { Expr } from './semantics';

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

/** An entry that sets rd to a value. */
export const computing = (
  name: string,
  match: number,
  mask: number,
  format: Format,
  value: Expr,
  summary: string,
): ExtensionEntry => ({ name, match, mask, format, action: { k: 'compute', value }, summary });
