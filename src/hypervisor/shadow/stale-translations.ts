/**
 * Finds stale translations (docs/decisions/0010): the guest changed a page-table entry from which shadow entries derive,
 * executed no SFENCE.VMA for it, and uses the old translation all the same, as hardware would let it (Privileged 4.2.1).
 *
 * Each page that a walk read an entry from is watched for stores. A store to an entry makes the shadow leaves that derive
 * from it suspect: they keep what they map, but lose U, so that their next use comes to the hypervisor. There the guest's
 * table, as it then is, decides: where it still allows the access and leads to the same byte, nothing has happened;
 * otherwise the use is a stale one. Fences drop suspect leaves like any others.
 */
import type { PhysicalMemory } from '../../engine/physical-memory';
import type { StateTransfer } from '../../engine/state-transfer';
import { entryPpn, PTE_RWX, PTE_U, PTE_V } from '../../machine/pte';
import { offsetInPage, tableIndex } from '../../machine/walk';
import type { Gpa, Hpa, Level } from '../addresses';
import { PAGE_SIZE } from '../addresses';
import type { GuestMemory } from '../guest-memory';
import { FenceLog } from './fence-log';
import type { FenceTarget, TranslationCache } from './shadow-page-tables';
import { partOf, tableBase } from './view';
import type { ShadowView } from './view';

/** In a leaf (bit 8, left to software): suspect. A leaf with it lacks U, which it had. */
export const PTE_SUSPECT = 0x100;

/** Who wrote a page-table entry. */
export interface TableWriter {
  /** Number of the vCPU, whose instruction it was; undefined: a device, the SBI, or the debugger. */
  readonly vcpu?: number;
  /** GVA of that instruction, or of the one at which the guest stood. */
  readonly pc: bigint;
  /** Guest satp of the vCPU then. */
  readonly satp: bigint;
  /** Instructions executed before. */
  readonly count: number;
}

/** A change of the guest's tables. */
export interface TableChange {
  readonly entryAddress: Gpa;
  /** Level of the entry. */
  readonly level: Level;
  /** What the entry was when the shadow leaf was derived from it. */
  readonly before: bigint;
  /** Who wrote it last. */
  readonly writer: TableWriter;
}

/** A suspect leaf that would have allowed an access. */
export interface SuspectLeaf {
  /** HPA of the shadow entry. */
  readonly address: Hpa;
  /** Its level. */
  readonly level: Level;
  /** As it was before it became suspect. */
  readonly entry: bigint;
  /** Where the access would go. */
  readonly hpa: Hpa;
  readonly change: TableChange;
}

/** Has stores to a page of DRAM told, before they are done; `isInstruction`: an instruction of the guest stores. */
export interface StoreWatch {
  watch(page: Hpa, listener: (hpa: Hpa, length: number, isInstruction: boolean) => void): void;
  unwatch(page: Hpa): void;
}

/** A shadow table that derives, entry by entry, from a table of the guest. */
interface Link {
  readonly view: ShadowView;
  /** The shadow table. */
  readonly page: Hpa;
  readonly level: Level;
  /** The lowest address that the table translates. */
  readonly baseLow: number;
  readonly baseHigh: number;
  readonly table: GuestTable;
  /** Offsets of pointers below which all leaves are suspect. */
  readonly marked: Set<number>;
}

/** A page of the guest that holds a page table. */
interface GuestTable {
  readonly page: Hpa;
  readonly links: Set<Link>;
  /** Stores since a leaf was last derived from it. */
  stores: number;
}

/** Shadow entries looked at for one store. What derives from an entry with more below it is dropped, as it may be. */
const MOST_VISITED = 16_384;
/**
 * A page that is written so often without being walked is being filled, or a table no more: all leaves that derive from it
 * become suspect, and it is watched again when it is walked.
 */
const STORES_OF_A_TABLE = 64;
/** Instructions of the machine after which a kernel has finished whatever it does with a page table: 10 million. */
const LONGEST_CHANGE = 10_000_000;
/** Changes that are remembered. */
const MOST_CHANGES = 65_536;
/** Shadow tables that one guest table is known to be shadowed by; a table that maps itself can have any number. */
const MOST_LINKS = 4096;

export class StaleTranslations {
  private readonly tables = new Map<Hpa, GuestTable>();
  /** By shadow table. */
  private readonly links = new Map<Hpa, Link>();
  /** By the address of the shadow entry. What is not marked suspect there counts no more. */
  private readonly changes = new Map<Hpa, TableChange>();
  /** Leaves that are used on, by the address of their entries, as they then were. */
  private readonly trusted = new Map<Hpa, bigint>();
  private readonly fences = new FenceLog();
  private hasGaps = false;
  private visited = 0;
  private readonly onStore = (hpa: Hpa, length: number, isInstruction: boolean): void => {
    // A and D bits, which the hypervisor sets for the guest's own access.
    if (!this.guestMemory.isSettingBits) this.written(hpa, length, isInstruction);
  };

  /** @param writer who stores now, if an instruction does */
  constructor(
    private readonly memory: PhysicalMemory,
    private readonly guestMemory: GuestMemory,
    private readonly cache: TranslationCache,
    private readonly stores: StoreWatch,
    private readonly writer: () => Required<TableWriter>,
    /** The machine's count of instructions. */
    private readonly now: () => number,
  ) {}

  /** Pages that are watched. */
  get watchedPages(): number {
    return this.tables.size;
  }

  /**
   * A leaf was filled in. @param path the guest's entries that it derives from, root first
   */
  filled(view: ShadowView, gvaLow: number, gvaHigh: number, path: readonly Gpa[]): void {
    let table = view.root;
    for (let depth = 0; depth < path.length; depth++) {
      const level = (view.rootLevel - depth) as Level;
      const address = table + tableIndex(gvaLow, gvaHigh, level) * 8;
      this.link(view, table, level, gvaLow, gvaHigh, path[depth])?.marked.delete(address % PAGE_SIZE);
      const low = this.memory.read32(address);
      if ((low & PTE_V) === 0 || (low & PTE_RWX) !== 0) return;
      table = entryPpn(low, this.memory.read32(address + 4)) * PAGE_SIZE;
    }
  }

  /** The suspect leaf for an address, if there is one and its rights allowed the access. @param rights R, W, X needed: any of them */
  suspectAt(view: ShadowView, gvaLow: number, gvaHigh: number, rights: number): SuspectLeaf | undefined {
    if (this.changes.size === 0) return undefined;
    const { address, level, entry } = view.find(gvaLow, gvaHigh);
    const low = Number(entry & 0x3ffn);
    if ((low & PTE_V) === 0 || (low & PTE_SUSPECT) === 0 || (low & rights) === 0) return undefined;
    const change = this.changes.get(address);
    if (!change) return undefined;
    const page = entryPpn(Number(entry & 0xffff_ffffn), Number(entry >> 32n)) * PAGE_SIZE;
    const offset = offsetInPage(gvaLow, gvaHigh, level);
    return { address, level, entry: BigInt(restored(low)) | (entry & ~0x3ffn), hpa: page + offset, change };
  }

  /** A vCPU had itself fenced, or another one. */
  noteFence(vcpu: number, target: FenceTarget): void {
    this.fences.note(vcpu, target, this.now());
  }

  /**
   * Whether the vCPU that made a change will have nobody fenced for it any more: it has fenced the address, or a very long time
   * has passed. Until then, others use the old translation rightfully.
   */
  isFinished({ writer }: TableChange, gva: bigint, level: Level, asid: number): boolean {
    if (writer.vcpu === undefined || this.now() - writer.count > LONGEST_CHANGE) return true;
    return this.fences.hasFenced(writer.vcpu, writer.count, gva, level, asid);
  }

  /**
   * Whether a shadow leaf is what the guest's tables say: it is not suspect, was not used on after it was told, and no table on
   * the way has more shadows than are known.
   */
  vouchesFor(address: Hpa): boolean {
    const entry = this.memory.read64(address);
    return (Number(entry & 0x3ffn) & PTE_SUSPECT) === 0 && this.trusted.get(address) !== entry && !this.hasGaps;
  }

  /** Lets a suspect leaf be used again. */
  trust({ address }: SuspectLeaf, gva: bigint): void {
    this.memory.write32(address, restored(this.memory.read32(address)));
    if (this.trusted.size >= MOST_CHANGES) this.trusted.clear();
    this.trusted.set(address, this.memory.read64(address));
    this.changes.delete(address);
    // The next change of a table above makes the leaf suspect again.
    for (const link of this.links.values()) link.marked.clear();
    this.cache.flushPage(Number(gva & 0xffff_ffffn), Number(gva >> 32n));
  }

  /** @param transferView passes a reference to a view through */
  transferState(state: StateTransfer, transferView: (view?: ShadowView) => ShadowView): void {
    const most = Number.MAX_SAFE_INTEGER;
    if (!state.isRestoring) for (const table of this.tables.values()) this.prune(table);
    if (!state.isRestoring) this.dropOldChanges();
    const tables = state.list(this.tables.values(), most, (old): GuestTable => {
      const page = state.integer(old?.page ?? 0);
      const isInside = page % PAGE_SIZE === 0 && this.guestMemory.containsHpa(page, PAGE_SIZE);
      state.require(isInside, 'a table is outside the guest');
      return { page, links: new Set(), stores: state.integer(old?.stores ?? 0) };
    });
    const byPage = new Map(tables.map((table) => [table.page, table]));
    const links = state.list(this.links.values(), most, (old): Link => {
      const view = transferView(old?.view);
      const page = state.integer(old?.page ?? 0);
      state.require(view.hasTable(page), 'a shadow table is missing');
      const level = state.integer(old?.level ?? 0, view.rootLevel) as Level;
      const baseLow = state.integer(old?.baseLow ?? 0, 0xffff_ffff);
      const baseHigh = state.integer(old?.baseHigh ?? 0, 0xffff_ffff);
      const table = byPage.get(state.integer(old?.table.page ?? 0));
      state.require(table !== undefined, 'a table of the guest is missing');
      const transferOffset = (offset?: number): number => state.integer(offset ?? 0, PAGE_SIZE - 8);
      const marked = new Set(state.list(old?.marked ?? [], PAGE_SIZE / 8, transferOffset));
      return { view, page, level, baseLow, baseHigh, table: table!, marked };
    });
    const changes = state.list(this.changes, most, (old): [Hpa, TableChange] => {
      const address = state.integer(old?.[0] ?? 0);
      state.require(this.memory.contains(address, 8), 'a shadow entry is outside memory');
      return [address, transferChange(state, old?.[1])];
    });
    const trusted = state.list(this.trusted, most, (old): [Hpa, bigint] => [
      state.integer(old?.[0] ?? 0),
      state.word(old?.[1] ?? 0n),
    ]);
    const hasGaps = state.flag(this.hasGaps);
    this.fences.transferState(state);
    if (!state.isRestoring) return;
    this.forgetAll();
    this.hasGaps = hasGaps;
    for (const [address, entry] of trusted) this.trusted.set(address, entry);
    for (const table of tables) {
      this.tables.set(table.page, table);
      this.stores.watch(table.page, this.onStore);
    }
    for (const link of links) {
      this.links.set(link.page, link);
      link.table.links.add(link);
    }
    for (const [address, change] of changes) this.changes.set(address, change);
  }

  /** Begins anew: what was filled in before is not looked at. */
  forgetAll(): void {
    for (const table of [...this.tables.values()]) this.forget(table);
    this.links.clear();
    this.changes.clear();
    this.trusted.clear();
    this.hasGaps = true;
  }

  private link(
    view: ShadowView,
    page: Hpa,
    level: Level,
    gvaLow: number,
    gvaHigh: number,
    entry: Gpa,
  ): Link | undefined {
    const tablePage = this.guestMemory.toHpa(entry - (entry % PAGE_SIZE));
    if (tablePage === undefined) return undefined;
    const known = this.links.get(page);
    if (known?.view === view && known.table.page === tablePage) {
      known.table.stores = 0;
      return known;
    }
    if (known) this.unlink(known);
    let table = this.tables.get(tablePage);
    if (!table) {
      table = { page: tablePage, links: new Set(), stores: 0 };
      this.tables.set(tablePage, table);
      this.stores.watch(tablePage, this.onStore);
    }
    if (table.links.size >= MOST_LINKS) this.prune(table);
    if (table.links.size >= MOST_LINKS) {
      this.hasGaps = true;
      return undefined;
    }
    const [baseLow, baseHigh] = tableBase(gvaLow, gvaHigh, level);
    const link: Link = { view, page, level, baseLow, baseHigh, table, marked: new Set() };
    table.links.add(link);
    this.links.set(page, link);
    return link;
  }

  private unlink(link: Link): void {
    link.table.links.delete(link);
    if (this.links.get(link.page) === link) this.links.delete(link.page);
  }

  /** Bytes of a watched page are about to be written. */
  private written(hpa: Hpa, length: number, isInstruction: boolean): void {
    const page = hpa - (hpa % PAGE_SIZE);
    const table = this.tables.get(page);
    if (!table) return;
    const end = Math.min(hpa + length, page + PAGE_SIZE);
    if (++table.stores > STORES_OF_A_TABLE) {
      this.release(table, isInstruction);
      return;
    }
    for (let entry = hpa - (hpa % 8); entry < end; entry += 8) this.entryWritten(table, entry, isInstruction);
    if (table.links.size === 0) this.forget(table);
  }

  private entryWritten(table: GuestTable, entry: Hpa, isInstruction: boolean): void {
    const offset = entry - table.page;
    this.visited = 0;
    let change: TableChange | undefined;
    table.links.forEach((link) => {
      if (!this.isInPlace(link)) this.unlink(link);
      else if ((this.memory.read32(link.page + offset) & PTE_V) !== 0 && !link.marked.has(offset)) {
        change ??= this.changeOf(entry, link.level, isInstruction);
        this.mark(link, offset, change);
      }
    });
  }

  /** Takes every entry for written, now, and watches the page no more. */
  private release(table: GuestTable, isInstruction: boolean): void {
    for (let offset = 0; offset < PAGE_SIZE; offset += 8) {
      if (table.links.size === 0) break;
      this.entryWritten(table, table.page + offset, isInstruction);
    }
    for (const link of [...table.links]) this.unlink(link);
    this.forget(table);
  }

  private changeOf(entry: Hpa, level: Level, isInstruction: boolean): TableChange {
    const writer = this.writer();
    const { pc, satp, count } = writer;
    return {
      entryAddress: entry - this.guestMemory.offset,
      level,
      before: this.memory.read64(entry),
      writer: isInstruction ? writer : { pc, satp, count },
    };
  }

  /** Makes the leaves suspect that derive from the guest's entry at this offset. */
  private mark(link: Link, offset: number, change: TableChange): void {
    const { view, level } = link;
    const count = this.markEntry(link.page + offset, level, change.level === level ? change : { ...change, level });
    if (this.visited > MOST_VISITED) {
      view.clear();
      this.cache.flushAll();
      return;
    }
    // A single leaf is looked at each time: who wrote its entry last is told.
    if (level > 0) link.marked.add(offset);
    if (count > 0 && level > 0) this.cache.flushAll();
    else if (count > 0) this.cache.flushPage(...partOf(link.baseLow, link.baseHigh, level, offset / 8));
    if (this.changes.size > MOST_CHANGES) this.forgetChanges();
  }

  /** @returns how many leaves became suspect */
  private markEntry(address: Hpa, level: Level, change: TableChange): number {
    if (++this.visited > MOST_VISITED) return 0;
    const low = this.memory.read32(address);
    if ((low & PTE_V) === 0) return 0;
    if ((low & PTE_RWX) === 0) {
      if (level === 0) return 0;
      const table = entryPpn(low, this.memory.read32(address + 4)) * PAGE_SIZE;
      let count = 0;
      for (let i = 0; i < PAGE_SIZE; i += 8) count += this.markEntry(table + i, (level - 1) as Level, change);
      return count;
    }
    const known = (low & PTE_SUSPECT) !== 0 ? this.changes.get(address) : undefined;
    // What the leaf derives from is the value before the first change.
    const isSame = known?.entryAddress === change.entryAddress;
    this.changes.set(address, isSame ? { ...change, before: known.before } : (known ?? change));
    if ((low & PTE_SUSPECT) !== 0) return 0;
    this.memory.write32(address, ((low & ~PTE_U) | PTE_SUSPECT) >>> 0);
    return 1;
  }

  /** Forgets changes whose leaves are gone. Should there be too many still, all: their leaves are filled in anew when used. */
  private forgetChanges(): void {
    this.dropOldChanges();
    if (this.changes.size > MOST_CHANGES / 2) this.changes.clear();
  }

  private dropOldChanges(): void {
    for (const address of [...this.changes.keys()]) {
      const low = this.memory.read32(address);
      if ((low & PTE_SUSPECT) === 0 || (low & PTE_RWX) === 0) this.changes.delete(address);
    }
  }

  /** Whether the shadow table is still where it was when it was linked. */
  private isInPlace({ view, page, level, baseLow, baseHigh }: Link): boolean {
    if (view.isGone) return false;
    let table = view.root;
    for (let at: number = view.rootLevel; at > level; at--) {
      const address = table + tableIndex(baseLow, baseHigh, at) * 8;
      const low = this.memory.read32(address);
      if ((low & PTE_V) === 0 || (low & PTE_RWX) !== 0) return false;
      table = entryPpn(low, this.memory.read32(address + 4)) * PAGE_SIZE;
    }
    return table === page;
  }

  /** Forgets shadow tables that are gone or empty. */
  private prune(table: GuestTable): void {
    for (const link of [...table.links]) if (!this.isInPlace(link) || this.isEmpty(link.page)) this.unlink(link);
  }

  private isEmpty(page: Hpa): boolean {
    for (let i = 0; i < PAGE_SIZE; i += 8) if ((this.memory.read32(page + i) & PTE_V) !== 0) return false;
    return true;
  }

  private forget(table: GuestTable): void {
    this.tables.delete(table.page);
    this.stores.unwatch(table.page);
  }
}

function transferChange(state: StateTransfer, old: TableChange | undefined): TableChange {
  const entryAddress = state.integer(old?.entryAddress ?? 0);
  const level = state.integer(old?.level ?? 0, 4) as Level;
  const before = state.word(old?.before ?? 0n);
  const vcpu = state.optional(old?.writer.vcpu, (index) => state.integer(index ?? 0));
  const pc = state.word(old?.writer.pc ?? 0n);
  const satp = state.word(old?.writer.satp ?? 0n);
  const count = state.integer(old?.writer.count ?? 0);
  return { entryAddress, level, before, writer: { ...(vcpu !== undefined && { vcpu }), pc, satp, count } };
}

/** The low half of an entry as it was before it became suspect. */
function restored(low: number): number {
  return ((low | PTE_U) & ~PTE_SUSPECT) >>> 0;
}
