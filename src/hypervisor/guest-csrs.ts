/**
 * The guest CSRs: the supervisor registers that the guest sees. What a write keeps follows from the CSR table, as on the
 * hart. They are plain values here; what a change leads to (another shadow view, an interrupt) is the exits' business.
 */
import type { StateTransfer } from '../engine/state-transfer';
import { bitRange } from '../isa/csr-description';
import { csrByName, legalValue } from '../isa/csrs';
import type { CsrDescription } from '../isa/csrs';
import type { Extension } from '../isa/extensions';
import { CSR } from '../machine/csr-numbers';
import { FS_SHIFT, MSTATUS } from '../machine/status';

/** Bits of sstatus (Privileged 4.1.1). */
export const SSTATUS = {
  SIE: 1n << 1n,
  SPIE: 1n << 5n,
  SPP: 1n << 8n,
  FS: 3n << 13n,
  SUM: 1n << 18n,
  MXR: 1n << 19n,
  /** UXL = 2: user mode is 64 bits wide, always. */
  UXL_64: 2n << 32n,
  SD: 1n << 63n,
} as const;

/** The same bits as far as they lie in the low half, which numbers hold exactly. */
const { SIE, SUM, MXR } = MSTATUS;
/** What the guest's own copy of sstatus holds; the rest is fixed, or the hart's. */
const KEPT_STATUS = MSTATUS.SIE | MSTATUS.SPIE | MSTATUS.SPP | MSTATUS.SUM | MSTATUS.MXR;

/** Supervisor interrupts: bits of sie and sip, and causes of scause (Privileged 4.1.3). */
export const SOFTWARE_INTERRUPT = 1;
export const TIMER_INTERRUPT = 5;
export const EXTERNAL_INTERRUPT = 9;

/** No deadline: the end of time. */
export const NEVER = 0xffff_ffff_ffff_ffffn;

/** The hart's own floating-point state, which the guest uses directly: sstatus.FS, 0 to 3. */
export interface FloatingPointStatus {
  get(): number;
  set(status: number): void;
}

export interface GuestCsr {
  readonly number: number;
  readonly name: string;
  /** Guests without this extension do not have it. */
  readonly extension?: Extension;
  /** The value that the guest reads. */
  read(csrs: GuestCsrs): bigint;
  /** What the guest will read after it writes `value`. Changes nothing. */
  legalize(csrs: GuestCsrs, value: bigint): bigint;
  /** Stores a value that `legalize` gave. */
  store(csrs: GuestCsrs, value: bigint): void;
}

/** The values. */
export class GuestCsrs {
  /** Without FS and the read-only fields: see `sstatus`. */
  status = 0;
  sie = 0;
  /** Every pending bit: SSIP, which the guest may change, and STIP and SEIP, which its timer and devices do. */
  sip = 0;
  stvec = 0n;
  /** cycle, time and instret, as firmware leaves it. */
  scounteren = 7n;
  sscratch = 0n;
  sepc = 0n;
  scause = 0n;
  stval = 0n;
  senvcfg = 0n;
  /** With Sstc the guest's own; without, what its SBI keeps for it. */
  stimecmp = NEVER;
  /** Whether the guest translates nothing: satp.MODE = Bare. */
  bare = true;
  private translation = 0n;

  constructor(
    readonly floatingPoint: FloatingPointStatus,
    /** The guest's. */
    readonly extensions: ReadonlySet<Extension>,
  ) {}

  /** As the guest reads it. */
  get sstatus(): bigint {
    return statusValue(this.statusLow);
  }

  /** The low half of sstatus, which has all that the guest can change. */
  get statusLow(): number {
    return this.status | (this.floatingPoint.get() << FS_SHIFT);
  }

  /** Of another value, the bits that the register has are kept. */
  set statusLow(low: number) {
    this.status = low & KEPT_STATUS;
    const float = (low & MSTATUS.FS) >> FS_SHIFT;
    if (float !== this.floatingPoint.get()) this.floatingPoint.set(float);
  }

  get satp(): bigint {
    return this.translation;
  }

  set satp(value: bigint) {
    this.translation = value;
    this.bare = value >> 60n === 0n;
  }

  /** Whether sstatus.SUM is set. */
  get sum(): boolean {
    return (this.status & SUM) !== 0;
  }

  /** Whether sstatus.MXR is set. */
  get mxr(): boolean {
    return (this.status & MXR) !== 0;
  }

  /** Whether sstatus.SIE is set. */
  get interruptsEnabled(): boolean {
    return (this.status & SIE) !== 0;
  }

  /** Whether the guest has this one of GUEST_CSRS. */
  has({ extension }: GuestCsr): boolean {
    return extension === undefined || this.extensions.has(extension);
  }

  transferState(state: StateTransfer): void {
    this.status = state.integer(this.status, KEPT_STATUS);
    this.sie = state.integer(this.sie, 0xffff);
    this.sip = state.integer(this.sip, 0xffff);
    for (const name of PLAIN) this[name] = state.word(this[name]);
    this.senvcfg = state.word(this.senvcfg);
  }

  setPending(interrupt: number, on: boolean): void {
    const bit = 1 << interrupt;
    this.sip = on ? this.sip | bit : this.sip & ~bit;
  }

  /** The interrupt to take first of those pending and enabled in sie (Privileged 4.1.3); undefined when there is none. */
  firstInterrupt(): number | undefined {
    const ready = this.sip & this.sie;
    if (ready === 0) return undefined;
    return INTERRUPT_ORDER.find((interrupt) => ((ready >> interrupt) & 1) !== 0);
  }
}

const UXL_64_SD = SSTATUS.UXL_64 | SSTATUS.SD;

const lowHalf = (value: bigint): number => Number(BigInt.asUintN(32, value));

/** sstatus after such a low half was written. */
export function statusValue(low: number): bigint {
  const kept = low & (KEPT_STATUS | MSTATUS.FS);
  return BigInt(kept) | ((kept & MSTATUS.FS) === MSTATUS.FS ? UXL_64_SD : SSTATUS.UXL_64);
}
const INTERRUPT_ORDER = [EXTERNAL_INTERRUPT, SOFTWARE_INTERRUPT, TIMER_INTERRUPT];

const ALL_BITS = 0xffff_ffff_ffff_ffffn;

/** Registers whose value is all there is to them. */
const PLAIN = ['stvec', 'scounteren', 'sscratch', 'sepc', 'scause', 'stval', 'stimecmp', 'satp'] as const;

function describe(name: string): CsrDescription {
  const description = csrByName(name);
  if (!description) throw new Error(`The CSR table lacks ${name}.`);
  return description;
}

function guestCsrOf(
  name: string,
  read: (csrs: GuestCsrs) => bigint,
  store: (csrs: GuestCsrs, value: bigint) => void,
): GuestCsr {
  const description = describe(name);
  const { number, extension } = description;
  return { number, name, ...(extension && { extension }), read, legalize: legalizeAs(description, read), store };
}

/** What a register keeps; the less there is to it, the quicker. */
function legalizeAs(description: CsrDescription, read: GuestCsr['read']): GuestCsr['legalize'] {
  const { writable, legalise, fields } = description;
  const isReadOnly = fields.some(({ access }) => access === 'RO');
  if (legalise || isReadOnly) return (csrs, value) => legalValue(description, read(csrs), value);
  return writable === ALL_BITS ? (_csrs, value) => value : (_csrs, value) => value & writable;
}

function plain(name: (typeof PLAIN)[number] | 'senvcfg'): GuestCsr {
  return guestCsrOf(
    name,
    (csrs) => csrs[name],
    (csrs, value) => {
      csrs[name] = value;
    },
  );
}

function interrupts(name: 'sie' | 'sip'): GuestCsr {
  return guestCsrOf(
    name,
    (csrs) => BigInt(csrs[name]),
    (csrs, value) => {
      csrs[name] = Number(value);
    },
  );
}

/** senvcfg has the fields of the guest's extensions; the others read zero. */
function environment(): GuestCsr {
  const csr = plain('senvcfg');
  const { fields } = describe('senvcfg');
  return {
    ...csr,
    legalize(csrs, value) {
      const present = fields.filter(({ extension }) => extension === undefined || csrs.extensions.has(extension));
      const mask = present.reduce((bits, { high, low }) => bits | bitRange(high, low), 0n);
      return csr.legalize(csrs, value & mask);
    },
  };
}

const status: GuestCsr = {
  number: CSR.sstatus,
  name: 'sstatus',
  read: (csrs) => csrs.sstatus,
  legalize: (_csrs, value) => statusValue(lowHalf(value)),
  store(csrs, value) {
    csrs.statusLow = lowHalf(value);
  },
};

/** Those that the hypervisor emulates, by number. */
export const GUEST_CSRS: readonly GuestCsr[] = [
  status,
  interrupts('sie'),
  interrupts('sip'),
  ...PLAIN.map(plain),
  environment(),
].sort((a, b) => a.number - b.number);

const byNumber: (GuestCsr | undefined)[] = Array.from({ length: 0x1000 }, () => undefined);
for (const csr of GUEST_CSRS) byNumber[csr.number] = csr;

/** The guest CSR with this number (0 to 4095), if it is one that the hypervisor emulates. */
export function guestCsr(number: number): GuestCsr | undefined {
  return byNumber[number];
}
