/** What the engine asks of the machine that it runs code for. */
import type { Operands } from '../isa/instruction';
import type { SystemOp, Width } from '../isa/semantics';

/** Kinds of access, as numbers since they cross hot paths. */
export const FETCH = 0;
export const LOAD = 1;
export const STORE = 2;
export type Access = typeof FETCH | typeof LOAD | typeof STORE;

/** What a device does with single bytes at offsets from its first address; values are unsigned. */
export interface ByteAccess {
  read(offset: number): number;
  write(offset: number, value: number): void;
}

/** A device that takes bytes at all its addresses: HPA of the first, and how many there are. */
export interface ByteDevice {
  readonly base: number;
  readonly size: number;
  readonly byteAccess: ByteAccess;
}

export interface EngineHost {
  /**
   * Translates a virtual address for the current privilege; `size` bytes from there lie within one 4 KiB page (the
   * engine splits accesses that cross). Checks permissions and PMP, sets the A and D bits.
   * @param vaLow,vaHigh the address as two unsigned 32-bit halves
   * @returns the HPA, or -1 after it has raised the trap itself (or held the instruction)
   */
  translate(vaLow: number, vaHigh: number, access: Access, size: number): number;
  /** After `translate`: may the TLB keep this page for this kind of access? */
  readonly cacheable: boolean;
  /**
   * Reads outside RAM; the address may be misaligned, the value is unsigned. Undefined when nothing is there: the engine
   * raises the access fault.
   */
  readDevice(hpa: number, width: Width): bigint | undefined;
  /** Writes outside RAM; the address may be misaligned. False when nothing is there. */
  writeDevice(hpa: number, width: Width, value: bigint): boolean;
  /** The device at this address, if it has a short way for single bytes: what that does is what `readDevice` and `writeDevice` do. */
  byteDevice?(hpa: number): ByteDevice | undefined;
  /** A halfword of read-only memory, for an instruction fetch outside RAM; undefined: an access fault, also without this. */
  fetchRom?(hpa: number): number | undefined;
  /**
   * A synchronous trap of the instruction at `state.pc`: afterwards pc, privilege and TLB selection are the handler's.
   * The host may instead leave the state alone and call `Engine.holdInstruction`.
   */
  raise(cause: number, tval: bigint): void;
  /**
   * A system instruction at `state.pc`.
   * @returns 'next': go on behind it. 'jump': go on at `state.pc`, which the host has set.
   */
  system(op: SystemOp, operands: Operands, word: number): 'next' | 'jump';
  /** A breakpoint at `state.pc`, before the instruction. True: leave `run`; false: go on. */
  breakpoint(pc: bigint): boolean;
}
