/**
 * The trap context: the page in which the hypervisor keeps the guest's registers while it is out of the guest. Every exit
 * reads and changes them there; the return to the guest loads them from there.
 */
import type { HartState } from '../engine/hart-state';
import type { PhysicalMemory } from '../engine/physical-memory';
import type { Hpa } from './addresses';

const REGISTERS = 32;
/**
 * Indices of doublewords in the page: x0 to x31, then host sstatus, sepc, and the satp that the guest runs under; f0 to f31
 * and fcsr, which count while another vCPU has the hart.
 */
const SSTATUS = 32;
const SEPC = 33;
const SATP = 34;
const F = 35;
const FCSR = 67;
const WORDS = 68;

/** The page's contents, for views: byte offsets of its fields. */
export const TRAP_CONTEXT_FIELDS = {
  x: 0,
  sstatus: SSTATUS * 8,
  sepc: SEPC * 8,
  satp: SATP * 8,
  f: F * 8,
  fcsr: FCSR * 8,
} as const;

export class TrapContext {
  private readonly words: BigUint64Array;
  /** The same in halves. */
  private readonly halves: Uint32Array;
  private readonly registers: Uint8Array;
  private readonly floats: Uint8Array;

  constructor(
    memory: PhysicalMemory,
    /** The page. */
    readonly page: Hpa,
  ) {
    const bytes = memory.sharedView(page, WORDS * 8);
    this.words = new BigUint64Array(bytes.buffer, bytes.byteOffset, WORDS);
    this.halves = new Uint32Array(bytes.buffer, bytes.byteOffset, 2 * WORDS);
    this.registers = bytes.subarray(0, REGISTERS * 8);
    this.floats = bytes.subarray(F * 8, (F + REGISTERS) * 8);
  }

  save(state: HartState, sstatus: bigint, sepcLow: number, sepcHigh: number, satp: bigint): void {
    this.registers.set(state.xBytes);
    this.words[SSTATUS] = sstatus;
    this.halves[2 * SEPC] = sepcLow;
    this.halves[2 * SEPC + 1] = sepcHigh;
    this.words[SATP] = satp;
  }

  restore(state: HartState): void {
    state.xBytes.set(this.registers);
  }

  saveFloat(state: HartState): void {
    this.floats.set(state.fBytes);
    this.fcsr = state.fcsr;
  }

  restoreFloat(state: HartState): void {
    state.fBytes.set(this.floats);
    state.fcsr = this.fcsr;
  }

  f(index: number): bigint {
    return this.words[F + index];
  }

  setF(index: number, value: bigint): void {
    this.words[F + index] = value;
  }

  get fcsr(): number {
    return this.halves[2 * FCSR];
  }

  set fcsr(value: number) {
    this.halves[2 * FCSR] = value & 0xff;
  }

  x(index: number): bigint {
    return this.words[index];
  }

  /** The low half, as a signed number. */
  xLow(index: number): number {
    return this.halves[2 * index] | 0;
  }

  /** The high half, unsigned. */
  xHigh(index: number): number {
    return this.halves[2 * index + 1];
  }

  setX(index: number, value: bigint): void {
    if (index !== 0) this.words[index] = value;
  }

  /** Where the guest continues. */
  get sepc(): bigint {
    return this.words[SEPC];
  }

  set sepc(value: bigint) {
    this.words[SEPC] = value;
  }

  get sepcLow(): number {
    return this.halves[2 * SEPC];
  }

  get sepcHigh(): number {
    return this.halves[2 * SEPC + 1];
  }

  /** Moves sepc behind an instruction of so many bytes. */
  skip(bytes: number): void {
    const { halves } = this;
    const low = halves[2 * SEPC] + bytes;
    halves[2 * SEPC] = low;
    if (low > 0xffff_ffff) halves[2 * SEPC + 1]++;
  }
}
