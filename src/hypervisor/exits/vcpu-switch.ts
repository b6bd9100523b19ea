/** The hart goes to another vCPU: the time slice of the one that has it is over, or it does not need the hart now. */
import type { Vcpu } from '../vcpu';
import type { Exit } from './exit';

export class VcpuSwitch implements Exit<'vcpuSwitch'> {
  readonly kind = 'vcpuSwitch';

  /** @param isAsked whoever debugs wants to step the other one */
  constructor(
    private readonly from: Vcpu,
    private readonly to: Vcpu,
    private readonly isAsked = false,
  ) {}

  get subject(): string {
    return this.reason;
  }

  private get reason(): string {
    const { from } = this;
    if (this.isAsked) return 'asked for';
    if (from.guest.ended) return 'guest ended';
    if (from.isStopped) return 'stopped';
    return from.canRun ? 'slice over' : 'waits';
  }

  fields() {
    const { to, reason } = this;
    return { toGuest: to.guest.name, toVcpu: to.index, reason };
  }

  perform(): undefined {
    // It may have lost its reason while somebody looked at it.
    if (this.to.canRun) this.to.schedule.give(this.to);
  }
}
