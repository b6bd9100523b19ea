/** SFENCE.VMA and SINVAL.VMA of the guest: shadow entries that may be out of date are dropped (Privileged 4.2.1). */
import type { Operands } from '../../isa/instruction';
import type { FenceTarget } from '../shadow/shadow-page-tables';
import type { Vcpu } from '../vcpu';
import type { Exit } from './exit';

const ASID_MASK = 0xffffn;

export class Sfence implements Exit<'sfence'> {
  readonly kind = 'sfence';
  private readonly target: FenceTarget;

  constructor(
    private readonly vcpu: Vcpu,
    readonly instruction: number,
    { rs1, rs2 }: Operands,
  ) {
    this.target = {
      gva: rs1 === 0 ? undefined : vcpu.x(rs1),
      asid: rs2 === 0 ? undefined : Number(vcpu.x(rs2) & ASID_MASK),
    };
  }

  fields() {
    const { vcpu, target } = this;
    const { gva, asid } = target;
    const dropped = vcpu.guest.shadow.countFence(vcpu.index, target);
    return { ...(gva !== undefined && { gva }), ...(asid !== undefined && { asid }), dropped };
  }

  perform(): undefined {
    const { vcpu, target } = this;
    vcpu.guest.fence(vcpu.index, vcpu.index, target);
    vcpu.skip(4);
  }
}

/** The fences around SINVAL.VMA, which is complete at once: they have nothing to do (Privileged, chapter "Svinval"). */
export class Ordering implements Exit<'sfence'> {
  readonly kind = 'sfence';

  constructor(
    private readonly vcpu: Vcpu,
    readonly instruction: number,
  ) {}

  fields() {
    return { dropped: 0 };
  }

  perform(): undefined {
    this.vcpu.skip(4);
  }
}
