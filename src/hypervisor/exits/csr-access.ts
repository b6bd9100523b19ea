/** The guest's accesses to its supervisor CSRs, and to counters that its hart does not let it read directly. */
import { csrName } from '../../isa/csr-names';
import type { Decoded, Instruction } from '../../isa/instruction';
import { CSR } from '../../machine/csr-numbers';
import { statusValue } from '../guest-csrs';
import type { GuestCsr } from '../guest-csrs';
import type { Vcpu } from '../vcpu';
import type { AnyExit, Exit } from './exit';
import { Illegal } from './illegal';

/** How a CSR instruction makes the value that it writes (Unprivileged 10.1). */
interface Combination {
  /** Of unsigned values an unsigned one. */
  whole(old: bigint, operand: bigint): bigint;
  /** The same of low halves, as signed numbers. */
  low(old: number, operand: number): number;
}
const write: Combination = { whole: (_, operand) => operand, low: (_, operand) => operand };
const set: Combination = { whole: (old, operand) => old | operand, low: (old, operand) => old | operand };
const clear: Combination = { whole: (old, operand) => old ^ (old & operand), low: (old, operand) => old & ~operand };

interface Form {
  readonly combination: Combination;
  readonly always: boolean;
  readonly immediate: boolean;
}

/** By funct3, bits 14 to 12 of the instruction: csrrw, csrrs, csrrc, and from 5 on the same with an immediate (Unprivileged 9.1). */
const FORMS: readonly (Form | undefined)[] = [
  undefined,
  { combination: write, always: true, immediate: false },
  { combination: set, always: false, immediate: false },
  { combination: clear, always: false, immediate: false },
  undefined,
  { combination: write, always: true, immediate: true },
  { combination: set, always: false, immediate: true },
  { combination: clear, always: false, immediate: true },
];

/** cycle, time and instret; bit n of scounteren is that of CSR 0xc00 + n (Privileged 4.1.5). */
const COUNTERS = ['cycle', 'time', 'instret'];
const isCounter = (number: number): boolean => number >= CSR.cycle && number <= CSR.hpmcounter31;

const nameOf = (number: number): string => csrName(number) ?? `0x${number.toString(16)}`;

/** Whether this instruction accesses a CSR. */
export const isCsrInstruction = ({ format }: Instruction): boolean => format === 'csr' || format === 'csri';

/** The exit for a CSR instruction, for which isCsrInstruction holds. */
export function csrAccess(vcpu: Vcpu, decoded: Decoded): AnyExit {
  const { rd, rs1, imm: number, word } = decoded;
  const form = FORMS[(word >>> 12) & 7]!;
  const writes = form.always || rs1 !== 0;
  if (number === CSR.sstatus && writes && vcpu.virtualPrivilege === 1) return new StatusWrite(vcpu, decoded, form);
  const csr = number >> 10 === 3 ? readOnlyCounter(vcpu, number) : vcpu.findCsr(number);
  const name = csr?.name ?? nameOf(number);

  const refusal = refuse(vcpu, number, name, csr !== undefined, writes);
  if (refusal !== undefined || csr === undefined) {
    return new Illegal(vcpu, word, refusal ?? '', { number, name });
  }
  const old = csr.read(vcpu.csrs);
  if (!writes) return new CsrRead(vcpu, word, csr, rd, old);
  const { combination, immediate } = form;
  return new CsrWrite(vcpu, word, csr, rd, old, combination.whole(old, immediate ? BigInt(rs1) : vcpu.x(rs1)));
}

/** Why an access is illegal (Privileged 2.1); undefined when it is not. */
function refuse(vcpu: Vcpu, number: number, name: string, exists: boolean, writes: boolean): string | undefined {
  const privilege = (number >> 8) & 3;
  if (privilege === 3) return `${name} is a machine-mode CSR, which no guest has.`;
  if (privilege > vcpu.virtualPrivilege) return `${name} is a supervisor CSR, and the guest is in user mode.`;
  if (writes && number >> 10 === 3) return `${name} is read-only.`;
  if (number <= CSR.fcsr) return `${name} needs the floating-point unit, which sstatus.FS has off.`;
  if (isCounter(number) && !exists && vcpu.virtualPrivilege === 0)
    return `scounteren does not allow ${name} in user mode.`;
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
  const read = () => (number === CSR.time ? vcpu.timer.now() : vcpu.hart.csrs.read(number));
  return { number, name, read, legalize: (_, value) => value, store: () => {} };
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

/** A write of sstatus, the most frequent one: it is done on numbers, and whole values are made when somebody asks for them. */
class StatusWrite implements Exit<'csrWrite'> {
  readonly kind = 'csrWrite';
  readonly subject = 'sstatus';
  private readonly old: number;
  private readonly written: number;

  constructor(
    private readonly vcpu: Vcpu,
    private readonly decoded: Decoded,
    private readonly form: Form,
  ) {
    const { rs1 } = decoded;
    this.old = vcpu.csrs.statusLow;
    this.written = form.combination.low(this.old, form.immediate ? rs1 : vcpu.xLow(rs1));
  }

  get instruction(): number {
    return this.decoded.word;
  }

  fields() {
    const { form, vcpu } = this;
    const { rd, rs1 } = this.decoded;
    const old = statusValue(this.old);
    return {
      csr: this.subject,
      csrNumber: CSR.sstatus,
      old,
      new: statusValue(this.written),
      written: form.combination.whole(old, form.immediate ? BigInt(rs1) : vcpu.x(rs1)),
      rd,
    };
  }

  perform(): undefined {
    const { vcpu, decoded } = this;
    if (decoded.rd !== 0) vcpu.setX(decoded.rd, statusValue(this.old));
    vcpu.storeStatus(this.written);
    vcpu.skip(4);
  }
}
