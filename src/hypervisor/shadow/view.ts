/** One shadow root and the tables below it: a real page table in the hypervisor's pages, GVA to HPA. */
import type { StateTransfer } from '../../engine/state-transfer';
import type { PhysicalMemory } from '../../engine/physical-memory';
import { makeSatp } from '../../machine/paging';
import type { PagingScheme } from '../../machine/paging';
import { entryPpn, PTE_RWX, PTE_V, PTE_W, PTE_X } from '../../machine/pte';
import { tableIndex } from '../../machine/walk';
import type { WalkContext } from '../../machine/walk';
import type { Hpa, Level } from '../addresses';
import { LEVEL_SIZE, PAGE_SIZE } from '../addresses';
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

/** What a view is of. */
export interface ViewSpace {
  readonly scheme: PagingScheme;
  readonly vcpu: number | undefined;
}

/** Is told what becomes of a view's tables and leaves. */
export interface ViewTracker {
  /** The tables in this page, or the root, are empty now. */
  tableRemoved(page: Hpa): void;
  /** A leaf that maps something with W: the address of its entry, and what it maps. */
  leafAdded(address: Hpa, hpa: Hpa, level: Level): void;
  leafRemoved(address: Hpa, hpa: Hpa, level: Level): void;
}

/** The lowest address that the table of this level translates which is on the way to an address, as two halves. */
export function tableBase(gvaLow: number, gvaHigh: number, level: number): [low: number, high: number] {
  const bits = 12 + 9 * (level + 1);
  if (bits < 32) return [(gvaLow & -(1 << bits)) >>> 0, gvaHigh];
  return bits >= 64 ? [0, 0] : [0, (gvaHigh & -(2 ** (bits - 32))) >>> 0];
}

export class ShadowView {
  readonly root: Hpa;
  /** The value of the host satp that selects this view. */
  readonly satp: bigint;
  /** Pages below the root. */
  private readonly tables = new Set<Hpa>();
  /** The guest's own, so that the same addresses are canonical. */
  readonly scheme: PagingScheme;
  /** The vCPU whose it is; undefined: all run in it. */
  readonly vcpu: number | undefined;
  /** Valid leaves. */
  leaves = 0;
  /** Whether some leaf was derived with guest sstatus.MXR = 1 and would differ without it. */
  reliesOnMxr = false;
  /** For eviction: when the view was last entered. */
  lastUse = 0;
  /** Its pages belong to others now. */
  isGone = false;
  /** After `entryToDrop`. */
  private levelToDrop: Level = 0;

  constructor(
    private readonly memory: PhysicalMemory,
    private readonly pool: PagePool,
    readonly kind: ViewKind,
    /** The ASID in the host satp, different for each view that exists. */
    readonly hostAsid: number,
    space: ViewSpace,
    private readonly tracker?: ViewTracker,
    /** The page of the root table, where that exists already. */
    root?: Hpa,
  ) {
    this.scheme = space.scheme;
    this.vcpu = space.vcpu;
    this.root = root ?? pool.allocate();
    this.satp = makeSatp(this.scheme, this.root, hostAsid);
  }

  /** All but what it was made with. */
  transferState(state: StateTransfer): void {
    const { start, end } = this.pool;
    const most = (end - start) / PAGE_SIZE;
    const tables = state.list(this.tables, most, (page) => state.integer(page ?? 0, end, start));
    this.tables.clear();
    for (const page of tables) this.tables.add(page);
    this.leaves = state.integer(this.leaves);
    this.reliesOnMxr = state.flag(this.reliesOnMxr);
    this.lastUse = state.integer(this.lastUse);
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

  /** The pages in use. */
  allPages(): Hpa[] {
    return [this.root, ...this.tables];
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
      table = this.target(address, low);
    }
  }

  /** Where a byte lies that the hart may fetch through these tables; -1 where it may not. */
  fetchAddress(gvaLow: number, gvaHigh: number): Hpa {
    let table = this.root;
    for (let level: number = this.rootLevel; level >= 0; level--) {
      const address = table + tableIndex(gvaLow, gvaHigh, level) * 8;
      const low = this.memory.read32(address);
      if ((low & PTE_V) === 0) return -1;
      if ((low & PTE_RWX) !== 0) {
        // Memory of a guest is below 4 GiB, and so is the largest leaf.
        return (low & PTE_X) === 0 ? -1 : this.target(address, low) + (gvaLow & (LEVEL_SIZE[level] - 1));
      }
      table = this.target(address, low);
    }
    return -1;
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
        if (this.dropAt(address, at as Level) > 0) changed = true;
        table = this.newTable();
        this.write(address, table, isSplit ? PTE_V | PTE_SPLIT : PTE_V);
      } else {
        table = this.target(address, low);
        if (isSplit) this.memory.write32(address, (low | PTE_SPLIT) >>> 0);
      }
    }
    const address = table + tableIndex(gvaLow, gvaHigh, level) * 8;
    if (this.dropAt(address, level) > 0) changed = true;
    this.fillAt(address, level, hpa, bits);
    return changed;
  }

  /** The table that the entry for an address in this one, of this level, points to; -1 where it is no pointer. */
  tableBelow(table: Hpa, gvaLow: number, gvaHigh: number, level: number): Hpa {
    const address = table + tableIndex(gvaLow, gvaHigh, level) * 8;
    const low = this.memory.read32(address);
    return (low & PTE_V) === 0 || (low & PTE_RWX) !== 0 ? -1 : this.target(address, low);
  }

  /** Drops the table of this level on the way to an address, and all below it; of the root, its contents. */
  dropTable(gvaLow: number, gvaHigh: number, level: Level): void {
    if (level === this.rootLevel) {
      this.clear();
      return;
    }
    let table = this.root;
    let at: number = this.rootLevel;
    for (; at > level + 1 && table >= 0; at--) table = this.tableBelow(table, gvaLow, gvaHigh, at);
    if (table >= 0) this.dropAt(table + tableIndex(gvaLow, gvaHigh, at) * 8, at as Level);
  }

  /** Writes a leaf into a table of this view, at an entry that is not valid; otherwise as `map`. */
  fillAt(address: Hpa, level: Level, hpa: Hpa, bits: number): void {
    this.write(address, hpa, bits);
    this.leaves++;
    if ((bits & PTE_W) !== 0) this.tracker?.leafAdded(address, hpa, level);
  }

  /**
   * Drops what is mapped for an address. Where the guest's leaf was mapped in pieces, all pieces.
   * @returns the level of the entry that went, or 0 when there was none; at least 1 when more than a page of 4 KiB went
   */
  drop(gvaLow: number, gvaHigh: number): Level {
    const address = this.entryToDrop(gvaLow, gvaHigh);
    if (address < 0) return 0;
    const level = this.levelToDrop;
    if (level > 0 || (this.memory.read32(address) & PTE_JOINED) === 0) {
      this.dropAt(address, level);
      return level;
    }
    const joined = this.joinedWith(address);
    for (const each of joined) this.dropAt(each, level);
    return joined.length > 1 ? 1 : level;
  }

  /** How many leaves `drop` would drop. */
  countDrop(gvaLow: number, gvaHigh: number): number {
    const address = this.entryToDrop(gvaLow, gvaHigh);
    if (address < 0) return 0;
    const isJoined = this.levelToDrop === 0 && (this.memory.read32(address) & PTE_JOINED) !== 0;
    return isJoined ? this.joinedWith(address).length : this.countAt(address, this.levelToDrop);
  }

  /** Drops everything but the root. Returns how many leaves there were. */
  clear(): number {
    const dropped = this.leaves;
    if (this.tracker) {
      for (let i = 0; i < 512; i++) this.dropAt(this.root + i * 8, this.rootLevel);
      this.tracker.tableRemoved(this.root);
    }
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
    this.isGone = true;
    this.pool.free(this.root);
  }

  /** The entries that go with a joined one that a fence names. */
  private joinedWith(address: Hpa): Hpa[] {
    const first = address - (address % (JOINED_PAGES * 8));
    const all = Array.from({ length: JOINED_PAGES }, (_, i) => first + i * 8);
    return all.filter((each) => (this.memory.read32(each) & PTE_JOINED) !== 0);
  }

  /**
   * The address of the highest entry that must go for this address, its level in `levelToDrop`: a leaf, or a pointer to the
   * pieces of one. -1 when there is none.
   */
  private entryToDrop(gvaLow: number, gvaHigh: number): Hpa {
    let table = this.root;
    for (let level: number = this.rootLevel; level >= 0; level--) {
      const address = table + tableIndex(gvaLow, gvaHigh, level) * 8;
      const low = this.memory.read32(address);
      if ((low & PTE_V) === 0) return -1;
      if ((low & (PTE_RWX | PTE_SPLIT)) !== 0) {
        this.levelToDrop = level as Level;
        return address;
      }
      table = this.target(address, low);
    }
    return -1;
  }

  /** Makes the entry at an address in one of the tables invalid, and frees what is below it. Returns how many leaves went. */
  dropAt(address: Hpa, level: Level): number {
    const low = this.memory.read32(address);
    if ((low & PTE_V) === 0) return 0;
    let dropped = 0;
    if ((low & PTE_RWX) !== 0) {
      dropped = 1;
      this.leaves--;
      if ((low & PTE_W) !== 0) this.tracker?.leafRemoved(address, this.target(address, low), level);
    } else if (level > 0) {
      const table = this.target(address, low);
      for (let i = 0; i < 512; i++) dropped += this.dropAt(table + i * 8, (level - 1) as Level);
      this.tables.delete(table);
      this.pool.free(table);
      this.tracker?.tableRemoved(table);
    }
    this.write(address, 0, 0);
    return dropped;
  }

  /**
   * The addresses that leaves at or below an entry translate, as halves one after the other; undefined when they are more
   * than `most`, or one is a superpage.
   * @param gvaLow,gvaHigh the lowest address that the entry translates
   */
  pagesAt(address: Hpa, level: number, gvaLow: number, gvaHigh: number, most: number): number[] | undefined {
    const low = this.memory.read32(address);
    if ((low & PTE_V) === 0) return [];
    if ((low & PTE_RWX) !== 0) return level === 0 && most > 0 ? [gvaLow, gvaHigh] : undefined;
    if (level === 0) return [];
    const table = this.target(address, low);
    const found: number[] = [];
    for (let index = 0; index < 512; index++) {
      if ((this.memory.read32(table + index * 8) & PTE_V) === 0) continue;
      const [partLow, partHigh] = partOf(gvaLow, gvaHigh, level - 1, index);
      const part = this.pagesAt(table + index * 8, level - 1, partLow, partHigh, most - found.length / 2);
      if (!part) return undefined;
      found.push(...part);
    }
    return found;
  }

  /** How many leaves `dropAt` would drop. */
  countAt(address: Hpa, level: Level): number {
    const low = this.memory.read32(address);
    if ((low & PTE_V) === 0) return 0;
    if ((low & PTE_RWX) !== 0 || level === 0) return 1;
    const table = this.target(address, low);
    let count = 0;
    for (let i = 0; i < 512; i++) count += this.countAt(table + i * 8, (level - 1) as Level);
    return count;
  }

  /** What the entry at an address, with this low half, names. */
  private target(address: Hpa, low: number): Hpa {
    return entryPpn(low, this.memory.read32(address + 4)) * PAGE_SIZE;
  }

  private newTable(): Hpa {
    const page = this.pool.allocate();
    this.tables.add(page);
    return page;
  }

  private write(address: Hpa, page: Hpa, bits: number): void {
    const ppn = page / PAGE_SIZE;
    this.memory.writeHalves(address, ((ppn << 10) | bits) >>> 0, Math.floor(ppn / 0x40_0000));
  }
}

/** What the entry of this number translates in a table of this level that begins at an address: its lowest address. */
export function partOf(baseLow: number, baseHigh: number, level: number, index: number): [low: number, high: number] {
  const shift = 12 + 9 * level;
  if (shift < 30) return [(baseLow + (index << shift)) >>> 0, baseHigh];
  if (shift > 32) return [baseLow, (baseHigh + (index << (shift - 32))) >>> 0];
  return [(baseLow | (index << shift)) >>> 0, (baseHigh + (index >>> (32 - shift))) >>> 0];
}
