/**
 * Decoded code, by physical page. A page of code has a slot table: for each halfword the address of the record of the
 * instruction there, or 0. Pages are decoded lazily, trace by trace.
 *
 * Where a virtual page has breakpoints, it gets a decoded copy of its physical page with break records in it; other
 * virtual pages on the same physical page, and all pages without breakpoints, pay nothing.
 */
import type { Decode } from '../isa/decode';
import { FormerCode } from './former-code';
import * as at from './layout';
import type { PageInfo } from './page-info';
import { DRAM_BASE } from './physical-memory';
import * as record from './record';
import { markerNumber } from './record';
import { RecordWriter } from './record-writer';

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
  private readonly words: Int32Array;
  private readonly halves: Uint16Array;
  private readonly slots: Uint32Array;
  private readonly writer: RecordWriter;
  private pages = new Map<number, CodePage[]>();
  private readonly bySlotTable = new Map<number, CodePage>();
  private nextSlotTable = at.SLOT_TABLES;
  /** Where the slot tables begin that were never used: they are zero. */
  private usedSlotTables = at.SLOT_TABLES;
  private nextRecord = at.RECORDS;
  private readonly former = new FormerCode();
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
    decode: Decode,
    private readonly how: { readonly heat: number; readonly fuses: boolean },
    private readonly events: CodeEvents,
  ) {
    this.words = new Int32Array(buffer);
    this.halves = new Uint16Array(buffer);
    this.writer = new RecordWriter(buffer, decode);
    this.slots = new Uint32Array(buffer, 0, at.RECORDS / 4);
  }

  /** Whether the page at this HPA holds decoded code: stores to it must call `invalidate`. */
  isCode(hpaPage: number): boolean {
    return this.pages.has(hpaPage) && !this.former.isAsleep(hpaPage);
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
    if (page.slotTable < this.usedSlotTables) this.clearSlots(page);
    else this.usedSlotTables = this.nextSlotTable;
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
      const copies = this.pages.get(page);
      if (!copies || this.former.isAsleep(page)) continue;
      let hit = false;
      for (const copy of copies) {
        if (!this.holdsCode(copy, first, last)) continue;
        this.drop(copy);
        hit = true;
      }
      if (!hit && this.former.fallsAsleep(page)) {
        for (const copy of copies) this.drop(copy);
        this.info.setAsleep(page, true);
        hit = true;
      }
      dropped ||= hit;
    }
    return dropped;
  }

  /** Whether an instruction is decoded in these halfwords of a page. */
  private holdsCode({ slotTable }: CodePage, first: number, last: number): boolean {
    const table = slotTable / 4;
    for (let i = table + first; i <= table + last; i++) if (this.slots[i] !== 0) return true;
    return false;
  }

  private drop(copy: CodePage): void {
    this.clearSlots(copy);
    this.events.onDrop(copy);
  }

  /** Drops everything. */
  flush(): void {
    for (const hpa of this.pages.keys()) this.info.clearCode(hpa);
    this.pages = new Map();
    this.bySlotTable.clear();
    this.broken.clear();
    this.former.clear();
    this.nextSlotTable = at.SLOT_TABLES;
    this.nextRecord = at.RECORDS;
    this.events.onFlush();
  }

  /**
   * Decodes one instruction to be executed once, with no link into a page: for instructions that straddle pages or lie
   * where code must not be cached. @returns its record, followed by an end
   */
  decodeScratch(word: number, offset: number, breakpoint: boolean): number {
    const { writer } = this;
    writer.write(at.SCRATCH_RECORDS, offset, word, 0);
    writer.writeMarker(at.SCRATCH_RECORDS + record.RECORD_SIZE, 'end', offset + writer.length);
    if (breakpoint) this.breakAt(at.SCRATCH_RECORDS);
    return at.SCRATCH_RECORDS;
  }

  private decodeTrace(page: CodePage, start: number): number {
    if (this.nextRecord + record.TRACE_LIMIT * record.RECORD_SIZE > at.RECORDS_END) {
      this.flush();
      return 0;
    }
    if (this.former.wake(page.hpa)) {
      this.info.setAsleep(page.hpa, false);
      this.events.onNewPage();
    }
    const { words, halves, writer } = this;
    const first = this.nextRecord;
    const ram = page.hpa - DRAM_BASE + at.RAM;
    const table = page.slotTable / 4;
    let offset = start;
    let address = first;
    for (let count = 1; ; count++) {
      if (offset >= PAGE_SIZE || count === record.TRACE_LIMIT) {
        writer.writeMarker(address, 'end', offset);
        break;
      }
      const known = this.slots[table + offset / 2];
      if (known !== 0) {
        writer.writeMarker(address, 'goto', offset);
        words[(address + record.TARGET) / 4] = known;
        break;
      }
      this.slots[table + offset / 2] = address;
      words[(address / 4 + at.HEAT_OFFSET) / 4] = this.how.heat;
      const low = halves[(ram + offset) / 2];
      const breakpoint = page.breakpoints?.has(offset) ?? false;
      if ((low & 3) === 3 && offset === PAGE_SIZE - 2) {
        writer.writeMarker(address, 'cross', offset);
        words[(address + record.IMM) / 4] = low;
        if (breakpoint) this.breakAt(address);
        break;
      }
      const word = (low & 3) === 3 ? low | (halves[(ram + offset) / 2 + 1] << 16) : low;
      writer.write(address, offset, word, page.slotTable);
      if (breakpoint) this.breakAt(address);
      else if (address > first && this.how.fuses) writer.fuse(address);
      if (writer.ends) break;
      offset += writer.length;
      address += record.RECORD_SIZE;
    }
    this.nextRecord = address + record.RECORD_SIZE;
    return first;
  }

  private breakAt(address: number): void {
    const operation = (address + record.OP) / 2;
    this.broken.set(address, this.halves[operation]);
    this.halves[operation] = markerNumber('break');
  }

  private clearSlots(page: CodePage): void {
    this.slots.fill(0, page.slotTable / 4, (page.slotTable + at.SLOT_TABLE_SIZE) / 4);
  }
}
