/** The host's clock as a machine's time follows it: it stands still while the machine does not run. */

const TICKS_PER_MILLISECOND = 10_000;

export class RunClock {
  /** Milliseconds of the runs that are over. */
  private before = 0;
  private since: number | undefined;

  /** @param now the host's clock, in milliseconds from any fixed point */
  constructor(private readonly now: () => number) {}

  /** Ticks of 100 ns in which the machine ran. */
  get ticks(): number {
    const current = this.since === undefined ? 0 : this.now() - this.since;
    return Math.floor((this.before + current) * TICKS_PER_MILLISECOND);
  }

  start(): void {
    this.since ??= this.now();
  }

  stop(): void {
    if (this.since !== undefined) this.before += this.now() - this.since;
    this.since = undefined;
  }
}
