/** The values behind a hart's CSRs, in the form in which the hart works with them. */
import type { StateTransfer } from '../engine/state-transfer';
import { csrByNumber, csrs, legalValue } from '../isa/csrs';
import type { Extension } from '../isa/extensions';
import { CsrCounter } from './csr-counters';
import { CSR } from './csr-numbers';
import type { Pmp } from './pmp';
import { ENVCFG, MPP_SHIFT, MSTATUS } from './status';

/** The float unit's part of a hart's state; `HartState` is one. */
export interface FloatUnit {
  /** Eight bits: rounding mode and accrued exceptions. */
  fcsr: number;
  /** mstatus.FS. */
  floatState: number;
}

/** What the registers need of the hart around them. */
export interface CsrSurroundings {
  readonly hartId: number;
  readonly extensions: ReadonlySet<Extension>;
  readonly pmp: Pmp;
  readonly float: FloatUnit;
  /** Where the values are kept, by number; they move when the hart begins or ceases to run. */
  readonly stored: { readonly csrs: BigUint64Array; readonly csrHalves: Uint32Array };
  /** Instructions that the hart has completed. */
  retired(): number;
  /** The machine's mtime. */
  time(): bigint;
  /** satp or a bit of mstatus that address translation depends on may have changed. */
  translationChanged(): void;
  /** stimecmp was written. */
  supervisorTimerChanged(): void;
  /** menvcfg or senvcfg was written. */
  environmentChanged(): void;
  /** An interrupt may have become deliverable. */
  interruptsChanged(): void;
}

const LOW_HALF = 0xffffffffn;
const LOW_32 = 0xffff_ffff;
const RESERVED_MODE = 2;
/** In menvcfg's high half. */
const STCE_HIGH = Number(ENVCFG.STCE >> 32n);

export class CsrState {
  /** mideleg, medeleg. */
  delegatedInterrupts = 0;
  delegatedExceptions = 0;
  readonly cycle = new CsrCounter();
  readonly instret = new CsrCounter();
  /** 1 while an instruction writes: it counts as completed when the value written to a counter starts to count (3.1.10). */
  writingInstruction: 0 | 1 = 0;
  /** satp: as one number, since it is compared whenever the mode changes. */
  satp = 0n;

  private enabled = 0;
  private softwarePending = 0;
  private linesPending = 0;

  constructor(readonly around: CsrSurroundings) {
    for (const { number, reset } of csrs) this.values[number] = reset;
    this.status = Number((csrByNumber(CSR.mstatus)?.reset ?? 0n) & LOW_HALF);
    const { extensions } = around;
    // With Svadu alone, hardware updates A and D from the start, as in QEMU; with Svade too, once software asks for it.
    if (extensions.has('Svadu') && !extensions.has('Svade')) this.values[CSR.menvcfg] = ENVCFG.ADUE;
  }

  /**
   * The low half of mstatus without FS, unsigned; the high half never changes, but for SD. FS is in the float unit. Generated
   * code finds it in the register's place.
   */
  get status(): number {
    return this.halves[2 * CSR.mstatus];
  }

  set status(status: number) {
    this.halves[2 * CSR.mstatus] = status;
  }

  /** mie. */
  get enabledInterrupts(): number {
    return this.enabled;
  }

  set enabledInterrupts(bits: number) {
    this.enabled = bits;
    this.noteInterrupts();
  }

  /** mip is both of these together: bits that software sets, and lines from devices. Bit 9 can be in either. */
  get pendingBySoftware(): number {
    return this.softwarePending;
  }

  set pendingBySoftware(bits: number) {
    this.softwarePending = bits;
    this.noteInterrupts();
  }

  get pendingLines(): number {
    return this.linesPending;
  }

  set pendingLines(bits: number) {
    this.linesPending = bits;
    this.noteInterrupts();
  }

  transferState(state: StateTransfer): void {
    this.status = state.integer(this.status, LOW_32);
    this.enabledInterrupts = state.integer(this.enabledInterrupts, 0xffff);
    this.delegatedInterrupts = state.integer(this.delegatedInterrupts, 0xffff);
    this.delegatedExceptions = state.integer(this.delegatedExceptions, LOW_32);
    this.pendingBySoftware = state.integer(this.pendingBySoftware, 0xffff);
    this.pendingLines = state.integer(this.pendingLines, 0xffff);
    this.cycle.transferState(state);
    this.instret.transferState(state);
    this.satp = state.word(this.satp);
    state.require((this.status & MSTATUS.MPP) >> MPP_SHIFT !== RESERVED_MODE, 'mstatus.MPP is reserved');
    state.require(legalValue(csrByNumber(CSR.satp)!, this.satp, this.satp) === this.satp, 'satp is not legal');
  }

  /** The registers that are plain values, by number. */
  get values(): BigUint64Array {
    return this.around.stored.csrs;
  }

  /** The same in halves: that of register n at 2n, and its high one behind it. */
  get halves(): Uint32Array {
    return this.around.stored.csrHalves;
  }

  /** Generated code finds in mip's place which interrupts pend and are enabled: setting SIE may let them come. */
  private noteInterrupts(): void {
    this.halves[2 * CSR.mip] = this.pendingInterrupts & this.enabled;
  }

  /** mip. */
  get pendingInterrupts(): number {
    return this.pendingLines | this.pendingBySoftware;
  }

  /** Whether stimecmp decides about the supervisor timer interrupt, rather than firmware: menvcfg.STCE. */
  get comparesTime(): boolean {
    return (this.halves[2 * CSR.menvcfg + 1] & STCE_HIGH) !== 0;
  }

  /** The count of instructions from which a counter that is written now goes on. */
  get countAtWrite(): number {
    return this.around.retired() + this.writingInstruction;
  }
}
