/** The hypervisor's page allocator: 4 KiB pages of its own part of DRAM. */
import type { StateTransfer } from '../engine/state-transfer';
import type { PhysicalMemory } from '../engine/physical-memory';
import type { Hpa } from './addresses';
import { PAGE_SIZE } from './addresses';

export class PagePool {
  private readonly freed: Hpa[] = [];
  private next: Hpa;

  /** Gives out the pages of [start, end), both multiples of 4 KiB. */
  constructor(
    readonly memory: PhysicalMemory,
    readonly start: Hpa,
    readonly end: Hpa,
  ) {
    this.next = start;
  }

  /** Pages that can still be allocated. */
  get available(): number {
    return this.freed.length + (this.end - this.next) / PAGE_SIZE;
  }

  /** A page of zeros. Throws when there is none left: callers keep to a quota that they were given. */
  allocate(): Hpa {
    let page = this.freed.pop();
    if (page === undefined) {
      if (this.next >= this.end) throw new Error('The hypervisor has no page left.');
      page = this.next;
      this.next += PAGE_SIZE;
    }
    this.memory.fill(page, PAGE_SIZE, 0);
    return page;
  }

  transferState(state: StateTransfer): void {
    const { start, end } = this;
    this.next = state.integer(this.next, end, start);
    const freed = state.list(this.freed, (end - start) / PAGE_SIZE, (page) => state.integer(page ?? 0, end, start));
    if (state.isRestoring) this.freed.splice(0, Infinity, ...freed);
    state.require(
      [this.next, ...this.freed].every((page) => page % PAGE_SIZE === 0),
      'a page is none',
    );
  }

  /** The pages that are given out. */
  allocated(): Set<Hpa> {
    const pages = new Set<Hpa>();
    for (let page = this.start; page < this.next; page += PAGE_SIZE) pages.add(page);
    for (const page of this.freed) pages.delete(page);
    return pages;
  }

  /** Takes back a page that `allocate` gave. */
  free(page: Hpa): void {
    this.freed.push(page);
  }
}
