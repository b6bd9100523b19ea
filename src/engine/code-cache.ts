/**
 * Decoded code, by physical page. A page of code has a slot table: for each halfword the address of the record of the
 * instruction there, or 0. Pages are decoded lazily, trace by trace.
 *
 * Where a virtual page has breakpoints, it gets a decoded copy of its physical page with break records in it; other
 * virtual pages on the same physical page, and all pages without breakpoints, pay nothing.
 */
import { FormerCode } from './former-code';
import * as at from './layout';
import type { PageInfo } from './page-info';
import { DRAM_BASE } from './physical-memory';
import { RECORD_SIZE, TRACE_LIMIT } from './record';
import type { TraceDecoder } from './trace-decoder';

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
  /** The page of RAM at this HPA becomes code, so that stores to it must leave the fast path. */
  onNewPage(hpa: number): void;
  /** The code decoded from this page is void; the page itself may be decoded again. */
  onDrop(page: CodePage): void;
  /** All slot tables become invalid. */
  onFlush(): void;
}

/** Generated functions that decode (see `RecordFunctions`). */
export interface GeneratedDecoder {
  decodeTrace(slotTable: number, offset: number): number;
  decodeScratch(word: number, offset: number): number;
}

export class CodeCache {
  /** To be set before code runs. */
  generated!: GeneratedDecoder;
  private readonly words: Int32Array;
  private readonly slots: Uint32Array;
  private pages = new Map<number, CodePage[]>();
  private readonly bySlotTable = new Map<number, CodePage>();
  private nextSlotTable = at.SLOT_TABLES;
  private readonly former = new FormerCode();
  private breakpoints = new Map<number, Set<number>>();

  /**
   * @param decoder decodes where there are breakpoints
   * @param heat what a record's heat is when it is decoded (see `layout.ts`)
   */
  constructor(
    buffer: ArrayBuffer,
    private readonly info: PageInfo,
    private readonly decoder: TraceDecoder,
    heat: number,
    private readonly events: CodeEvents,
  ) {
    this.words = new Int32Array(buffer);
    this.slots = new Uint32Array(buffer, 0, at.RECORDS / 4);
    this.words[at.NEXT_RECORD / 4] = at.RECORDS;
    this.words[at.FIRST_HEAT / 4] = heat;
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
    this.clearSlots(page);
    const number = (page.slotTable - at.SLOT_TABLES) / at.SLOT_TABLE_SIZE;
    this.words[at.CODE_PAGES / 4 + number] = breakpoints ? 0 : ramAddress(page);
    this.info.setCode(hpa, this.breakpoints.size === 0 ? page.slotTable : undefined);
    const listed = this.pages.get(hpa);
    if (listed) {
      listed.push(page);
    } else {
      this.pages.set(hpa, [page]);
      this.events.onNewPage(hpa);
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
    return this.decoder.operationBehindBreak(address);
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
    this.decoder.clear();
    this.former.clear();
    this.nextSlotTable = at.SLOT_TABLES;
    this.words[at.NEXT_RECORD / 4] = at.RECORDS;
    this.events.onFlush();
  }

  /**
   * Decodes one instruction to be executed once, with no link into a page: for instructions that straddle pages or lie
   * where code must not be cached. @returns its record, followed by an end
   */
  decodeScratch(word: number, offset: number, breakpoint: boolean): number {
    const record = this.generated.decodeScratch(word, offset);
    if (breakpoint) this.decoder.breakAt(record);
    return record;
  }

  private decodeTrace(page: CodePage, start: number): number {
    if (this.words[at.NEXT_RECORD / 4] + TRACE_LIMIT * RECORD_SIZE > at.RECORDS_END) {
      this.flush();
      return 0;
    }
    if (this.former.wake(page.hpa)) {
      this.info.setAsleep(page.hpa, false);
      this.events.onNewPage(page.hpa);
    }
    const { slotTable, breakpoints } = page;
    if (breakpoints) return this.decoder.decode(slotTable, ramAddress(page), start, breakpoints);
    return this.generated.decodeTrace(slotTable, start);
  }

  /** Also where a table was never used: a page of the host's memory that is read before it is written costs ten times as much. */
  private clearSlots(page: CodePage): void {
    this.slots.fill(0, page.slotTable / 4, (page.slotTable + at.SLOT_TABLE_SIZE) / 4);
  }
}

/** Where the page's bytes lie in the engine's memory. */
export const ramAddress = ({ hpa }: CodePage): number => hpa - DRAM_BASE + at.RAM;
