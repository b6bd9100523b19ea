/** How a region is left: with what it keeps in locals stored, and the exact pc and count. */
import type { Code } from '../../wasm/code';
import * as at from '../layout';
import type { RegisterSet } from './dirty-registers';
import type { GuessFailures } from './guess-failures';
import type { ValidLocals } from './integer-registers';
import type { RegionPage, Step } from './region';
import { PAGE_SIZE } from './region';
import { INTERPRET } from './region-type';
import type { StepEmitter } from './step-emitter';

/** What an exit must restore. */
export interface State {
  /** Registers that may differ from their place in memory. */
  dirty: RegisterSet;
  /** Instructions of the block that are counted already but not done. */
  uncounted: number;
  /** Where their values are. */
  valid: ValidLocals;
  /** Integer registers that hold sign-extended 32-bit values. */
  known: number;
}

export class RegionExits {
  constructor(
    private readonly code: Code,
    private readonly pages: ReadonlyMap<number, RegionPage>,
    private readonly steps: StepEmitter,
    private readonly failures: GuessFailures,
    /** The locals with the fetch TLB and the remaining count. */
    private readonly fetchTlb: number,
    private readonly budget: number,
  ) {}

  /** Leaves, in front of a position, where one of these registers is not sign-extended. */
  guard(position: number, registers: number, state: State): void {
    const { code } = this;
    if (registers === 0) return;
    code.i64(0n);
    forEachBit(registers, (x) => {
      const local = this.steps.integers.wide(x);
      code.get(local).get(local).op('i64.extend32_s', 'i64.xor', 'i64.or');
    });
    code.op('i64.eqz', 'i32.eqz').unlikely();
    code.if(() => {
      const status = () => {
        this.failures.count('words');
        this.failures.pushStatus(['words']);
      };
      this.leave(() => this.steps.pushPosition(position), status, state);
    });
  }

  /** Leaves unless the page is still mapped to the code that was translated. */
  checkPage(delta: number, position: number, state: State, status: number): void {
    const { code } = this;
    const shift = 12 - Math.log2(at.FETCH_ENTRY_SIZE);
    const mask = (at.FETCH_ENTRIES - 1) * at.FETCH_ENTRY_SIZE;
    const page = () => this.steps.pushPosition(delta * PAGE_SIZE);
    page();
    code.op('i32.wrap_i64').i32(shift).op('i32.shr_u').i32(mask).op('i32.and').get(this.fetchTlb).op('i32.add');
    const entry = code.local('i32');
    code.tee(entry).memory('i64.load', 0);
    page();
    code.op('i64.ne').get(entry).memory('i32.load', at.SLOTS);
    code.i32(this.pages.get(delta)!.slotTable).op('i32.ne', 'i32.or');
    code.unlikely().if(() => this.leave(() => this.steps.pushPosition(position), status, state));
  }

  /** Leaves in front of an access that misses the TLB. */
  miss(step: Step, state: State): void {
    this.leave(() => this.steps.pushPosition(step.position), this.statusOfMiss(step), state);
  }

  /** The status to leave with where an access misses the TLB, or what pushes it. */
  private statusOfMiss(step: Step): number | (() => void) {
    const { memory } = this.steps;
    const isGroup = memory.beginsGroup(step);
    const guesses = [...(isGroup ? ['groups' as const] : []), ...(memory.hasGuessed(step) ? ['addends' as const] : [])];
    if (guesses.length === 0) return INTERPRET;
    return () => {
      if (isGroup) this.failures.count('groups');
      this.failures.pushStatus(guesses);
    };
  }

  /** Stores what the region keeps in locals, and returns. */
  leave(pushPc: () => void, status: number | (() => void), { dirty, uncounted, valid }: State): void {
    const { code } = this;
    this.storeRegisters(dirty, valid);
    code.i32(0);
    pushPc();
    code.memory('i64.store', at.PC);
    code.i32(0).get(this.budget);
    if (uncounted !== 0) code.i32(uncounted).op('i32.add');
    code.memory('i32.store', at.BUDGET);
    if (typeof status === 'number') code.i32(status);
    else status();
    code.op('return');
  }

  storeRegisters({ integers, floats }: RegisterSet, valid: ValidLocals): void {
    const { code } = this;
    forEachBit(integers, (x) => {
      code.i32(0);
      this.steps.integers.pushAt(valid, x);
      code.memory('i64.store', at.X_REGISTERS + 8 * x);
    });
    forEachBit(floats, (f) => {
      code.i32(0).get(this.steps.floats.local(f));
      code.memory('f64.store', at.F_REGISTERS + 8 * f);
    });
  }
}

export function forEachBit(set: number, visit: (bit: number) => void): void {
  for (let bit = 0; bit < 32; bit++) if (set & (1 << bit)) visit(bit);
}
