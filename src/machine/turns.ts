/**
 * Whose turn it is: harts run one after the other, in the order of their numbers. A turn ends after so many instructions,
 * when the hart waits or stops, and when something happens for another one: an interrupt that it waits for or must take, or
 * its start. So turns depend on what the guest does and on nothing else.
 */
import type { StateTransfer } from '../engine/state-transfer';
import type { Hart } from './hart';

/**
 * Instructions of a turn while others wait for theirs. Changing harts costs about a microsecond; a hart that spins for
 * another one wastes its turn.
 */
export const TURN_INSTRUCTIONS = 20_000;

export class Turns {
  private index = 0;
  /** The count of instructions at which the turn ends; Infinity when nobody else could run when it began. */
  private endsAt: number;
  private isOver = false;

  /**
   * @param executed the machine's count of attempted instructions
   * @param switchTo makes a hart the one that the engine runs
   */
  constructor(
    private readonly harts: readonly Hart[],
    private readonly executed: () => number,
    private readonly switchTo: (hart: Hart) => void,
  ) {
    this.endsAt = harts.length === 1 ? Infinity : TURN_INSTRUCTIONS;
  }

  /** The hart whose turn it is. */
  get current(): Hart {
    return this.harts[this.index];
  }

  /** Instructions left in the turn. */
  get left(): number {
    return this.endsAt - this.executed();
  }

  /** The turn ends before the next instruction. */
  end(): void {
    this.isOver = true;
  }

  /** The hart that runs now: the current one, or the next one that can, whose turn begins. Undefined: none can run. */
  next(): Hart | undefined {
    const { harts, current } = this;
    if (!this.isOver && current.canRun && this.executed() < this.endsAt) return current;
    for (let step = 1; step <= harts.length; step++) {
      const index = (this.index + step) % harts.length;
      if (harts[index].canRun) return this.begin(index);
    }
    return undefined;
  }

  transferState(state: StateTransfer): void {
    this.index = state.integer(this.index, this.harts.length - 1);
    this.endsAt = state.number(this.endsAt);
    this.isOver = state.flag(this.isOver);
    if (state.isRestoring) this.switchTo(this.current);
  }

  private begin(index: number): Hart {
    const hart = this.harts[index];
    this.index = index;
    this.isOver = false;
    const isAlone = !this.harts.some((other) => other !== hart && other.canRun);
    this.endsAt = isAlone ? Infinity : this.executed() + TURN_INSTRUCTIONS;
    this.switchTo(hart);
    return hart;
  }
}
