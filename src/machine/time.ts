/** Virtual time: a function of executed instructions and of what WFI skipped, so that every run is alike. */

/** 100 million instructions and 10 million ticks a second. */
export const INSTRUCTIONS_PER_TICK = 10;

/** Deadlines further away than this many ticks (over three years) never come. */
const HORIZON = 2 ** 50;

export class VirtualTime {
  private skipped = 0;

  /** @param executed the machine's count of attempted instructions */
  constructor(private readonly executed: () => number) {}

  /** Ticks since the start. */
  get ticks(): number {
    return Math.floor(this.executed() / INSTRUCTIONS_PER_TICK) + this.skipped;
  }

  /** The instructions after which `ticks` reaches the deadline: 0 when it has, Infinity when it never will. */
  instructionsUntil(deadline: bigint | number): number {
    if (deadline > HORIZON) return Infinity;
    return Math.max(0, (Number(deadline) - this.skipped) * INSTRUCTIONS_PER_TICK - this.executed());
  }

  /** Lets time pass without instructions, up to the deadline. @returns the ticks that passed; 0 for one that never comes */
  skipTo(deadline: bigint): number {
    if (deadline > HORIZON) return 0;
    const passed = Math.max(0, Number(deadline) - this.ticks);
    this.skipped += passed;
    return passed;
  }
}
