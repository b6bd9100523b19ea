/**
 * A guest's shadow page tables: its address spaces, their views, and the page budget they share. Filled lazily by the
 * page-fault exit; dropped by fences, as hardware may cache translations until then.
 */
import type { StateTransfer } from '../../engine/state-transfer';
import type { PhysicalMemory } from '../../engine/physical-memory';
import { addressSpaceOf, sv39 } from '../../machine/paging';
import type { PagingScheme } from '../../machine/paging';
import { PTE_D, PTE_W } from '../../machine/pte';
import type { Gpa, Hpa, Level } from '../addresses';
import { LEVEL_SIZE } from '../addresses';
import type { GuestMemory } from '../guest-memory';
import type { PagePool } from '../page-pool';
import { VIEW_KINDS } from './permissions';
import type { ViewKind } from './permissions';
import { ShadowView } from './view';
import { WriteProtection } from './write-protection';

/** A guest page table under one ASID, or no translation (Bare); with the views that exist of it. */
export class ShadowAddressSpace {
  readonly views = new Map<ViewKind, ShadowView>();

  constructor(
    /** Guest satp; 0 for Bare. */
    readonly satp: bigint,
    /** Of the guest's root table; undefined for Bare. */
    readonly root: Gpa | undefined,
    readonly asid: number,
    /** That of the guest's table, and of its shadows. */
    readonly scheme: PagingScheme,
    /** The vCPU whose translations these are; undefined: those of all. */
    readonly vcpu: number | undefined,
  ) {}
}

/** What must be told to harts when entries that they may have cached change: to that of a vCPU, or to those of all. */
export interface TranslationCache {
  flushAll(vcpu?: number): void;
  /** The page around one address, in every address space. */
  flushPage(gvaLow: number, gvaHigh: number, vcpu?: number): void;
}

/** ASIDs that the shadow tables of one guest may have on the host, and no others. There are more of them than pages. */
export interface AsidRange {
  readonly first: number;
  readonly size: number;
}

/** What shadow page tables are made of. */
export interface ShadowParts {
  readonly dram: PhysicalMemory;
  /** The pages that they can use, and nobody else: at least 24. */
  readonly pool: PagePool;
  readonly hostAsids: AsidRange;
  readonly cache: TranslationCache;
  readonly synchronization?: Synchronization;
}

/** What a fence names; absent: all. */
export interface FenceTarget {
  readonly gva?: bigint;
  readonly asid?: number;
}

/**
 * When shadow entries follow the guest's: with SFENCE.VMA, until which hardware may use old translations; or at each write to
 * a page table, for which the guest's tables are write-protected.
 */
export type Synchronization = 'sfence' | 'write-protect';

/** An instruction can need two pages of code and two of data, each with up to four tables, below one root. */
const LEAST_PAGES = 24;

const MOST_VCPUS = 64;
/** Each has a root table at least. */
const MOST_SPACES = 0x1_0000;

export class ShadowPageTables {
  /** By `spaceKey`, of each vCPU; where all share them, in the first place. */
  private readonly spaces: Map<bigint, ShadowAddressSpace>[] = [];
  private clock = 0;
  private nextHostAsid: number;
  private readonly memory: PhysicalMemory;
  private readonly pool: PagePool;
  private readonly hostAsids: AsidRange;
  private readonly cache: TranslationCache;
  /** Views that vCPUs run in: never given up. One per vCPU, by its number. */
  private readonly inUse: (ShadowView | undefined)[] = [];
  /** With 'write-protect'. */
  readonly protection: WriteProtection | undefined;

  constructor(
    { dram, pool, hostAsids, cache, synchronization = 'sfence' }: ShadowParts,
    private readonly guestMemory: GuestMemory,
  ) {
    this.memory = dram;
    this.pool = pool;
    this.hostAsids = hostAsids;
    this.cache = cache;
    this.nextHostAsid = hostAsids.first;
    if (synchronization === 'write-protect') this.protection = new WriteProtection(dram, guestMemory, cache);
    if (pool.available < LEAST_PAGES) throw new RangeError(`Shadow page tables need at least ${LEAST_PAGES} pages.`);
  }

  /** The address spaces known. */
  addressSpaces(): ShadowAddressSpace[] {
    return this.spaces.flatMap((spaces) => [...spaces.values()]);
  }

  *allViews(): Generator<ShadowView> {
    for (const spaces of this.spaces) for (const space of spaces.values()) yield* space.views.values();
  }

  /** The pages that hold these tables, all of them from their own pool. */
  pages(): ReadonlySet<Hpa> {
    return this.pool.allocated();
  }

  /** A vCPU's address space for a value of guest satp, if one exists. */
  addressSpace(vcpu: number, satp: bigint): ShadowAddressSpace | undefined {
    return this.spacesOf(vcpu).get(spaceKey(satp));
  }

  /** The view that a vCPU runs in from now on, created where it does not exist. */
  enter(vcpu: number, satp: bigint, kind: ViewKind): ShadowView {
    const key = spaceKey(satp);
    const spaces = this.spacesOf(vcpu);
    let view = spaces.get(key)?.views.get(kind);
    if (!view) {
      this.reserve(1);
      let space = spaces.get(key);
      if (!space) {
        space = this.newSpace(key, this.isShared ? undefined : vcpu);
        spaces.set(key, space);
      }
      view = this.newView(kind, this.takeHostAsid(), space);
      space.views.set(kind, view);
    }
    view.lastUse = ++this.clock;
    this.inUse[vcpu] = view;
    return view;
  }

  /**
   * The largest level, at most the guest leaf's, at which the page around `gpa` is all memory of the guest, and may be
   * written where that is asked.
   */
  levelFor(gpa: Gpa, guestLevel: Level, isWritable = false): Level {
    const { guestMemory, protection } = this;
    for (let level: Level = guestLevel; level > 0; level--) {
      const size = LEVEL_SIZE[level];
      const start = gpa - (gpa % size);
      if (!guestMemory.contains(start, size) || guestMemory.offset % size !== 0) continue;
      if (isWritable && protection?.hasTables(start + guestMemory.offset, level as Level)) continue;
      return level as Level;
    }
    return 0;
  }

  /** Whether a write to this byte of the guest's memory is for the hypervisor to make. */
  isProtected(gpa: Gpa): boolean {
    return this.protection !== undefined && this.protection.protects(gpa + this.guestMemory.offset);
  }

  /**
   * Maps a page that lies in the guest's memory; see ShadowView.map for the parameters.
   * @param path GPA of the guest's entries on the way, root first: for write protection
   */
  map(
    view: ShadowView,
    gva: bigint,
    level: Level,
    guestLevel: Level,
    page: Hpa,
    bits: number,
    path: readonly Gpa[] = [],
  ): void {
    if (!this.guestMemory.containsHpa(page, LEVEL_SIZE[level])) throw new Error('A shadow entry left its guest.');
    this.reserve(view.rootLevel);
    const { protection } = this;
    const low = Number(gva & 0xffff_ffffn);
    const high = Number(gva >> 32n);
    protection?.reconcile(view, low, high, path);
    const isProtected = (bits & PTE_W) !== 0 && level === 0 && protection?.protects(page);
    const allowed = isProtected ? bits & ~(PTE_W | PTE_D) : bits;
    if (view.map(low, high, level, guestLevel, page, allowed)) this.flush(low, high, guestLevel, view.vcpu);
    protection?.link(view, low, high, path);
  }

  /** SFENCE.VMA of a vCPU (Privileged 4.2.1), or by another one for it. Returns how many leaves were dropped. */
  fence(vcpu: number, target: FenceTarget): number {
    if (this.protection) {
      this.protection.settle();
      return 0;
    }
    const { gva } = target;
    const low = gva === undefined ? 0 : Number(gva & 0xffff_ffffn);
    const high = gva === undefined ? 0 : Number(gva >> 32n);
    let dropped = 0;
    let level: Level = 0;
    const dropFrom = (view: ShadowView): void => {
      const before = view.leaves;
      if (gva === undefined) view.clear();
      else level = Math.max(level, view.drop(low, high)) as Level;
      dropped += before - view.leaves;
    };
    this.spacesOf(vcpu).forEach((space) => {
      if (isFenced(space, target)) space.views.forEach(dropFrom);
    });
    if (dropped > 0 && gva !== undefined) this.flush(low, high, level, vcpu);
    else if (dropped > 0) this.cache.flushAll(vcpu);
    return dropped;
  }

  /** How many leaves `fence` would drop. */
  countFence(vcpu: number, target: FenceTarget): number {
    if (this.protection) return 0;
    const { gva } = target;
    const count = (view: ShadowView): number =>
      gva === undefined ? view.leaves : view.countDrop(Number(gva & 0xffff_ffffn), Number(gva >> 32n));
    const spaces = [...this.spacesOf(vcpu).values()].filter((space) => isFenced(space, target));
    const views = spaces.flatMap((space) => [...space.views.values()]);
    return views.reduce((sum, view) => sum + count(view), 0);
  }

  /** Drops what was derived with guest sstatus.MXR = 1, as it becomes 0. */
  dropMxr(): void {
    for (const view of this.allViews()) {
      if (!view.reliesOnMxr) continue;
      view.clear();
      this.cache.flushAll();
    }
  }

  /** The view that a vCPU entered last. */
  viewInUse(vcpu: number): ShadowView | undefined {
    return this.inUse[vcpu];
  }

  transferState(state: StateTransfer): void {
    this.pool.transferState(state);
    this.clock = state.integer(this.clock);
    const { first, size } = this.hostAsids;
    this.nextHostAsid = state.integer(this.nextHostAsid, first + size - 1, first);
    const spaces = state.list(this.addressSpaces(), MOST_SPACES, (space) => this.transferSpace(state, space));
    this.spaces.length = 0;
    for (const space of spaces) this.spacesOf(space.vcpu ?? 0).set(space.satp, space);
    const views = new Map([...this.allViews()].map((view) => [view.hostAsid, view]));
    const known = (asid: number): ShadowView => {
      const view = views.get(asid);
      state.require(view !== undefined, 'a shadow page table is missing');
      return view!;
    };
    const transferView = (view?: ShadowView): ShadowView => known(state.integer(view?.hostAsid ?? 0));
    // A vCPU that has not run has none.
    const inUse = state.list(this.inUse, MOST_VCPUS, (view) => state.optional(view, transferView));
    this.protection?.transferState(state, transferView);
    if (!state.isRestoring) return;
    this.inUse.splice(0, Infinity, ...inUse);
    const pages = [...this.allViews()].flatMap((view) => view.allPages());
    const allocated = this.pool.allocated();
    const areAll = new Set(pages).size === pages.length && pages.length === allocated.size;
    state.require(areAll && pages.every((page) => allocated.has(page)), 'pages of shadow page tables are missing');
  }

  private transferSpace(state: StateTransfer, known: ShadowAddressSpace | undefined): ShadowAddressSpace {
    const satp = state.word(known?.satp ?? 0n);
    const vcpu = state.optional(known?.vcpu, (index) => state.integer(index ?? 0, MOST_VCPUS));
    state.require((vcpu === undefined) === this.isShared, 'a shadow page table belongs to nobody');
    const space = state.isRestoring ? this.newSpace(satp, vcpu) : known!;
    const views = state.list(space.views.values(), VIEW_KINDS.length, (old) => {
      const kind = state.choice(old?.kind ?? 'bare', VIEW_KINDS);
      const { first, size } = this.hostAsids;
      const asid = state.integer(old?.hostAsid ?? 0, first + size - 1, first);
      const root = state.integer(old?.root ?? 0, this.pool.end, this.pool.start);
      const view = state.isRestoring ? this.newView(kind, asid, space, root) : old!;
      view.transferState(state);
      return view;
    });
    for (const view of views) space.views.set(view.kind, view);
    return space;
  }

  /** All vCPUs see what one of them writes at once. Without, each keeps old translations until a fence of its own, as harts do. */
  private get isShared(): boolean {
    return this.protection !== undefined;
  }

  private spacesOf(vcpu: number): Map<bigint, ShadowAddressSpace> {
    const index = this.isShared ? 0 : vcpu;
    while (this.spaces.length <= index) this.spaces.push(new Map());
    return this.spaces[index];
  }

  private newSpace(satp: bigint, vcpu: number | undefined): ShadowAddressSpace {
    const named = addressSpaceOf(satp);
    return new ShadowAddressSpace(satp, named?.root, named?.asid ?? 0, named?.scheme ?? sv39, vcpu);
  }

  private newView(kind: ViewKind, asid: number, space: ShadowAddressSpace, root?: Hpa): ShadowView {
    return new ShadowView(this.memory, this.pool, kind, asid, space, this.protection, root);
  }

  /** Tells harts that entries for an address changed, at most at this level. Their caches keep pages of 4 KiB. */
  private flush(gvaLow: number, gvaHigh: number, level: Level, vcpu: number | undefined): void {
    if (level === 0) this.cache.flushPage(gvaLow, gvaHigh, vcpu);
    else this.cache.flushAll(vcpu);
  }

  /** Makes sure that `count` more pages can be taken, by giving up the views unused for longest. */
  private reserve(count: number): void {
    while (this.pool.available < count) {
      const victim = this.leastRecentlyUsed();
      if (victim) this.giveUp(victim);
      else for (const view of this.inUse) view?.clear();
      this.cache.flushAll();
    }
  }

  private leastRecentlyUsed(): ShadowView | undefined {
    let oldest: ShadowView | undefined;
    for (const view of this.allViews()) {
      if (!this.inUse.includes(view) && (!oldest || view.lastUse < oldest.lastUse)) oldest = view;
    }
    return oldest;
  }

  private giveUp(view: ShadowView): void {
    for (const spaces of this.spaces) {
      for (const [key, space] of spaces) {
        if (space.views.get(view.kind) !== view) continue;
        space.views.delete(view.kind);
        if (space.views.size === 0) spaces.delete(key);
      }
    }
    view.destroy();
  }

  /** A host ASID that no view has. */
  private takeHostAsid(): number {
    const taken = new Set<number>();
    for (const view of this.allViews()) taken.add(view.hostAsid);
    const { first, size } = this.hostAsids;
    const after = (asid: number): number => (asid + 1 < first + size ? asid + 1 : first);
    while (taken.has(this.nextHostAsid)) this.nextHostAsid = after(this.nextHostAsid);
    const asid = this.nextHostAsid;
    this.nextHostAsid = after(asid);
    return asid;
  }
}

/** Views in the order of VIEW_KINDS. */
export function viewsInOrder(space: ShadowAddressSpace): ShadowView[] {
  return VIEW_KINDS.flatMap((kind) => space.views.get(kind) ?? []);
}

/** All values of satp that select Bare are one address space. */
function spaceKey(satp: bigint): bigint {
  return satp >> 60n === 0n ? 0n : satp;
}

/** Whether a fence concerns an address space. Bare has no guest entries that could have changed. */
function isFenced({ root, asid }: ShadowAddressSpace, target: FenceTarget): boolean {
  return root !== undefined && (target.asid === undefined || target.asid === asid);
}
