/** Where a floating-point instruction's code is emitted: how it gets its operands, and where the result goes. */
import type { Code } from '../../wasm/code';
import type { ValueType } from '../../wasm/opcodes';

/** A rounding mode as the instruction word has it: 0 to 4, or 7 for the one in fcsr. */
export type CodedMode = number;

/**
 * What surrounds one instruction. Values are typed by the operation's kinds: `x` is an i64, `s` an f32 (unboxed already,
 * see `pushUnboxed`), `d` an f64. Registers may be kept in locals of these types: no operation changes a NaN's bits on
 * the way.
 */
export interface FloatSite {
  readonly code: Code;
  readonly scratch: Scratch;
  /** Pushes rs1, rs2 or rs3 (0, 1, 2); called as often as the value is needed, and never after `write`. */
  push(operand: number): void;
  /** Writes rd; `value` pushes the result. The last thing that happens. */
  write(value: () => void): void;
  /** The instruction's rounding mode, or a function that pushes it (i32). */
  readonly mode: CodedMode | (() => void);
  /** Leaves the code with nothing done: the slow path does the instruction. */
  giveUp(): void;
  /** Index of the function with this name in `floatHelperTypes` (`helpers.ts`). */
  helper(name: string): number;
  /** Whether to use the host's fused multiply-add: where it has it, unless told. */
  readonly fused?: boolean;
  /** That mstatus.FS is known to be dirty (or at least on) here. */
  readonly unit?: 'dirty' | 'on';
  /** That rs1 and rs2 are known to be the same register. */
  readonly sameOperands?: boolean;
}

/** Locals that serve one instruction after the other in the same function. */
export class Scratch {
  private readonly locals = new Map<string, number>();

  constructor(private readonly code: Code) {}

  get(type: ValueType, name: string): number {
    const key = `${type} ${name}`;
    const local = this.locals.get(key) ?? this.code.local(type);
    this.locals.set(key, local);
    return local;
  }
}

const BOX = -0x100000000n;
const CANONICAL_NAN = 0x7fc00000;

/** From a register's 64 bits in the local to its single-precision value (f32): the canonical NaN if it is not boxed. */
export function pushUnboxed(code: Code, bits: number): Code {
  code.get(bits).op('i32.wrap_i64').i32(CANONICAL_NAN);
  return code.get(bits).i64(BOX).op('i64.ge_u', 'select', 'f32.reinterpret_i32');
}

/** From the f32 on the stack to a register's 64 bits (i64). */
export function boxed(code: Code): Code {
  return code.op('i32.reinterpret_f32', 'i64.extend_i32_u').i64(BOX).op('i64.or');
}
