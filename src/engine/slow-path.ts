/** What the interpreter hands to TypeScript: everything that the fast path cannot do, for one instruction at a time. */
import { box } from '../isa/float/format';
import type { Operands } from '../isa/instruction';
import type { Action, Width } from '../isa/semantics';
import { evaluate } from '../isa/evaluate';
import type { CodeCache, CodePage } from './code-cache';
import type { DataWatch } from './data-watch';
import { DevicePages } from './device-pages';
import { executeFloat } from './float-slow-path';
import type { HartState } from './hart-state';
import type { Access, ByteAccess, EngineHost } from './host';
import { FETCH, LOAD, STORE } from './host';
import type { SlowPathName } from './slow-path-calls';
import { EXIT, JUMP, NEXT, STATUSES } from './slow-path-calls';
import * as at from './layout';
import type { PageInfo } from './page-info';
import type { PhysicalMemory } from './physical-memory';
import { DRAM_BASE } from './physical-memory';
import * as record from './record';
import { operations } from './record';
import type { Tlbs } from './tlb';
import { GUESSES } from './translator/region-type';
import type { Translator } from './translator/translator';

const PAGE_SIZE = 0x1000;

/** Exception codes that the engine itself raises (Privileged, table 3.6). */
const cause = {
  instructionAccess: 1,
  illegalInstruction: 2,
  loadMisaligned: 4,
  loadAccess: 5,
  storeMisaligned: 6,
  storeAccess: 7,
} as const;

/** The engine's parts that the slow path works on. */
export interface SlowPathParts {
  readonly buffer: ArrayBuffer;
  readonly state: HartState;
  readonly memory: PhysicalMemory;
  readonly tlbs: Tlbs;
  readonly code: CodeCache;
  /** HPAs of pages whose stores must come here. */
  readonly watched: { has(hpaPage: number): boolean };
  readonly dataWatch: DataWatch;
  readonly pageInfo: PageInfo;
  readonly translator: Translator;
}

export class SlowPath {
  /** Set by the engine's callers during a callback. */
  exitRequested = false;
  /** The instruction that is being done shall not count as attempted: the host held it back. */
  held = false;
  /** Translations, code or the slice changed: the interpreter must look up the next instruction anew. */
  redirected = false;
  /** Break records are executed as the instructions that they stand for. */
  ignoreBreakpoints = false;
  /** Called after so many instructions that were done here, each time; instructions here take a hundred times as long as others. */
  bound: { readonly instructions: number; readonly reached: () => void } | undefined;

  private doneHere = 0;
  private readonly view: DataView;
  private readonly devices = new DevicePages();
  private readonly given = { rd: 0, rs1: 0, rs2: 0, imm: 0 };

  constructor(
    private readonly parts: SlowPathParts,
    /** Answers for the hart that runs. */
    public host: EngineHost,
  ) {
    this.view = new DataView(parts.buffer);
  }

  /** The imports of the interpreter's module. */
  readonly imports: Record<SlowPathName, (...args: number[]) => number> = {
    load: (rec, low, high) => this.load(rec, low >>> 0, high >>> 0),
    store: (rec, low, high) => this.store(rec, low >>> 0, high >>> 0),
    atomic: (rec) => this.atomic(rec),
    float: (rec) => this.float(rec),
    system: (rec) => this.system(rec),
    illegal: (rec) => this.illegal(rec),
    breakpoint: (rec) => this.breakpoint(rec),
    link: (rec) => this.link(rec),
    cross: (rec) => this.cross(rec),
    fetch: () => this.fetch(),
    translate: (rec) => {
      this.parts.translator.translate(rec);
      return 0;
    },
    growRegion: (region) => {
      this.parts.translator.grow(region);
      return 0;
    },
    giveUpGuess: (region, guess) => {
      this.parts.translator.giveUp(region, GUESSES[guess]);
      return 0;
    },
  };

  private get budget(): number {
    return this.view.getInt32(at.BUDGET, true);
  }

  private set budget(value: number) {
    this.view.setInt32(at.BUDGET, value, true);
  }

  private action(rec: number): Action {
    const operation = operations[this.view.getUint16(rec + record.OP, true)];
    if ('marker' in operation) {
      const behind = operations[this.parts.code.operationBehindBreak(rec)];
      if ('marker' in behind) throw new Error('the record is no instruction');
      return behind.instruction.action;
    }
    return operation.instruction.action;
  }

  /** The record's operands: the same object each time. */
  private operands(rec: number): Readonly<Operands> {
    const { given } = this;
    const rd = this.view.getUint16(rec + record.RD, true);
    given.rd = rd === at.X0_SINK ? 0 : (rd >= at.F_REGISTERS ? rd - at.F_REGISTERS : rd) >> 3;
    given.rs1 = this.view.getUint8(rec + record.RS1) >> 3;
    given.rs2 = this.view.getUint8(rec + record.RS2) >> 3;
    given.imm = this.view.getInt32(rec + record.IMM, true);
    return given;
  }

  /** The instruction is done: on behind it. */
  private done(rec: number): number {
    this.countInstruction();
    if (this.parts.dataWatch.hasPending) this.parts.dataWatch.report();
    if (!this.redirected && !this.exitRequested) return NEXT;
    this.parts.state.advancePc(this.view.getUint16(rec + record.PC_OFFSET, true) & 1 ? 2 : 4);
    return this.leave();
  }

  /** The instruction is done and pc says where to go on; also after a trap. */
  private jumped(): number {
    this.countInstruction();
    if (this.parts.dataWatch.hasPending) this.parts.dataWatch.report();
    return this.leave();
  }

  private leave(): number {
    if (this.held) return EXIT;
    this.budget -= 1;
    this.redirected = false;
    return this.exitRequested ? EXIT : JUMP;
  }

  private countInstruction(): void {
    if (++this.doneHere !== this.bound?.instructions) return;
    this.doneHere = 0;
    this.bound.reached();
  }

  private raise(code: number, tval: bigint): number {
    this.host.raise(code, tval);
    return this.jumped();
  }

  private load(rec: number, low: number, high: number): number {
    const action = this.action(rec) as Action & { k: 'load' };
    const { width, signed } = action;
    if (width === 1) {
      const device = this.byteDevice(low, high, LOAD);
      if (device) {
        const byte = device.read(low % PAGE_SIZE);
        this.parts.state.setWord(this.operands(rec).rd, signed ? (byte << 24) >> 24 : byte);
        return this.done(rec);
      }
    }
    const hpa = this.locate(low, high, LOAD, width);
    if (hpa === undefined) return this.jumped();
    const value = this.readPieces(hpa, width);
    if (value === undefined) return this.raise(cause.loadAccess, this.faultAddress(hpa, low, high));
    this.noteLoad(hpa, width);
    this.parts.state.setX(this.operands(rec).rd, signed ? BigInt.asIntN(width * 8, value) : value);
    return this.done(rec);
  }

  private store(rec: number, low: number, high: number): number {
    const { width } = this.action(rec) as Action & { k: 'store' };
    if (width === 1) {
      const device = this.byteDevice(low, high, STORE);
      if (device) {
        device.write(low % PAGE_SIZE, this.view.getUint8(at.EXCHANGE));
        return this.done(rec);
      }
    }
    const value = this.view.getBigUint64(at.EXCHANGE, true);
    const hpa = this.locate(low, high, STORE, width);
    if (hpa === undefined) return this.jumped();
    if (!this.writePieces(hpa, width, BigInt.asUintN(width * 8, value))) {
      return this.raise(cause.storeAccess, this.faultAddress(hpa, low, high));
    }
    return this.done(rec);
  }

  /** Consoles are accessed byte by byte: the device of the page that was accessed last, if this is a byte of it. */
  private byteDevice(low: number, high: number, access: Access): ByteAccess | undefined {
    const page = this.devices.find(this.parts.tlbs, low, high, access);
    const device = page?.device;
    return device && page.hpa === device.base && low % PAGE_SIZE < device.size ? device.byteAccess : undefined;
  }

  /**
   * Where the bytes of an access lie: one HPA, or two when it crosses a page border.
   * @returns undefined when the host has raised a trap
   */
  private locate(low: number, high: number, access: Access, width: Width): readonly number[] | undefined {
    const offset = low & (PAGE_SIZE - 1);
    const inFirst = Math.min(width, PAGE_SIZE - offset);
    const first = this.translateData(low, high, access, inFirst);
    if (first < 0) return undefined;
    if (inFirst === width) return [first];
    const nextLow = (low + inFirst) >>> 0;
    const nextHigh = nextLow < low ? (high + 1) >>> 0 : high;
    const second = this.translateData(nextLow, nextHigh, access, width - inFirst);
    return second < 0 ? undefined : [first, second];
  }

  /** Translates, and puts the page into the TLB where that is allowed. */
  private translateData(low: number, high: number, access: Access, size: number): number {
    const { tlbs } = this.parts;
    const known = this.devices.find(tlbs, low, high, access);
    if (known) return known.hpa + (low % PAGE_SIZE);
    const hpa = this.host.translate(low, high, access, size);
    if (hpa < 0 || !this.host.cacheable) return hpa;
    const page = hpa - (hpa % PAGE_SIZE);
    if (!this.parts.memory.contains(page, PAGE_SIZE)) {
      this.devices.remember(tlbs, low, high, access, { hpa: page, device: this.host.byteDevice?.(page) });
    } else {
      if (!this.keepsOut(page, access)) {
        const tag = access === LOAD ? at.LOAD_TAG : at.STORE_TAG;
        if (access !== LOAD) {
          this.parts.pageInfo.markDirty(page, PAGE_SIZE);
          this.parts.pageInfo.markStorable(page);
        }
        tlbs.fillData(tag, low, high, page - DRAM_BASE + at.RAM);
      }
    }
    return hpa;
  }

  /** Whether each access of this kind to this page of RAM must come here. */
  private keepsOut(page: number, access: Access): boolean {
    const { code, watched, dataWatch } = this.parts;
    return (access !== LOAD && (code.isCode(page) || watched.has(page))) || dataWatch.keepsOut(page, access);
  }

  /** Watched bytes may be among those that were loaded. */
  private noteLoad([first, second]: readonly number[], width: Width): void {
    const { dataWatch } = this.parts;
    if (dataWatch.isEmpty) return;
    const inFirst = second === undefined ? width : PAGE_SIZE - (first % PAGE_SIZE);
    dataWatch.loaded(first, inFirst);
    if (second !== undefined) dataWatch.loaded(second, width - inFirst);
  }

  /** Where an access that cannot be done is at fault: at its part in the second page when the first part is RAM (3.1.16). */
  private faultAddress([first, second]: readonly number[], low: number, high: number): bigint {
    const start = address(low, high);
    if (second === undefined || !this.parts.memory.contains(first, 1)) return start;
    return start + BigInt(PAGE_SIZE - (first % PAGE_SIZE));
  }

  private readPieces(pieces: readonly number[], width: Width): bigint | undefined {
    const { memory } = this.parts;
    const [first, second] = pieces;
    if (second === undefined && memory.contains(first, width)) {
      const ram = first - DRAM_BASE + at.RAM;
      if (width === 8) return this.view.getBigUint64(ram, true);
      if (width === 4) return BigInt(this.view.getUint32(ram, true));
      return BigInt(width === 2 ? this.view.getUint16(ram, true) : this.view.getUint8(ram));
    }
    if (second === undefined) return this.host.readDevice(first, width);
    const inFirst = PAGE_SIZE - (first % PAGE_SIZE);
    let value = 0n;
    for (let i = width - 1; i >= 0; i--) {
      const hpa = i < inFirst ? first + i : second + i - inFirst;
      if (!memory.contains(hpa, 1)) return undefined;
      value = (value << 8n) | BigInt(memory.read8(hpa));
    }
    return value;
  }

  private writePieces(pieces: readonly number[], width: Width, value: bigint): boolean {
    const { dataWatch } = this.parts;
    dataWatch.storing = true;
    const isDone = this.writeTo(pieces, width, value);
    dataWatch.storing = false;
    return isDone;
  }

  private writeTo(pieces: readonly number[], width: Width, value: bigint): boolean {
    const { memory } = this.parts;
    const [first, second] = pieces;
    if (second === undefined && memory.contains(first, width)) {
      if (width === 8) memory.write64(first, value);
      else if (width === 4) memory.write32(first, Number(value));
      else if (width === 2) memory.write16(first, Number(value));
      else memory.write8(first, Number(value));
      return true;
    }
    if (second === undefined) return this.host.writeDevice(first, width, value);
    const inFirst = PAGE_SIZE - (first % PAGE_SIZE);
    if (!memory.contains(first, inFirst) || !memory.contains(second, width - inFirst)) return false;
    for (let i = 0; i < width; i++) {
      memory.write8(i < inFirst ? first + i : second + i - inFirst, Number((value >> BigInt(8 * i)) & 0xffn));
    }
    return true;
  }

  private atomic(rec: number): number {
    const action = this.action(rec);
    if (action.k !== 'atomic' && action.k !== 'load-reserved' && action.k !== 'store-conditional') {
      throw new Error('the record is no atomic instruction');
    }
    const { state, memory } = this.parts;
    const { width } = action;
    const { rd, rs1, rs2 } = this.operands(rec);
    const va = state.x(rs1);
    const isLoad = action.k === 'load-reserved';
    if (va % BigInt(width) !== 0n) return this.raise(isLoad ? cause.loadMisaligned : cause.storeMisaligned, va);
    const low = Number(va & 0xffffffffn);
    const hpa = this.translateData(low, Number(va >> 32n), isLoad ? LOAD : STORE, width);
    if (hpa < 0) return this.jumped();
    if (!memory.contains(hpa, width)) return this.raise(isLoad ? cause.loadAccess : cause.storeAccess, va);
    const ram = hpa - DRAM_BASE + at.RAM;
    const old = BigInt.asIntN(width * 8, this.readPieces([hpa], width)!);
    if (action.k !== 'store-conditional') this.noteLoad([hpa], width);
    if (action.k === 'load-reserved') {
      this.view.setInt32(at.RESERVATION, ram, true);
      this.view.setBigInt64(at.RESERVED_VALUE, old, true);
      state.setX(rd, old);
    } else if (action.k === 'store-conditional') {
      const holds =
        this.view.getInt32(at.RESERVATION, true) === (ram | 0) &&
        BigInt.asIntN(width * 8, this.view.getBigInt64(at.RESERVED_VALUE, true)) === old;
      if (holds) this.writePieces([hpa], width, BigInt.asUintN(width * 8, state.x(rs2)));
      state.clearReservation();
      state.setX(rd, holds ? 0n : 1n);
    } else {
      const x = (operand: 'rs1' | 'rs2') => state.x(operand === 'rs1' ? rs1 : rs2);
      const result = evaluate(action.result, { x, old, imm: 0n, pc: 0n });
      this.writePieces([hpa], width, BigInt.asUintN(width * 8, result));
      state.setX(rd, old);
    }
    return this.done(rec);
  }

  private float(rec: number): number {
    const { state } = this.parts;
    const action = this.action(rec);
    if (state.floatState === 0) return this.illegal(rec);
    const operands = this.operands(rec);
    if (action.k === 'float') {
      return executeFloat(state, action.operation, operands) ? this.done(rec) : this.illegal(rec);
    }
    if (action.k !== 'float-load' && action.k !== 'float-store') throw new Error('the record is no float instruction');
    const { width } = action;
    const va = BigInt.asUintN(64, state.x(operands.rs1) + BigInt(operands.imm));
    const [low, high] = [Number(va & 0xffffffffn), Number(va >> 32n)];
    const isLoad = action.k === 'float-load';
    const hpa = this.locate(low, high, isLoad ? LOAD : STORE, width);
    if (hpa === undefined) return this.jumped();
    if (isLoad) {
      const value = this.readPieces(hpa, width);
      if (value === undefined) return this.raise(cause.loadAccess, this.faultAddress(hpa, low, high));
      this.noteLoad(hpa, width);
      state.setF(operands.rd, width === 4 ? box(value) : value);
      state.floatState = at.FLOAT_DIRTY;
    } else if (!this.writePieces(hpa, width, BigInt.asUintN(width * 8, state.f(operands.rs2)))) {
      return this.raise(cause.storeAccess, this.faultAddress(hpa, low, high));
    }
    return this.done(rec);
  }

  private illegal(rec: number): number {
    return this.raise(cause.illegalInstruction, BigInt(this.view.getUint32(rec + record.TARGET, true)));
  }

  private system(rec: number): number {
    const { op } = this.action(rec) as Action & { k: 'system' };
    const flow = this.host.system(op, this.operands(rec), this.view.getUint32(rec + record.TARGET, true));
    return flow === 'next' ? this.done(rec) : this.jumped();
  }

  private breakpoint(rec: number): number {
    if (this.exitRequested) return EXIT;
    if (!this.ignoreBreakpoints && this.host.breakpoint(this.parts.state.pc)) {
      this.held = this.exitRequested = true;
      return EXIT;
    }
    return this.parts.code.operationBehindBreak(rec) + STATUSES;
  }

  private link(rec: number): number {
    const { code, tlbs, state } = this.parts;
    const page = code.pageOfSlotTable(tlbs.slotTable(state.pcLow, state.pcHigh));
    if (page === undefined) return JUMP;
    const offset = this.view.getUint16(rec + record.PC_OFFSET, true) & ~1;
    const target = code.record(page, offset + this.view.getInt32(rec + record.IMM, true));
    if (target === 0) return JUMP;
    this.view.setUint32(rec + record.TARGET, target, true);
    this.budget -= 1;
    return target;
  }

  private fetch(): number {
    const { state, tlbs, code, memory } = this.parts;
    const { pcLow, pcHigh } = state;
    const hpa = this.host.translate(pcLow, pcHigh, FETCH, 2);
    if (hpa < 0) return this.jumped();
    if (this.endsBefore()) return EXIT;
    const page = hpa - (hpa % PAGE_SIZE);
    if (!memory.contains(page, PAGE_SIZE)) return this.fetchFromRom(hpa);
    const virtualPage = pcHigh * 0x100000 + (pcLow >>> 12);
    if (!this.host.cacheable) return this.fetchOnce(hpa, code.page(page, virtualPage));
    for (;;) {
      const codePage = code.page(page, virtualPage);
      const found = code.record(codePage, pcLow & (PAGE_SIZE - 2));
      if (found === 0) continue;
      tlbs.fillFetch(pcLow, pcHigh, codePage.slotTable);
      return found;
    }
  }

  /** Whether the page walk that found an instruction wrote watched bytes, and `run` is to be left before the instruction. */
  private endsBefore(): boolean {
    const { dataWatch } = this.parts;
    if (!dataWatch.hasPending) return false;
    dataWatch.report();
    return this.exitRequested;
  }

  /** An instruction on a page that no TLB may keep: decoded for one execution. */
  private fetchOnce(hpa: number, page: CodePage): number {
    const offset = hpa % PAGE_SIZE;
    const low = this.parts.memory.read16(hpa);
    const breakpoint = page.breakpoints?.has(offset) ?? false;
    if ((low & 3) !== 3) return this.parts.code.decodeScratch(low, offset, breakpoint);
    const high = this.secondHalf();
    return typeof high === 'number'
      ? this.parts.code.decodeScratch(low | (high << 16), offset, breakpoint)
      : high.status;
  }

  /** An instruction in read-only memory, which no TLB keeps. */
  private fetchFromRom(hpa: number): number {
    const low = this.host.fetchRom?.(hpa);
    const high = low !== undefined && (low & 3) === 3 ? this.host.fetchRom?.(hpa + 2) : 0;
    if (low === undefined || high === undefined) return this.raise(cause.instructionAccess, this.parts.state.pc);
    return this.parts.code.decodeScratch(low | (high << 16), hpa % PAGE_SIZE, false);
  }

  private cross(rec: number): number {
    const high = this.secondHalf();
    if (typeof high !== 'number') return high.status;
    const low = this.view.getUint16(rec + record.IMM, true);
    return this.parts.code.decodeScratch(low | (high << 16), PAGE_SIZE - 2, false);
  }

  /** The halfword behind pc, or the status of the trap that fetching it raised. */
  private secondHalf(): number | { readonly status: number } {
    const { state, memory, tlbs, code } = this.parts;
    const low = (state.pcLow + 2) >>> 0;
    const high = low < 2 ? (state.pcHigh + 1) >>> 0 : state.pcHigh;
    const known = code.pageOfSlotTable(tlbs.slotTable(low, high));
    if (known) return memory.read16(known.hpa + (low & (PAGE_SIZE - 1)));
    const hpa = this.host.translate(low, high, FETCH, 2);
    if (hpa < 0) return { status: this.jumped() };
    if (this.endsBefore()) return { status: EXIT };
    if (!memory.contains(hpa, 2)) return { status: this.raise(cause.instructionAccess, address(low, high)) };
    return memory.read16(hpa);
  }
}

const address = (low: number, high: number): bigint => (BigInt(high) << 32n) | BigInt(low);
