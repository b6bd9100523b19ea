/**
 * Host interrupts that take the hart out of the guest: the timer, and a notice that something pends for the guest, and
 * devices passed through.
 */
import { causeName } from '../../isa/causes';
import { EXTERNAL_INTERRUPT, SOFTWARE_INTERRUPT, TIMER_INTERRUPT } from '../guest-csrs';
import type { Vcpu } from '../vcpu';
import type { AnyExit, Exit } from './exit';

const INTERRUPT_BIT = 1n << 63n;

/** The exit for a host interrupt of this cause. */
export function hostInterrupt(vcpu: Vcpu, cause: number): AnyExit {
  return cause === TIMER_INTERRUPT ? new Timer(vcpu) : new Interrupt(vcpu, cause);
}

/** The host timer went off: a vCPU's own deadline has come, and its timer interrupt pends; or a time slice is over. */
class Timer implements Exit<'timer'> {
  readonly kind = 'timer';

  constructor(private readonly vcpu: Vcpu) {}

  fields() {
    return { deadline: this.vcpu.timer.deadline, time: this.vcpu.timer.now() };
  }

  perform(): undefined {
    this.vcpu.schedule.expireTimers();
  }
}

/** What pends for the guest was recorded when it happened: the guest's interrupt controller raised it. */
class Interrupt implements Exit<'interrupt'> {
  readonly kind = 'interrupt';

  constructor(
    private readonly vcpu: Vcpu,
    private readonly cause: number,
  ) {}

  get subject(): string {
    return causeName(INTERRUPT_BIT | BigInt(this.cause));
  }

  fields() {
    return {
      cause: this.cause,
      name: this.subject,
      sip: BigInt(this.vcpu.csrs.sip),
    };
  }

  perform(): undefined {
    if (this.cause === SOFTWARE_INTERRUPT) this.vcpu.acknowledgeNotice();
    if (this.cause === EXTERNAL_INTERRUPT) this.vcpu.guest.takeInterrupts(this.vcpu.hart.index);
  }
}
