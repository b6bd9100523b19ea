/** Answer to `hypocaust/statistics`: how much has run, and why guests left to the hypervisor. */

export interface StatisticsResponse {
  /** Instructions executed on all harts since the start. */
  readonly instructions: number;
  /** Virtual time since the start, in seconds. */
  readonly virtualSeconds: number;
  readonly guests: readonly GuestStatistics[];
  /** What each kind of VM exit is, in a sentence. */
  readonly meanings?: Readonly<Record<string, string>>;
  /** The last VM exits of all guests, newest first; absent when none are kept. */
  readonly lastExits?: readonly ExitLine[];
}

export interface GuestStatistics {
  readonly guest: string;
  /** VM exits by kind, such as `csrWrite`. */
  readonly exits: Readonly<Record<string, number>>;
  /** What they were about and where, the most frequent kind first; absent when that is not kept. */
  readonly kinds?: readonly KindStatistics[];
}

export interface ExitCost {
  readonly count: number;
  /** Time on the host, all together, in milliseconds. */
  readonly milliseconds: number;
}

export interface KindStatistics extends ExitCost {
  readonly kind: string;
  /** By CSR, SBI call, cause or device; the most frequent first. */
  readonly subjects: readonly ({ readonly name: string } & ExitCost)[];
  /** The places where most of them happened. */
  readonly places: readonly (ExitPlace & ExitCost)[];
}

/** Where in a guest. */
export interface ExitPlace {
  /** Guest-virtual address of the instruction, hexadecimal with `0x`. */
  readonly pc: string;
  /** Such as `trap_entry+0x4`. */
  readonly symbol?: string;
  readonly source?: SourceLine;
}

export interface SourceLine {
  /** Path of a file that is there. */
  readonly path: string;
  /** From 1. */
  readonly line: number;
}

/** One VM exit. */
export interface ExitLine extends ExitPlace {
  /** Counts the exits from 0. */
  readonly index: number;
  readonly guest: string;
  readonly kind: string;
  /** In a few words. */
  readonly text: string;
  /** Instructions executed before it. */
  readonly instructions: number;
}
