/** The types in which `symbols/` answers: what a debugger asks of a program file and what it gets back. */

/**
 * Reads guest memory: `size` bytes at `address`, or undefined where any of them cannot be read.
 * The debugger gives one per address space.
 */
export type ReadMemory = (address: bigint, size: number) => Uint8Array | undefined;

/** Addresses from `low` up to, but not including, `high`. */
export interface AddressRange {
  readonly low: bigint;
  readonly high: bigint;
}

/** What the ELF symbol table says about an address: `offset` bytes behind the symbol `name`. */
export interface SymbolHit {
  readonly name: string;
  readonly address: bigint;
  readonly offset: bigint;
  /** Size in bytes that the symbol table gives; 0n when it gives none (most assembly labels). */
  readonly size: bigint;
}

/** A function with code of its own (an out-of-line copy). `low` is its entry. */
export interface FunctionInfo {
  /** The name as in the source, qualified by namespaces and types (`kernel::trap::handle`). */
  readonly name: string;
  /** The name in the symbol table when it differs (mangled names). */
  readonly linkageName?: string;
  readonly low: bigint;
  /** End of the range that holds the entry. */
  readonly high: bigint;
  /** All ranges, the entry's first; more than one where the compiler split cold code off. */
  readonly ranges: readonly AddressRange[];
  /** Where the function is declared; absent when the answer comes from the symbol table alone. */
  readonly declaration?: SourcePosition;
}

/** A place in a source file. `file` is one of `SymbolFile.sourceFiles()`; lines and columns count from 1. */
export interface SourcePosition {
  readonly file: string;
  readonly line: number;
  /** 0 when the compiler did not say. */
  readonly column: number;
}

/** The line-table row that covers an address. */
export interface LineLocation extends SourcePosition {
  /** True when the row is a recommended place for a breakpoint. */
  readonly isStatement: boolean;
  /** The addresses that this one row covers. */
  readonly range: AddressRange;
}

/** How well a path that the user named fits a file that the debug information names. */
export interface FileMatch {
  /** The file, as in `SymbolFile.sourceFiles()`. */
  readonly file: string;
  /**
   * `exact`: the paths are equal, or the debug information's path is relative and is wholly a suffix of the user's (or the
   * reverse). `suffix`: both are absolute and only the last `components` parts agree, as after a moved build.
   */
  readonly quality: 'exact' | 'suffix';
  /** Number of trailing path components that agree. */
  readonly components: number;
}

/** The outcome of looking for a source file by the user's path. */
export type FileLookup =
  | ({ readonly kind: 'found' } & FileMatch)
  | { readonly kind: 'ambiguous'; readonly candidates: readonly string[] }
  | { readonly kind: 'unknown-file' };

/** Where a source breakpoint lands. */
export type BreakpointResolution =
  | {
      readonly kind: 'resolved';
      readonly file: string;
      /** The line chosen: the one asked for, or the nearest following line with code. */
      readonly line: number;
      /** All places to stop at, ascending: one for each copy of the line (inlined, duplicated, several functions). */
      readonly addresses: readonly bigint[];
      readonly match: FileMatch;
    }
  | { readonly kind: 'no-code'; readonly file: string }
  | { readonly kind: 'ambiguous'; readonly candidates: readonly string[] }
  | { readonly kind: 'unknown-file' };

/**
 * One level of the source call chain at an address: entry 0 is the innermost (inlined) function, the last is the function
 * that owns the machine code.
 */
export interface InlineFrame {
  readonly name: string;
  readonly linkageName?: string;
  readonly isInlined: boolean;
  /** Where execution is in this level: the row of the address for entry 0, the call site for outer entries. */
  readonly position?: SourcePosition;
  /** Where the function of this level is declared. */
  readonly declaration?: SourcePosition;
  /** Code of this level: the inlined copy, or the whole function. */
  readonly ranges: readonly AddressRange[];
}

/**
 * Register values by DWARF number: 0–31 are x0–x31, 32–63 are f0–f31. Undefined: the value in that frame is not known
 * (a caller-saved register in an outer frame). The array may be shorter than 64.
 */
export type Registers = readonly (bigint | undefined)[];

/** One physical frame of a call stack. */
export interface StackFrame {
  readonly pc: bigint;
  /**
   * The address to look the frame up by (line, function, variables): `pc` in the innermost frame, `pc - 1` in its callers,
   * because a return address may already belong to the next line or the next function.
   */
  readonly lookupPc: bigint;
  readonly registers: Registers;
  /** Canonical frame address (the stack pointer before the call), when known. */
  readonly cfa?: bigint | undefined;
  /** How this frame's own registers were found from the frame below it. */
  readonly how: UnwindMethod;
}

/**
 * `start`: the innermost frame; `cfi`: call-frame information; `prologue`: from the instructions at the function's start;
 * `frame-pointer`: the chain in s0; `return-address`: ra alone.
 */
export type UnwindMethod = 'start' | 'cfi' | 'prologue' | 'frame-pointer' | 'return-address';

/** How an encoding of a base type is to be read. */
export type BaseEncoding = 'signed' | 'unsigned' | 'boolean' | 'float' | 'character' | 'address' | 'complex' | 'other';

/**
 * A type of the program. Types refer to each other and may be cyclic (through pointers); referred types are read when
 * their property is first used. `undefined` as a target means `void`. `name` is always printable (`struct task *`).
 */
export type Type =
  | {
      readonly kind: 'base';
      readonly name: string;
      readonly size: number;
      readonly encoding: BaseEncoding;
      readonly isSigned: boolean;
    }
  | PointerType
  | StructType
  | EnumType
  | ArrayType
  | AliasType
  | FunctionType
  | { readonly kind: 'unknown'; readonly name: string; readonly size: number };

export interface PointerType {
  readonly kind: 'pointer';
  readonly name: string;
  readonly size: number;
  /** `pointer`, or a C++ or Rust reference. */
  readonly flavour: 'pointer' | 'reference';
  readonly target: Type | undefined;
}

export interface StructType {
  readonly kind: 'struct';
  readonly flavour: 'struct' | 'union' | 'class';
  readonly name: string;
  /** Size in bytes; 0 for a declaration without definition. */
  readonly size: number;
  /** True for a declaration whose members are in another unit or nowhere. */
  readonly isIncomplete: boolean;
  readonly members: readonly Member[];
  /** Present on sum types (Rust enums, Ada variants): which of the variants' members exist depends on the discriminant. */
  readonly variants?: VariantPart;
}

export interface Member {
  /** Empty for an anonymous struct or union. */
  readonly name: string;
  readonly type: Type | undefined;
  /** Byte offset from the start of the containing struct. For a bit-field: of the bytes that hold its first bit. */
  readonly offset: number;
  /** Set for bit-fields: width in bits. */
  readonly bitSize?: number;
  /** Set for bit-fields: bits to shift right after a little-endian read at `offset`. */
  readonly bitOffset?: number;
  readonly isBaseClass: boolean;
}

export interface VariantPart {
  readonly discriminant: Member | undefined;
  readonly variants: readonly {
    /** Discriminant values that select the variant; undefined: the default variant. */
    readonly values: readonly bigint[] | undefined;
    readonly members: readonly Member[];
  }[];
}

export interface EnumType {
  readonly kind: 'enum';
  readonly name: string;
  readonly size: number;
  readonly isSigned: boolean;
  readonly enumerators: readonly { readonly name: string; readonly value: bigint }[];
}

export interface ArrayType {
  readonly kind: 'array';
  readonly name: string;
  /** Bytes of the whole array; 0 when a dimension is not known. */
  readonly size: number;
  readonly element: Type | undefined;
  /** Elements of this dimension, undefined when not known (`extern int a[]`). Multi-dimensional arrays nest. */
  readonly count: number | undefined;
}

/** A typedef or a qualifier around another type. */
export interface AliasType {
  readonly kind: 'typedef' | 'const' | 'volatile' | 'restrict' | 'atomic';
  readonly name: string;
  readonly size: number;
  readonly target: Type | undefined;
}

export interface FunctionType {
  readonly kind: 'function';
  readonly name: string;
  readonly size: 0;
  readonly result: Type | undefined;
  readonly parameters: readonly (Type | undefined)[];
}

/** A variable or formal parameter as declared; where it is at a given moment is `SymbolFile.locate`. */
export interface Variable {
  readonly name: string;
  readonly kind: 'parameter' | 'local' | 'global';
  readonly type: Type | undefined;
  readonly declaration?: SourcePosition;
  /** Nesting depth of the lexical block that declares it: 0 is the function itself. A deeper one shadows a shallower. */
  readonly blockDepth: number;
  /** Opaque: identifies the debugging entry. */
  readonly entry: number;
}

/** Where a variable's value is. Offsets and sizes in bits occur in `pieces` only. */
export type Location =
  | { readonly kind: 'memory'; readonly address: bigint }
  /** DWARF register number, see `Registers`. */
  | { readonly kind: 'register'; readonly register: number }
  /** The value itself, as a 64-bit word whose low bytes count. */
  | { readonly kind: 'value'; readonly value: bigint }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  /** `offset`: bits to skip in the piece's source. */
  | {
      readonly kind: 'pieces';
      readonly pieces: readonly { readonly location: Location; readonly bits: number; readonly offset: number }[];
    }
  /** The compiler kept no copy at this address. */
  | { readonly kind: 'optimized-out' }
  /** A location that cannot be worked out, with the reason in one sentence. */
  | { readonly kind: 'unavailable'; readonly reason: string };

/** What evaluating a location needs to know of the frame. */
export interface EvaluationContext {
  /** The frame's `lookupPc`. */
  readonly pc: bigint;
  readonly registers: Registers;
  readonly cfa?: bigint | undefined;
  readonly readMemory: ReadMemory;
  /** The frame's caller, when unwound: recovers parameters that the callee no longer holds. */
  readonly caller?: StackFrame | undefined;
}
