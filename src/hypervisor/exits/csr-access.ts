/** The guest's accesses to its supervisor CSRs, and to counters that its hart does not let it read directly. */
import { csrName } from '../../isa/csr-names';
import type { Decoded } from '../../isa/instruction';
import { CSR } from '../../machine/csr-numbers';
import type { GuestCsr } from '../guest-csrs';
import type { Vcpu } from '../vcpu';
import type { AnyExit, Exit } from './exit';
import { Illegal } from './illegal';

/** How a CSR instruction makes the value that it writes (Unprivileged 10.1), of unsigned ones an unsigned one. */
type Combine = (old: bigint, operand: bigint) => bigint;
const write: Combine = (_, operand) => operand;
const set: Combine = (old, operand) => old | operand;
const clear: Combine = (old, operand) => old ^ (old & operand);

const FORMS: Readonly<
  Record<string, { readonly combine: Combine; readonly always: boolean; readonly immediate: boolean }>
> = {
  csrrw: { combine: write, always: true, immediate: false },
  csrrs: { combine: set, always: false, immediate: false },
  csrrc: { combine: clear, always: false, immediate: false },
  csrrwi: { combine: write, always: true, immediate: true },
  csrrsi: { combine: set, always: false, immediate: true },
  csrrci: { combine: clear, always: false, immediate: true },
};

/** cycle, time and instret; bit n of scounteren is that of CSR 0xc00 + n (Privileged 4.1.5). */
const COUNTERS = ['cycle', 'time', 'instret'];
const isCounter = (number: number): boolean => number >= CSR.cycle && number <= CSR.hpmcounter31;

const nameOf = (number: number): string => csrName(number) ?? `0x${number.toString(16)}`;

/** Whether this instruction accesses a CSR. */
export const isCsrInstruction = (name: string): boolean => Object.hasOwn(FORMS, name);

/** The exit for a CSR instruction, for which isCsrInstruction holds. */
export function csrAccess(vcpu: Vcpu, decoded: Decoded): AnyExit {
  const { instruction, rd, rs1, imm: number, word } = decoded;
  const { combine, always, immediate } = FORMS[instruction.name];
  const writes = always || rs1 !== 0;
  const csr = number >> 10 === 3 ? readOnlyCounter(vcpu, number) : vcpu.findCsr(number);
  const name = csr?.name ?? nameOf(number);

  const refusal = refuse(vcpu, number, name, csr !== undefined, writes);
  if (refusal !== undefined || csr === undefined) {
    return new Illegal(vcpu, word, refusal ?? '', { number, name });
  }
  const old = csr.read(vcpu.csrs);
  if (!writes) return new CsrRead(vcpu, word, csr, rd, old);
  return new CsrWrite(vcpu, word, csr, rd, old, combine(old, immediate ? BigInt(rs1) : vcpu.x(rs1)));
}

/** Why an access is illegal (Privileged 2.1); undefined when it is not. */
function refuse(vcpu: Vcpu, number: number, name: string, exists: boolean, writes: boolean): string | undefined {
  const privilege = (number >> 8) & 3;
  if (privilege === 3) return `${name} is a machine-mode CSR, which no guest has.`;
  if (privilege > vcpu.virtualPrivilege) return `${name} is a supervisor CSR, and the guest is in user mode.`;
  if (writes && number >> 10 === 3) return `${name} is read-only.`;
  if (number <= CSR.fcsr) return `${name} needs the floating-point unit, which sstatus.FS has off.`;
  if (isCounter(number) && vcpu.virtualPrivilege === 0) return `scounteren does not allow ${name} in user mode.`;
  if (!exists) return `The guest has no CSR ${name}.`;
  return undefined;
}

/** A counter that the guest may read in its present mode, read for it by the hypervisor. */
function readOnlyCounter(vcpu: Vcpu, number: number): GuestCsr | undefined {
  const index = number - CSR.cycle;
  const name = COUNTERS[index];
  if (name === undefined) return undefined;
  const allowed = vcpu.virtualPrivilege === 1 || ((vcpu.csrs.scounteren >> BigInt(index)) & 1n) !== 0n;
  if (!allowed) return undefined;
  return { number, name, read: () => vcpu.readHostCsr(number), legalize: (_, value) => value, store: () => {} };
}

class CsrRead implements Exit<'csrRead'> {
  readonly kind = 'csrRead';

  constructor(
    private readonly vcpu: Vcpu,
    readonly instruction: number,
    private readonly csr: GuestCsr,
    private readonly rd: number,
    private readonly old: bigint,
  ) {}

  get subject(): string {
    return this.csr.name;
  }

  fields() {
    return { csr: this.csr.name, csrNumber: this.csr.number, old: this.old, rd: this.rd };
  }

  perform(): undefined {
    this.vcpu.setX(this.rd, this.old);
    this.vcpu.skip(4);
  }
}

class CsrWrite implements Exit<'csrWrite'> {
  readonly kind = 'csrWrite';
  private readonly legal: bigint;

  constructor(
    private readonly vcpu: Vcpu,
    readonly instruction: number,
    private readonly csr: GuestCsr,
    private readonly rd: number,
    private readonly old: bigint,
    private readonly written: bigint,
  ) {
    this.legal = csr.legalize(vcpu.csrs, written);
  }

  get subject(): string {
    return this.csr.name;
  }

  fields() {
    return {
      csr: this.csr.name,
      csrNumber: this.csr.number,
      old: this.old,
      new: this.legal,
      written: this.written,
      rd: this.rd,
    };
  }

  perform(): undefined {
    const { vcpu, csr, old, legal } = this;
    vcpu.setX(this.rd, old);
    vcpu.storeCsr(csr, legal);
    vcpu.skip(4);
  }
}
