/** Answer to `hypocaust/statistics`: how much has run, and why guests left to the hypervisor. */

export interface StatisticsResponse {
  /** Instructions executed on all harts since the start. */
  readonly instructions: number;
  /** Virtual time since the start, in seconds. */
  readonly virtualSeconds: number;
  readonly guests: readonly GuestStatistics[];
}

export interface GuestStatistics {
  readonly guest: string;
  /** VM exits by kind, such as `csrWrite`. */
  readonly exits: Readonly<Record<string, number>>;
}
