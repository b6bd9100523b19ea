/**
 * The integer registers of a region: an i64 local each, and for one whose value is a sign-extended 32-bit one also an i32
 * local with its lower half. At each place at least one of the two is valid.
 */
import type { Code } from '../../wasm/code';

/** Sets of registers whose i64 local, and whose i32 local is valid. */
export interface ValidLocals {
  readonly wide: number;
  readonly narrow: number;
}

export class IntegerRegisters {
  private readonly wides = new Map<number, number>();
  private readonly narrows = new Map<number, number>();
  private valid: ValidLocals = { wide: -1, narrow: 0 };
  /** Registers of which it is known that their i32 is not negative: extending them is cheaper. */
  private positive = 0;

  constructor(private readonly code: Code) {}

  /** What is valid now. */
  get locals(): ValidLocals {
    return this.valid;
  }

  /** At a block's start. @param narrow the registers of which only the i32 local is valid */
  startBlock(narrow: number): void {
    this.valid = validAtStart(narrow);
    this.positive = 0;
  }

  /** Whether the register's i32 local is valid. */
  isNarrow(x: number): boolean {
    return (this.valid.narrow & (1 << x)) !== 0;
  }

  /** Pushes the value (i64). */
  push(x: number): void {
    this.widen(x);
    this.code.get(this.wide(x));
  }

  /** Pushes the value's lower half (i32). */
  pushLow(x: number): void {
    if (this.isNarrow(x)) this.code.get(this.narrow(x));
    else this.code.get(this.wide(x)).op('i32.wrap_i64');
  }

  /** Makes the i64 local valid; to be called where the code is sure to come along. */
  widen(x: number): void {
    const bit = 1 << x;
    if (this.valid.wide & bit) return;
    this.extend(x, (this.positive & bit) !== 0);
    this.valid = { ...this.valid, wide: this.valid.wide | bit };
  }

  /** Takes the i64 that was pushed as the value. */
  set(x: number): void {
    this.code.set(this.wide(x));
    this.valid = { wide: this.valid.wide | (1 << x), narrow: this.valid.narrow & ~(1 << x) };
  }

  /** Takes the i32 that was pushed as the value, which is that sign-extended. @param isPositive whether it is not negative */
  setLow(x: number, isPositive: boolean): void {
    this.code.set(this.narrow(x));
    this.positive = isPositive ? this.positive | (1 << x) : this.positive & ~(1 << x);
    this.valid = { wide: this.valid.wide & ~(1 << x), narrow: this.valid.narrow | (1 << x) };
  }

  /** Pushes the value for an exit, from where these locals are valid. */
  pushAt({ wide }: ValidLocals, x: number): void {
    if (wide & (1 << x)) this.code.get(this.wide(x));
    else this.code.get(this.narrow(x)).op('i64.extend_i32_s');
  }

  /**
   * On the way from where `from` is valid to a block that finds these registers as an i32, and others as an i64.
   * @param needed the registers that the block needs at all
   */
  convert(from: ValidLocals, narrow: number, needed: number): void {
    for (const x of this.wides.keys()) {
      const bit = 1 << x;
      if (!(needed & bit)) continue;
      if (!(narrow & bit)) {
        if (!(from.wide & bit)) this.extend(x, false);
      } else if (!(from.narrow & bit)) {
        this.code.get(this.wide(x)).op('i32.wrap_i64').set(this.narrow(x));
      }
    }
  }

  /** The i64 local. */
  wide(x: number): number {
    return localOf(this.wides, x, () => this.code.local('i64'));
  }

  private narrow(x: number): number {
    return localOf(this.narrows, x, () => this.code.local('i32'));
  }

  private extend(x: number, isPositive: boolean): void {
    const op = isPositive ? 'i64.extend_i32_u' : 'i64.extend_i32_s';
    this.code.get(this.narrow(x)).op(op).set(this.wide(x));
  }
}

/** What is valid where a block begins. */
export const validAtStart = (narrow: number): ValidLocals => ({ wide: ~narrow, narrow });

function localOf(locals: Map<number, number>, register: number, create: () => number): number {
  let local = locals.get(register);
  if (local === undefined) locals.set(register, (local = create()));
  return local;
}
