/** What a hypervisor is made with. */
import type { BootProgram } from '../machine/boot';
import type { GuestOptions } from './guest';
import type { Synchronization } from './shadow/shadow-page-tables';

export interface HypervisorOptions {
  readonly guests: readonly GuestOptions[];
  /** Pages that the shadow tables of one guest may take; at least 24. */
  readonly shadowPages?: number;
  /** When shadow page tables follow those of the guests: 'sfence' unless said otherwise. */
  readonly synchronization?: Synchronization;
  /** Whether uses of stale translations are looked for: they are VM exits of the kind `staleTranslation` then. */
  readonly findsStaleTranslations?: boolean;
  /** Instructions that a vCPU has its hart for while others wait for it; 100,000 unless said otherwise, at least 1000. */
  readonly timeSlice?: number;
  /**
   * Whether a guest's time stands still while the guest does: while it is held, and while it could run and others have its
   * harts. Otherwise it is the machine's time.
   */
  readonly stopsGuestTime?: boolean;
  /** M-mode code below the hypervisor, in place of the built-in firmware. */
  readonly firmware?: BootProgram;
}

const DEFAULT_SLICE = 100_000;
/** So that each gets somewhere: one that needs shadow entries is executed several times. */
export const LEAST_SLICE = 1000;

/** Instructions of a time slice. @throws Error in a user's words for a number that cannot be */
export function sliceOf({ timeSlice = DEFAULT_SLICE }: HypervisorOptions): number {
  if (Number.isSafeInteger(timeSlice) && timeSlice >= LEAST_SLICE) return timeSlice;
  throw new Error(`A time slice of ${timeSlice} instructions is not possible; give at least ${LEAST_SLICE}.`);
}

/** What a snapshot's hypervisor must be like. */
export function describeHypervisor({ guests, synchronization = 'sfence', stopsGuestTime }: HypervisorOptions): string {
  const names = guests.map(({ name }) => name).join(', ');
  return `hypervisor of ${names} by ${synchronization}${stopsGuestTime ? ', where the time of guests stops' : ''}`;
}
