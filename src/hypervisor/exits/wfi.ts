/** WFI of the guest: it waits until one of the interrupts enabled in its sie is pending (Privileged 3.3.3). */
import type { Vcpu } from '../vcpu';
import type { Exit } from './exit';

export class Wfi implements Exit<'wfi'> {
  readonly kind = 'wfi';

  constructor(
    private readonly vcpu: Vcpu,
    readonly instruction: number,
  ) {}

  /** It resumes for a pending interrupt whatever sstatus.SIE is. */
  private get waits(): boolean {
    return this.vcpu.csrs.firstInterrupt() === undefined;
  }

  fields() {
    return { waits: this.waits, sie: BigInt(this.vcpu.csrs.sie) };
  }

  perform(): undefined {
    this.vcpu.skip(4);
    if (this.waits) this.vcpu.waiting = true;
  }
}
