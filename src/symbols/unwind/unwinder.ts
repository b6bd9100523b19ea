/** Walks up the call stack, frame by frame. */
import { DwarfError } from '../errors';
import { evaluateValue } from '../dwarf/expression';
import type { ExpressionContext } from '../dwarf/expression';
import type { DebugSections } from '../dwarf/sections';
import type { ReadMemory, Registers, StackFrame, UnwindMethod } from '../model';
import type { RangeMap } from '../range-map';
import { isPreserved, REGISTER } from '../registers';
import { unwindRowAt } from './frame-row';
import type { RegisterRule, UnwindRow } from './frame-row';
import { readFrameEntries } from './frame-section';
import type { FrameEntry } from './frame-section';
import { analyzePrologue } from './prologue';

/** What the unwinder asks of the program. */
export interface ProgramCode {
  readonly sections: DebugSections;
  isCode(address: bigint): boolean;
  /** Entry of the function that holds the address. */
  functionStart(address: bigint): bigint | undefined;
  warn(error: unknown): void;
}

/** The caller, before its own frame address is known. */
interface Caller {
  readonly pc: bigint;
  readonly registers: Registers;
  readonly how: UnwindMethod;
  /** The frame left was made by a trap, so that `pc` is the interrupted instruction, not behind a call. */
  readonly isInterrupted: boolean;
}

/** How one frame is left: its frame address, and its caller unless it is the outermost. */
interface Step {
  readonly cfa: bigint | undefined;
  readonly caller: Caller | undefined;
}

const REGISTER_COUNT = 64;
const MASK = 0xffff_ffff_ffff_ffffn;
const MAX_PROLOGUE_BYTES = 4096n;
/** Frames larger than this are taken for a broken chain. */
const MAX_FRAME_BYTES = 0x100_0000n;
const OUTERMOST: Step = { cfa: undefined, caller: undefined };

export class Unwinder {
  private entries: RangeMap<FrameEntry> | undefined;

  constructor(private readonly program: ProgramCode) {}

  /** The call-frame information that holds at an address. */
  rowAt(address: bigint): UnwindRow | undefined {
    this.entries ??= readFrameEntries(this.program.sections, (error) => this.program.warn(error));
    const entry = this.entries.find(address);
    if (!entry) return undefined;
    try {
      return unwindRowAt(entry, address, (fileAddress) => this.program.sections.address(fileAddress));
    } catch (error) {
      this.program.warn(error);
      return undefined;
    }
  }

  /** The innermost frame. */
  start(pc: bigint, registers: Registers, readMemory: ReadMemory): StackFrame {
    return this.complete({ pc, lookupPc: pc, registers, how: 'start' }, readMemory);
  }

  /** The frame's caller, or undefined where the stack ends. */
  caller(frame: StackFrame, readMemory: ReadMemory): StackFrame | undefined {
    const { caller } = this.step(frame, readMemory);
    if (!caller || caller.pc === 0n || !this.rises(frame, caller)) return undefined;
    const { pc, registers, how, isInterrupted } = caller;
    return this.complete({ pc, lookupPc: isInterrupted ? pc : pc - 1n, registers, how }, readMemory);
  }

  /** Whether the caller's stack pointer lies above the frame's; an innermost frame may have taken no stack yet. */
  private rises(frame: StackFrame, caller: Caller): boolean {
    if (caller.isInterrupted) return true;
    const sp = frame.registers[REGISTER.sp];
    const callerSp = caller.registers[REGISTER.sp];
    if (sp === undefined || callerSp === undefined) return false;
    return frame.lookupPc === frame.pc ? callerSp >= sp : callerSp > sp;
  }

  private complete(frame: StackFrame, readMemory: ReadMemory): StackFrame {
    const { cfa } = this.step(frame, readMemory);
    return cfa === undefined ? frame : { ...frame, cfa };
  }

  private step(frame: StackFrame, readMemory: ReadMemory): Step {
    const isInnermost = frame.lookupPc === frame.pc;
    if (!this.program.isCode(frame.lookupPc)) return isInnermost ? this.byReturnAddress(frame) : OUTERMOST;
    const row = this.rowAt(frame.lookupPc);
    const byRow = row && this.byRow(frame, row, readMemory);
    if (byRow) return byRow;
    const start = this.program.functionStart(frame.lookupPc);
    if (start !== undefined && frame.pc - start <= MAX_PROLOGUE_BYTES) {
      const code = readMemory(start, Number(frame.pc - start));
      if (code) return this.byPrologue(frame, code, readMemory);
    }
    return this.byFramePointer(frame, readMemory) ?? (isInnermost ? this.byReturnAddress(frame) : OUTERMOST);
  }

  /** By call-frame information; undefined when that turns out unusable. */
  private byRow(frame: StackFrame, row: UnwindRow, readMemory: ReadMemory): Step | undefined {
    const context: ExpressionContext = {
      register: (register) => frame.registers[register],
      readMemory,
      addressOf: (address) => this.program.sections.address(address),
    };
    let cfa: bigint;
    try {
      if (!row.cfa) return undefined;
      if (row.cfa.kind === 'expression') cfa = evaluateValue(row.cfa.bytes, context);
      else {
        const base = frame.registers[row.cfa.register];
        if (base === undefined) return OUTERMOST;
        cfa = (base + row.cfa.offset) & MASK;
      }
    } catch (error) {
      this.program.warn(error);
      return undefined;
    }
    const registers = Array.from({ length: REGISTER_COUNT }, (_, register): bigint | undefined => {
      if (register === REGISTER.zero) return 0n;
      const rule = row.registers.get(register) ?? defaultRule(register, row);
      return this.applyRule(rule, register, frame, cfa, context);
    });
    const pc = this.returnAddress(row, registers, frame, cfa, context);
    if (!row.isSignalFrame && row.returnAddressRegister === REGISTER.ra) registers[REGISTER.ra] = undefined;
    if (pc === undefined) return { cfa, caller: undefined };
    return { cfa, caller: { pc, registers, how: 'cfi', isInterrupted: row.isSignalFrame } };
  }

  /** The return address stands in its register's column; without a rule for that, still in the register. */
  private returnAddress(
    row: UnwindRow,
    callerRegisters: Registers,
    frame: StackFrame,
    cfa: bigint,
    context: ExpressionContext,
  ): bigint | undefined {
    const column = row.returnAddressRegister;
    const rule = row.registers.get(column);
    if (!rule || rule.kind === 'same') return frame.registers[column];
    if (column < REGISTER_COUNT) return callerRegisters[column];
    return this.applyRule(rule, column, frame, cfa, context);
  }

  private applyRule(
    rule: RegisterRule,
    register: number,
    frame: StackFrame,
    cfa: bigint,
    context: ExpressionContext,
  ): bigint | undefined {
    switch (rule.kind) {
      case 'undefined':
        return undefined;
      case 'same':
        return frame.registers[register];
      case 'offset':
        return readWord(context.readMemory, cfa + rule.offset);
      case 'value-offset':
        return (cfa + rule.offset) & MASK;
      case 'register':
        return frame.registers[rule.register];
      default:
        return this.applyExpression(rule, cfa, context);
    }
  }

  private applyExpression(
    rule: Extract<RegisterRule, { bytes: Uint8Array }>,
    cfa: bigint,
    context: ExpressionContext,
  ): bigint | undefined {
    try {
      const value = evaluateValue(rule.bytes, { ...context, cfa }, [cfa]);
      return rule.kind === 'expression' ? readWord(context.readMemory, value) : value;
    } catch (error) {
      if (!(error instanceof DwarfError)) throw error;
      return undefined;
    }
  }

  /** By what the function's instructions up to the pc have done. */
  private byPrologue(frame: StackFrame, code: Uint8Array, readMemory: ReadMemory): Step {
    const state = analyzePrologue(code);
    const base = state && frame.registers[state.cfa.register];
    if (!state || base === undefined) return OUTERMOST;
    const cfa = (base - state.cfa.offset) & MASK;
    const atEntry = (register: number): bigint | undefined => {
      if (state.unchanged.has(register)) return frame.registers[register];
      const slot = state.saved.get(register);
      return slot === undefined ? undefined : readWord(readMemory, cfa + slot);
    };
    const pc = atEntry(REGISTER.ra);
    if (pc === undefined) return { cfa, caller: undefined };
    const isUnmoved = cfa === frame.registers[REGISTER.sp] && state.unchanged.has(REGISTER.ra);
    const registers = callerRegisters(cfa, (register) =>
      register < 32 ? atEntry(register) : frame.registers[register],
    );
    return { cfa, caller: { pc, registers, how: isUnmoved ? 'return-address' : 'prologue', isInterrupted: false } };
  }

  /** By the chain in s0: ra at s0 - 8, the caller's s0 at s0 - 16; a leaf function keeps only the latter, at s0 - 8. */
  private byFramePointer(frame: StackFrame, readMemory: ReadMemory): Step | undefined {
    const s0 = frame.registers[REGISTER.s0];
    const sp = frame.registers[REGISTER.sp];
    if (s0 === undefined || sp === undefined || !isFrameAddress(s0, sp)) return undefined;
    const upper = readWord(readMemory, s0 - 8n);
    const lower = readWord(readMemory, s0 - 16n);
    if (upper === undefined) return undefined;
    const link = (pc: bigint, callerS0: bigint | undefined): Step => {
      const registers = callerRegisters(s0, (register) =>
        register === REGISTER.s0 ? callerS0 : frame.registers[register],
      );
      return { cfa: s0, caller: { pc, registers, how: 'frame-pointer', isInterrupted: false } };
    };
    if (this.program.isCode(upper)) return link(upper, lower);
    const ra = frame.registers[REGISTER.ra];
    if (ra !== undefined && this.program.isCode(ra) && isFrameAddress(upper, s0)) return link(ra, upper);
    return undefined;
  }

  /** By ra alone: a leaf function, or a jump to nowhere through a bad function pointer. */
  private byReturnAddress({ registers }: StackFrame): Step {
    const pc = registers[REGISTER.ra];
    const sp = registers[REGISTER.sp];
    if (pc === undefined || sp === undefined || !this.program.isCode(pc)) return OUTERMOST;
    const caller = callerRegisters(sp, (register) => registers[register]);
    return { cfa: sp, caller: { pc, registers: caller, how: 'return-address', isInterrupted: false } };
  }
}

function defaultRule(register: number, row: UnwindRow): RegisterRule {
  if (row.isSignalFrame) return { kind: 'same' };
  if (register === REGISTER.sp) return { kind: 'value-offset', offset: 0n };
  // ra: where no rule saves it, it still holds the return address.
  return isPreserved(register) || register === row.returnAddressRegister ? { kind: 'same' } : { kind: 'undefined' };
}

/** Registers of a caller whose stack pointer is the frame address: preserved ones as given, others unknown. */
function callerRegisters(cfa: bigint, value: (register: number) => bigint | undefined): (bigint | undefined)[] {
  return Array.from({ length: REGISTER_COUNT }, (_, register) => {
    if (register === REGISTER.zero) return 0n;
    if (register === REGISTER.sp) return cfa;
    return isPreserved(register) ? value(register) : undefined;
  });
}

function isFrameAddress(address: bigint, below: bigint): boolean {
  return address % 8n === 0n && address > below && address - below <= MAX_FRAME_BYTES;
}

function readWord(readMemory: ReadMemory, address: bigint): bigint | undefined {
  const bytes = readMemory(address & MASK, 8);
  if (!bytes || bytes.length < 8) return undefined;
  return new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true);
}
