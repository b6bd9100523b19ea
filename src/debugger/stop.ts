/** A stop: one value with one reason and everything needed to explain it. */
import type { ExitRecord, ExitRecordOf } from '../hypervisor/exit-record';
import type { Breakpoint } from './breakpoints/breakpoint';
import type { TrapNotice } from './systems/system';
import type { Target } from './target';

export type StopReason =
  /** Before the first instruction, as asked for. */
  | { readonly kind: 'entry' }
  /** The user paused. `isIdle`: the guest was waiting for an interrupt. */
  | { readonly kind: 'pause'; readonly isIdle: boolean }
  | { readonly kind: 'step' }
  | { readonly kind: 'breakpoint'; readonly breakpoints: readonly Breakpoint[]; readonly problem?: string }
  /** Watched data was accessed: the target stands behind the instruction that did it. */
  | {
      readonly kind: 'data';
      readonly breakpoints: readonly Breakpoint[];
      /** In a few words, and as sentences. */
      readonly title: string;
      readonly text: string;
      readonly problem?: string;
    }
  /** A trap cause that the user chose, not yet taken: the target stands at the instruction. */
  | { readonly kind: 'trap'; readonly trap: TrapNotice; readonly problem?: string }
  /** A hypervisor event, determined and not yet done. */
  | {
      readonly kind: 'event';
      readonly record: ExitRecord;
      readonly breakpoints: readonly Breakpoint[];
      readonly problem?: string;
    }
  /** A stale translation is about to be used. */
  | { readonly kind: 'staleTranslation'; readonly record: ExitRecordOf<'staleTranslation'> }
  /** The first instruction of the trap handler traps itself, so that nothing else will ever happen. */
  | { readonly kind: 'trapLoop'; readonly cause: string; readonly address: bigint }
  /** A fault of the debugger or the machine itself; what was reached can still be looked at. */
  | { readonly kind: 'failure'; readonly text: string };

export interface Stop {
  readonly target: Target;
  readonly reason: StopReason;
  /** What the hypervisor is about to do when execution goes on: the frame above the guest's. */
  readonly exit?: ExitRecord;
}
