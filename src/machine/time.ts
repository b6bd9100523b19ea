/** The machine's time, in ticks of 100 ns: virtual, or as the host's clock says. */
import type { StateTransfer, Stateful } from '../engine/state-transfer';

/** 300 million instructions and 10 million ticks a second: with fewer, a kernel has more timer interrupts to do in all; with more, loops that wait take longer. */
export const INSTRUCTIONS_PER_TICK = 30;

/** Deadlines further away than this many ticks (over three years) never come. */
const HORIZON = 2 ** 50;

/** A clock that does not go back; what decides it is a function of executed instructions and of logged inputs. */
export interface MachineTime extends Stateful {
  /** Ticks since the start: `base`, and one more each `rate` instructions since `since` of them were executed. */
  readonly ticks: number;
  readonly base: number;
  readonly since: number;
  readonly rate: number;
  /** The instructions after which `update` is to be called; Infinity: never. */
  readonly untilUpdate: number;
  /** Looks at the host's clock, if it follows that. */
  update(): void;
  /** The instructions after which `ticks` reaches the deadline: 0 when it has, Infinity when it never will. */
  instructionsUntil(deadline: number): number;
  /**
   * Nothing is executed until the deadline, in ticks.
   * @returns the ticks that passed with this call; 0 when the host has to wait, or for a deadline that never comes
   */
  waitFor(deadline: number): number;
}

/** A function of executed instructions and of what WFI skipped, so that every run is alike. */
export class VirtualTime implements MachineTime {
  readonly untilUpdate = Infinity;
  readonly since = 0;
  readonly rate = INSTRUCTIONS_PER_TICK;
  /** Ticks that were skipped. */
  base = 0;

  /** @param executed the machine's count of attempted instructions */
  constructor(private readonly executed: () => number) {}

  get ticks(): number {
    return Math.floor(this.executed() / INSTRUCTIONS_PER_TICK) + this.base;
  }

  update(): void {
    // There is nothing outside that it follows.
  }

  instructionsUntil(deadline: number): number {
    if (deadline > HORIZON) return Infinity;
    return Math.max(0, (deadline - this.base) * INSTRUCTIONS_PER_TICK - this.executed());
  }

  waitFor(deadline: number): number {
    if (deadline > HORIZON) return 0;
    const passed = Math.max(0, deadline - this.ticks);
    this.base += passed;
    return passed;
  }

  transferState(state: StateTransfer): void {
    state.section('virtual time', () => (this.base = state.integer(this.base, HORIZON)));
  }
}

const TICKS_PER_MILLISECOND = 10_000;
const LEAST_INTERVAL = 1_000;
const MOST_INTERVAL = 1_000_000;
/** Instructions a tick: a processor of 10 MIPS at least, and none that exists is faster than the most. */
const LEAST_RATE = 1;
const MOST_RATE = 1_000;

/**
 * Follows the host's clock. That is looked at after instruction counts that follow from what it said before (about every
 * millisecond), and whenever the harts wait. In between, time goes on with the instructions, as fast as it did last; where
 * it got ahead of the host, half as fast until the host has caught up. So a run is a function of its initial state and of
 * what the host's clock said each time.
 */
export class RealTime implements MachineTime {
  /** Ticks and instructions when the host's clock was looked at last. */
  base = 0;
  since = 0;
  /** What the host's clock said then. */
  private host = 0;
  /** Ticks before the host's clock began. */
  private earlier = 0;
  /** Instructions a tick since then. */
  rate = INSTRUCTIONS_PER_TICK;

  /**
   * @param executed the machine's count of attempted instructions
   * @param hostTicks the host's clock: ticks of 100 ns, from 0 on, never decreasing
   */
  constructor(
    private readonly executed: () => number,
    private readonly hostTicks: () => number,
  ) {}

  get ticks(): number {
    return this.base + Math.floor((this.executed() - this.since) / this.rate);
  }

  get untilUpdate(): number {
    const interval = Math.min(MOST_INTERVAL, Math.max(LEAST_INTERVAL, this.rate * TICKS_PER_MILLISECOND));
    return Math.max(0, this.since + interval - this.executed());
  }

  update(): void {
    const { ticks } = this;
    const executed = this.executed();
    const host = Math.max(this.host, Math.floor(this.hostTicks()) + this.earlier);
    const passed = host - this.host;
    const ran = executed - this.since;
    // Too few instructions, as between two times of waiting, tell no rate.
    const measured = ran >= LEAST_INTERVAL ? ran / Math.max(1, passed) : this.rate;
    this.rate = Math.min(MOST_RATE, Math.max(LEAST_RATE, Math.round(measured * (ticks > host ? 2 : 1))));
    this.base = Math.max(ticks, host);
    this.since = executed;
    this.host = host;
  }

  instructionsUntil(deadline: number): number {
    if (deadline > HORIZON) return Infinity;
    const left = deadline - this.base;
    return Math.max(0, left * this.rate - (this.executed() - this.since));
  }

  /** The host waits, and tells by its clock how long it did. */
  waitFor(): number {
    this.update();
    return 0;
  }

  /** Goes on from the time of the snapshot, whatever the host's clock says now. */
  transferState(state: StateTransfer): void {
    state.section('real time', () => {
      this.base = state.integer(this.base, HORIZON);
      this.since = state.integer(this.since, this.executed());
      this.rate = state.integer(this.rate, MOST_RATE, LEAST_RATE);
      this.host = state.integer(this.host, HORIZON);
    });
    if (state.isRestoring) this.earlier = this.host - Math.floor(this.hostTicks());
  }
}
