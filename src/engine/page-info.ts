/**
 * What generated code must know of pages of RAM: whether stores to one are for the slow path, where its decoded code is, whether
 * it was stored to, and whether TLBs may have it for stores.
 */
import * as at from './layout';
import { DRAM_BASE } from './physical-memory';

const PAGE_SIZE = 0x1000;
/** What does not concern decoded code. */
const OTHERS = at.OBSERVED | at.STORES_WATCHED | at.LOADS_WATCHED | at.DIRTY;
const watchBits = { none: 0, stores: at.STORES_WATCHED, all: at.STORES_WATCHED | at.LOADS_WATCHED };

export class PageInfo {
  private readonly words: Uint32Array;
  private readonly storable: Uint8Array;
  private readonly now: Uint8Array;

  constructor(buffer: ArrayBuffer) {
    this.words = new Uint32Array(buffer, at.PAGE_INFO, (at.RAM - at.PAGE_INFO) / 4);
    this.storable = new Uint8Array(buffer, at.STORABLE, this.words.length);
    this.now = new Uint8Array(buffer, at.STORABLE_NOW, 1);
    this.now[0] = 1;
  }

  /** The page holds decoded code. @param slotTable that of all virtual pages on it; undefined: they have different ones */
  setCode(hpaPage: number, slotTable: number | undefined): void {
    const index = indexOf(hpaPage);
    this.words[index] = (this.words[index] & OTHERS) | at.CODE | (slotTable ?? 0);
  }

  /** The page's code sleeps (see `former-code.ts`), or is awake again. */
  setAsleep(hpaPage: number, asleep: boolean): void {
    const index = indexOf(hpaPage);
    if (asleep) this.words[index] &= ~at.CODE;
    else this.words[index] |= at.CODE;
  }

  /** The page's decoded code is void. */
  clearCode(hpaPage: number): void {
    this.words[indexOf(hpaPage)] &= OTHERS;
  }

  /** The host wants to see stores to the page from now on, or no more. */
  observeStores(hpaPage: number, on: boolean): void {
    const index = indexOf(hpaPage);
    if (on) this.words[index] |= at.OBSERVED;
    else this.words[index] &= ~at.OBSERVED;
  }

  /** Bytes in the page are watched: stores come to the slow path, or all accesses; or none are watched any more. */
  setWatch(hpaPage: number, watch: 'none' | 'stores' | 'all'): void {
    const index = indexOf(hpaPage);
    const others = this.words[index] & ~(at.STORES_WATCHED | at.LOADS_WATCHED);
    this.words[index] = others | watchBits[watch];
  }

  /** These bytes of RAM are stored to, or may be from now on without being told. */
  markDirty(hpa: number, length: number): void {
    const last = indexOf(hpa + length - 1);
    for (let index = indexOf(hpa); index <= last; index++) this.words[index] |= at.DIRTY;
  }

  /** The page is put into a TLB for stores. */
  markStorable(hpaPage: number): void {
    this.storable[indexOf(hpaPage)] = this.now[0];
  }

  /** Whether the page may be in a TLB for stores. */
  isStorable(hpaPage: number): boolean {
    return this.storable[indexOf(hpaPage)] === this.now[0];
  }

  /** All TLBs are empty. */
  noneStorable(): void {
    this.now[0]++;
    // Zero, which is never now, is the byte of pages that were in none.
    if (this.now[0] !== 0) return;
    this.storable.fill(0);
    this.now[0] = 1;
  }

  /** Takes the marks of the first `pages` pages away. @returns the numbers of those that had one, in order */
  takeDirty(pages: number): number[] {
    const { words } = this;
    const dirty: number[] = [];
    for (let index = 0; index < pages; index++) {
      if ((words[index] & at.DIRTY) === 0) continue;
      words[index] &= ~at.DIRTY;
      dirty.push(index);
    }
    return dirty;
  }
}

function indexOf(hpa: number): number {
  return Math.floor((hpa - DRAM_BASE) / PAGE_SIZE);
}
