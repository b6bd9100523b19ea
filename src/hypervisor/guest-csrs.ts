/**
 * The guest CSRs: the supervisor registers that the guest sees, each with what it keeps of a write (its WARL rule). They
 * are plain values here; what a change leads to (another shadow view, an interrupt) is the business of the exits.
 */

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

const SSTATUS_WRITABLE = SSTATUS.SIE | SSTATUS.SPIE | SSTATUS.SPP | SSTATUS.SUM | SSTATUS.MXR;

/** Supervisor interrupts: bits of sie and sip, and causes of scause (Privileged 4.1.3). */
export const SOFTWARE_INTERRUPT = 1;
export const TIMER_INTERRUPT = 5;
export const EXTERNAL_INTERRUPT = 9;

const SSIP = 1n << BigInt(SOFTWARE_INTERRUPT);
const ALL_INTERRUPTS = SSIP | (1n << BigInt(TIMER_INTERRUPT)) | (1n << BigInt(EXTERNAL_INTERRUPT));

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
    return this.status | SSTATUS.UXL_64 | (fs << 13n) | (fs === 3n ? SSTATUS.SD : 0n);
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

type PlainName = 'sie' | 'stvec' | 'scounteren' | 'sscratch' | 'sepc' | 'scause' | 'stval' | 'senvcfg' | 'satp';

/** A register that holds one value and depends on nothing else. */
function plain(number: number, name: PlainName, legalize: (value: bigint, old: bigint) => bigint): GuestCsr {
  return {
    number,
    name,
    read: (csrs) => csrs[name],
    legalize: (csrs, value) => legalize(value, csrs[name]),
    store(csrs, value) {
      csrs[name] = value;
    },
  };
}

const any = (value: bigint): bigint => value;
const masked =
  (mask: bigint) =>
  (value: bigint): bigint =>
    value & mask;

const sstatus: GuestCsr = {
  number: 0x100,
  name: 'sstatus',
  read: (csrs) => csrs.sstatus,
  legalize(csrs, value) {
    // Which states FS can have is the hart's affair: try, and put back.
    const before = csrs.floatingPoint.get();
    csrs.floatingPoint.set(Number((value & SSTATUS.FS) >> 13n));
    const fs = BigInt(csrs.floatingPoint.get());
    csrs.floatingPoint.set(before);
    return (value & SSTATUS_WRITABLE) | SSTATUS.UXL_64 | (fs << 13n) | (fs === 3n ? SSTATUS.SD : 0n);
  },
  store(csrs, value) {
    csrs.status = value & SSTATUS_WRITABLE;
    csrs.floatingPoint.set(Number((value & SSTATUS.FS) >> 13n));
  },
};

const sip: GuestCsr = {
  number: 0x144,
  name: 'sip',
  read: (csrs) => csrs.sip,
  legalize: (csrs, value) => (csrs.sip & ~SSIP) | (value & SSIP),
  store(csrs, value) {
    csrs.sip = value;
  },
};

/** A write with a mode other than Bare and Sv39 has no effect at all (Privileged 4.1.11). */
const legalSatp = (value: bigint, old: bigint): bigint => (value >> 60n === 0n || value >> 60n === 8n ? value : old);

/** Modes 2 and 3 are reserved: as in QEMU, such a write has no effect. */
const legalStvec = (value: bigint, old: bigint): bigint => ((value & 2n) === 0n ? value : old);

/** By number. */
export const GUEST_CSRS: readonly GuestCsr[] = [
  sstatus,
  plain(0x104, 'sie', masked(ALL_INTERRUPTS)),
  plain(0x105, 'stvec', legalStvec),
  plain(0x106, 'scounteren', masked(0xffff_ffffn)),
  plain(0x10a, 'senvcfg', masked(1n)),
  plain(0x140, 'sscratch', any),
  plain(0x141, 'sepc', masked(~1n & 0xffff_ffff_ffff_ffffn)),
  plain(0x142, 'scause', any),
  plain(0x143, 'stval', any),
  sip,
  plain(0x180, 'satp', legalSatp),
];

const byNumber = new Map(GUEST_CSRS.map((csr) => [csr.number, csr]));

/** The guest CSR with this number (0 to 4095), if it is one that the hypervisor emulates. */
export function guestCsr(number: number): GuestCsr | undefined {
  return byNumber.get(number);
}
