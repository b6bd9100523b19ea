/** Which virtual addresses lead to a physical one: a search through page tables, with a bound. */
import { isLeaf, entryAddressOf, leafAddressOf, PTE_V } from '../../machine/pte';
import type { SpaceTables } from './page-table-tree';

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

/** Page-table entries that are read: some tens of milliseconds. */
const MOST_ENTRIES = 300_000;
/** Mappings that are told. */
const MOST_MAPPINGS = 64;
const ENTRIES = 512;

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
    for (const { offset, ...leaf } of search.table(guest.root, levels - 1, guest.read)) {
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

  table(address: number, level: number, read: (address: number) => bigint | undefined): readonly Hit[] {
    const key = `${address} ${level}`;
    const known = this.known.get(key);
    if (known) return known;
    const hits: Hit[] = [];
    for (let index = 0; index < ENTRIES; index++) {
      if (this.left <= 0 || hits.length > MOST_MAPPINGS) {
        this.isCut = true;
        break;
      }
      this.left--;
      const entryAddress = address + index * 8;
      const entry = read(entryAddress);
      if (entry === undefined) break;
      if ((entry & BigInt(PTE_V)) === 0n) continue;
      const size = 4096n << BigInt(9 * level);
      const base = BigInt(index) * size;
      if (isLeaf(entry)) {
        const offset = BigInt(this.physical) - BigInt(leafAddressOf(entry, level, base));
        if (offset >= 0n && offset < size) hits.push({ offset: base + offset, level, entryAddress, entry });
      } else if (level > 0) {
        const below = this.table(entryAddressOf(entry), level - 1, read);
        for (const hit of below) hits.push({ ...hit, offset: base + hit.offset });
      }
    }
    this.known.set(key, hits);
    return hits;
  }
}
