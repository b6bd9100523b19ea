/** SRET of the guest: back to the mode in guest sstatus.SPP, at guest sepc (Privileged 3.3.2). */
import { SSTATUS } from '../guest-csrs';
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
      targetPrivilege: (status & SSTATUS.SPP) !== 0n ? 'vS' : 'vU',
      interruptsEnabled: (status & SSTATUS.SPIE) !== 0n,
    };
  }

  perform(): undefined {
    const { vcpu } = this;
    const { csrs } = vcpu;
    const before = csrs.status;
    vcpu.virtualPrivilege = (before & SSTATUS.SPP) !== 0n ? 1 : 0;
    const interrupts = (before & SSTATUS.SPIE) !== 0n ? SSTATUS.SIE : 0n;
    csrs.status = (before & ~(SSTATUS.SPP | SSTATUS.SIE)) | SSTATUS.SPIE | interrupts;
    vcpu.pc = csrs.sepc;
  }
}
