/** Virtual time, as the network needs it; the machine's clock for devices is one. */
import type { Stateful } from '../../engine/state-transfer';

export interface NetworkTimer extends Stateful {
  /** The tick at which it is due; undefined when it does not run. */
  readonly due: number | undefined;
  start(at: number): void;
  stop(): void;
}

export interface NetworkClock {
  /** Ticks of 100 ns since the start. */
  readonly now: number;
  timer(action: () => void): NetworkTimer;
}

export const TICKS_PER_SECOND = 10_000_000;
