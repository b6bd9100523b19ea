/** SRET of the guest: back to the mode in guest sstatus.SPP, at guest sepc (Privileged 3.3.2). */
import { MSTATUS } from '../../machine/status';
import type { Vcpu } from '../vcpu';
import type { Exit } from './exit';

export class Sret implements Exit<'sret'> {
  readonly kind = 'sret';

  constructor(
    private readonly vcpu: Vcpu,
    readonly instruction: number,
  ) {}

  fields() {
    const { sepc, status } = this.vcpu.csrs;
    return {
      target: sepc,
      targetPrivilege: (status & MSTATUS.SPP) !== 0 ? 'vS' : 'vU',
      interruptsEnabled: (status & MSTATUS.SPIE) !== 0,
    };
  }

  perform(): undefined {
    const { vcpu } = this;
    const { csrs } = vcpu;
    const before = csrs.status;
    vcpu.virtualPrivilege = (before & MSTATUS.SPP) !== 0 ? 1 : 0;
    const interrupts = (before & MSTATUS.SPIE) !== 0 ? MSTATUS.SIE : 0;
    csrs.status = (before & ~(MSTATUS.SPP | MSTATUS.SIE)) | MSTATUS.SPIE | interrupts;
    vcpu.pc = csrs.sepc;
  }
}
