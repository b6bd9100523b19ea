/**
 * All of a hart that lies in the engine's memory. While the hart runs, it lies where generated code works on it; while
 * another one does, in a place of its own. Whoever reads or changes it by this object need not know where.
 */
import type { StateTransfer } from './state-transfer';
import { csrs } from '../isa/csrs';
import { HartState, RegisterViews } from './hart-state';
import * as at from './layout';
import { Superpages } from './superpages';
import { tlbKey } from './tlb';
import type { Tlbs, TlbUse } from './tlb';

const CSR_COUNT = 4096;
/** CSRs are copied in blocks of so many numbers. */
const CSR_BLOCK = 64;

/** A part of a hart's state: where it lies in the place of the running hart, and how far into its own. */
interface Part {
  readonly running: number;
  readonly offset: number;
  readonly size: number;
}

/** The one list of what a hart's state consists of. */
const PARTS: readonly Part[] = [
  { running: 0, offset: 0, size: at.HART_CELLS_END },
  ...changingCsrs().map(({ first, count }) => ({
    running: at.CSR_VALUES + first * 8,
    offset: at.PARKED_CSRS + first * 8,
    size: count * 8,
  })),
  { running: at.SUPERPAGES, offset: at.PARKED_SUPERPAGES, size: at.SUPERPAGES_SIZE },
];

/** The numbers of CSRs that can hold another value than at reset, as runs of blocks. */
function changingCsrs(): readonly { readonly first: number; readonly count: number }[] {
  const blocks = new Set<number>();
  for (const { number, readOnly, writable } of csrs) {
    if (!readOnly && writable !== 0n) blocks.add(Math.floor(number / CSR_BLOCK));
  }
  const runs: { first: number; count: number }[] = [];
  for (const block of [...blocks].sort((a, b) => a - b)) {
    const last = runs.at(-1);
    if (last && last.first + last.count === block * CSR_BLOCK) last.count += CSR_BLOCK;
    else runs.push({ first: block * CSR_BLOCK, count: CSR_BLOCK });
  }
  return runs;
}

/** Views of a hart's state in one of its two places. */
class Place {
  readonly registers: RegisterViews;
  readonly csrs: BigUint64Array;
  readonly csrHalves: Uint32Array;
  readonly superpages: Uint8Array;

  constructor(buffer: ArrayBuffer, cells: number, csrValues: number, superpages: number) {
    this.registers = new RegisterViews(buffer, cells);
    this.csrs = new BigUint64Array(buffer, csrValues, CSR_COUNT);
    this.csrHalves = new Uint32Array(buffer, csrValues, 2 * CSR_COUNT);
    this.superpages = new Uint8Array(buffer, superpages, at.SUPERPAGES_SIZE);
  }
}

/** What the contexts share with the engine. */
export interface ContextSurroundings {
  readonly buffer: ArrayBuffer;
  readonly tlbs: Tlbs;
  /** Instructions attempted by all harts so far. */
  executed(): number;
  /** The running hart's translations changed. */
  redirect(): void;
}

export class HartContext {
  /** Integer and floating-point registers, pc, privilege, the LR reservation. */
  readonly state: HartState;

  /** Those of which the hart's TLBs may hold parts. */
  readonly superpages: Superpages;

  /** Whether the hart's state lies where generated code works on it. */
  isRunning = false;
  /** The values of the CSRs that are stored, by number. */
  csrs: BigUint64Array;
  /** The same in halves: that of register n at 2n, and its high one behind it. */
  csrHalves: Uint32Array;

  private readonly bytes: Uint8Array;
  private readonly base: number;
  private readonly runningPlace: Place;
  private readonly parkedPlace: Place;
  private place: Place;
  /** What the TLBs to run with are for. */
  private fetchUse: TlbUse;
  private dataUse: TlbUse;
  private keys = 0;
  /** Instructions attempted up to when the hart last began to run, and the count of all harts then. */
  private executedBefore = 0;
  private executedSince = 0;

  constructor(
    readonly index: number,
    private readonly around: ContextSurroundings,
  ) {
    const { buffer } = around;
    this.base = at.PARKED_HARTS + index * at.PARKED_HART_SIZE;
    this.bytes = new Uint8Array(buffer);
    this.runningPlace = new Place(buffer, 0, at.CSR_VALUES, at.SUPERPAGES);
    const { base } = this;
    this.parkedPlace = new Place(buffer, base, base + at.PARKED_CSRS, base + at.PARKED_SUPERPAGES);
    this.fetchUse = this.dataUse = { key: this.newTlbKey() };
    this.place = this.parkedPlace;
    this.superpages = new Superpages(this.place.superpages);
    this.csrs = this.place.csrs;
    this.csrHalves = this.place.csrHalves;
    this.state = new HartState(this.place.registers);
  }

  /** Instructions that this hart attempted so far; exact also during callbacks. */
  get executed(): number {
    return this.isRunning ? this.executedBefore + this.around.executed() - this.executedSince : this.executedBefore;
  }

  /** The hart runs from now on; no other one does. */
  run(): void {
    this.executedSince = this.around.executed();
    const { bytes, base } = this;
    for (const { running, offset, size } of PARTS) bytes.copyWithin(running, base + offset, base + offset + size);
    this.moveTo(this.runningPlace);
    this.applySelection();
  }

  /** The hart does not run for a while. */
  park(): void {
    this.executedBefore = this.executed;
    ({ fetch: this.fetchUse, data: this.dataUse } = this.around.tlbs.current);
    const { bytes, base } = this;
    for (const { running, offset, size } of PARTS) bytes.copyWithin(base + offset, running, running + size);
    this.moveTo(this.parkedPlace);
  }

  /** A number for a new use of a TLB. */
  newTlbKey(): number {
    return tlbKey(this.index, this.keys++);
  }

  /**
   * Selects the TLBs for the current address space and mode. Several are kept, so that going back to a use finds its
   * entries.
   */
  selectTlb(fetch: TlbUse, data: TlbUse): void {
    this.fetchUse = fetch;
    this.dataUse = data;
    if (this.isRunning) this.applySelection();
  }

  /** Drops the hart's translations, in all address spaces. */
  flushTlb(): void {
    this.around.tlbs.flush(this.index);
    if (this.isRunning) this.around.redirect();
  }

  /** Drops the hart's translations of one 4 KiB page, in all address spaces. */
  flushTlbPage(vaLow: number, _vaHigh: number): void {
    this.around.tlbs.flushPage(vaLow, this.index);
    if (this.isRunning) this.around.redirect();
  }

  /** Tells in which memory, whole pages of DRAM, translated accesses of every kind are allowed; elsewhere the host is asked. */
  setOpenMemory(hpa: number, size: number): void {
    const { view } = this.place.registers;
    view.setBigInt64(at.OPEN_START, BigInt(hpa), true);
    view.setBigInt64(at.OPEN_SIZE, BigInt(size), true);
  }

  /** All but the CSRs, which their owner knows; translations are made anew. */
  transferState(state: StateTransfer): void {
    this.state.transferState(state);
    const executed = state.integer(this.executed);
    if (!state.isRestoring) return;
    this.executedBefore = executed;
    this.executedSince = this.around.executed();
  }

  private moveTo(place: Place): void {
    this.place = place;
    this.isRunning = place === this.runningPlace;
    this.csrs = place.csrs;
    this.csrHalves = place.csrHalves;
    this.superpages.moveTo(place.superpages);
    this.state.moveTo(place.registers);
  }

  private applySelection(): void {
    const { around } = this;
    if (around.tlbs.select(this.fetchUse, this.dataUse)) around.redirect();
  }
}
