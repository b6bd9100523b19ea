/**
 * `time` in generated code (Unprivileged, chapter "Zicntr"): kernels read it in each loop that waits. It follows from the count of
 * instructions, as the engine's host has said.
 */
import type { Code } from '../wasm/code';
import * as at from './layout';

export const TIME = 0xc01;
const M_MODE = 3;
/** mcounteren opens the counters to S-mode, and together with scounteren to U-mode; by TM, bit 1 (Privileged 3.1.11, 4.1.5). */
const MCOUNTEREN = at.CSR_VALUES + 8 * 0x306;
const SCOUNTEREN = at.CSR_VALUES + 8 * 0x106;
const TM = 2;

export interface TimeOperands {
  /** Pushes the count that remains of the stretch in front of the instruction (i32). */
  remaining(): void;
  /** Leaves the instruction to the slow path if the condition on the stack holds (i32). */
  giveUpIf(): void;
  /** Writes the value that `value` pushes. */
  writeRd(value: () => void): void;
}

/** Writes the code of an instruction that reads `time`. */
export function emitTimeAccess(code: Code, { remaining, giveUpIf, writeRd }: TimeOperands): void {
  code.i32(0).memory('i32.load', MCOUNTEREN);
  code.i32(0).memory('i32.load', SCOUNTEREN).i32(-1).i32(0).memory('i32.load', at.PRIVILEGE).op('i32.eqz', 'select');
  code.op('i32.and').i32(-1).i32(0).memory('i32.load', at.PRIVILEGE).i32(M_MODE).op('i32.ne', 'select');
  code.i32(TM).op('i32.and', 'i32.eqz');
  giveUpIf();
  code.i32(0).memory('f64.load', at.CLOCK_RATE).f64(0).op('f64.eq');
  giveUpIf();
  writeRd(() => {
    code.i32(0).memory('f64.load', at.CLOCK_START);
    remaining();
    code.op('f64.convert_i32_s', 'f64.sub').i32(0).memory('f64.load', at.CLOCK_RATE).op('f64.div', 'i64.trunc_f64_s');
    code.i32(0).memory('i64.load', at.CLOCK_TIME).op('i64.add');
  });
}
