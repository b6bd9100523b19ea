/**
 * `sstatus` in generated code: reading it, and setting and clearing SIE, which a kernel does with each lock. Writes that change
 * other bits, or let an interrupt come, are for the slow path (Privileged 3.1.6, 4.1.1).
 */
import { csrByNumber } from '../isa/csrs';
import type { Code } from '../wasm/code';
import * as at from './layout';

export const SSTATUS = 0x100;
const MSTATUS = 0x300;
const MIP = 0x344;
const SIE = 2n;
const FS_SHIFT = 13n;
const FS = 3n << FS_SHIFT;
const SD = -(1n << 63n);
const LOW_HALF = 0xffff_ffffn;

const description = csrByNumber(SSTATUS)!;
/** Bits of mstatus that sstatus shows, but for FS and SD, which follow from the float unit's state; and those that never change. */
const SHOWN = description.writable & LOW_HALF & ~FS;
const CONSTANT = description.reset & ~LOW_HALF;

/** Where the machine keeps mstatus without FS (u32), and which interrupts pend and are enabled: mip and mie (u32). */
const STATUS_CELL = at.CSR_VALUES + 8 * MSTATUS;
const INTERRUPTS_CELL = at.CSR_VALUES + 8 * MIP;

export interface StatusOperands {
  readonly change: 'set' | 'clear';
  /** Pushes the bits to set or clear (i64); undefined: it only reads. */
  readonly operand: (() => void) | undefined;
  /** Leaves the instruction to the slow path if the condition on the stack holds (i32). */
  giveUpIf(): void;
  /** Writes the value that `value` pushes. */
  writeRd(value: () => void): void;
}

/** Writes the code of an instruction that reads sstatus, or sets or clears bits of it. */
export function emitStatusAccess(code: Code, { change, operand, giveUpIf, writeRd }: StatusOperands): void {
  const [old, changed] = [code.local('i64'), code.local('i64')];
  code.i32(0).memory('i64.load32_u', STATUS_CELL).i64(SHOWN).op('i64.and');
  code.i32(0).memory('i64.load32_u', at.FLOAT_STATE).i64(FS_SHIFT).op('i64.shl', 'i64.or').i64(CONSTANT).op('i64.or');
  code.i64(SD).i64(0n).i32(0).memory('i32.load', at.FLOAT_STATE).i32(at.FLOAT_DIRTY).op('i32.eq', 'select', 'i64.or');
  code.set(old);
  if (operand) {
    operand();
    code.get(old);
    if (change === 'set') code.i64(-1n).op('i64.xor');
    code
      .op('i64.and')
      .i64(SHOWN | FS)
      .op('i64.and')
      .tee(changed)
      .i64(~SIE)
      .op('i64.and')
      .i64(0n)
      .op('i64.ne');
    giveUpIf();
    if (change === 'set') {
      code
        .get(changed)
        .op('i64.eqz', 'i32.eqz')
        .i32(0)
        .memory('i32.load', INTERRUPTS_CELL)
        .i32(0)
        .op('i32.ne', 'i32.and');
      giveUpIf();
    }
    code.i32(0).i32(0).memory('i32.load', STATUS_CELL).get(changed).op('i32.wrap_i64', 'i32.xor');
    code.memory('i32.store', STATUS_CELL);
  }
  writeRd(() => code.get(old));
}
