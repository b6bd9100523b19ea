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
import { PTE_D, PTE_W } from '../../machine/pte';
import type { Hpa, Level } from '../addresses';
import { LEVEL_SIZE, PAGE_SIZE } from '../addresses';
import type { ShadowView, ViewTracker } from './view';

/** A shadow table and what it derives from. */
interface Link {
  readonly view: ShadowView;
  /** The shadow table. */
  readonly page: Hpa;
  readonly level: Level;
  /** The lowest address that the table translates. */
  readonly base: bigint;
  readonly table: GuestTable;
}

/** A page of the guest that is one of its page tables. */
interface GuestTable {
  readonly page: Hpa;
  readonly links: Set<Link>;
  /** Writes since it was last walked. */
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

/** Tells the harts that what they may have cached for an address changed, at this level. */
type Flush = (gva: bigint, level: Level) => void;

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
    private readonly flush: Flush,
    private readonly flushAll: () => void,
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
   * @param path the guest's tables, HPA, root first
   */
  reconcile(view: ShadowView, gva: bigint, path: readonly Hpa[]): void {
    for (const [depth, page] of path.entries()) {
      const level = (view.rootLevel - depth) as Level;
      const link = this.links.get(view.tableAt(gva, level) ?? -1);
      if (link && link.table.page !== pageOf(page)) this.dropTable(link);
    }
  }

  /** After a leaf was mapped: protects the tables that it derives from. */
  link(view: ShadowView, gva: bigint, path: readonly Hpa[]): void {
    for (const [depth, entry] of path.entries()) {
      const level = (view.rootLevel - depth) as Level;
      const page = view.tableAt(gva, level);
      if (page === undefined) return;
      const table = this.tableOf(pageOf(entry));
      table.writes = 0;
      if (this.links.has(page)) continue;
      const size = BigInt(LEVEL_SIZE[level]) * 512n;
      const link: Link = { view, page, level, base: gva - (gva % size), table };
      this.links.set(page, link);
      table.links.add(link);
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
      base: state.word(link?.base ?? 0n),
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
    if (typeof known === 'number') this.writable.delete(key);
    else if (known.delete(address) && known.size === 0) this.writable.delete(key);
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
    if (!areFew) this.flushAll();
    for (const address of typeof known === 'number' ? [known] : known) {
      this.memory.write32(address, (this.memory.read32(address) & ~(PTE_W | PTE_D)) >>> 0);
      if (!areFew) continue;
      const link = this.links.get(pageOf(address));
      if (link && level === 0) this.flush(addressOf(link, address), level);
      else this.flushAll();
    }
  }

  private dropEntries(table: GuestTable, hpa: Hpa): number {
    let dropped = 0;
    const offset = entryOffset(hpa);
    for (const link of [...table.links]) {
      // Dropping for one link may have dropped the table of another one.
      if (!table.links.has(link)) continue;
      const count = link.view.dropAt(link.page + offset, link.level);
      if (count > 0) this.flush(addressOf(link, link.page + offset), link.level);
      dropped += count;
    }
    return dropped;
  }

  /** Drops all that derives from a table. */
  private unlink(table: GuestTable): void {
    for (const link of [...table.links]) if (table.links.has(link)) this.dropTable(link);
  }

  private dropTable({ view, level, base }: Link): void {
    view.dropTable(base, level);
    this.flushAll();
  }
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

/** The address that a shadow entry translates. */
function addressOf({ base, page, level }: Link, entry: Hpa): bigint {
  return BigInt.asUintN(64, base + BigInt(((entry - page) / 8) * LEVEL_SIZE[level]));
}

/** A page of a level, as a number: of its address, which is below 2^40, and the level. */
function leafKey(hpa: Hpa, level: Level): number {
  return Math.floor(hpa / LEVEL_SIZE[level]) * 4 + level;
}
