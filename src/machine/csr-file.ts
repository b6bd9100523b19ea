/**
 * A hart's control and status registers. Which registers and bits exist stands in `isa/csrs`; those whose value is not
 * simply what was written last are in `csr-special.ts`.
 */
import type { StateTransfer } from '../engine/state-transfer';
import type { Privilege } from '../engine/hart-state';
import type { CsrDescription, CsrPrivilege } from '../isa/csrs';
import { csrName } from '../isa/csr-names';
import { csrs, legalValue } from '../isa/csrs';
import { CSR } from './csr-numbers';
import { specialCsrs } from './csr-special';
import type { CsrSurroundings } from './csr-state';
import { CsrState } from './csr-state';
import { FLOAT_STATE, INTERRUPT, MSTATUS } from './status';

const S_MODE = 1;
const M_MODE = 3;

/** The counters for less privileged modes, which more privileged ones enable. */
const isCounter = (csr: number): boolean => csr >= CSR.cycle && csr <= CSR.hpmcounter31;

export class CsrFile {
  /** The values as the hart uses them; others go through `read` and `write`. */
  readonly state: CsrState;
  /** The registers that this machine has, by number. */
  private readonly existing: ReadonlyMap<number, CsrDescription>;

  constructor(around: CsrSurroundings) {
    const { extensions } = around;
    const has = ({ extension }: CsrDescription): boolean => extension === undefined || extensions.has(extension);
    this.existing = new Map(csrs.filter(has).map((csr) => [csr.number, csr]));
    this.state = new CsrState(around);
  }

  /** Whether the machine has a CSR of this number. */
  has(csr: number): boolean {
    return this.existing.has(csr);
  }

  /**
   * The value, without regard to privilege: unsigned 64 bits.
   * @throws RangeError when the machine has no such CSR
   */
  read(csr: number): bigint {
    const special = specialCsrs.get(csr);
    if (special) return special.read(this.state);
    return this.state.values[this.describe(csr).number];
  }

  /**
   * Writes, without regard to privilege: keeps what the register can hold, with all effects. Read-only registers ignore
   * it. A new satp selects the translations that were kept for this value of satp; if its tables have become others, drop
   * them with `Engine.flushTlb`.
   * @throws RangeError when the machine has no such CSR
   */
  write(csr: number, value: bigint): void {
    const { values } = this.state;
    const special = specialCsrs.get(csr);
    if (special) special.write?.(this.state, value);
    else values[csr] = legalValue(this.describe(csr), values[csr], value);
  }

  /** As `write`, by the instruction that is being executed. */
  writeByInstruction(csr: number, value: bigint): void {
    this.state.writingInstruction = 1;
    this.write(csr, value);
    this.state.writingInstruction = 0;
  }

  /** The value that CSRRS and CSRRC work on: of mip's SEIP the software bit alone, without the device's line (3.1.9). */
  readToModify(csr: number): bigint {
    if (csr !== CSR.mip) return this.read(csr);
    const { pendingLines, pendingBySoftware } = this.state;
    return BigInt((pendingLines & ~(1 << INTERRUPT.supervisorExternal)) | pendingBySoftware);
  }

  /** Whether an instruction may access the register in this mode; if not, it is illegal (Privileged 2.1, 3.1.6, 3.1.11). */
  permits(csr: number, privilege: Privilege, writing: boolean): boolean {
    // Bits 9:8 of the number are the least privilege, also of a register that does not exist.
    if (privilege < ((csr >> 8) & 3)) return false;
    const description = this.existing.get(csr);
    if (!description || (writing && description.readOnly)) return false;
    if (csr === CSR.stimecmp) return privilege === M_MODE || (this.state.comparesTime && this.mayReadTime);
    if (csr <= CSR.fcsr) return this.state.around.float.floatState !== FLOAT_STATE.off;
    if (csr === CSR.satp) return privilege !== S_MODE || (this.state.status & MSTATUS.TVM) === 0;
    return !isCounter(csr) || this.permitsCounter(csr - CSR.cycle, privilege);
  }

  /**
   * Raises or lowers an interrupt: a device's line (3, 7, 9, 11), or what firmware sets in mip (1, 5).
   * @param bit the bit in mip, which is the cause code
   */
  setInterruptPending(bit: number, on: boolean): void {
    const { state } = this;
    const { pendingInterrupts: before } = state;
    const mask = 1 << bit;
    if (bit === INTERRUPT.supervisorSoftware || bit === INTERRUPT.supervisorTimer) {
      state.pendingBySoftware = on ? state.pendingBySoftware | mask : state.pendingBySoftware & ~mask;
    } else {
      state.pendingLines = on ? state.pendingLines | mask : state.pendingLines & ~mask;
    }
    // One that pends already is no news: it would end the turns of other harts again and again.
    if (on && state.pendingInterrupts !== before) state.around.interruptsChanged();
  }

  /** The outcome of comparing time with stimecmp, where that decides about the supervisor timer interrupt. */
  setSupervisorTimer(on: boolean): void {
    const { state } = this;
    const { pendingInterrupts: before } = state;
    const mask = 1 << INTERRUPT.supervisorTimer;
    if (!state.comparesTime) return;
    state.pendingLines = on ? state.pendingLines | mask : state.pendingLines & ~mask;
    if (on && state.pendingInterrupts !== before) state.around.interruptsChanged();
  }

  /** All registers of this machine with their values, in the order of their numbers. */
  *entries(): IterableIterator<{ csr: CsrDescription; value: bigint }> {
    for (const csr of this.existing.values()) yield { csr, value: this.read(csr.number) };
  }

  /**
   * The registers that are but stored values, to which an instruction's access is legal from this privilege on.
   * @returns with the bits that a write changes; undefined where there is more to a write, or it is illegal
   */
  *plain(): IterableIterator<{ number: number; privilege: CsrPrivilege; writable: bigint | undefined }> {
    for (const { number, privilege, readOnly, writable, legalise } of this.existing.values()) {
      if (specialCsrs.has(number) || isCounter(number)) continue;
      yield { number, privilege, writable: readOnly || legalise ? undefined : writable };
    }
  }

  transferState(state: StateTransfer): void {
    const { values } = this.state;
    for (const number of this.existing.keys()) values[number] = state.word(values[number]);
    this.state.transferState(state);
  }

  private describe(number: number): CsrDescription {
    const description = this.existing.get(number);
    if (description) return description;
    const name = csrName(number) ?? `0x${number.toString(16)}`;
    throw new RangeError(`This machine has no CSR ${name}.`);
  }

  /** mcounteren.TM, which S-mode needs for stimecmp as for time (Privileged, chapter "Sstc"). */
  private get mayReadTime(): boolean {
    return ((this.state.values[CSR.mcounteren] >> BigInt(CSR.time - CSR.cycle)) & 1n) !== 0n;
  }

  private permitsCounter(bit: number, privilege: Privilege): boolean {
    if (privilege === M_MODE) return true;
    const { values } = this.state;
    const enabled = values[CSR.mcounteren] & (privilege < S_MODE ? values[CSR.scounteren] : ~0n);
    return ((enabled >> BigInt(bit)) & 1n) !== 0n;
  }
}
