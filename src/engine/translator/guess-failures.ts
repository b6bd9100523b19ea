/** Counts how often a region's guesses fail, in generated code, and gives those up that fail often (see `GUESSES`). */
import type { Code } from '../../wasm/code';
import type { Guess } from './region-type';
import { GIVE_UP, GUESSES, INTERPRET } from './region-type';

/** Failures of guesses of one kind after which the region is translated anew, without them. */
const MOST_FAILURES = 1000;

export class GuessFailures {
  constructor(
    private readonly code: Code,
    /** Address of the region's counts. */
    private readonly cells: number,
  ) {}

  count(guess: Guess): void {
    const cell = this.cellOf(guess);
    this.code.i32(0).i32(0).memory('i32.load16_u', cell).i32(1).op('i32.add').memory('i32.store16', cell);
  }

  /** Pushes whether a guess failed so often that it is to be given up. */
  pushIsTooOften(guess: Guess): void {
    this.code.i32(0).memory('i32.load16_u', this.cellOf(guess)).i32(MOST_FAILURES).op('i32.gt_u');
  }

  /** Pushes the status to leave with where one of these guesses may have failed. */
  pushStatus([guess, ...others]: readonly Guess[]): void {
    const { code } = this;
    code.i32(GIVE_UP + GUESSES.indexOf(guess));
    if (others.length > 0) this.pushStatus(others);
    else code.i32(INTERPRET);
    this.pushIsTooOften(guess);
    code.op('select');
  }

  private cellOf(guess: Guess): number {
    return this.cells + 2 * GUESSES.indexOf(guess);
  }
}
