/**
 * The guest CSRs: the supervisor registers that the guest sees. What a write keeps follows from the CSR table, as on the
 * hart. They are plain values here; what a change leads to (another shadow view, an interrupt) is the exits' business.
 */
import { csrByName, legalValue } from '../isa/csrs';
import type { CsrDescription } from '../isa/csrs';

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

const FS_SHIFT = 13n;
/** What the guest's own copy of sstatus holds; the rest is fixed, or the hart's. */
const KEPT_STATUS = SSTATUS.SIE | SSTATUS.SPIE | SSTATUS.SPP | SSTATUS.SUM | SSTATUS.MXR;

/** Supervisor interrupts: bits of sie and sip, and causes of scause (Privileged 4.1.3). */
export const SOFTWARE_INTERRUPT = 1;
export const TIMER_INTERRUPT = 5;
export const EXTERNAL_INTERRUPT = 9;

/** The hart's own floating-point state, which the guest uses directly: sstatus.FS, 0 to 3. */
export interface FloatingPointStatus {
  get(): number;
  set(status: number): void;
}

export interface GuestCsr {
  readonly number: number;
  readonly name: string;
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
  status = 0n;
  sie = 0n;
  /** Every pending bit: SSIP, which the guest may change, and STIP and SEIP, which its timer and devices do. */
  sip = 0n;
  stvec = 0n;
  scounteren = 0n;
  sscratch = 0n;
  sepc = 0n;
  scause = 0n;
  stval = 0n;
  senvcfg = 0n;
  satp = 0n;

  constructor(readonly floatingPoint: FloatingPointStatus) {}

  /** As the guest reads it. */
  get sstatus(): bigint {
    const fs = BigInt(this.floatingPoint.get());
    return this.status | SSTATUS.UXL_64 | (fs << FS_SHIFT) | (fs === 3n ? SSTATUS.SD : 0n);
  }

  /** Whether sstatus.SUM is set. */
  get sum(): boolean {
    return (this.status & SSTATUS.SUM) !== 0n;
  }

  /** Whether sstatus.MXR is set. */
  get mxr(): boolean {
    return (this.status & SSTATUS.MXR) !== 0n;
  }

  /** Whether sstatus.SIE is set. */
  get interruptsEnabled(): boolean {
    return (this.status & SSTATUS.SIE) !== 0n;
  }

  /** Whether the guest translates nothing: satp.MODE = Bare. */
  get bare(): boolean {
    return this.satp >> 60n === 0n;
  }

  setPending(interrupt: number, on: boolean): void {
    const bit = 1n << BigInt(interrupt);
    this.sip = on ? this.sip | bit : this.sip & ~bit;
  }

  /** The interrupt to take first of those pending and enabled in sie (Privileged 4.1.3); undefined when there is none. */
  firstInterrupt(): number | undefined {
    const ready = this.sip & this.sie;
    if (ready === 0n) return undefined;
    return INTERRUPT_ORDER.find((interrupt) => (ready >> BigInt(interrupt)) & 1n);
  }
}

const INTERRUPT_ORDER = [EXTERNAL_INTERRUPT, SOFTWARE_INTERRUPT, TIMER_INTERRUPT];

/** Registers whose value is all there is to them. */
const PLAIN = ['sie', 'stvec', 'scounteren', 'sscratch', 'sepc', 'scause', 'stval'] as const;

/** A guest has no extension that senvcfg would control, but this field. */
const SENVCFG_FIOM = 1n;
/** The translation modes that shadow paging supports: Bare and Sv39. */
const SATP_MODES = [0n, 8n];

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
  const legalize = (csrs: GuestCsrs, value: bigint) => legalValue(description, read(csrs), value);
  return { number: description.number, name, read, legalize, store };
}

function plain(name: (typeof PLAIN)[number] | 'senvcfg' | 'satp'): GuestCsr {
  return guestCsrOf(
    name,
    (csrs) => csrs[name],
    (csrs, value) => {
      csrs[name] = value;
    },
  );
}

/** Those that the hypervisor emulates, by number. */
export const GUEST_CSRS: readonly GuestCsr[] = [
  guestCsrOf(
    'sstatus',
    (csrs) => csrs.sstatus,
    (csrs, value) => {
      csrs.status = value & KEPT_STATUS;
      csrs.floatingPoint.set(Number((value & SSTATUS.FS) >> FS_SHIFT));
    },
  ),
  guestCsrOf(
    'sip',
    (csrs) => csrs.sip,
    (csrs, value) => {
      csrs.sip = value;
    },
  ),
  ...PLAIN.map(plain),
  { ...plain('senvcfg'), legalize: (_csrs: GuestCsrs, value: bigint) => value & SENVCFG_FIOM },
  // A write with another mode has no effect at all (Privileged 4.1.11).
  {
    ...plain('satp'),
    legalize: (csrs: GuestCsrs, value: bigint) => (SATP_MODES.includes(value >> 60n) ? value : csrs.satp),
  },
].sort((a, b) => a.number - b.number);

const byNumber = new Map(GUEST_CSRS.map((csr) => [csr.number, csr]));

/** The guest CSR with this number (0 to 4095), if it is one that the hypervisor emulates. */
export function guestCsr(number: number): GuestCsr | undefined {
  return byNumber.get(number);
}
