/** The public face of `symbols/`: one program file with its symbols and debug information, read as far as asked for. */
import { DebugContext } from './dwarf/context';
import { DebugSections } from './dwarf/sections';
import { parseElf } from './elf';
import type { ElfFile, ElfSymbol } from './elf';
import { Functions } from './functions';
import { linuxProgram } from './linux-program';
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
import { SourceLines } from './source-lines';
import { SymbolTable } from './symbol-table';
import type { UnwindRow } from './unwind/frame-row';
import { Unwinder } from './unwind/unwinder';
import { Variables } from './variables';

export interface SymbolFileOptions {
  /** Added to every address of the file: where a position-independent program is loaded beyond its link address. */
  readonly bias?: bigint;
}

interface DebugParts {
  readonly context: DebugContext;
  readonly lines: SourceLines;
  readonly functions: Functions;
  readonly variables: Variables;
}

/** Addresses in arguments and answers are virtual addresses of the program, with the bias applied. */
export class SymbolFile {
  /** What was dropped because it could not be read, one sentence each; grows as more of the file is read. */
  readonly warnings: string[] = [];

  private readonly sections: DebugSections;
  private readonly symbols: SymbolTable;
  private parts: DebugParts | undefined;
  private readonly unwinder: Unwinder;

  private constructor(
    readonly elf: ElfFile,
    bias: bigint,
  ) {
    this.sections = new DebugSections(elf, bias, this.warnings);
    this.symbols = new SymbolTable(elf, bias, this.warnings);
    this.unwinder = new Unwinder({
      sections: this.sections,
      isCode: (address) => this.symbols.isCode(address),
      functionStart: (address) => this.findFunction(address)?.low,
      warn: (error) => this.debug.context.info.warn(error),
    });
  }

  /** What debug information gives, set up on first use. */
  private get debug(): DebugParts {
    if (!this.parts) {
      const context = new DebugContext(this.sections, (address) => this.symbols.isCode(address));
      const lines = new SourceLines(context);
      const functions = new Functions(context, this.symbols, lines);
      this.parts = { context, lines, functions, variables: new Variables(context, functions, this.symbols) };
    }
    return this.parts;
  }

  /** Opens an ELF file. @throws ElfError when it is not one for RV64. Bad debug information only leaves `warnings`. */
  static open(bytes: Uint8Array, options: SymbolFileOptions = {}): SymbolFile {
    return new SymbolFile(parseElf(bytes, { purpose: 'symbols' }), options.bias ?? 0n);
  }

  /** Opens a flat Linux `Image`; undefined when it brings no symbols of its own. */
  static openLinux(image: Uint8Array): SymbolFile | undefined {
    const program = linuxProgram(image);
    return program && new SymbolFile(program, 0n);
  }

  /** Whether there are line tables or debugging entries at all. */
  get hasDebugInfo(): boolean {
    return this.sections.has('info') && this.sections.has('line');
  }

  // Functions and symbols

  /** The function whose code holds the address: from debug information, else from sized symbols and labels. */
  findFunction(address: bigint): FunctionInfo | undefined {
    return this.debug.functions.find(address);
  }

  /** The function or label of an executable section at or before the address; honours symbol sizes. */
  symbolAt(address: bigint): SymbolHit | undefined {
    return this.symbols.at(address);
  }

  /** The symbol of that name: a global one first, then weak, then local. */
  findSymbol(name: string): ElfSymbol | undefined {
    return this.symbols.find(name);
  }

  /** All functions with code, by unit; then functions that only the symbol table knows. */
  allFunctions(): IterableIterator<FunctionInfo> {
    return this.debug.functions.all();
  }

  // Lines

  /** The line of the instruction at the address; undefined where the compiler gave none. */
  lineFor(address: bigint): LineLocation | undefined {
    return this.debug.lines.lineFor(address);
  }

  /** Ranges of the same line as at the address, in the same function: what one source step runs through. */
  statementRanges(address: bigint): AddressRange[] {
    return this.debug.lines.statementRanges(address);
  }

  /** All source files of the line tables: joined with directory and compilation directory, normalised, sorted. */
  sourceFiles(): readonly string[] {
    return this.debug.lines.sourceFiles();
  }

  /** The file that a user's path means: by the longest common suffix of path components, case-sensitive. */
  findFile(path: string): FileLookup {
    return this.debug.lines.findFile(path);
  }

  /** Where a breakpoint on a source line (from 1) stops: that line or the next that has code. */
  resolveBreakpoint(path: string, line: number): BreakpointResolution {
    return this.debug.lines.resolveBreakpoint(path, line);
  }

  /** Lines with code from `first` to `last` inclusive, ascending; empty when the file is not found. */
  linesIn(path: string, first: number, last: number): number[] {
    return this.debug.lines.linesIn(path, first, last);
  }

  /** Where to stop so that a function has been entered and its arguments can be read: behind the prologue. One per copy. */
  functionBreakpointAddresses(name: string): bigint[] {
    return this.debug.functions.breakpointAddresses(name);
  }

  // Inlining and variables

  /** The source call chain within the machine frame at the address, innermost first; empty when no function is known. */
  inlineChain(address: bigint): InlineFrame[] {
    return this.debug.functions.inlineChain(address);
  }

  /** Parameters and locals visible at the address in entry `level` of the inline chain, innermost block first. */
  variablesInScope(address: bigint, level = 0): Variable[] {
    return this.debug.variables.inScope(address, level);
  }

  /** Global and file-static variables, of the address's unit first. */
  globals(address?: bigint): IterableIterator<Variable> {
    return this.debug.variables.globals(address);
  }

  /** The global of that name, one of the address's own unit preferred. */
  findGlobal(name: string, address?: bigint): Variable | undefined {
    return this.debug.variables.findGlobal(name, address);
  }

  /** Where the variable is now. Never throws: bad debug information becomes `unavailable`. */
  locate(variable: Variable, context: EvaluationContext): Location {
    return this.debug.variables.locate(variable, context);
  }

  // Call stack

  /** The call-frame information that holds at an address, if there is any. */
  unwindRow(address: bigint): UnwindRow | undefined {
    return this.unwinder.rowAt(address);
  }

  /** The innermost frame for a pc and the registers there, with its frame address where that can be found. */
  startFrame(pc: bigint, registers: Registers, readMemory: ReadMemory): StackFrame {
    return this.unwinder.start(pc, registers, readMemory);
  }

  /**
   * The caller of a frame, undefined at the end of the stack: at pc 0, at unreadable memory, outside the program's code,
   * and where the stack pointer does not rise. Uses call-frame information, else the instructions at the function's start,
   * else the frame-pointer chain, else ra.
   */
  unwind(frame: StackFrame, readMemory: ReadMemory): StackFrame | undefined {
    return this.unwinder.caller(frame, readMemory);
  }

  /** The whole stack, innermost frame first, at most `maxFrames`. */
  unwindStack(pc: bigint, registers: Registers, readMemory: ReadMemory, maxFrames = 256): StackFrame[] {
    const frames: StackFrame[] = [];
    let frame: StackFrame | undefined = this.startFrame(pc, registers, readMemory);
    while (frame && frames.length < maxFrames) {
      frames.push(frame);
      frame = this.unwind(frame, readMemory);
    }
    return frames;
  }
}
