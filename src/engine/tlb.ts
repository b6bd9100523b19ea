/** The TLBs that generated code reads: several at once, one per hart, address space and mode. */
import * as at from './layout';
import type { PlainWalk } from './page-walk';
import { leafRule } from './page-walk';

const NO_TAG = -1;

/** What a hart's TLB is for: an address space and mode. */
export interface TlbUse {
  /** A number of its own, from `tlbKey`. */
  readonly key: number;
  /** How generated code may fill the TLB; absent: it does not. */
  readonly plain?: PlainWalk | undefined;
  /** The hart's address space: the same object for all its modes. Absent for a mode that has none. */
  readonly space?: object;
  /** The place in MODE_TLBS where generated code finds the TLB when it changes the mode; absent: it does not. */
  readonly place?: number | undefined;
}

/** The key number so-and-so of a hart. */
export const tlbKey = (hart: number, number: number): number => number * at.MAX_HARTS + hart;
const hartOf = (key: number): number => key % at.MAX_HARTS;

/** Where the TLBs of one kind lie, and how large they are; in bytes. */
interface Shape {
  readonly kind: 'data' | 'fetch';
  readonly base: number;
  readonly size: number;
  readonly entries: number;
  readonly entrySize: number;
  /** Filled entries that a TLB lists at most. */
  readonly listed: number;
  /** The cell that names the current one, and the one that says how many are in use. */
  readonly current: number;
  readonly used: number;
}

const DATA: Shape = {
  kind: 'data',
  base: at.DATA_TLBS,
  size: at.DATA_TLB_SIZE,
  entries: at.DATA_ENTRIES,
  entrySize: at.DATA_ENTRY_SIZE,
  listed: at.DATA_FILLED_LISTED,
  current: at.DATA_TLB,
  used: at.DATA_TLBS_USED,
};
const FETCH: Shape = {
  kind: 'fetch',
  base: at.FETCH_TLBS,
  size: at.FETCH_TLB_SIZE,
  entries: at.FETCH_ENTRIES,
  entrySize: at.FETCH_ENTRY_SIZE,
  listed: at.FETCH_FILLED_LISTED,
  current: at.FETCH_TLB,
  used: at.FETCH_TLBS_USED,
};

/**
 * The TLBs of one kind. A flush visits only the entries that were filled, as long as they are few: then they are listed
 * behind the TLB's entries.
 */
class Bank {
  /** What each TLB is for; they come into use one after the other. */
  private readonly usedFor: TlbUse[] = [];
  private readonly byKey = new Map<number, number>();
  private readonly lastUse: number[] = [];
  private uses = 0;

  constructor(
    private readonly words: Int32Array,
    private readonly shape: Shape,
  ) {}

  /** Makes the TLB for this use current. @returns whether another one is current now */
  select(use: TlbUse): boolean {
    if (use.key === this.current?.key) return false;
    const index = this.byKey.get(use.key) ?? this.place(use);
    this.lastUse[index] = ++this.uses;
    this.words[this.shape.current / 4] = this.address(index);
    return true;
  }

  /** Address of the current TLB, which generated code may have changed. */
  get tlb(): number {
    return this.words[this.shape.current / 4];
  }

  /** What the current TLB is for. */
  get current(): TlbUse | undefined {
    return this.usedFor[(this.tlb - this.shape.base) / this.shape.size];
  }

  /** The address of the current TLB's entry for a page. */
  entry(vaLow: number): number {
    return this.tlb + ((vaLow >>> 12) & (this.shape.entries - 1)) * this.shape.entrySize;
  }

  /** Notes that an entry of the current TLB is filled. */
  noteFilled(entry: number): void {
    const { words, shape } = this;
    const trailer = this.tlb + shape.entries * shape.entrySize;
    const count = words[trailer / 4];
    if (count < shape.listed) words[(trailer + at.FILLED_LIST) / 4 + count] = entry;
    if (count <= shape.listed) words[trailer / 4] = count + 1;
  }

  /** Empties the TLBs of a hart, or all. */
  flush(hart: number | undefined): void {
    this.words[at.TLB_DROPS / 4]++;
    for (let i = 0; i < this.usedFor.length; i++) if (this.belongsTo(i, hart)) this.empty(i);
  }

  /** Drops one page from all TLBs of a hart. */
  flushPage(vaLow: number, hart: number): void {
    this.words[at.TLB_DROPS / 4]++;
    const { shape } = this;
    const offset = ((vaLow >>> 12) & (shape.entries - 1)) * shape.entrySize;
    for (let i = 0; i < this.usedFor.length; i++) if (this.belongsTo(i, hart)) this.clear(this.address(i) + offset);
  }

  private belongsTo(index: number, hart: number | undefined): boolean {
    return hart === undefined || hartOf(this.usedFor[index].key) === hart;
  }

  private address(index: number): number {
    return this.shape.base + index * this.shape.size;
  }

  private trailer(index: number): number {
    return this.address(index) + this.shape.entries * this.shape.entrySize;
  }

  /** Gives a TLB to a use that has none. */
  private place(use: TlbUse): number {
    this.words[at.TLB_DROPS / 4]++;
    const index = this.spare() ?? this.fresh() ?? this.leastUsed();
    const former = this.usedFor.at(index);
    if (former) {
      this.byKey.delete(former.key);
      // Generated code must not find it any more.
      if (former.place !== undefined) forgetModes(this.words);
    }
    this.usedFor[index] = use;
    this.byKey.set(use.key, index);
    this.describeWalk(this.trailer(index), use.plain);
    return index;
  }

  /** One that holds nothing: its memory the host has given already. */
  private spare(): number | undefined {
    const index = this.usedFor.findIndex(
      (_, i) => this.words[this.trailer(i) / 4] === 0 && this.address(i) !== this.tlb,
    );
    return index < 0 ? undefined : index;
  }

  /** One that was never in use. */
  private fresh(): number | undefined {
    const index = this.usedFor.length;
    if (index === at.TLB_COUNT) return undefined;
    // Memory is zero, and page zero belongs to the first entry alone: the others are empty as they are.
    this.clear(this.address(index));
    this.words[this.shape.used / 4] = index + 1;
    return index;
  }

  private leastUsed(): number {
    const { lastUse } = this;
    let oldest = 0;
    for (let i = 1; i < at.TLB_COUNT; i++) if (lastUse[i] < lastUse[oldest]) oldest = i;
    this.empty(oldest);
    return oldest;
  }

  private describeWalk(trailer: number, walk: PlainWalk | undefined): void {
    this.words[(trailer + at.WALK_BITS) / 4] = walk ? 12 + 9 * walk.levels : 0;
    if (!walk) return;
    const { mask, value } = leafRule(walk, this.shape.kind);
    const doublewords = [
      [at.WALK_ROOT, BigInt(walk.root)],
      [at.LEAF_MASK, mask],
      [at.LEAF_VALUE, value],
    ] as const;
    for (const [offset, doubleword] of doublewords) {
      this.words[(trailer + offset) / 4] = Number(BigInt.asIntN(32, doubleword));
      this.words[(trailer + offset) / 4 + 1] = Number(BigInt.asIntN(32, doubleword >> 32n));
    }
  }

  private empty(index: number): void {
    const { words, shape } = this;
    const tlb = this.address(index);
    const trailer = this.trailer(index);
    const count = words[trailer / 4];
    if (count > shape.listed) {
      words.fill(NO_TAG, tlb / 4, trailer / 4);
    } else {
      const list = (trailer + at.FILLED_LIST) / 4;
      for (let i = 0; i < count; i++) this.clear(words[list + i]);
    }
    words[trailer / 4] = 0;
  }

  /** Data and fetch entries start with their tags; a fetch entry's second one is its slot table, unused without a tag. */
  private clear(entry: number): void {
    const word = entry / 4;
    this.words[word] = this.words[word + 1] = NO_TAG;
    this.words[word + 2] = this.words[word + 3] = NO_TAG;
  }
}

const forgetModes = (words: Int32Array): unknown =>
  words.fill(0, at.MODE_TLBS / 4, (at.MODE_TLBS + at.MODE_TLBS_SIZE) / 4);

/** The TLBs for loads and stores, and those for instruction fetch. */
export class Tlbs {
  /** The address space whose modes MODE_TLBS has. */
  private space: object | undefined;
  /** What was selected last, and the TLBs for that. */
  private fetchUse: TlbUse | undefined;
  private dataUse: TlbUse | undefined;
  private fetchTlb = 0;
  private dataTlb = 0;
  private readonly words: Int32Array;
  private readonly data: Bank;
  private readonly fetch: Bank;

  constructor(buffer: ArrayBuffer) {
    this.words = new Int32Array(buffer, 0, at.SLOT_TABLES / 4);
    this.data = new Bank(this.words, DATA);
    this.fetch = new Bank(this.words, FETCH);
    const first: TlbUse = { key: tlbKey(0, 0) };
    this.select(first, first);
  }

  /** Makes the TLBs for these uses current. @returns whether another one is current now */
  select(fetch: TlbUse, data: TlbUse): boolean {
    const { words } = this;
    // A trap into a supervisor in TypeScript mostly returns to where it came from.
    const isSelected = fetch === this.fetchUse && data === this.dataUse;
    if (isSelected && words[at.FETCH_TLB / 4] === this.fetchTlb && words[at.DATA_TLB / 4] === this.dataTlb)
      return false;
    const fetchChanged = this.fetch.select(fetch);
    const dataChanged = this.data.select(data);
    const space = data.space ?? fetch.space;
    if (space !== undefined && space !== this.space) {
      this.space = space;
      forgetModes(this.words);
    }
    if (data.place !== undefined) this.words[at.MODE_TLBS / 4 + 2 * data.place] = this.data.tlb;
    if (fetch.place !== undefined) this.words[at.MODE_TLBS / 4 + 2 * fetch.place + 1] = this.fetch.tlb;
    this.fetchUse = fetch;
    this.dataUse = data;
    this.fetchTlb = this.fetch.tlb;
    this.dataTlb = this.data.tlb;
    return fetchChanged || dataChanged;
  }

  /** What the current TLBs are for: what was selected last, or the mode that generated code has changed to. */
  get current(): { readonly fetch: TlbUse; readonly data: TlbUse } {
    return { fetch: this.fetch.current!, data: this.data.current! };
  }

  /** Adds a page of RAM for loads or stores to the current data TLB. */
  fillData(tag: typeof at.LOAD_TAG | typeof at.STORE_TAG, vaLow: number, vaHigh: number, ramAddress: number): void {
    const entry = this.data.entry(vaLow);
    const word = entry / 4;
    const page = vaLow & ~0xfff;
    const addend = ((ramAddress & ~0xfff) - page) | 0;
    const other = (tag === at.LOAD_TAG ? at.STORE_TAG : at.LOAD_TAG) / 4;
    const sharesPage =
      this.words[word + other] === page &&
      this.words[word + other + 1] === (vaHigh | 0) &&
      this.words[word + at.ADDEND / 4] === addend;
    if (!sharesPage) this.words[word + other] = this.words[word + other + 1] = NO_TAG;
    this.words[word + tag / 4] = page;
    this.words[word + tag / 4 + 1] = vaHigh;
    this.words[word + at.ADDEND / 4] = addend;
    this.data.noteFilled(entry);
  }

  /** Adds a page of code to the current fetch TLB. */
  fillFetch(vaLow: number, vaHigh: number, slotTable: number): void {
    const entry = this.fetch.entry(vaLow);
    const word = entry / 4;
    this.words[word] = vaLow & ~0xfff;
    this.words[word + 1] = vaHigh;
    this.words[word + at.SLOTS / 4] = slotTable;
    this.fetch.noteFilled(entry);
  }

  /** Drops everything of a hart, or of all. */
  flush(hart?: number): void {
    this.data.flush(hart);
    this.fetch.flush(hart);
  }

  /** Drops one virtual page in all address spaces and modes of a hart. */
  flushPage(vaLow: number, hart: number): void {
    this.data.flushPage(vaLow, hart);
    this.fetch.flushPage(vaLow, hart);
  }

  /** A number for the current data TLB. */
  get currentData(): number {
    return this.data.tlb;
  }

  /** How often something was dropped from TLBs: what one of them held still holds while this is the same. */
  get drops(): number {
    return this.words[at.TLB_DROPS / 4];
  }

  /** Where the current data TLB has the byte that this address loads, in the engine's memory; undefined if it has not. */
  loadAddress(va: bigint): number | undefined {
    const [low, high] = [Number(BigInt.asIntN(32, va)), Number(BigInt.asIntN(32, va >> 32n))];
    const word = this.data.entry(low) / 4;
    const hit = this.words[word] === (low & ~0xfff) && this.words[word + 1] === high;
    return hit ? (low + this.words[word + at.ADDEND / 4]) >>> 0 : undefined;
  }

  /** The slot table that the current fetch TLB has for this address; 0 when it has none. */
  slotTable(vaLow: number, vaHigh: number): number {
    const word = this.fetch.entry(vaLow) / 4;
    const hit = this.words[word] === (vaLow & ~0xfff) && this.words[word + 1] === (vaHigh | 0);
    return hit ? this.words[word + at.SLOTS / 4] : 0;
  }
}
