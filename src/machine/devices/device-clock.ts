/** Virtual time as devices see it: what they want done later is done in order, at exact ticks. */
import type { StateTransfer } from '../../engine/state-transfer';
import { VIRT } from './virt-map';

/** Nanoseconds in a tick of virtual time. */
export const TICK_NANOSECONDS = 1_000_000_000 / VIRT.timebaseFrequency;

/** Something that a device does later. One timer runs at most once at a time. */
export interface DeviceTimer {
  transferState(state: StateTransfer): void;
  /** The tick at which it is due; undefined when it does not run. */
  readonly due: number | undefined;
  /** Starts it, or starts it anew; a tick that has passed means as soon as possible. */
  start(at: number): void;
  stop(): void;
}

export class DeviceClock {
  /** A timer was started or stopped: `next` may have changed. */
  onChange: () => void = () => {};

  private readonly running = new Set<Timer>();
  private first = Infinity;
  private made = 0;

  /** @param ticks virtual time in ticks of 100 ns, never decreasing */
  constructor(private readonly ticks: () => number) {}

  /** Ticks since the start. */
  get now(): number {
    return this.ticks();
  }

  /** The tick at which the first timer is due; Infinity when none runs. */
  get next(): number {
    return this.first;
  }

  /** A timer, not running yet. */
  timer(action: () => void): DeviceTimer {
    return new Timer(this.made++, action, (timer) => this.changed(timer));
  }

  /** Lets the timers act that are due: earlier ones first, and of those at the same tick the one that was made first. */
  runDue(): void {
    if (this.first > this.now) return;
    const { now } = this;
    const due = [...this.running].filter((timer) => timer.due! <= now);
    due.sort((a, b) => a.due! - b.due! || a.number - b.number);
    for (const timer of due) {
      // An earlier one may have stopped it or put it off.
      if (timer.due === undefined || timer.due > now) continue;
      timer.stop();
      timer.action();
    }
  }

  private changed(timer: Timer): void {
    if (timer.due === undefined) this.running.delete(timer);
    else this.running.add(timer);
    this.first = Infinity;
    for (const { due } of this.running) this.first = Math.min(this.first, due!);
    this.onChange();
  }
}

class Timer implements DeviceTimer {
  due: number | undefined;

  constructor(
    readonly number: number,
    readonly action: () => void,
    private readonly changed: (timer: Timer) => void,
  ) {}

  start(at: number): void {
    this.due = at;
    this.changed(this);
  }

  transferState(state: StateTransfer): void {
    this.due = state.optional(this.due, (due) => state.integer(due ?? 0));
    if (state.isRestoring) this.changed(this);
  }

  stop(): void {
    if (this.due === undefined) return;
    this.due = undefined;
    this.changed(this);
  }
}
