/** The CSRs that are more than a value of their own: views of others, counters, and those with effects. */
import type { CsrDescription } from '../isa/csrs';
import { bitRange } from '../isa/csr-description';
import { csrByNumber, legalValue } from '../isa/csrs';
import { CSR } from './csr-numbers';
import type { CsrState } from './csr-state';
import { PMP_ENTRIES } from './pmp';
import { FLOAT_STATE, FS_SHIFT, INTERRUPT, MPP_SHIFT, MSTATUS } from './status';

export interface SpecialCsr {
  /** An unsigned 64-bit value. */
  read(state: CsrState): bigint;
  /** Stores what is legal, with the effects. Read-only registers have none. */
  write?(state: CsrState, value: bigint): void;
}

function describe(number: number): CsrDescription {
  const description = csrByNumber(number);
  if (!description) throw new Error(`the CSR table lacks 0x${number.toString(16)}`);
  return description;
}

const mstatus = describe(CSR.mstatus);
const sstatus = describe(CSR.sstatus);
const satp = describe(CSR.satp);
const environments = { [CSR.menvcfg]: describe(CSR.menvcfg), [CSR.senvcfg]: describe(CSR.senvcfg) };

const LOW_HALF = 0xffffffffn;
const SD = 1n << 63n;
const MPP_RESERVED = 2 << MPP_SHIFT;
const maskOf = (description: CsrDescription): number => Number(description.writable & LOW_HALF);

const ENABLE_BITS = maskOf(describe(CSR.mie));
const INTERRUPT_DELEGATION = maskOf(describe(CSR.mideleg));
const EXCEPTION_DELEGATION = maskOf(describe(CSR.medeleg));
/** Pending bits that M-mode and S-mode may change (3.1.9, 4.1.3). */
const MIP_WRITABLE = maskOf(describe(CSR.mip));
const SUPERVISOR_TIMER = 1 << INTERRUPT.supervisorTimer;
const SIP_WRITABLE = 1 << INTERRUPT.supervisorSoftware;

/** mcountinhibit's bits. */
const CYCLE = 1n;
const INSTRET = 4n;

/** Bits of mstatus that address translation depends on. Others change with each lock that a kernel takes. */
const TRANSLATION = MSTATUS.MPRV | MSTATUS.MPP | MSTATUS.SUM | MSTATUS.MXR;

function setStatus(state: CsrState, status: number): void {
  const changed = state.status ^ status;
  if (changed === 0) return;
  state.status = status;
  if ((changed & TRANSLATION) !== 0) state.around.translationChanged();
  state.around.interruptsChanged();
}

const lowBits = (value: bigint): number => Number(BigInt.asUintN(32, value));

/** Replaces the bits of `old` that are in the mask. */
const merge = (old: number, value: number, mask: number): number => ((old & ~mask) | (value & mask)) >>> 0;

/** The view of mstatus that has these bits in its low half, and these constant ones above. */
function statusView(low: number, high: bigint): SpecialCsr {
  return {
    read(state) {
      const { floatState } = state.around.float;
      const value = high | BigInt(((state.status & low) | (floatState << FS_SHIFT)) >>> 0);
      // SD sums up FS, VS and XS (3.1.6.6), of which this machine has the first.
      return floatState === FLOAT_STATE.dirty ? value | SD : value;
    },
    write(state, value) {
      const bits = lowBits(value);
      state.around.float.floatState = (bits & MSTATUS.FS) >>> FS_SHIFT;
      const next = merge(state.status, bits, low & ~MSTATUS.FS);
      // A reserved mode leaves MPP as it was (3.1.6.1).
      const legal = (next & MSTATUS.MPP) === MPP_RESERVED ? merge(next, state.status, MSTATUS.MPP) : next;
      setStatus(state, legal);
    },
  };
}

const statusRegisters: Record<number, SpecialCsr> = {
  [CSR.mstatus]: statusView(maskOf(mstatus), mstatus.reset & ~LOW_HALF),
  [CSR.sstatus]: statusView(maskOf(sstatus), sstatus.reset & ~LOW_HALF),
};

function setEnabled(state: CsrState, bits: number): void {
  state.enabledInterrupts = bits;
  state.around.interruptsChanged();
}

function setPending(state: CsrState, bits: number): void {
  state.pendingBySoftware = bits;
  state.around.interruptsChanged();
}

const interruptRegisters: Record<number, SpecialCsr> = {
  [CSR.mie]: {
    read: (state) => BigInt(state.enabledInterrupts),
    write: (state, value) => setEnabled(state, lowBits(value) & ENABLE_BITS),
  },
  // Bits that are not delegated read zero in sie and sip, and writes leave them (4.1.3).
  [CSR.sie]: {
    read: (state) => BigInt(state.enabledInterrupts & state.delegatedInterrupts),
    write: (state, value) =>
      setEnabled(state, merge(state.enabledInterrupts, lowBits(value), state.delegatedInterrupts & ENABLE_BITS)),
  },
  [CSR.mip]: {
    read: (state) => BigInt(state.pendingInterrupts),
    write: (state, value) =>
      setPending(state, lowBits(value) & (state.comparesTime ? MIP_WRITABLE & ~SUPERVISOR_TIMER : MIP_WRITABLE)),
  },
  [CSR.sip]: {
    read: (state) => BigInt(state.pendingInterrupts & state.delegatedInterrupts),
    write: (state, value) =>
      setPending(state, merge(state.pendingBySoftware, lowBits(value), state.delegatedInterrupts & SIP_WRITABLE)),
  },
  [CSR.mideleg]: {
    read: (state) => BigInt(state.delegatedInterrupts),
    write(state, value) {
      state.delegatedInterrupts = lowBits(value) & INTERRUPT_DELEGATION;
      state.around.interruptsChanged();
    },
  },
  [CSR.medeleg]: {
    read: (state) => BigInt(state.delegatedExceptions),
    write(state, value) {
      state.delegatedExceptions = lowBits(value) & EXCEPTION_DELEGATION;
    },
  },
};

const counterRegisters: Record<number, SpecialCsr> = {
  [CSR.mcycle]: {
    read: (state) => state.cycle.value(state.around.retired()),
    write: (state, value) => state.cycle.set(value, state.countAtWrite),
  },
  [CSR.minstret]: {
    read: (state) => state.instret.value(state.around.retired()),
    write: (state, value) => state.instret.set(value, state.countAtWrite),
  },
  [CSR.cycle]: { read: (state) => state.cycle.value(state.around.retired()) },
  [CSR.instret]: { read: (state) => state.instret.value(state.around.retired()) },
  [CSR.time]: { read: (state) => state.around.time() },
  [CSR.mcountinhibit]: {
    read: (state) => state.values[CSR.mcountinhibit],
    write(state, value) {
      const bits = value & (CYCLE | INSTRET);
      state.values[CSR.mcountinhibit] = bits;
      state.cycle.inhibit((bits & CYCLE) !== 0n, state.countAtWrite);
      state.instret.inhibit((bits & INSTRET) !== 0n, state.countAtWrite);
    },
  },
};

/** A part of fcsr; a write makes the unit's state dirty, as in QEMU even if nothing changes. */
function floatRegister(shift: number, mask: number): SpecialCsr {
  return {
    read: ({ around }) => BigInt((around.float.fcsr >> shift) & mask),
    write({ around: { float } }, value) {
      float.fcsr = (float.fcsr & ~(mask << shift)) | ((lowBits(value) & mask) << shift);
      if (float.floatState !== FLOAT_STATE.off) float.floatState = FLOAT_STATE.dirty;
    },
  };
}

const floatRegisters: Record<number, SpecialCsr> = {
  [CSR.fflags]: floatRegister(0, 0x1f),
  [CSR.frm]: floatRegister(5, 7),
  [CSR.fcsr]: floatRegister(0, 0xff),
};

const otherRegisters: Record<number, SpecialCsr> = {
  [CSR.stimecmp]: {
    read: (state) => state.values[CSR.stimecmp],
    write(state, value) {
      state.values[CSR.stimecmp] = value;
      state.around.supervisorTimerChanged();
    },
  },
  [CSR.mhartid]: { read: (state) => BigInt(state.around.hartId) },
  [CSR.satp]: {
    read: (state) => state.satp,
    write(state, value) {
      state.satp = legalValue(satp, state.satp, value);
      state.around.translationChanged();
    },
  },
};

/** menvcfg and senvcfg have the fields of the machine's extensions; the others read zero. */
function environmentRegister(number: typeof CSR.menvcfg | typeof CSR.senvcfg): SpecialCsr {
  const description = environments[number];
  return {
    read: (state) => state.values[number],
    write(state, value) {
      const { extensions } = state.around;
      const written = description.fields
        .filter(({ extension }) => extension === undefined || extensions.has(extension))
        .reduce((bits, { high, low }) => bits | (value & bitRange(high, low)), 0n);
      const { comparesTime } = state;
      state.values[number] = legalValue(description, state.values[number], written);
      // STIP has another source from now on, and does not keep what the former one left.
      if (state.comparesTime !== comparesTime) {
        state.pendingBySoftware &= ~SUPERVISOR_TIMER;
        state.pendingLines &= ~SUPERVISOR_TIMER;
        state.around.supervisorTimerChanged();
      }
      state.around.environmentChanged();
    },
  };
}

const environmentRegisters: Record<number, SpecialCsr> = {
  [CSR.menvcfg]: environmentRegister(CSR.menvcfg),
  [CSR.senvcfg]: environmentRegister(CSR.senvcfg),
};

function protectionRegisters(): [number, SpecialCsr][] {
  const configurations = [0, 2].map((register): [number, SpecialCsr] => [
    CSR.pmpcfg0 + register,
    {
      read: ({ around }) => around.pmp.readConfig(register),
      write: ({ around }, value) => around.pmp.writeConfig(register, value),
    },
  ]);
  const addresses = Array.from({ length: PMP_ENTRIES }, (_, entry): [number, SpecialCsr] => [
    CSR.pmpaddr0 + entry,
    {
      read: ({ around }) => around.pmp.readAddress(entry),
      write: ({ around }, value) => around.pmp.writeAddress(entry, value),
    },
  ]);
  return [...configurations, ...addresses];
}

const byNumber = (table: Record<number, SpecialCsr>): [number, SpecialCsr][] =>
  Object.entries(table).map(([number, csr]) => [Number(number), csr]);

export const specialCsrs: ReadonlyMap<number, SpecialCsr> = new Map([
  ...byNumber(statusRegisters),
  ...byNumber(interruptRegisters),
  ...byNumber(counterRegisters),
  ...byNumber(environmentRegisters),
  ...byNumber(floatRegisters),
  ...byNumber(otherRegisters),
  ...protectionRegisters(),
]);
