/** An instruction that the guest may not execute, or that does not exist. */
import type { Vcpu } from '../vcpu';
import type { Exit } from './exit';
import { CAUSE, Inject } from './inject';

export class Illegal implements Exit<'illegal'> {
  readonly kind = 'illegal';

  constructor(
    private readonly vcpu: Vcpu,
    readonly instruction: number,
    private readonly reason: string,
    private readonly csr?: { readonly number: number; readonly name: string },
  ) {}

  get subject(): string | undefined {
    return this.csr?.name;
  }

  fields() {
    return {
      reason: this.reason,
      ...(this.csr && { csr: this.csr.name, csrNumber: this.csr.number }),
    };
  }

  perform(): Inject {
    return new Inject(this.vcpu, CAUSE.illegalInstruction, false, BigInt(this.instruction), {
      instruction: this.instruction,
      reason: () => this.reason,
    });
  }
}
