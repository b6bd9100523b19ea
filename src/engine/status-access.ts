/**
 * `sstatus` in generated code (Privileged 3.1.6, 4.1.1): a kernel changes SIE with each lock, SUM wherever it copies from and to
 * programs, and all that a trap has changed when it returns. Writes that change MXR, or let an interrupt come, are for the slow path.
 */
import { csrByNumber } from '../isa/csrs';
import type { Code } from '../wasm/code';
import * as at from './layout';

export const SSTATUS = 0x100;
const MSTATUS = 0x300;
const MIP = 0x344;
export const S_MODE = 1;
export const SIE = 1 << 1;
export const SPIE = 1 << 5;
export const SPP = 1 << 8;
const SUM_SHIFT = 18;
export const SUM = 1 << SUM_SHIFT;
export const MXR = 1 << 19;
export const MPRV = 1 << 17;
export const TSR = 1 << 22;
/** The rounding mode and the flag of inexactness in fcsr: to nearest, and accrued. */
const PLAIN_MASK = 0xe1;
const PLAIN = 0x01;
const FS_SHIFT = 13n;
const FS = 3n << FS_SHIFT;
const SD = -(1n << 63n);
const LOW_HALF = 0xffff_ffffn;

const description = csrByNumber(SSTATUS)!;
/** Bits of mstatus that sstatus shows, but for FS and SD, which follow from the float unit's state; and those that never change. */
const SHOWN = description.writable & LOW_HALF & ~FS;
const CONSTANT = description.reset & ~LOW_HALF;

/** Where the machine keeps mstatus without FS (u32), and which interrupts pend and are enabled: mip and mie (u32). */
export const STATUS_CELL = at.CSR_VALUES + 8 * MSTATUS;
export const INTERRUPTS_CELL = at.CSR_VALUES + 8 * MIP;

export interface StatusOperands {
  readonly change: 'write' | 'set' | 'clear';
  /** Pushes the bits to write, set or clear (i64); undefined: it only reads. */
  readonly operand: (() => void) | undefined;
  /** Whether FS and SUM may change: the float unit's state, and the selected TLB for data. */
  readonly changesModes: boolean;
  /** Leaves the instruction to the slow path if the condition on the stack holds (i32). */
  giveUpIf(): void;
  /** Writes the value that `value` pushes. */
  writeRd(value: () => void): void;
}

/** Writes the code of an instruction that reads sstatus, or changes it. */
export function emitStatusAccess(code: Code, operands: StatusOperands): void {
  const old = code.local('i64');
  code.i32(0).memory('i64.load32_u', STATUS_CELL).i64(SHOWN).op('i64.and');
  code.i32(0).memory('i64.load32_u', at.FLOAT_STATE).i64(FS_SHIFT).op('i64.shl', 'i64.or').i64(CONSTANT).op('i64.or');
  code.i64(SD).i64(0n).i32(0).memory('i32.load', at.FLOAT_STATE).i32(at.FLOAT_DIRTY).op('i32.eq', 'select', 'i64.or');
  code.set(old);
  if (operands.operand) emitChange(code, operands, operands.operand, old);
  operands.writeRd(() => code.get(old));
}

function emitChange(
  code: Code,
  { change, changesModes, giveUpIf }: StatusOperands,
  operand: () => void,
  old: number,
): void {
  const changed = code.local('i32');
  const pushStatus = () => code.i32(0).memory('i32.load', STATUS_CELL);
  operand();
  code.get(old);
  if (change === 'set') code.i64(-1n).op('i64.xor');
  code.op(change === 'write' ? 'i64.xor' : 'i64.and', 'i32.wrap_i64');
  code
    .i32(Number(SHOWN | FS))
    .op('i32.and')
    .tee(changed);
  const easy = SIE | SPIE | SPP | (changesModes ? SUM | Number(FS) : 0);
  code.i32(~easy).op('i32.and');
  giveUpIf();
  code.get(changed).get(old).op('i32.wrap_i64').i32(-1).op('i32.xor', 'i32.and').i32(SIE).op('i32.and');
  code.i32(0).i32(0).memory('i32.load', INTERRUPTS_CELL).op('i32.ne').i32(Math.log2(SIE)).op('i32.shl', 'i32.and');
  giveUpIf();
  if (changesModes) {
    code.get(changed).i32(SUM).op('i32.and');
    code.if(() => {
      code.i32(0).memory('i32.load', at.PRIVILEGE).i32(S_MODE).op('i32.ne');
      pushStatus().i32(MXR).op('i32.and', 'i32.or');
      giveUpIf();
      const tlb = code.local('i32');
      pushStatus().get(changed).op('i32.xor').i32(SUM_SHIFT).op('i32.shr_u').i32(1).op('i32.and').i32(3).op('i32.shl');
      code.memory('i32.load', at.MODE_TLBS).tee(tlb).op('i32.eqz');
      giveUpIf();
      code.i32(0).get(tlb).memory('i32.store', at.DATA_TLB);
    });
    code
      .get(changed)
      .i32(Number(FS))
      .op('i32.and')
      .if(() => changeFloatState(code, changed));
  }
  code.i32(0);
  pushStatus().get(changed).i32(Number(SHOWN)).op('i32.and', 'i32.xor').memory('i32.store', STATUS_CELL);
}

/** Changes FS as these bits say, and what follows from it (see `FLOAT_LIMIT`). */
function changeFloatState(code: Code, changed: number): void {
  const [state, isPlain] = [code.local('i32'), code.local('i32')];
  code.get(changed).i32(Number(FS_SHIFT)).op('i32.shr_u').i32(3).op('i32.and');
  code.i32(0).memory('i32.load', at.FLOAT_STATE).op('i32.xor').set(state);
  code.i32(0).get(state).memory('i32.store', at.FLOAT_STATE);
  code.get(state).i32(at.FLOAT_DIRTY).op('i32.eq');
  code.i32(0).memory('i32.load', at.FCSR).i32(PLAIN_MASK).op('i32.and').i32(PLAIN).op('i32.eq', 'i32.and').set(isPlain);
  code.i32(0).f64(Infinity).f64(0).get(isPlain).op('select').memory('f64.store', at.FLOAT_LIMIT);
  code.i32(0).f32(Infinity).f32(0).get(isPlain).op('select').memory('f32.store', at.FLOAT_LIMIT_SINGLE);
}
