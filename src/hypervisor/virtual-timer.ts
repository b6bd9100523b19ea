/** A vCPU's timer: what the guest asked of its SBI or wrote to stimecmp, kept by means of the host timer. */
import type { GuestClock } from './guest-clock';
import type { GuestCsrs } from './guest-csrs';
import { NEVER, TIMER_INTERRUPT } from './guest-csrs';
import type { HartSchedule } from './hart-schedule';

export class VirtualTimer {
  constructor(
    private readonly csrs: GuestCsrs,
    private readonly clock: GuestClock,
    private readonly schedule: HartSchedule,
  ) {}

  /** The guest's stimecmp. */
  get deadline(): bigint {
    return this.csrs.stimecmp;
  }

  /** The machine's time at which something is to be done for it. */
  get hostDeadline(): bigint {
    return this.isPending ? NEVER : this.clock.toMachine(this.deadline);
  }

  now(): bigint {
    return this.clock.now();
  }

  /** The guest's timer interrupt pends from `deadline` on, not before. */
  set(deadline: bigint): void {
    this.csrs.setPending(TIMER_INTERRUPT, false);
    this.csrs.stimecmp = deadline;
    this.schedule.setTimer(this.hostDeadline);
  }

  /** The guest's time goes on, or stands still from now on. */
  clockChanged(): void {
    this.schedule.setTimer(this.hostDeadline);
  }

  /** The host timer interrupt was taken. */
  expire(): void {
    if (!this.isPending && this.deadline <= this.clock.now()) this.csrs.setPending(TIMER_INTERRUPT, true);
  }

  private get isPending(): boolean {
    return (this.csrs.sip & (1 << TIMER_INTERRUPT)) !== 0;
  }
}
