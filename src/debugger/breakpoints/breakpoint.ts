/** Breakpoints as the user sets them, and what the debugger makes of them. */
import type { SymbolModule } from '../symbol-space';
import type { Guard, GuardOptions } from './conditions/guard';
import type { DataAccessType, WatchedData } from './data/resolve-data';

/** A breakpoint on a line of a source file. */
export interface SourceRequest extends GuardOptions {
  /** From 1. */
  readonly line: number;
}

/** A breakpoint on a function's name, an address (`*0x80200000`), or a hypervisor event (`hypervisor.csrWrite`). */
export interface FunctionRequest extends GuardOptions {
  readonly name: string;
}

/** A breakpoint on an instruction. */
export interface InstructionRequest extends GuardOptions {
  readonly address: bigint;
}

/** A breakpoint on accesses to memory. */
export interface DataRequest extends GuardOptions {
  /** As `data-place.ts` writes them. */
  readonly id: string;
  readonly access: DataAccessType;
}

/** Stops on a trap cause: the cause's id, such as `load-page-fault`. */
export interface ExceptionRequest {
  readonly cause: string;
  readonly condition?: string;
}

/** A place in code where a breakpoint stops, and the program it belongs to, if any. */
export interface BreakpointPlace {
  readonly address: bigint;
  readonly module?: SymbolModule;
}

/** What a breakpoint waits for. */
export type Trigger =
  | { readonly kind: 'code'; readonly places: readonly BreakpointPlace[] }
  | { readonly kind: 'event'; readonly event: string }
  | { readonly kind: 'data'; readonly data: WatchedData }
  | { readonly kind: 'nothing' };

export type BreakpointKind = 'source' | 'function' | 'instruction' | 'data';

export interface Breakpoint {
  /** Unique and never used again. */
  readonly id: number;
  readonly kind: BreakpointKind;
  /** It will stop when reached. */
  readonly verified: boolean;
  /** Why it is not verified, or what is to be known about it; one sentence. */
  readonly message?: string;
  /** Source breakpoints: the line it is on, which may be further down than asked for. */
  readonly line?: number;
  readonly trigger: Trigger;
  readonly guard?: Guard;
}
