/** One shadow root and the tables below it: a real page table in the hypervisor's pages, GVA to HPA. */
import type { PhysicalMemory } from '../../engine/physical-memory';
import { makeSatp } from '../../machine/paging';
import type { PagingScheme } from '../../machine/paging';
import { entryPpn, PTE_RWX, PTE_V } from '../../machine/pte';
import { tableIndex } from '../../machine/walk';
import type { WalkContext } from '../../machine/walk';
import type { Hpa, Level } from '../addresses';
import { PAGE_SIZE } from '../addresses';
import type { PagePool } from '../page-pool';
import type { ViewKind } from './permissions';

/**
 * In a pointer (bit 8, left to supervisor software by Privileged 4.4.1): the table below shadows one guest leaf in smaller
 * pieces. A fence for any address in that leaf concerns all of them.
 */
export const PTE_SPLIT = 0x100;

/**
 * In a leaf (bit 9, left to software likewise): it shadows a part of a guest leaf that joins 16 pages (Svnapot). A fence for
 * any of them concerns all.
 */
export const PTE_JOINED = 0x200;
const JOINED_PAGES = 16;

export class ShadowView {
  readonly root: Hpa;
  /** The value of the host satp that selects this view. */
  readonly satp: bigint;
  /** Pages below the root. */
  private readonly tables = new Set<Hpa>();
  /** Valid leaves. */
  leaves = 0;
  /** Whether some leaf was derived with guest sstatus.MXR = 1 and would differ without it. */
  reliesOnMxr = false;
  /** For eviction: when the view was last entered. */
  lastUse = 0;

  constructor(
    private readonly memory: PhysicalMemory,
    private readonly pool: PagePool,
    readonly kind: ViewKind,
    /** The ASID in the host satp, different for each view that exists. */
    readonly hostAsid: number,
    /** The guest's own, so that the same addresses are canonical. */
    readonly scheme: PagingScheme,
  ) {
    this.root = pool.allocate();
    this.satp = makeSatp(scheme, this.root, hostAsid);
  }

  get rootLevel(): Level {
    return (this.scheme.levels - 1) as Level;
  }

  /** How to walk these tables as the hart does in the guest. */
  walkContext(mxr: boolean): WalkContext {
    return { scheme: this.scheme, root: this.root, privilege: 0, sum: false, mxr };
  }

  /** Pages in use, with the root. */
  get pages(): number {
    return 1 + this.tables.size;
  }

  /** Whether a page is a table of this view, its root included. */
  hasTable(page: Hpa): boolean {
    return page === this.root || this.tables.has(page);
  }

  /** The entry at the end of the walk for an address: a leaf, or the invalid entry that ended it. */
  find(gvaLow: number, gvaHigh: number): { address: Hpa; level: Level; entry: bigint } {
    let table = this.root;
    for (let level: number = this.rootLevel; ; level--) {
      const address = table + tableIndex(gvaLow, gvaHigh, level) * 8;
      const low = this.memory.read32(address);
      if (level === 0 || (low & PTE_V) === 0 || (low & PTE_RWX) !== 0) {
        return { address, level: level as Level, entry: this.memory.read64(address) };
      }
      table = entryPpn(low, this.memory.read32(address + 4)) * PAGE_SIZE;
    }
  }

  /**
   * Writes a leaf. The pool must have a page for each level below the root: `rootLevel`.
   * @param level of the leaf
   * @param guestLevel level of the guest's leaf, at least `level`
   * @param hpa page address
   * @param bits the entry's low ten bits
   * @returns whether something that the hart may have cached was replaced
   */
  map(gvaLow: number, gvaHigh: number, level: Level, guestLevel: Level, hpa: Hpa, bits: number): boolean {
    let changed = false;
    let table = this.root;
    for (let at: number = this.rootLevel; at > level; at--) {
      const address = table + tableIndex(gvaLow, gvaHigh, at) * 8;
      const low = this.memory.read32(address);
      const isSplit = at <= guestLevel;
      if ((low & PTE_V) === 0 || (low & PTE_RWX) !== 0 || ((low & PTE_SPLIT) !== 0 && !isSplit)) {
        if (this.dropEntry(address, at as Level) > 0) changed = true;
        table = this.newTable();
        this.write(address, table, isSplit ? PTE_V | PTE_SPLIT : PTE_V);
      } else {
        table = entryPpn(low, this.memory.read32(address + 4)) * PAGE_SIZE;
        if (isSplit) this.memory.write32(address, (low | PTE_SPLIT) >>> 0);
      }
    }
    const address = table + tableIndex(gvaLow, gvaHigh, level) * 8;
    if (this.dropEntry(address, level) > 0) changed = true;
    this.write(address, hpa, bits);
    this.leaves++;
    return changed;
  }

  /**
   * Drops what is mapped for an address. Where the guest's leaf was mapped in pieces, all pieces.
   * @returns the level of the entry that went, or 0 when there was none; at least 1 when more than a page of 4 KiB went
   */
  drop(gvaLow: number, gvaHigh: number): Level {
    const found = this.entryToDrop(gvaLow, gvaHigh);
    if (found === undefined) return 0;
    const joined = this.joinedWith(found);
    for (const address of joined) this.dropEntry(address, found.level);
    return joined.length > 1 ? 1 : found.level;
  }

  /** How many leaves `drop` would drop. */
  countDrop(gvaLow: number, gvaHigh: number): number {
    const found = this.entryToDrop(gvaLow, gvaHigh);
    if (found === undefined) return 0;
    return this.joinedWith(found).reduce((count, address) => count + this.countLeaves(address, found.level), 0);
  }

  /** Drops everything but the root. Returns how many leaves there were. */
  clear(): number {
    const dropped = this.leaves;
    for (const page of this.tables) this.pool.free(page);
    if (dropped > 0 || this.tables.size > 0) this.memory.fill(this.root, PAGE_SIZE, 0);
    this.tables.clear();
    this.leaves = 0;
    this.reliesOnMxr = false;
    return dropped;
  }

  /** Gives all pages back; the view must not be used again. */
  destroy(): void {
    this.clear();
    this.pool.free(this.root);
  }

  /** The entries that go with one that a fence names. */
  private joinedWith({ address, level }: { address: Hpa; level: Level }): Hpa[] {
    if (level > 0 || (this.memory.read32(address) & PTE_JOINED) === 0) return [address];
    const first = address - (address % (JOINED_PAGES * 8));
    const all = Array.from({ length: JOINED_PAGES }, (_, i) => first + i * 8);
    return all.filter((each) => (this.memory.read32(each) & PTE_JOINED) !== 0);
  }

  /** The address of the highest entry that must go for this address: a leaf, or a pointer to the pieces of one. */
  private entryToDrop(gvaLow: number, gvaHigh: number): { address: Hpa; level: Level } | undefined {
    let table = this.root;
    for (let level: number = this.rootLevel; level >= 0; level--) {
      const address = table + tableIndex(gvaLow, gvaHigh, level) * 8;
      const low = this.memory.read32(address);
      if ((low & PTE_V) === 0) return undefined;
      if ((low & (PTE_RWX | PTE_SPLIT)) !== 0) return { address, level: level as Level };
      table = entryPpn(low, this.memory.read32(address + 4)) * PAGE_SIZE;
    }
    return undefined;
  }

  /** Makes an entry invalid and frees what is below it. Returns how many leaves went. */
  private dropEntry(address: Hpa, level: Level): number {
    const low = this.memory.read32(address);
    if ((low & PTE_V) === 0) return 0;
    let dropped = 0;
    if ((low & PTE_RWX) !== 0) {
      dropped = 1;
      this.leaves--;
    } else if (level > 0) {
      const table = entryPpn(low, this.memory.read32(address + 4)) * PAGE_SIZE;
      for (let i = 0; i < 512; i++) dropped += this.dropEntry(table + i * 8, (level - 1) as Level);
      this.tables.delete(table);
      this.pool.free(table);
    }
    this.write(address, 0, 0);
    return dropped;
  }

  private countLeaves(address: Hpa, level: Level): number {
    const low = this.memory.read32(address);
    if ((low & PTE_V) === 0) return 0;
    if ((low & PTE_RWX) !== 0 || level === 0) return 1;
    const table = entryPpn(low, this.memory.read32(address + 4)) * PAGE_SIZE;
    let count = 0;
    for (let i = 0; i < 512; i++) count += this.countLeaves(table + i * 8, (level - 1) as Level);
    return count;
  }

  private newTable(): Hpa {
    const page = this.pool.allocate();
    this.tables.add(page);
    return page;
  }

  private write(address: Hpa, page: Hpa, bits: number): void {
    const ppn = page / PAGE_SIZE;
    this.memory.write32(address, ((ppn << 10) | bits) >>> 0);
    this.memory.write32(address + 4, Math.floor(ppn / 0x40_0000));
  }
}
