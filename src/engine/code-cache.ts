/**
 * Decoded code, by physical page. A page of code has a slot table: for each halfword the address of the record of the
 * instruction there, or 0. Pages are decoded lazily, trace by trace.
 *
 * Where a virtual page has breakpoints, it gets a decoded copy of its physical page with break records in it; other
 * virtual pages on the same physical page, and all pages without breakpoints, pay nothing.
 */
import type { Decode } from '../isa/decode';
import type { Decoded } from '../isa/instruction';
import * as at from './layout';
import type { PageInfo } from './page-info';
import { DRAM_BASE } from './physical-memory';
import * as record from './record';
import { endsTrace, hasNearForm, markerNumber, needsWord, operationNumber, writesFloat } from './record';

const PAGE_SIZE = 0x1000;

export interface CodePage {
  /** HPA of the page. */
  readonly hpa: number;
  /** The virtual page number that this copy is for; undefined for the copy without breakpoints. */
  readonly virtualPage: number | undefined;
  /** Page offsets that have breakpoints. */
  readonly breakpoints: ReadonlySet<number> | undefined;
  readonly slotTable: number;
}

/** What the cache tells the engine. */
export interface CodeEvents {
  /** A page of RAM becomes code, so that stores to it must leave the fast path. */
  onNewPage(): void;
  /** The code decoded from this page is void; the page itself may be decoded again. */
  onDrop(page: CodePage): void;
  /** All slot tables become invalid. */
  onFlush(): void;
}

export class CodeCache {
  private readonly view: DataView;
  private readonly slots: Uint32Array;
  private pages = new Map<number, CodePage[]>();
  private readonly bySlotTable = new Map<number, CodePage>();
  private nextSlotTable = at.SLOT_TABLES;
  private nextRecord = at.RECORDS;
  private breakpoints = new Map<number, Set<number>>();
  /** The operation that a break record stands for. */
  private readonly broken = new Map<number, number>();

  /**
   * @param decode the machine's decoder
   * @param how.heat what a record's heat is when it is decoded (see `layout.ts`)
   * @param how.fuses whether pairs of instructions are done in one step
   */
  constructor(
    buffer: ArrayBuffer,
    private readonly info: PageInfo,
    private readonly decode: Decode,
    private readonly how: { readonly heat: number; readonly fuses: boolean },
    private readonly events: CodeEvents,
  ) {
    this.view = new DataView(buffer);
    this.slots = new Uint32Array(buffer, 0, at.RECORDS / 4);
  }

  /** Whether the page at this HPA holds decoded code: stores to it must call `invalidate`. */
  isCode(hpaPage: number): boolean {
    return this.pages.has(hpaPage);
  }

  /** Virtual addresses where execution leaves for the host. */
  setBreakpoints(addresses: Iterable<bigint>): void {
    this.breakpoints = new Map();
    for (const address of addresses) {
      const page = Number(BigInt.asUintN(64, address) >> 12n);
      const offsets = this.breakpoints.get(page) ?? new Set<number>();
      offsets.add(Number(address & 0xffen));
      this.breakpoints.set(page, offsets);
    }
    this.flush();
  }

  /** The decoded page for a physical page seen at a virtual page number. */
  page(hpa: number, virtualPage: number): CodePage {
    const breakpoints = this.breakpoints.get(virtualPage);
    const wanted = breakpoints ? virtualPage : undefined;
    const copies = this.pages.get(hpa);
    const found = copies?.find((copy) => copy.virtualPage === wanted);
    if (found) return found;
    if (this.nextSlotTable === at.RECORDS) this.flush();
    const page: CodePage = { hpa, virtualPage: wanted, breakpoints, slotTable: this.nextSlotTable };
    this.nextSlotTable += at.SLOT_TABLE_SIZE;
    this.bySlotTable.set(page.slotTable, page);
    this.clearSlots(page);
    this.info.setCode(hpa, this.breakpoints.size === 0 ? page.slotTable : undefined);
    const listed = this.pages.get(hpa);
    if (listed) {
      listed.push(page);
    } else {
      this.pages.set(hpa, [page]);
      this.events.onNewPage();
    }
    return page;
  }

  /** The record at a page offset, decoded now if it was not; 0 when the cache was flushed and the page is gone. */
  record(page: CodePage, offset: number): number {
    return this.slots[page.slotTable / 4 + offset / 2] || this.decodeTrace(page, offset);
  }

  /** The record at a page offset, if it is decoded; else 0. */
  known(page: CodePage, offset: number): number {
    return this.slots[page.slotTable / 4 + offset / 2];
  }

  /** The records of a page, by halfword; 0 where nothing is decoded. */
  records(page: CodePage): Uint32Array {
    return this.slots.subarray(page.slotTable / 4, (page.slotTable + at.SLOT_TABLE_SIZE) / 4);
  }

  /** The page with this slot table. */
  pageOfSlotTable(slotTable: number): CodePage | undefined {
    return this.bySlotTable.get(slotTable);
  }

  /** The operation that the break record at this address stands for. */
  operationBehindBreak(address: number): number {
    return this.broken.get(address) ?? markerNumber('illegal');
  }

  /** Drops code that was decoded from these bytes. @returns whether there was any */
  invalidate(hpa: number, length: number): boolean {
    let dropped = false;
    for (let page = hpa - (hpa % PAGE_SIZE); page < hpa + length; page += PAGE_SIZE) {
      const first = Math.max(0, ((Math.max(hpa, page) - page) >> 1) - 1);
      const last = (Math.min(hpa + length, page + PAGE_SIZE) - page - 1) >> 1;
      for (const copy of this.pages.get(page) ?? []) {
        const table = copy.slotTable / 4;
        for (let i = table + first; i <= table + last; i++) {
          if (this.slots[i] === 0) continue;
          this.clearSlots(copy);
          this.events.onDrop(copy);
          dropped = true;
          break;
        }
      }
    }
    return dropped;
  }

  /** Drops everything. */
  flush(): void {
    for (const hpa of this.pages.keys()) this.info.clearCode(hpa);
    this.pages = new Map();
    this.bySlotTable.clear();
    this.broken.clear();
    this.nextSlotTable = at.SLOT_TABLES;
    this.nextRecord = at.RECORDS;
    this.events.onFlush();
  }

  /**
   * Decodes one instruction to be executed once, with no link into a page: for instructions that straddle pages or lie
   * where code must not be cached. @returns its record, followed by an end
   */
  decodeScratch(word: number, offset: number, breakpoint: boolean): number {
    const decoded = this.decode(word);
    this.writeInstruction(at.SCRATCH_RECORDS, offset, word, decoded, undefined);
    const after = at.SCRATCH_RECORDS + record.RECORD_SIZE;
    this.writeMarker(after, 'end', offset + (decoded?.length ?? 0));
    if (breakpoint) this.breakAt(at.SCRATCH_RECORDS);
    return at.SCRATCH_RECORDS;
  }

  private decodeTrace(page: CodePage, start: number): number {
    if (this.nextRecord + record.TRACE_LIMIT * record.RECORD_SIZE > at.RECORDS_END) {
      this.flush();
      return 0;
    }
    const first = this.nextRecord;
    const ram = page.hpa - DRAM_BASE + at.RAM;
    const table = page.slotTable / 4;
    let offset = start;
    let address = first;
    for (let count = 1; ; count++) {
      if (offset >= PAGE_SIZE || count === record.TRACE_LIMIT) {
        this.writeMarker(address, 'end', offset);
        break;
      }
      const known = this.slots[table + offset / 2];
      if (known !== 0) {
        this.writeMarker(address, 'goto', offset);
        this.view.setUint32(address + record.TARGET, known, true);
        break;
      }
      this.slots[table + offset / 2] = address;
      this.view.setInt32(address / 4 + at.HEAT_OFFSET, this.how.heat, true);
      const low = this.view.getUint16(ram + offset, true);
      const breakpoint = page.breakpoints?.has(offset) ?? false;
      if ((low & 3) === 3 && offset === PAGE_SIZE - 2) {
        this.writeMarker(address, 'cross', offset);
        this.view.setInt32(address + record.IMM, low, true);
        if (breakpoint) this.breakAt(address);
        break;
      }
      const word = (low & 3) === 3 ? this.view.getUint32(ram + offset, true) : low;
      const decoded = this.decode(word);
      this.writeInstruction(address, offset, word, decoded, page);
      if (breakpoint) this.breakAt(address);
      else if (address > first && this.how.fuses) this.fuse(address);
      if (decoded === undefined || endsTrace(decoded.instruction)) break;
      offset += decoded.length;
      address += record.RECORD_SIZE;
    }
    this.nextRecord = address + record.RECORD_SIZE;
    return first;
  }

  /** Makes one step of this record and the one before it in the trace, if they are a pair. */
  private fuse(address: number): void {
    const before = address - record.RECORD_SIZE;
    const number = record.fusedNumber(
      this.view.getUint16(before + record.OP, true),
      this.view.getUint16(address + record.OP, true),
    );
    if (number !== undefined) this.view.setUint16(before + record.OP, number, true);
  }

  private writeMarker(address: number, marker: record.Marker, offset: number): void {
    this.view.setUint16(address + record.OP, markerNumber(marker), true);
    this.view.setUint16(address + record.PC_OFFSET, offset, true);
  }

  private breakAt(address: number): void {
    this.broken.set(address, this.view.getUint16(address + record.OP, true));
    this.view.setUint16(address + record.OP, markerNumber('break'), true);
  }

  /** @param page where near branches may lead; undefined: all branches are far */
  private writeInstruction(
    address: number,
    offset: number,
    word: number,
    decoded: Decoded | undefined,
    page: CodePage | undefined,
  ): void {
    if (decoded === undefined) {
      this.writeMarker(address, 'illegal', offset);
      this.view.setUint32(address + record.TARGET, word, true);
      return;
    }
    const { view } = this;
    const { instruction, length, rd, rs1, rs2, imm } = decoded;
    let form: record.Form = 'plain';
    let target = 0;
    if (hasNearForm(instruction)) {
      const to = offset + imm;
      form = page && to >= 0 && to < PAGE_SIZE ? 'near' : 'far';
      if (page && form === 'near') target = this.slots[page.slotTable / 4 + to / 2];
    } else if (needsWord(instruction)) {
      target = word;
    }
    const destination = writesFloat(instruction) ? at.F_REGISTERS + rd * 8 : rd === 0 ? at.X0_SINK : rd * 8;
    view.setUint16(address + record.OP, operationNumber(instruction, form), true);
    view.setUint16(address + record.PC_OFFSET, offset | (length === 2 ? 1 : 0), true);
    view.setUint16(address + record.RD, destination, true);
    view.setUint8(address + record.RS1, rs1 * 8);
    view.setUint8(address + record.RS2, rs2 * 8);
    view.setInt32(address + record.IMM, imm, true);
    view.setUint32(address + record.TARGET, target, true);
  }

  private clearSlots(page: CodePage): void {
    this.slots.fill(0, page.slotTable / 4, (page.slotTable + at.SLOT_TABLE_SIZE) / 4);
  }
}
