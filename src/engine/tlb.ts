/** The TLBs that the interpreter reads: several at once, one per address space and mode. */
import * as at from './layout';

const NO_TAG = -1;

interface Context {
  /** What the machine calls this address space and mode; -1 for none. */
  key: number;
  lastUse: number;
  /** Addresses of data and fetch entries filled since the last flush. */
  readonly filled: number[];
}

/** Entries are filled by the slow path; a flush visits only those that were filled. */
export class Tlbs {
  private readonly words: Int32Array;
  private readonly contexts: Context[] = [];
  private uses = 0;
  private data = -1;
  private fetch = -1;

  constructor(buffer: ArrayBuffer) {
    this.words = new Int32Array(buffer, 0, at.SLOT_TABLES / 4);
    this.words.fill(NO_TAG, at.DATA_TLBS / 4, (at.FETCH_TLBS + at.TLB_COUNT * at.FETCH_TLB_SIZE) / 4);
    for (let i = 0; i < at.TLB_COUNT; i++) this.contexts.push({ key: -1, lastUse: 0, filled: [] });
    this.select(0, 0);
  }

  /** Makes the TLBs with these keys current. @returns whether another one is current now */
  select(fetchKey: number, dataKey: number): boolean {
    const fetch = this.contextOf(fetchKey);
    const data = dataKey === fetchKey ? fetch : this.contextOf(dataKey);
    if (fetch === this.fetch && data === this.data) return false;
    this.fetch = fetch;
    this.data = data;
    this.words[at.DATA_TLB / 4] = at.DATA_TLBS + data * at.DATA_TLB_SIZE;
    this.words[at.FETCH_TLB / 4] = at.FETCH_TLBS + fetch * at.FETCH_TLB_SIZE;
    return true;
  }

  /** Adds a page of RAM for loads or stores to the current data TLB. */
  fillData(tag: typeof at.LOAD_TAG | typeof at.STORE_TAG, vaLow: number, vaHigh: number, ramAddress: number): void {
    const index = (vaLow >>> 12) & (at.DATA_ENTRIES - 1);
    const word = (at.DATA_TLBS + this.data * at.DATA_TLB_SIZE + index * at.DATA_ENTRY_SIZE) / 4;
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
    this.contexts[this.data].filled.push(word);
  }

  /** Adds a page of code to the current fetch TLB. */
  fillFetch(vaLow: number, vaHigh: number, slotTable: number): void {
    const index = (vaLow >>> 12) & (at.FETCH_ENTRIES - 1);
    const word = (at.FETCH_TLBS + this.fetch * at.FETCH_TLB_SIZE + index * at.FETCH_ENTRY_SIZE) / 4;
    this.words[word] = vaLow & ~0xfff;
    this.words[word + 1] = vaHigh;
    this.words[word + at.SLOTS / 4] = slotTable;
    this.contexts[this.fetch].filled.push(word);
  }

  /** Drops everything. */
  flush(): void {
    for (const context of this.contexts) this.flushContext(context);
  }

  /** Where the current data TLB has the byte that this address loads, in the engine's memory; undefined if it has not. */
  loadAddress(va: bigint): number | undefined {
    const [low, high] = [Number(BigInt.asIntN(32, va)), Number(BigInt.asIntN(32, va >> 32n))];
    const index = (low >>> 12) & (at.DATA_ENTRIES - 1);
    const word = (at.DATA_TLBS + this.data * at.DATA_TLB_SIZE + index * at.DATA_ENTRY_SIZE) / 4;
    const hit = this.words[word] === (low & ~0xfff) && this.words[word + 1] === high;
    return hit ? (low + this.words[word + at.ADDEND / 4]) >>> 0 : undefined;
  }

  /** The slot table that the current fetch TLB has for this address; 0 when it has none. */
  slotTable(vaLow: number, vaHigh: number): number {
    const index = (vaLow >>> 12) & (at.FETCH_ENTRIES - 1);
    const word = (at.FETCH_TLBS + this.fetch * at.FETCH_TLB_SIZE + index * at.FETCH_ENTRY_SIZE) / 4;
    const hit = this.words[word] === (vaLow & ~0xfff) && this.words[word + 1] === (vaHigh | 0);
    return hit ? this.words[word + at.SLOTS / 4] : 0;
  }

  /** Drops one virtual page in all address spaces and modes. */
  flushPage(vaLow: number): void {
    const page = vaLow >>> 12;
    for (let i = 0; i < at.TLB_COUNT; i++) {
      const data = at.DATA_TLBS + i * at.DATA_TLB_SIZE + (page & (at.DATA_ENTRIES - 1)) * at.DATA_ENTRY_SIZE;
      const fetch = at.FETCH_TLBS + i * at.FETCH_TLB_SIZE + (page & (at.FETCH_ENTRIES - 1)) * at.FETCH_ENTRY_SIZE;
      this.clear(data / 4);
      this.clear(fetch / 4);
    }
  }

  private contextOf(key: number): number {
    this.uses++;
    let oldest = 0;
    for (let i = 0; i < at.TLB_COUNT; i++) {
      if (this.contexts[i].key === key) {
        this.contexts[i].lastUse = this.uses;
        return i;
      }
      if (this.contexts[i].lastUse < this.contexts[oldest].lastUse) oldest = i;
    }
    const context = this.contexts[oldest];
    this.flushContext(context);
    context.key = key;
    context.lastUse = this.uses;
    return oldest;
  }

  private flushContext(context: Context): void {
    for (const word of context.filled) this.clear(word);
    context.filled.length = 0;
  }

  /** Data and fetch entries start with their tags; a fetch entry's second one is its slot table, unused without a tag. */
  private clear(word: number): void {
    this.words[word] = this.words[word + 1] = NO_TAG;
    this.words[word + 2] = this.words[word + 3] = NO_TAG;
  }
}
