/** Which guests there are, and whether they run: event `hypocaust/guests`, and the request `hypocaust/hold` that changes it. */

/** `held`: it executes nothing while the others go on, until it is let go. */
export type GuestState = 'running' | 'held' | 'ended';

export interface GuestInfo {
  readonly name: string;
  readonly state: GuestState;
  /** Ids of the threads that are its vCPUs. */
  readonly threads: readonly number[];
}

/** Event `hypocaust/guests`, sent when a program is loaded and whenever this changes; no guests on the bare machine. */
export interface GuestsBody {
  readonly guests: readonly GuestInfo[];
}

/** Request `hypocaust/hold`; without effect on a guest that is as asked for. */
export interface HoldArguments {
  readonly guest: string;
  /** False: let it go. */
  readonly hold: boolean;
}
