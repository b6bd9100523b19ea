/**
 * What one guest's VM exits were, counted: by kind, by what they were about (the CSR, the SBI call, the cause, the device),
 * and by where in the guest they happened. Counts are the same in every run; times are measured on the host.
 */
import type { ExitKind } from '../exit-record';

/** How often, and at what cost. */
export interface ExitCost {
  count: number;
  /**
   * How many of them had the guest execute its instruction again: each costs the guest one instruction of virtual time that
   * it would not have needed without the hypervisor.
   */
  repeated: number;
  /** Time on the host in milliseconds, all together. */
  time: number;
  /** The longest of them, in milliseconds. */
  longest: number;
}

/** A place in the guest. */
export interface ExitSite extends ExitCost {
  /** GVA of the instruction. */
  readonly pc: bigint;
}

/** Exits of one kind. */
export interface KindStatistics extends ExitCost {
  readonly kind: ExitKind;
  /** By what they were about. */
  readonly subjects: ReadonlyMap<string, ExitCost>;
  /** By place, as far as places are kept. */
  readonly sites: ReadonlyMap<bigint, ExitSite>;
  /** Those of places that were given up, since they were rare and there were too many. */
  readonly elsewhere: ExitCost;
}

/** Places kept for each kind: twice as many at times. A guest can have exits at as many places as it likes. */
export const MOST_SITES = 2048;
/** Subjects kept for each kind; there are fewer, but for unknown SBI calls. */
const MOST_SUBJECTS = 512;
const OTHER_SUBJECTS = 'others';

const noCost = (): ExitCost => ({ count: 0, repeated: 0, time: 0, longest: 0 });

class KindCounter implements KindStatistics {
  count = 0;
  repeated = 0;
  time = 0;
  longest = 0;
  readonly subjects = new Map<string, ExitCost>();
  sites = new Map<bigint, ExitSite>();
  readonly elsewhere = noCost();

  constructor(readonly kind: ExitKind) {}

  add(subject: string | undefined, pc: bigint, repeated: boolean, time: number): void {
    addTo(this, repeated, time);
    if (subject !== undefined) addTo(this.subject(subject), repeated, time);
    let site = this.sites.get(pc);
    if (!site) {
      site = { pc, ...noCost() };
      this.sites.set(pc, site);
      if (this.sites.size > 2 * MOST_SITES) this.giveUpRareSites(site);
    }
    addTo(site, repeated, time);
  }

  private subject(name: string): ExitCost {
    let found = this.subjects.get(name);
    if (!found) {
      const kept = this.subjects.size < MOST_SUBJECTS ? name : OTHER_SUBJECTS;
      found = this.subjects.get(kept) ?? noCost();
      this.subjects.set(kept, found);
    }
    return found;
  }

  /** Keeps the half of the places that had most exits, and the one just found. */
  private giveUpRareSites(newest: ExitSite): void {
    const byCount = [...this.sites.values()].filter((site) => site !== newest).sort((a, b) => b.count - a.count);
    for (const { count, repeated, time, longest } of byCount.slice(MOST_SITES)) {
      this.elsewhere.count += count;
      this.elsewhere.repeated += repeated;
      this.elsewhere.time += time;
      this.elsewhere.longest = Math.max(this.elsewhere.longest, longest);
    }
    this.sites = new Map([...byCount.slice(0, MOST_SITES), newest].map((site) => [site.pc, site]));
  }
}

function addTo(cost: ExitCost, repeated: boolean, time: number): void {
  cost.count++;
  if (repeated) cost.repeated++;
  cost.time += time;
  if (time > cost.longest) cost.longest = time;
}

export class ExitStatistics {
  private readonly counters = new Map<ExitKind, KindCounter>();

  constructor(readonly guest: string) {}

  /** The kinds that happened, the most frequent first. */
  get kinds(): readonly KindStatistics[] {
    return [...this.counters.values()].sort((a, b) => b.count - a.count || a.kind.localeCompare(b.kind));
  }

  /** All kinds together. */
  get total(): ExitCost {
    const total = noCost();
    for (const { count, repeated, time, longest } of this.counters.values()) {
      total.count += count;
      total.repeated += repeated;
      total.time += time;
      total.longest = Math.max(total.longest, longest);
    }
    return total;
  }

  /**
   * @param subject what the exit is about
   * @param pc where the guest stood
   * @param time on the host, in milliseconds
   */
  add(kind: ExitKind, subject: string | undefined, pc: bigint, repeated: boolean, time: number): void {
    let counter = this.counters.get(kind);
    if (!counter) this.counters.set(kind, (counter = new KindCounter(kind)));
    counter.add(subject, pc, repeated, time);
  }
}
