/** What every kind of VM exit provides: first a record of what will be done, then the doing. */
import type { ExitFields, ExitKind } from '../exit-record';

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
