/**
 * Write protection: shadow entries are at all times what the guest's tables say. Each page that a walk has read an entry from,
 * and that shadow entries therefore derive from, is kept read-only in all views; a write to it comes to the hypervisor, which
 * makes it and drops what derives from the entry written.
 *
 * A shadow table derives from one guest table, entry by entry (unless it holds the pieces of a guest superpage, which derive
 * from one entry further up): that is a link. A page without links is no table, and not protected.
 */
import type { StateTransfer } from '../../engine/state-transfer';
import type { PhysicalMemory } from '../../engine/physical-memory';
import { FETCH, LOAD } from '../../engine/host';
import { sv39 } from '../../machine/paging';
import { PTE_A, PTE_D, PTE_R, PTE_RWX, PTE_V, PTE_W } from '../../machine/pte';
import { PageWalker } from '../../machine/walk';
import type { WalkContext, WalkRules } from '../../machine/walk';
import type { Gpa, Hpa, Level } from '../addresses';
import { LEVEL_SIZE, PAGE_SIZE } from '../addresses';
import type { GuestMemory } from '../guest-memory';
import { shadowBits } from './permissions';
import type { ViewKind } from './permissions';
import type { TranslationCache } from './shadow-page-tables';
import { partOf, tableBase } from './view';
import type { ShadowView, ViewTracker } from './view';

/** A shadow table and what it derives from. */
interface Link {
  readonly view: ShadowView;
  /** The shadow table. */
  readonly page: Hpa;
  readonly level: Level;
  /** The lowest address that the table translates. */
  readonly baseLow: number;
  readonly baseHigh: number;
  readonly table: GuestTable;
}

/** A page of the guest that is one of its page tables. */
interface GuestTable {
  readonly page: Hpa;
  readonly links: Set<Link>;
  /** Writes since it was last walked, or an entry was written that is used. */
  writes: number;
  /** It may be written until its links are dropped: see `release`. */
  isReleased: boolean;
}

/** Where the guest stood when a table was released. */
interface Release {
  readonly table: GuestTable;
  readonly vcpu: number;
  readonly pc: bigint;
}

/** A page that is written so often without being walked is a table no more: it is being filled, or used for other things. */
const WRITES_OF_A_TABLE = 8;

/** More entries than that are not flushed one by one: a guest may map one page at any number of addresses. */
const FLUSHED_SINGLY = 32;

/** A leaf that the guest has written and that its views can have at once. */
interface Filling {
  readonly link: Link;
  /** The page that it maps, and the bits of the shadow entry. */
  readonly page: Hpa;
  readonly bits: number;
}

const walker = new PageWalker();
const NOTHING: readonly Filling[] = [];

export class WriteProtection implements ViewTracker {
  /** By page. */
  private readonly tables = new Map<Hpa, GuestTable>();
  /** By shadow table. */
  private readonly links = new Map<Hpa, Link>();
  /** Shadow leaves with W, by what they map: their addresses. */
  private readonly writable = new Map<number, Hpa | Set<Hpa>>();
  /** How many tables there are in each superpage of level 1 and 2, by `leafKey`. */
  private readonly tablesIn = new Map<number, number>();
  private released: Release[] = [];

  constructor(
    private readonly memory: PhysicalMemory,
    private readonly guestMemory: GuestMemory,
    private readonly cache: TranslationCache,
  ) {}

  /** Whether all shadow entries are what the guest's tables say: no table is released. */
  get isSettled(): boolean {
    return this.released.length === 0;
  }

  /** Whether the page of 4 KiB that holds this byte must not be written by the guest itself. */
  protects(hpa: Hpa): boolean {
    const table = this.tables.get(pageOf(hpa));
    return table !== undefined && !table.isReleased;
  }

  /** Whether the page of this level that holds this byte has tables in it. */
  hasTables(hpa: Hpa, level: Level): boolean {
    return level === 0 ? this.protects(hpa) : this.tablesIn.has(leafKey(hpa, level));
  }

  /**
   * Before a leaf is mapped: what derives from other tables than those of this walk goes. There is none unless a table was
   * released.
   * @param path the guest's entries, root first
   */
  reconcile(view: ShadowView, gvaLow: number, gvaHigh: number, path: readonly Gpa[]): void {
    if (this.released.length === 0) return;
    let page = view.root;
    for (let depth = 0; depth < path.length && page >= 0; depth++) {
      const link = this.links.get(page);
      if (link && link.table.page !== this.tablePage(path[depth])) {
        this.dropTable(link);
        return;
      }
      page = view.tableBelow(page, gvaLow, gvaHigh, view.rootLevel - depth);
    }
  }

  /** After a leaf was mapped: protects the tables that it derives from. */
  link(view: ShadowView, gvaLow: number, gvaHigh: number, path: readonly Gpa[]): void {
    let page = view.root;
    for (let depth = 0; depth < path.length && page >= 0; depth++) {
      const level = (view.rootLevel - depth) as Level;
      const known = this.links.get(page);
      const table = known?.table ?? this.tableOf(this.tablePage(path[depth]));
      table.writes = 0;
      if (!known) {
        const [baseLow, baseHigh] = tableBase(gvaLow, gvaHigh, level);
        const link: Link = { view, page, level, baseLow, baseHigh, table };
        this.links.set(page, link);
        table.links.add(link);
      }
      page = view.tableBelow(page, gvaLow, gvaHigh, level);
    }
  }

  /** The guest wrote an entry, or part of it: what derives from it goes. @returns how many leaves went */
  entryWritten(hpa: Hpa): number {
    const table = this.tables.get(pageOf(hpa));
    if (!table) return 0;
    const dropped = this.dropEntries(table, hpa);
    if (++table.writes >= WRITES_OF_A_TABLE) this.unlink(table);
    return dropped;
  }

  /**
   * After `entryWritten`: where the guest wrote a leaf that it can use as it is, the views of its address space have it at
   * once, and it does not come out for it when it uses it.
   * @param low,high the entry as it is now
   * @param current the view that the guest runs in
   */
  fillEntry(hpa: Hpa, low: number, high: number, current: ShadowView, rules: WalkRules): void {
    for (const { link, page, bits } of this.fillings(hpa, low, high, current, rules)) {
      link.view.fillAt(link.page + entryOffset(hpa), 0, page, bits);
      link.table.writes = 0;
    }
  }

  /** How many leaves `fillEntry` would make. */
  countFillings(hpa: Hpa, low: number, high: number, current: ShadowView, rules: WalkRules): number {
    return this.fillings(hpa, low, high, current, rules).length;
  }

  private fillings(hpa: Hpa, low: number, high: number, current: ShadowView, rules: WalkRules): readonly Filling[] {
    const isUsable = (low & (PTE_V | PTE_A)) === (PTE_V | PTE_A) && (low & PTE_RWX) !== 0;
    const table = isUsable && this.isSettled ? this.tables.get(pageOf(hpa)) : undefined;
    if (!table) return NOTHING;
    const found: Filling[] = [];
    const root = this.links.get(current.root)?.table;
    const access = (low & PTE_R) !== 0 ? LOAD : FETCH;
    for (const link of table.links) {
      const { view } = link;
      if (link.level !== 0 || this.links.get(view.root)?.table !== root) continue;
      const [gvaLow, gvaHigh] = partOf(link.baseLow, link.baseHigh, 0, entryOffset(hpa) / 8);
      const how = leafContext(view.kind, rules);
      if (walker.walkLeaf(gvaLow, gvaHigh, low, high, access, how) || walker.bitsToSet !== 0) continue;
      const page = this.guestMemory.toHpa(walker.address);
      const bits = shadowBits(low, view.kind, false);
      // Sixteen joined pages are filled in by their use.
      if (page === undefined || bits === 0 || walker.contiguous) continue;
      found.push({ link, page, bits: this.protects(page) ? bits & ~(PTE_W | PTE_D) : bits });
    }
    return found;
  }

  /** How many leaves derive from an entry. */
  countEntry(hpa: Hpa): number {
    let count = 0;
    const offset = entryOffset(hpa);
    for (const { view, page, level } of this.tables.get(pageOf(hpa))?.links ?? []) {
      count += view.countAt(page + offset, level);
    }
    return count;
  }

  /** Somebody other than the guest's instructions wrote bytes of the guest's memory. */
  memoryWritten(hpa: Hpa, length: number): void {
    if (this.tables.size === 0) return;
    for (let page = pageOf(hpa); page < hpa + length; page += PAGE_SIZE) {
      const table = this.tables.get(page);
      if (!table) continue;
      const end = Math.min(hpa + length, page + PAGE_SIZE);
      for (let at = Math.max(page, hpa - (hpa % 8)); at < end; at += 8) this.dropEntries(table, at);
    }
  }

  /**
   * Lets the guest write a table by itself, with an instruction that the hypervisor does not make for it. What derives from the
   * table stays until `settle`, as it may: the guest has executed no SFENCE.VMA.
   */
  release(hpa: Hpa, vcpu: number, pc: bigint): void {
    const table = this.tables.get(pageOf(hpa));
    if (!table) return;
    table.isReleased = true;
    this.released.push({ table, vcpu, pc });
  }

  /**
   * Drops what derives from released tables. The vCPU that was let write stays allowed to while it stands at the same
   * instruction, which may need other exits before it is done; without a vCPU, all goes.
   */
  settle(vcpu?: { readonly index: number; readonly pc: bigint }): void {
    if (this.released.length === 0) return;
    const isDone = (release: Release): boolean =>
      vcpu === undefined || (release.vcpu === vcpu.index && release.pc !== vcpu.pc);
    const done = this.released.filter(isDone);
    this.released = this.released.filter((release) => !isDone(release));
    for (const { table } of done) {
      this.unlink(table);
      table.isReleased = false;
    }
  }

  /** @param transferView passes a reference to a view through */
  transferState(state: StateTransfer, transferView: (view?: ShadowView) => ShadowView): void {
    const most = Number.MAX_SAFE_INTEGER;
    const tables = state.list(this.tables.values(), most, (table): GuestTable => ({
      page: state.integer(table?.page ?? 0),
      links: table?.links ?? new Set(),
      writes: state.integer(table?.writes ?? 0),
      isReleased: state.flag(table?.isReleased ?? false),
    }));
    const byPage = new Map(tables.map((table) => [table.page, table]));
    const transferTable = (known?: GuestTable): GuestTable => {
      const table = byPage.get(state.integer(known?.page ?? 0));
      state.require(table !== undefined, 'a table of the guest is missing');
      return table!;
    };
    const links = state.list(this.links.values(), most, (link): Link => ({
      view: transferView(link?.view),
      page: state.integer(link?.page ?? 0),
      level: state.integer(link?.level ?? 0, 4) as Level,
      baseLow: state.integer(link?.baseLow ?? 0, 0xffff_ffff),
      baseHigh: state.integer(link?.baseHigh ?? 0, 0xffff_ffff),
      table: transferTable(link?.table),
    }));
    const transferKey = (key?: number): number => state.integer(key ?? 0);
    const writable = state.list(this.writable, most, (entry): [number, Hpa | Set<Hpa>] => {
      const key = transferKey(entry?.[0]);
      const addresses = entry?.[1] ?? [];
      const all = state.list(typeof addresses === 'number' ? [addresses] : addresses, most, transferKey);
      return [key, all.length === 1 ? all[0] : new Set(all)];
    });
    const tablesIn = state.list(this.tablesIn, most, (entry): [number, number] => [
      transferKey(entry?.[0]),
      state.integer(entry?.[1] ?? 0),
    ]);
    const released = state.list(this.released, most, (release): Release => ({
      table: transferTable(release?.table),
      vcpu: state.integer(release?.vcpu ?? 0),
      pc: state.word(release?.pc ?? 0n),
    }));
    if (!state.isRestoring) return;
    replace(this.tables, byPage);
    replace(
      this.links,
      links.map((link) => [link.page, link]),
    );
    replace(this.writable, writable);
    replace(this.tablesIn, tablesIn);
    this.released = released;
    for (const table of tables) table.links.clear();
    for (const link of links) link.table.links.add(link);
  }

  // What views tell.

  tableRemoved(page: Hpa): void {
    const link = this.links.get(page);
    if (!link) return;
    this.links.delete(page);
    const { table } = link;
    table.links.delete(link);
    if (table.links.size > 0) return;
    this.tables.delete(table.page);
    for (const level of [1, 2] as const) this.countTable(leafKey(table.page, level), -1);
  }

  leafAdded(address: Hpa, hpa: Hpa, level: Level): void {
    const key = leafKey(hpa, level);
    const others = this.writable.get(key);
    if (others === undefined) this.writable.set(key, address);
    else if (typeof others === 'number') this.writable.set(key, new Set([others, address]));
    else others.add(address);
  }

  leafRemoved(address: Hpa, hpa: Hpa, level: Level): void {
    const key = leafKey(hpa, level);
    const known = this.writable.get(key);
    if (known === undefined) return;
    if (typeof known === 'number') {
      this.writable.delete(key);
      return;
    }
    known.delete(address);
    const [left] = known;
    if (known.size === 1) this.writable.set(key, left);
  }

  /** The table in this page; protected from now on, if it was not. */
  private tableOf(page: Hpa): GuestTable {
    const known = this.tables.get(page);
    if (known) return known;
    const table: GuestTable = { page, links: new Set(), writes: 0, isReleased: false };
    this.tables.set(page, table);
    for (const level of [1, 2] as const) this.countTable(leafKey(page, level), 1);
    for (const level of [0, 1, 2] as const) this.withdrawWrites(leafKey(page, level), level);
    return table;
  }

  private countTable(key: number, change: 1 | -1): void {
    const count = (this.tablesIn.get(key) ?? 0) + change;
    if (count === 0) this.tablesIn.delete(key);
    else this.tablesIn.set(key, count);
  }

  /** Takes W from leaves; what is lost beside a table, in a superpage, comes back by fills of smaller pages. */
  private withdrawWrites(key: number, level: Level): void {
    const known = this.writable.get(key);
    if (known === undefined) return;
    this.writable.delete(key);
    const areFew = typeof known === 'number' || known.size <= FLUSHED_SINGLY;
    if (!areFew) this.cache.flushAll();
    for (const address of typeof known === 'number' ? [known] : known) {
      this.memory.write32(address, (this.memory.read32(address) & ~(PTE_W | PTE_D)) >>> 0);
      if (!areFew) continue;
      const link = this.links.get(pageOf(address));
      if (link && level === 0) this.flushLeaf(link, address);
      else this.cache.flushAll();
    }
  }

  private dropEntries(table: GuestTable, hpa: Hpa): number {
    let dropped = 0;
    const offset = entryOffset(hpa);
    for (const link of [...table.links]) {
      // Dropping for one link may have dropped the table of another one.
      if (!table.links.has(link)) continue;
      const entry = link.page + offset;
      const { view, level } = link;
      if (level > 0) {
        const [low, high] = partOf(link.baseLow, link.baseHigh, level, offset / 8);
        const pages = view.pagesAt(entry, level, low, high, FLUSHED_SINGLY);
        dropped += view.dropAt(entry, level);
        this.flush(pages);
      } else if (view.dropAt(entry, 0) > 0) {
        this.flushLeaf(link, entry);
        dropped++;
      }
    }
    return dropped;
  }

  /** Drops all that derives from a table. */
  private unlink(table: GuestTable): void {
    for (const link of [...table.links]) if (table.links.has(link)) this.dropTable(link);
  }

  private dropTable({ view, level, baseLow, baseHigh, page }: Link): void {
    const pages: number[] = [];
    let areFew = true;
    for (let index = 0; index < 512 && areFew; index++) {
      const [low, high] = partOf(baseLow, baseHigh, level, index);
      const more = view.pagesAt(page + index * 8, level, low, high, FLUSHED_SINGLY - pages.length / 2);
      areFew = more !== undefined;
      pages.push(...(more ?? []));
    }
    view.dropTable(baseLow, baseHigh, level);
    this.flush(areFew ? pages : undefined);
  }

  /** Tells the harts that a page changed: that of a leaf of 4 KiB. */
  private flushLeaf({ baseLow, baseHigh, page }: Link, entry: Hpa): void {
    this.cache.flushPage((baseLow + (entry - page) * (PAGE_SIZE / 8)) >>> 0, baseHigh);
  }

  /** The same of some pages, by their addresses' halves; undefined: everything may have changed. */
  private flush(pages: readonly number[] | undefined): void {
    if (!pages) this.cache.flushAll();
    else for (let i = 0; i < pages.length; i += 2) this.cache.flushPage(pages[i], pages[i + 1]);
  }

  /** The page of the guest that holds an entry. */
  private tablePage(entry: Gpa): Hpa {
    return pageOf(entry + this.guestMemory.offset);
  }
}

/** By rules: the contexts below. */
const leafContexts = new WeakMap<WalkRules, Map<ViewKind, WalkContext>>();

/** How leaves are judged for a view. The same object each time, as making one takes longer than all else. */
function leafContext(kind: ViewKind, rules: WalkRules): WalkContext {
  let contexts = leafContexts.get(rules);
  if (!contexts) leafContexts.set(rules, (contexts = new Map<ViewKind, WalkContext>()));
  let context = contexts.get(kind);
  if (!context) {
    const privilege = kind === 'vU' ? 0 : 1;
    context = { ...rules, scheme: sv39, root: 0, privilege, sum: kind === 'vS+SUM', mxr: false };
    contexts.set(kind, context);
  }
  return context;
}

function replace<K, V>(map: Map<K, V>, entries: Iterable<readonly [K, V]>): void {
  map.clear();
  for (const [key, value] of entries) map.set(key, value);
}

function pageOf(hpa: Hpa): Hpa {
  return hpa - (hpa % PAGE_SIZE);
}

/** The offset in its page of the entry that holds this byte. */
function entryOffset(hpa: Hpa): number {
  return (hpa % PAGE_SIZE) & ~7;
}

/** A page of a level, as a number: of its address, which is below 2^40, and the level. */
function leafKey(hpa: Hpa, level: Level): number {
  return Math.floor(hpa / LEVEL_SIZE[level]) * 4 + level;
}
