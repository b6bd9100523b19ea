/** The errors that reading a program file ends in. Each message is one sentence for the user. */

/** Anything wrong with a program file or its symbols. */
export class SymbolError extends Error {
  override readonly name: string = 'SymbolError';
}

/** The file is not an ELF file that can be debugged here. */
export class ElfError extends SymbolError {
  override readonly name = 'ElfError';
}

/** Debug information that cannot be read. `SymbolFile` catches these, drops what is affected and keeps a warning. */
export class DwarfError extends SymbolError {
  override readonly name = 'DwarfError';
}
