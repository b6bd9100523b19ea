/** The public face of `symbols/`: one program file with its symbols and debug information, read as far as asked for. */
import type { ElfFile, ElfSymbol } from './elf';
import { SymbolError } from './errors';
import type {
  AddressRange,
  BreakpointResolution,
  EvaluationContext,
  FileLookup,
  FunctionInfo,
  InlineFrame,
  LineLocation,
  Location,
  ReadMemory,
  Registers,
  StackFrame,
  SymbolHit,
  Variable,
} from './model';

export interface SymbolFileOptions {
  /** Added to every address of the file: where a position-independent program is loaded beyond its link address. */
  readonly bias?: bigint;
}

function pending(): never {
  throw new SymbolError('Symbols are not read yet.');
}

/** Addresses in arguments and answers are virtual addresses of the program, with the bias applied. */
export class SymbolFile {
  /** What was dropped because it could not be read, one sentence each; grows as more of the file is read. */
  readonly warnings: string[] = [];

  private constructor(readonly elf: ElfFile) {}

  /** Opens an ELF file. @throws ElfError when it is not one for RV64. Bad debug information only leaves `warnings`. */
  static open(_bytes: Uint8Array, _options: SymbolFileOptions = {}): SymbolFile {
    return pending();
  }

  /** Whether there are line tables or debugging entries at all. */
  get hasDebugInfo(): boolean {
    return pending();
  }

  // Functions and symbols

  /** The function whose code holds the address: from debug information, else from sized symbols and labels. */
  findFunction(_address: bigint): FunctionInfo | undefined {
    return pending();
  }

  /** The function or label of an executable section at or before the address; honours symbol sizes. */
  symbolAt(_address: bigint): SymbolHit | undefined {
    return pending();
  }

  /** The symbol of that name: a global one first, then weak, then local. */
  findSymbol(_name: string): ElfSymbol | undefined {
    return pending();
  }

  /** All functions with code, by unit; then functions that only the symbol table knows. */
  allFunctions(): IterableIterator<FunctionInfo> {
    return pending();
  }

  // Lines

  /** The line of the instruction at the address; undefined where the compiler gave none. */
  lineFor(_address: bigint): LineLocation | undefined {
    return pending();
  }

  /** Ranges of the same line as at the address, in the same function: what one source step runs through. */
  statementRanges(_address: bigint): AddressRange[] {
    return pending();
  }

  /** All source files of the line tables: joined with directory and compilation directory, normalised, sorted. */
  sourceFiles(): readonly string[] {
    return pending();
  }

  /** The file that a user's path means: by the longest common suffix of path components, case-sensitive. */
  findFile(_path: string): FileLookup {
    return pending();
  }

  /** Where a breakpoint on a source line (from 1) stops: that line or the next that has code. */
  resolveBreakpoint(_path: string, _line: number): BreakpointResolution {
    return pending();
  }

  /** Lines with code from `first` to `last` inclusive, ascending; empty when the file is not found. */
  linesIn(_path: string, _first: number, _last: number): number[] {
    return pending();
  }

  /** Where to stop so that a function has been entered and its arguments can be read: behind the prologue. One per copy. */
  functionBreakpointAddresses(_name: string): bigint[] {
    return pending();
  }

  // Inlining and variables

  /** The source call chain within the machine frame at the address, innermost first; empty when no function is known. */
  inlineChain(_address: bigint): InlineFrame[] {
    return pending();
  }

  /** Parameters and locals visible at the address in entry `level` of the inline chain, innermost block first. */
  variablesInScope(_address: bigint, _level = 0): Variable[] {
    return pending();
  }

  /** Global and file-static variables, of the address's unit first. */
  globals(_address?: bigint): IterableIterator<Variable> {
    return pending();
  }

  /** The global of that name, one of the address's own unit preferred. */
  findGlobal(_name: string, _address?: bigint): Variable | undefined {
    return pending();
  }

  /** Where the variable is now. Never throws: bad debug information becomes `unavailable`. */
  locate(_variable: Variable, _context: EvaluationContext): Location {
    return pending();
  }

  // Call stack

  /**
   * The caller of a frame, undefined at the end of the stack. Uses call-frame information, then the prologue's
   * instructions, then the frame-pointer chain, then ra.
   */
  unwind(_frame: StackFrame, _readMemory: ReadMemory): StackFrame | undefined {
    return pending();
  }

  /**
   * The whole stack, innermost frame first, at most `maxFrames`. Ends at pc 0, at unreadable memory, and where the stack
   * pointer no longer grows.
   */
  unwindStack(_pc: bigint, _registers: Registers, _readMemory: ReadMemory, _maxFrames?: number): StackFrame[] {
    return pending();
  }
}
