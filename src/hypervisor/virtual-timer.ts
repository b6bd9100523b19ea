/** A vCPU's timer: what the guest asked of its SBI or wrote to stimecmp, kept by means of the host timer. */
import type { GuestCsrs } from './guest-csrs';
import { NEVER, TIMER_INTERRUPT } from './guest-csrs';

/** The host timer of the vCPU's hart, as the SBI below the hypervisor offers it. Times are ticks of `time`. */
export interface HostTimer {
  now(): bigint;
  /** The host timer interrupt pends from this time on, not before. */
  set(deadline: bigint): void;
}

export class VirtualTimer {
  constructor(
    private readonly csrs: GuestCsrs,
    private readonly host: HostTimer,
  ) {}

  /** The guest's stimecmp. */
  get deadline(): bigint {
    return this.csrs.stimecmp;
  }

  now(): bigint {
    return this.host.now();
  }

  /** The guest's timer interrupt pends from `deadline` on, not before. */
  set(deadline: bigint): void {
    this.csrs.setPending(TIMER_INTERRUPT, false);
    this.csrs.stimecmp = deadline;
    this.host.set(deadline);
  }

  /** The host timer interrupt was taken. */
  expire(): void {
    if (this.deadline > this.host.now()) {
      this.host.set(this.deadline);
      return;
    }
    this.host.set(NEVER);
    this.csrs.setPending(TIMER_INTERRUPT, true);
  }
}
