/** A hart's registers, as they lie in the engine's memory. */
import type { StateTransfer } from './state-transfer';
import {
  HART_CELLS_END,
  F_REGISTERS,
  FCSR,
  FLOAT_DIRTY,
  FLOAT_LIMIT,
  FLOAT_LIMIT_SINGLE,
  FLOAT_STATE,
  PC,
  PRIVILEGE,
  RAM,
  RESERVATION,
  RESERVED_VALUE,
  X_REGISTERS,
} from './layout';

/** Privilege levels: U, S, M (Privileged 1.2). */
export type Privilege = 0 | 1 | 3;

/** fcsr's rounding mode and the flag of inexactness: to nearest, and accrued. */
const PLAIN_MASK = 0xe1;
const PLAIN = 0x01;
const NO_RESERVATION = 0xffff_ffff;

/** Views of the cells that hold a hart's registers. */
export class RegisterViews {
  readonly words: BigUint64Array;
  readonly halves: Uint32Array;
  readonly view: DataView;
  readonly x: Uint8Array;
  readonly f: Uint8Array;

  /** @param base address of the cells */
  constructor(buffer: ArrayBuffer, base = 0) {
    this.words = new BigUint64Array(buffer, base, HART_CELLS_END / 8);
    this.halves = new Uint32Array(buffer, base, HART_CELLS_END / 4);
    this.view = new DataView(buffer, base, HART_CELLS_END);
    this.x = new Uint8Array(buffer, base + X_REGISTERS, 32 * 8);
    this.f = new Uint8Array(buffer, base + F_REGISTERS, 32 * 8);
  }
}

export class HartState {
  private words!: BigUint64Array;
  private halves!: Uint32Array;
  private view!: DataView;
  /** x0 to x31 as they lie in memory, 8 bytes each, little-endian; x0 must stay zero. To save and restore all at once. */
  xBytes!: Uint8Array;
  /** f0 to f31, likewise. */
  fBytes!: Uint8Array;

  /** @param views where the registers lie; `moveTo` changes that */
  constructor(views: RegisterViews) {
    this.moveTo(views);
    this.clearReservation();
  }

  /** The registers lie elsewhere from now on; whoever calls this has copied them. */
  moveTo({ words, halves, view, x, f }: RegisterViews): void {
    this.words = words;
    this.halves = halves;
    this.view = view;
    this.xBytes = x;
    this.fBytes = f;
  }

  /** Integer register 0..31, unsigned 64 bits. */
  x(index: number): bigint {
    return this.words[X_REGISTERS / 8 + index];
  }

  /** The low 32 bits of an integer register, unsigned. */
  xLow(index: number): number {
    return this.halves[X_REGISTERS / 4 + 2 * index];
  }

  /** The high 32 bits of an integer register, unsigned. */
  xHigh(index: number): number {
    return this.halves[X_REGISTERS / 4 + 2 * index + 1];
  }

  /** Writes the low 64 bits; writes to x0 are ignored. */
  setX(index: number, value: bigint): void {
    if (index !== 0) this.words[X_REGISTERS / 8 + index] = value;
  }

  /** Writes a 32-bit value, sign-extended; writes to x0 are ignored. */
  setWord(index: number, value: number): void {
    if (index === 0) return;
    this.halves[X_REGISTERS / 4 + 2 * index] = value;
    this.halves[X_REGISTERS / 4 + 2 * index + 1] = value >> 31;
  }

  /** Floating-point register 0..31, as its 64 bits. */
  f(index: number): bigint {
    return this.words[F_REGISTERS / 8 + index];
  }

  setF(index: number, value: bigint): void {
    this.words[F_REGISTERS / 8 + index] = value;
  }

  /** The floating-point control and status register: rounding mode and accrued exceptions, eight bits. */
  get fcsr(): number {
    return this.halves[FCSR / 4];
  }

  set fcsr(value: number) {
    this.halves[FCSR / 4] = value & 0xff;
    this.updateFloatLimit();
  }

  /** mstatus.FS: 0 = off, 1 = initial, 2 = clean, 3 = dirty (Privileged 3.1.6.6). */
  get floatState(): number {
    return this.halves[FLOAT_STATE / 4];
  }

  set floatState(value: number) {
    this.halves[FLOAT_STATE / 4] = value & 3;
    this.updateFloatLimit();
  }

  get pc(): bigint {
    return this.words[PC / 8];
  }

  /** Bit 0 is cleared, as every jump does. */
  set pc(value: bigint) {
    this.words[PC / 8] = value & ~1n;
  }

  /** The low 32 bits of the program counter, unsigned. */
  get pcLow(): number {
    return this.halves[PC / 4];
  }

  /** The high 32 bits of the program counter, unsigned. */
  get pcHigh(): number {
    return this.halves[PC / 4 + 1];
  }

  /** Moves pc on by so many bytes, as instructions do that jump nowhere. */
  advancePc(bytes: number): void {
    const low = this.halves[PC / 4] + bytes;
    this.halves[PC / 4] = low;
    if (low > 0xffff_ffff) this.halves[PC / 4 + 1]++;
  }

  /** Sets pc by its halves; bit 0 is cleared. */
  setPc(low: number, high: number): void {
    this.halves[PC / 4] = low & ~1;
    this.halves[PC / 4 + 1] = high;
  }

  get privilege(): Privilege {
    return this.halves[PRIVILEGE / 4] as Privilege;
  }

  set privilege(value: Privilege) {
    this.halves[PRIVILEGE / 4] = value;
  }

  /** Drops the LR reservation, so that the next SC fails. */
  clearReservation(): void {
    this.halves[RESERVATION / 4] = NO_RESERVATION;
  }

  transferState(state: StateTransfer): void {
    state.fill(this.xBytes);
    state.fill(this.fBytes);
    this.pc = state.word(this.pc);
    this.privilege = state.integer(this.privilege, 3) as Privilege;
    this.fcsr = state.integer(this.fcsr, 0xff);
    this.floatState = state.integer(this.floatState, 3);
    // The reserved bytes by their place in RAM, wherever that lies in the engine's memory.
    const reserved = this.halves[RESERVATION / 4];
    const place = state.optional(reserved === NO_RESERVATION ? undefined : reserved - RAM, (at) =>
      state.integer(at ?? 0, NO_RESERVATION - RAM - 1),
    );
    this.halves[RESERVATION / 4] = place === undefined ? NO_RESERVATION : place + RAM;
    this.words[RESERVED_VALUE / 8] = state.word(this.words[RESERVED_VALUE / 8]);
    state.require(this.x(0) === 0n && (this.privilege as number) !== 2, 'a register is not legal');
  }

  private updateFloatLimit(): void {
    const isPlain = this.floatState === FLOAT_DIRTY && (this.fcsr & PLAIN_MASK) === PLAIN;
    const limit = isPlain ? Infinity : 0;
    this.view.setFloat64(FLOAT_LIMIT, limit, true);
    this.view.setFloat32(FLOAT_LIMIT_SINGLE, limit, true);
  }
}
