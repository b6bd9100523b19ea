/** Which virtual addresses lead to a physical one: a search through page tables, with a bound. */
import { entryAddressOf, leafAddressOf, PTE_R, PTE_V, PTE_W, PTE_X } from '../../machine/pte';
import type { SpaceTables, Tables } from './page-table-tree';

/** A virtual address that leads to the byte that was asked for. */
export interface Mapping {
  readonly satp: bigint;
  readonly asid: number;
  /** The address space that is in use. */
  readonly isCurrent: boolean;
  readonly gva: bigint;
  /** The leaf: its level, where it lies (physical, of the kind that the tables hold), and its value. */
  readonly level: number;
  readonly entryAddress: number;
  readonly entry: bigint;
}

export interface Mappings {
  readonly found: readonly Mapping[];
  /** There may be more: the search was ended. */
  readonly isCut: boolean;
}

/** Page-table entries that are looked at: some milliseconds. */
export const MOST_ENTRIES = 200_000;
/** Mappings that are told. */
const MOST_MAPPINGS = 64;
const ENTRIES = 512;
const PAGE = 4096;
const PTE_RWX = PTE_R | PTE_W | PTE_X;
/** Of the low half of an entry: where its page number begins, and the bits of that (physical address bits 33 to 12). */
const LOW_PAGE_SHIFT = 10;
const LOW_PAGE_BITS = 0x3f_ffff;
/** Pages that a leaf of level 0 may stand for together (Svnapot). */
const NAPOT_PAGES = 16;

/** Within a table: the offset of the address from the table's lowest, and its leaf. */
interface Hit {
  readonly offset: bigint;
  readonly level: number;
  readonly entryAddress: number;
  readonly entry: bigint;
}

export function findMappings(spaces: readonly SpaceTables[], physical: number): Mappings {
  const search = new Search(physical);
  const found: Mapping[] = [];
  const byUse = [...spaces].sort((a, b) => Number(b.isCurrent) - Number(a.isCurrent));
  for (const space of byUse) {
    const { satp, asid, isCurrent, levels, guest } = space;
    if (!guest) continue;
    const extend = (offset: bigint): bigint => BigInt.asUintN(64, BigInt.asIntN(12 + 9 * levels, offset));
    for (const { offset, ...leaf } of search.table(guest, guest.root, levels - 1)) {
      found.push({ satp, asid, isCurrent, gva: extend(offset), ...leaf });
    }
  }
  return { found: found.slice(0, MOST_MAPPINGS), isCut: search.isCut || found.length > MOST_MAPPINGS };
}

class Search {
  isCut = false;
  private left = MOST_ENTRIES;
  /** Tables that were searched, by address and level: many address spaces share the kernel's, and a table can map itself. */
  private readonly known = new Map<string, readonly Hit[]>();

  constructor(private readonly physical: number) {}

  table(tables: Tables, address: number, level: number): readonly Hit[] {
    const key = `${address} ${level}`;
    const known = this.known.get(key);
    if (known) return known;
    const hits: Hit[] = [];
    const size = PAGE * ENTRIES ** level;
    const mayLeadThere = this.filter(level);
    for (let index = 0; index < ENTRIES; index++) {
      if (this.left <= 0 || hits.length > MOST_MAPPINGS) {
        this.isCut = true;
        break;
      }
      this.left--;
      const entryAddress = address + index * 8;
      const low = tables.readLow(entryAddress);
      if (low === undefined) break;
      if ((low & PTE_V) === 0) continue;
      const isLeaf = (low & PTE_RWX) !== 0;
      if (isLeaf ? !mayLeadThere(low) : level === 0) continue;
      const entry = tables.read(entryAddress) ?? 0n;
      const base = BigInt(index) * BigInt(size);
      if (isLeaf) {
        const offset = this.physical - leafAddressOf(entry, level, base);
        if (offset >= 0 && offset < size) hits.push({ offset: base + BigInt(offset), level, entryAddress, entry });
      } else {
        const below = this.table(tables, entryAddressOf(entry), level - 1);
        for (const hit of below) hits.push({ ...hit, offset: base + hit.offset });
      }
    }
    this.known.set(key, hits);
    return hits;
  }

  /** Whether a leaf with this low half can lead to the address. Few do: the others are not looked at any further. */
  private filter(level: number): (low: number) => boolean {
    const pages = level === 0 ? NAPOT_PAGES : ENTRIES ** level;
    const mask = pages > LOW_PAGE_BITS ? 0 : LOW_PAGE_BITS & ~(pages - 1);
    const wanted = Math.floor(this.physical / PAGE) & mask;
    return (low) => ((low >>> LOW_PAGE_SHIFT) & mask) === wanted;
  }
}
