/** What every kind of VM exit provides: first a record of what will be done, then the doing. */
import type { Trap } from '../../machine/traps';
import type { ExitFields, ExitKind, ExitRecord } from '../exit-record';

/**
 * One VM exit, decoded and decided, and not done. Making one changes nothing; describing it is left until somebody asks.
 */
export interface Exit<K extends ExitKind> {
  readonly kind: K;
  /** The instruction word, when the exit had to look at it. */
  readonly instruction?: number;
  /** What it is about, in a word, for counting: the CSR, the call, the cause, the device. */
  readonly subject?: string;
  /** The fields of its record. */
  fields(): ExitFields<K>;
  /** Does it. Returns the exit that this one leads to at once, if any. */
  perform(): AnyExit | undefined;
}

export type AnyExit = { [K in ExitKind]: Exit<K> }[ExitKind];

/** A VM exit that an observer stopped at: decided, and not done. */
export interface PendingExit {
  readonly exit: AnyExit;
  readonly record: ExitRecord;
  /** The trap that it answers, when it is the first exit of that trap: it is decided anew when the guest goes on. */
  readonly trap?: Trap;
}
