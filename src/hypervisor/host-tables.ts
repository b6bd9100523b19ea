/**
 * The hypervisor's own address space on one hart: DRAM one to one by the largest pages, the trampoline and the trap
 * context at the top. The tables really lie in DRAM; a walk through them says what an HVA means.
 */
import { LOAD } from '../engine/host';
import { DRAM_BASE } from '../engine/physical-memory';
import type { PhysicalMemory } from '../engine/physical-memory';
import { sv39 } from '../machine/paging';
import { makeEntry, PTE_A, PTE_D, PTE_R, PTE_V, PTE_W, PTE_X } from '../machine/pte';
import type { WalkContext } from '../machine/walk';
import { walkPageTable } from '../machine/walk';
import type { Hpa, Hva, Level } from './addresses';
import { LEVEL_SIZE, PAGE_SIZE } from './addresses';
import { TRAMPOLINE, TRAMPOLINE_PAGE, TRAP_CONTEXT } from './layout';
import type { PagePool } from './page-pool';

const READ_WRITE = PTE_V | PTE_R | PTE_W | PTE_A | PTE_D;
const READ_EXECUTE = PTE_V | PTE_R | PTE_X | PTE_A;
const READ_WRITE_EXECUTE = READ_WRITE | PTE_X;

export class HostTables {
  readonly root: Hpa;

  /** Builds the tables from pages of the pool. */
  constructor(
    private readonly memory: PhysicalMemory,
    private readonly pool: PagePool,
  ) {
    this.root = pool.allocate();
    this.mapDram();
    this.map(TRAMPOLINE, TRAMPOLINE_PAGE, 0, READ_EXECUTE);
  }

  /** The trap context is this page from now on: that of the vCPU that has the hart. */
  mapTrapContext(page: Hpa): void {
    this.map(TRAP_CONTEXT, page, 0, READ_WRITE);
  }

  /** The page of the trap context. */
  get trapContext(): Hpa {
    const walk = walkPageTable(TRAP_CONTEXT, LOAD, this.context, (address) => this.memory.read64(address));
    return walk.ok ? walk.address : 0;
  }

  /** How to walk these tables, as the hypervisor itself in S-mode. */
  get context(): WalkContext {
    return { scheme: sv39, root: this.root, privilege: 1, sum: false, mxr: false };
  }

  private mapDram(): void {
    const end = DRAM_BASE + this.memory.size;
    let address = DRAM_BASE;
    while (address + PAGE_SIZE <= end) {
      const level =
        ([2, 1, 0] as const).find((l) => address % LEVEL_SIZE[l] === 0 && address + LEVEL_SIZE[l] <= end) ?? 0;
      this.map(BigInt(address), address, level, READ_WRITE_EXECUTE);
      address += LEVEL_SIZE[level];
    }
  }

  private map(hva: Hva, hpa: Hpa, leafLevel: Level, bits: number): void {
    let table = this.root;
    for (let level = 2; level > leafLevel; level--) {
      const slot = table + indexOf(hva, level) * 8;
      const entry = this.memory.read64(slot);
      if (entry === 0n) {
        const page = this.pool.allocate();
        this.memory.write64(slot, makeEntry(page, PTE_V));
        table = page;
      } else {
        table = Number(entry >> 10n) * PAGE_SIZE;
      }
    }
    this.memory.write64(table + indexOf(hva, leafLevel) * 8, makeEntry(hpa, bits));
  }
}

function indexOf(hva: Hva, level: number): number {
  return Number((hva >> BigInt(12 + 9 * level)) & 511n);
}
