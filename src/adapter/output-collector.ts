/**
 * Collects a guest's output for some milliseconds, since a guest writes it a byte at a time. It goes on its way soon enough to
 * be seen at once, whether the guest writes more and more or falls silent.
 */
import { hostMilliseconds } from './host-clock';

/** The longest that a byte waits here, in milliseconds, while the event loop gets its turns. */
export const LONGEST_WAIT = 5;
/** As many bytes go on at once, at the most; what is longer goes on its way undivided. */
const CAPACITY = 1 << 16;

export interface OutputClock {
  /** Milliseconds from any fixed point. */
  now(): number;
  /** Calls back after so many milliseconds; the function returned cancels it. */
  later(callback: () => void, milliseconds: number): () => void;
}

const hostClock: OutputClock = {
  now: hostMilliseconds,
  later(callback, milliseconds) {
    const timer = setTimeout(callback, milliseconds);
    return () => clearTimeout(timer);
  },
};

export interface CollectorOptions {
  /** The first byte after a silence waits for no others. */
  readonly atOnce?: boolean;
  readonly clock?: OutputClock;
}

export class OutputCollector {
  private readonly collected = new Uint8Array(CAPACITY);
  private length = 0;
  /** When the first collected byte came, and when something was delivered last. */
  private since = 0;
  private delivered = -Infinity;
  private cancel: (() => void) | undefined;
  private readonly atOnce: boolean;
  private readonly clock: OutputClock;

  /** @param deliver gets bytes that nobody changes afterwards */
  constructor(
    private readonly deliver: (bytes: Uint8Array) => void,
    { atOnce = false, clock = hostClock }: CollectorOptions = {},
  ) {
    this.atOnce = atOnce;
    this.clock = clock;
  }

  write(bytes: Uint8Array): void {
    if (this.length + bytes.length > CAPACITY) this.flush();
    if (bytes.length > CAPACITY) {
      this.deliver(bytes.slice());
      return;
    }
    const now = this.clock.now();
    if (this.length === 0) this.since = now;
    this.collected.set(bytes, this.length);
    this.length += bytes.length;
    // Also when no timer has had its turn, because the guest is running all the time.
    if (now - (this.atOnce ? this.delivered : this.since) >= LONGEST_WAIT) this.flush();
    else this.cancel ??= this.clock.later(() => this.flush(), LONGEST_WAIT);
  }

  /** Delivers what was collected. */
  flush(): void {
    this.cancel?.();
    this.cancel = undefined;
    if (this.length === 0) return;
    const bytes = this.collected.slice(0, this.length);
    this.length = 0;
    this.delivered = this.clock.now();
    this.deliver(bytes);
  }
}
