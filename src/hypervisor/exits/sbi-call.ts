/** ECALL of the guest kernel: a call to the SBI that the hypervisor provides. */
import type { SbiCall as Call } from '../../machine/sbi';
import type { Vcpu } from '../vcpu';
import type { Exit } from './exit';

const A0 = 10;
const A1 = 11;

export class SbiCall implements Exit<'sbiCall'> {
  readonly kind = 'sbiCall';
  readonly instruction = 0x73;
  private readonly call: Call;

  constructor(private readonly vcpu: Vcpu) {
    const x = (index: number) => vcpu.x(A0 + index);
    this.call = vcpu.sbi.decode([x(0), x(1), x(2), x(3), x(4), x(5), x(6), x(7)]);
  }

  get subject(): string {
    return this.call.name;
  }

  fields() {
    const { name, extension, function: number, args } = this.call;
    const [a0, a1, a2, a3, a4, a5] = args;
    return { name, extension, function: number, a0, a1, a2, a3, a4, a5 };
  }

  perform(): undefined {
    const { vcpu } = this;
    const answer = vcpu.sbi.call(this.call);
    if ('legacy' in answer) {
      vcpu.setX(A0, answer.legacy);
    } else {
      vcpu.setX(A0, answer.error);
      vcpu.setX(A1, answer.value);
    }
    vcpu.skip(4);
  }
}
