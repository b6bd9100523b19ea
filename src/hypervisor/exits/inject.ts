/** Injection: an exception or interrupt appears in the guest as its own trap entry (Privileged 4.1, 3.1.6.1). */
import { FETCH, LOAD } from '../../engine/host';
import type { Access } from '../../engine/host';
import type { Gpa } from '../addresses';
import { causeName } from '../../isa/causes';
import { MSTATUS } from '../../machine/status';
import type { Vcpu } from '../vcpu';
import type { Exit } from './exit';

/** Exception codes of scause (Privileged, table 4.2). */
export const CAUSE = {
  fetchAccess: 1,
  illegalInstruction: 2,
  breakpoint: 3,
  loadAccess: 5,
  storeAccess: 7,
  ecallFromUser: 8,
  fetchPage: 12,
  loadPage: 13,
  storePage: 15,
} as const;

/** What more is known about a trap, for whoever looks at the record. */
export interface InjectDetails {
  readonly access?: Access;
  readonly gpa?: Gpa;
  readonly instruction?: number;
  /** Why, in one sentence; asked for only when a record is made. */
  readonly reason?: () => string;
  /** What the instruction does before it traps: the translation succeeded, and set A and D in the guest's page table. */
  readonly before?: () => void;
}

const INTERRUPT_BIT = 1n << 63n;
const ACCESS_NAMES = ['fetch', 'load', 'store'] as const;

export const accessName = (access: Access): string => ACCESS_NAMES[access];

export class Inject implements Exit<'inject'> {
  readonly kind = 'inject';

  constructor(
    private readonly vcpu: Vcpu,
    readonly cause: number,
    readonly interrupt: boolean,
    readonly stval: bigint,
    private readonly details: InjectDetails = {},
  ) {}

  get instruction(): number | undefined {
    return this.details.instruction;
  }

  get subject(): string {
    return causeName(BigInt(this.cause) | (this.interrupt ? INTERRUPT_BIT : 0n));
  }

  fields() {
    const { access, gpa, reason } = this.details;
    return {
      cause: this.cause,
      interrupt: this.interrupt,
      name: this.subject,
      stval: this.stval,
      handler: this.handler(),
      ...(access !== undefined && { access: accessName(access) }),
      ...(gpa !== undefined && { gpa }),
      ...(reason && { reason: reason() }),
    };
  }

  perform(): undefined {
    const { vcpu } = this;
    const { csrs } = vcpu;
    this.details.before?.();
    csrs.scause = BigInt(this.cause) | (this.interrupt ? INTERRUPT_BIT : 0n);
    csrs.sepc = vcpu.pc;
    csrs.stval = this.stval;
    let status = csrs.status & ~(MSTATUS.SPP | MSTATUS.SPIE | MSTATUS.SIE);
    if (vcpu.virtualPrivilege === 1) status |= MSTATUS.SPP;
    if (csrs.interruptsEnabled) status |= MSTATUS.SPIE;
    csrs.status = status;
    vcpu.virtualPrivilege = 1;
    vcpu.pc = this.handler();
  }

  /** Where the guest's stvec sends this trap (Privileged 4.1.2): interrupts each to an entry of their own in vectored mode. */
  private handler(): bigint {
    const { stvec } = this.vcpu.csrs;
    const base = stvec & ~3n;
    const vectored = (stvec & 1n) !== 0n && this.interrupt;
    return vectored ? BigInt.asUintN(64, base + 4n * BigInt(this.cause)) : base;
  }
}

/** A page fault of the guest: its own page table refuses the access. */
export function pageFault(vcpu: Vcpu, access: Access, gva: bigint, reason: () => string): Inject {
  const cause = access === FETCH ? CAUSE.fetchPage : access === LOAD ? CAUSE.loadPage : CAUSE.storePage;
  return new Inject(vcpu, cause, false, gva, { access, reason });
}

/** An access fault of the guest: nothing that it may use is at the physical address. */
export function accessFault(vcpu: Vcpu, access: Access, gva: bigint, details: Omit<InjectDetails, 'access'>): Inject {
  const cause = access === FETCH ? CAUSE.fetchAccess : access === LOAD ? CAUSE.loadAccess : CAUSE.storeAccess;
  return new Inject(vcpu, cause, false, gva, { ...details, access });
}

/** The interrupt that the guest takes now, if one is pending and its enables allow it (Privileged 4.1.3). */
export function deliverableInterrupt(vcpu: Vcpu): Inject | undefined {
  if (vcpu.virtualPrivilege === 1 && !vcpu.csrs.interruptsEnabled) return undefined;
  const interrupt = vcpu.csrs.firstInterrupt();
  return interrupt === undefined ? undefined : new Inject(vcpu, interrupt, true, 0n);
}
